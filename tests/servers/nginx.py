"""A real nginx of one's own, with a given server block, on free ports; started until it answers, stopped for good."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

READY_WITHIN = 10.0

_FRAME = """
{user}daemon off; pid {d}/nginx.pid; error_log stderr; worker_processes 1; events {{}}
http {{
  access_log {d}/access.log;
  client_body_temp_path {d}/b; proxy_temp_path {d}/p; fastcgi_temp_path {d}/f; uwsgi_temp_path {d}/u;
  scgi_temp_path {d}/s; root {d}/html; default_type text/plain;
  {blocks}
}}
"""


def installed() -> bool:
    return _binary() is not None


@contextlib.contextmanager
def nginx(directory: Path, blocks: str, port: int) -> Iterator[Path]:
    """Run nginx with ``blocks`` inside its http block until the caller is done; yields its document root.

    Raises RuntimeError with nginx's own words when it ends at once or does not listen on ``port`` in time.
    """
    root = directory / "html"
    root.mkdir(parents=True, exist_ok=True)
    user = "user root; " if os.geteuid() == 0 else ""
    config = directory / "nginx.conf"
    config.write_text(_FRAME.format(d=directory, blocks=blocks, user=user))
    binary = _binary()
    assert binary is not None, "nginx is not installed"
    errors = directory / "stderr.log"
    with errors.open("wb") as stderr:
        process = subprocess.Popen([binary, "-p", directory, "-c", config, "-e", "stderr"], stderr=stderr)
    try:
        _wait(process, port, errors)
        yield root
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _binary() -> str | None:
    return shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def _wait(process: subprocess.Popen[bytes], port: int, errors: Path) -> None:
    until = time.monotonic() + READY_WITHIN
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"nginx ended: {errors.read_text()}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1.0):
            return
        time.sleep(0.01)
    raise RuntimeError(f"nginx does not listen: {errors.read_text()}")
