"""A real Alertmanager of one's own, without cluster, that sends every alert on to a webhook at once."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import time
import urllib.request
from typing import TYPE_CHECKING, Any

from tests.servers.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BINARY = "prometheus-alertmanager"
READY_WITHIN = 20.0

CONFIG = """
route:
  receiver: hook
  group_by: [alertname, portal]
  group_wait: {wait}
  group_interval: 1s
  repeat_interval: 1h
receivers:
  - name: hook
    webhook_configs:
      - url: {url}
        send_resolved: true
"""


class Alertmanager:
    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def alerts(self) -> list[dict[str, Any]]:
        """What it holds now."""
        with urllib.request.urlopen(f"{self.url}/api/v2/alerts", timeout=10) as answer:
            return json.load(answer)


@contextlib.contextmanager
def alertmanager(directory: Path, hook: str = "http://127.0.0.1:9/", *, wait: str = "1ms") -> Iterator[Alertmanager]:
    """Run it until the caller is done."""
    assert shutil.which(BINARY), f"{BINARY} is missing: `make test` installs it"
    directory.mkdir(parents=True, exist_ok=True)
    port = free_port()
    config = directory / "alertmanager.yml"
    config.write_text(CONFIG.format(url=hook, wait=wait))
    command = [BINARY, f"--config.file={config}", f"--storage.path={directory}/am"]
    command += [f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="]
    with (directory / "alertmanager.log").open("wb") as log:
        process = subprocess.Popen(command, stderr=log, stdout=log)
    try:
        until = time.monotonic() + READY_WITHIN
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=1).close()
                break
            except OSError:
                alive = process.poll() is None and time.monotonic() < until
                assert alive, (directory / "alertmanager.log").read_text()
                time.sleep(0.02)
        yield Alertmanager(port)
    finally:
        process.terminate()
        process.wait(10)
