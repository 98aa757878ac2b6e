"""The demo as a new user starts it: invented portals, a page that shows them, one that goes down and recovers."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from monitor.tools.demo.fleet_file import FleetFile
from tests.servers.ports import free_port

ROOT = Path(__file__).parents[1]


class Demo:
    def __init__(self, scratch: Path) -> None:
        self.listen = f"127.0.0.1:{free_port()}"
        self._scratch = scratch
        self.log = scratch / "demo.log"
        words = ["demo", "--portals", "6", "--listen", self.listen, "--time-scale", "0.1"]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "monitor", *words],
                cwd=ROOT,
                stdout=subprocess.DEVNULL,
                stderr=log,
                env={**os.environ, "TMPDIR": str(scratch)},
            )

    def state(self, portal: str) -> str:
        with urllib.request.urlopen(f"http://{self.listen}/api/v1/portals", timeout=5) as response:
            found: dict[str, Any] = json.load(response)
        return next(one["state"] for one in found["portals"] if one["id"] == portal)

    def until(self, portal: str, state: str, seconds: float = 40.0) -> None:
        end, seen = time.monotonic() + seconds, ""
        while time.monotonic() < end:
            try:
                seen = self.state(portal)
            except OSError:
                seen = "no answer"
            if seen == state:
                return
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.1)
        raise AssertionError(f"{portal} is {seen}, not {state}; {self.log.read_text()}")

    def fleet_file(self) -> FleetFile:
        return FleetFile.read(next(self._scratch.glob("portal-monitor-demo-*/fleet")))


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    running = Demo(tmp_path)
    yield running
    if running.process.poll() is None:
        running.process.send_signal(signal.SIGINT)
    assert running.process.wait(20) == 0, running.log.read_text()


def force(fleet_file: FleetFile, portal: str, method: str, **condition: object) -> None:
    request = urllib.request.Request(
        f"{fleet_file.control.rstrip('/')}/portals/{portal}/condition",
        data=json.dumps(condition).encode() if condition else None,
        method=method,
        headers={"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=5).close()


def test_a_portal_of_the_demo_goes_down_and_recovers(demo: Demo, tmp_path: Path):
    demo.until("dvc-quoc-gia", "up")
    fleet_file = demo.fleet_file()
    force(fleet_file, "dvc-quoc-gia", "POST", mode="refuse")
    demo.until("dvc-quoc-gia", "down")
    with urllib.request.urlopen(f"http://{demo.listen}/", timeout=5) as page:
        assert "Cổng Dịch vụ công quốc gia" in page.read().decode()
    force(fleet_file, "dvc-quoc-gia", "DELETE")
    demo.until("dvc-quoc-gia", "up")
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(20) == 0
    assert not list(tmp_path.glob("portal-monitor-demo-*")), "the temporary directory was not removed"


@pytest.mark.parametrize(
    ("mode", "fault"), [("refuse", "connect_refused"), ("error", "http_status"), ("reset", "reset")]
)
def test_probe_names_what_a_portal_of_the_fleet_does(demo: Demo, mode: str, fault: str):
    demo.until("dvc-quoc-gia", "up")
    fleet_file = demo.fleet_file()
    portal = fleet_file.portals[0]
    words = ["probe", portal.url, "--ca-file", str(fleet_file.ca), "--json"]

    def probe() -> tuple[int, dict[str, Any]]:
        done = subprocess.run(
            [sys.executable, "-m", "monitor", *words], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
        )
        return done.returncode, json.loads(done.stdout)

    assert probe()[0] == 0
    force(fleet_file, portal.id, "POST", mode=mode)
    code, found = probe()
    assert (code, found["fault"]) == (1, fault)
