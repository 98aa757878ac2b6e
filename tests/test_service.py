"""The daemon as a service: a real one under a real socket of a service manager, from its start to its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from tests.monitor.daemon.test_systemd import Listener
from tests.servers.ports import free_port
from tests.test_demo import ROOT


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    one = Listener(str(tmp_path / "notify"))
    yield one
    one.close()


def write_config(directory: Path, interval: str) -> Path:
    """One portal, at a URL without a server."""
    directory.mkdir()
    settings = {
        "checks": {"uptime": {"interval": interval, "timeout": "500ms", "family": "4"}},
        "self_check": {"references": []},
        "listen": f"127.0.0.1:{free_port()}",
    }
    portal = {"id": "a", "name": {"vi": "A", "en": "A"}, "kind": "province", "group": "g"}
    portal["url"] = f"http://127.0.0.1:{free_port()}/"
    (directory / "monitor.yaml").write_text(yaml.safe_dump(settings))
    (directory / "portals.yaml").write_text(yaml.safe_dump({"portals": [portal]}))
    return directory


def until(listener: Listener, wanted: Callable[[list[str]], bool]) -> list[str]:
    """The first datagram that is as wanted."""
    while True:
        lines = listener.received()
        if wanted(lines):
            return lines


@pytest.mark.slow
def test_a_service_manager_follows_the_daemon_s_whole_life(tmp_path: Path, listener: Listener):
    config = write_config(tmp_path / "config", "2s")
    with (tmp_path / "log").open("wb") as log:
        daemon = subprocess.Popen(
            [sys.executable, "-m", "monitor", "run", "--config", config, "--data", tmp_path / "data"],
            cwd=ROOT,
            env={**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "900000"},
            stdout=log,
            stderr=log,
        )
    try:
        assert "READY=1" in until(listener, lambda lines: "READY=1" in lines)
        until(listener, lambda lines: "WATCHDOG=1" in lines)
        until(listener, lambda lines: any("portals: 1 down" in line or "1 unknown" in line for line in lines))
        daemon.send_signal(signal.SIGHUP)
        assert until(listener, lambda lines: "RELOADING=1" in lines)[1].startswith("MONOTONIC_USEC=")
        until(listener, lambda lines: "READY=1" in lines)
        (config / "portals.yaml").write_text("portals: nonsense\n")
        daemon.send_signal(signal.SIGHUP)
        until(listener, lambda lines: "RELOADING=1" in lines)
        until(listener, lambda lines: "READY=1" in lines)
        daemon.send_signal(signal.SIGTERM)
        until(listener, lambda lines: "STOPPING=1" in lines)
        assert daemon.wait(30) == 0, (tmp_path / "log").read_text()
    finally:
        daemon.kill()
        daemon.wait()
