"""From a look to a point: a real daemon, a real InfluxDB that is killed on the way, and every point there once."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from monitor.store import FILE
from tests.monitor.test_cli import ROOT, Running, write_portals
from tests.servers.influxdb import InfluxServer
from tests.servers.nginx import free_port

TOKEN = "test-token"


def portal_monitor(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "monitor", *map(str, words)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "INFLUX_TOKEN": TOKEN},
        check=False,
    )


def configure(directory: Path, listen: str, url: str) -> None:
    directory.mkdir()
    settings = {
        "contact": "https://example.org/test",
        "listen": listen,
        "checks": {"uptime": {"interval": 2, "timeout": "200ms", "family": "4"}, "latency": {"enabled": False}},
        "sinks": {"influxdb": {"url": url, "bucket": "looks", "token": "${INFLUX_TOKEN}"}},
    }
    (directory / "monitor.yaml").write_text(yaml.safe_dump(settings))
    write_portals(directory, "ha-noi", "hue", "da-nang")


def test_every_look_becomes_a_point_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("INFLUX_TOKEN", TOKEN)
    with InfluxServer(tmp_path / "influx") as server:
        config, data = tmp_path / "config", tmp_path / "data"
        configure(config, f"127.0.0.1:{free_port()}", server.url)
        made = portal_monitor("influx", "init", "--config", config)
        assert made.returncode == 0, made.stderr
        assert "looks" in made.stdout
        checked = portal_monitor("influx", "check", "--config", config)
        assert checked.returncode == 0, checked.stdout + checked.stderr
        daemon = Running(config, data)
        try:
            daemon.until("/metrics", 'portal_monitor_sink_points_written_total{sink="influxdb"}')
            wait_until(lambda: server.count("uptime", "looks") >= 3)
            server.kill()
            seen = rows(data)
            wait_until(lambda: rows(data) >= seen + 6)
            assert daemon.get("/-/ready")[0] == 200, "a sink that is away is no trouble of probing"
            assert TOKEN not in daemon.get("/config")[1]
            server.start()
            wait_until(lambda: server.count("uptime", "looks") >= seen + 6)
            daemon.process.send_signal(signal.SIGTERM)
            assert daemon.process.wait(20) == 0
        finally:
            daemon.stop()
        assert TOKEN not in daemon.log.read_text()
        again = Running(config, data)
        try:
            wait_until(lambda: server.count("uptime", "looks") >= rows(data) > seen + 6)
        finally:
            again.stop()


def rows(data: Path) -> int:
    db = sqlite3.connect(f"file:{data / FILE}?mode=ro", uri=True)
    try:
        return int(db.execute("SELECT COUNT(*) FROM look_uptime").fetchone()[0])
    finally:
        db.close()


def wait_until(question, seconds: float = 90.0) -> None:  # noqa: ANN001 - any question without arguments
    end = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < end, "it never became true"
        time.sleep(0.1)
