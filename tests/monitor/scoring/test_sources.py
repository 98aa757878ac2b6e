"""The same history gives the same bytes, wherever it is stored: in the journal, in sealed files, in InfluxDB."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from monitor.cli.main import app
from monitor.model.records import Measurement
from monitor.sinks.base import PortalLabels
from monitor.sinks.influxdb.sink import InfluxDBSettings
from monitor.storage.journal.store import JOURNAL_FILE, JournalReader
from probes.registry import PROBE_KINDS
from tests.monitor.scoring import quarter
from tests.monitor.scoring.test_seal import archive
from tests.servers.influxdb import TOKEN, InfluxServer

DAYS = 5
"""Of fourteen: too few for points, enough for every value."""


def scores(root: Path, *words: str) -> str:
    where = ["--config", str(root / "config"), "--data", str(root / "data")]
    found = CliRunner().invoke(app, ["score", "--period", quarter.PERIOD, "--json", *words, *where])
    assert found.exit_code == 3, found.output
    return found.stdout


def write_to_influxdb(data: Path, settings: InfluxDBSettings) -> None:
    """Write the journal to InfluxDB as the sink consumer does, at once."""
    reader = JournalReader(data / JOURNAL_FILE, PROBE_KINDS)
    records = reader.records_after(0, 1_000_000)
    reader.close()
    assert any(isinstance(one, Measurement) for one in records)

    async def write() -> None:
        sink = settings.open("t", lambda _: PortalLabels("province", "a"))
        try:
            for first in range(0, len(records), 2000):
                await sink.write(records[first : first + 2000])
        finally:
            await sink.close()

    asyncio.run(write())


@pytest.mark.slow
def test_journal_archive_and_influxdb_give_the_same_bytes(tmp_path: Path):
    config = quarter.write_config(tmp_path / "config")
    data = quarter.fill(tmp_path / "data", days=DAYS)
    with InfluxServer(tmp_path / "influx") as server:
        bucket = server.create("history")
        sink = {"url": server.url, "token": TOKEN, "bucket": bucket}
        settings = yaml.safe_load(config.joinpath("monitor.yaml").read_text())
        config.joinpath("monitor.yaml").write_text(yaml.safe_dump(settings | {"sinks": {"influxdb": sink}}))
        write_to_influxdb(data, InfluxDBSettings(**sink))
        fresh = scores(tmp_path)
        assert scores(tmp_path, "--from", "influxdb") == fresh
    archive(data, DAYS)
    assert scores(tmp_path) == fresh
    assert '"value": 0' in fresh
    assert fresh.count('"value": null') < fresh.count('"value": ') / 2
