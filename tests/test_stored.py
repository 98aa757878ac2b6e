"""From a probe to a point: a real daemon, a real InfluxDB that is killed on the way, and every point there once.

The daemon finds two days of the past in its journal as well: it seals them, and rolls them up.
"""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from monitor.storage.journal.store import JOURNAL_FILE, JournalWriter
from probes.registry import PROBE_KINDS
from tests import factories
from tests.factories import DAY
from tests.monitor.cli.test_main import ROOT, Running, write_portals
from tests.servers.influxdb import InfluxServer
from tests.servers.ports import free_port

TOKEN = "test-token"
HERE = 7 * 3_600_000
PAST = ((time.time_ns() // 1_000_000 + HERE) // DAY - 4) * DAY - HERE
"""Midnight in the report zone, four days ago: closed, and younger than what the database keeps."""


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
        "sinks": {"influxdb": {"url": url, "bucket": "probes", "token": "${INFLUX_TOKEN}"}},
    }
    (directory / "monitor.yaml").write_text(yaml.safe_dump(settings))
    write_portals(directory, "ha-noi", "hue", "da-nang")


def test_every_measurement_becomes_a_point_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("INFLUX_TOKEN", TOKEN)
    with InfluxServer(tmp_path / "influx") as server:
        config, data = tmp_path / "config", tmp_path / "data"
        configure(config, f"127.0.0.1:{free_port()}", server.url)
        fill_the_past(data)
        made = portal_monitor("influx", "init", "--config", config)
        assert made.returncode == 0, made.stderr
        assert "probes" in made.stdout
        checked = portal_monitor("influx", "check", "--config", config)
        assert checked.returncode == 0, checked.stdout + checked.stderr
        daemon = Running(config, data)
        try:
            daemon.until("/metrics", 'portal_monitor_sink_records_written_total{sink="influxdb"}')
            wait_until(lambda: server.count("uptime", "probes") >= 3)
            server.kill()
            seen = rows(data)
            wait_until(lambda: rows(data) >= seen + 6)
            assert daemon.get("/-/ready")[0] == 200, "an unavailable sink is no problem of the prober"
            assert TOKEN not in daemon.get("/config")[1]
            server.start()
            wait_until(lambda: server.count("uptime", "probes") >= seen + 6)
            daemon.process.send_signal(signal.SIGTERM)
            assert daemon.process.wait(20) == 0
        finally:
            daemon.stop()
        assert TOKEN not in daemon.log.read_text()
        again = Running(config, data)
        try:
            wait_until(lambda: server.count("uptime", "probes") >= rows(data) > seen + 6)
            wait_until(lambda: len(files(data)) == 2 * len(PROBE_KINDS))
            wait_until(lambda: len(server.rows("latency", "portal_monitor_daily")) == 2)
            wait_until(lambda: len(server.rows("uptime", "portal_monitor_hourly")) >= 48)
            again.until("/metrics", f"portal_monitor_archive_rows {96.0 * len(PROBE_KINDS) + 1}")
            busy = portal_monitor("archive", "compact", "--config", config, "--data", data)
            assert busy.returncode == 1, "the daemon is the journal's one writer"
            assert "Traceback" not in busy.stderr
        finally:
            again.stop()
        verified = portal_monitor("archive", "verify", "--data", data)
        assert verified.returncode == 0, verified.stderr
        assert f"{2 * len(PROBE_KINDS) + 1} files, {96 * len(PROBE_KINDS) + 1} rows" in verified.stdout, (
            "and the day hue came up"
        )
        assert len(portal_monitor("archive", "list", "--data", data).stdout.splitlines()) == 2 * len(PROBE_KINDS) + 1
        sealed = portal_monitor("archive", "seal", "--config", config, "--data", data)
        assert (sealed.returncode, sealed.stderr) == (0, "0 files sealed\n")
        files(data)[0].write_bytes(b"x")
        assert portal_monitor("archive", "verify", "--data", data).returncode == 1


def fill_the_past(data: Path) -> None:
    """Two whole days of the report zone, a probe every half hour."""
    data.mkdir(exist_ok=True)
    writer = JournalWriter(data / JOURNAL_FILE, PROBE_KINDS)
    for kind in PROBE_KINDS:
        slots = range(PAST, PAST + 2 * DAY, DAY // 48)
        writer.write([factories.measurement(portal="hue", kind=kind, slot=slot) for slot in slots])
    writer.close()


def files(data: Path) -> list[Path]:
    """The sealed days of measurements; a day in which a state changed has a file for that as well."""
    return [path for kind in PROBE_KINDS for path in sorted((data / "archive" / kind).glob("*/*.parquet"))]


def rows(data: Path) -> int:
    db = sqlite3.connect(f"file:{data / JOURNAL_FILE}?mode=ro", uri=True)
    try:
        return int(db.execute("SELECT COUNT(*) FROM measurement_uptime").fetchone()[0])
    finally:
        db.close()


def wait_until(condition, seconds: float = 90.0) -> None:  # noqa: ANN001 - any callable without arguments
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never became true"
        time.sleep(0.1)
