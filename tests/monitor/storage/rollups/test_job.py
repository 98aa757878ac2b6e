"""Rollups reach the database once and whole: computed by a worker process, written again when rows came late."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio
from prometheus_client import CollectorRegistry

from monitor.model.clock import SystemClock
from monitor.model.rollups import Rollup, Tier
from monitor.sinks.base import PortalLabels
from monitor.sinks.batch_writer import BatchWriter
from monitor.sinks.influxdb.sink import InfluxDBSettings
from monitor.sinks.metrics import DeliveryMetrics
from monitor.storage.journal.journal import Journal
from monitor.storage.journal.rows import QuarantinedRecord
from monitor.storage.journal.store import JournalError
from monitor.storage.rollups.compute import HOUR_MS, RollupProgress, compute_rollups
from monitor.storage.rollups.job import RollupJob
from monitor.storage.rollups.worker import RollupRequest, decode_line
from probes.registry import PROBE_KINDS
from probes.result import Outcome
from tests import factories
from tests.factories import DAY
from tests.monitor.sinks.batch_writing import QUICK
from tests.servers.influxdb import TOKEN, InfluxServer

ZONE = "Asia/Ho_Chi_Minh"
FIRST = 1_785_517_200_000
"""2026-08-01T00:00 in the report zone."""

BUCKETS = itertools.count()


class FixedClock:
    """A clock that shows one time."""

    def now(self) -> int:
        return FIRST + 200 * HOUR_MS

    def monotonic(self) -> float:
        return 0.0


@pytest_asyncio.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    journal = Journal.open(tmp_path, PROBE_KINDS, commit_interval_seconds=0.0)
    yield journal
    await journal.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxServer]:
    with InfluxServer(tmp_path_factory.mktemp("influx")) as server:
        yield server


async def test_each_rollup_is_written_once_and_none_is_lost_when_writing_fails(tmp_path: Path, journal: Journal):
    written: list[Rollup] = []
    failing = True

    async def write(rollups: Sequence[Rollup]) -> list[QuarantinedRecord]:
        if failing and len(written) >= 2:
            raise OSError("away")
        written.extend(rollups)
        return []

    slots = [FIRST + number * HOUR_MS for number in range(60)]
    await journal.commit_all([factories.measurement(slot=slot) for slot in slots])
    job = RollupJob(tmp_path, journal, FixedClock(), ZONE, {Tier.HOUR: write})
    with pytest.raises(OSError, match="away"):
        await job.sweep(Tier.HOUR)
    failing = False
    written.clear()
    assert await job.sweep(Tier.HOUR) == 60
    assert [one.start for one in written] == slots
    assert await job.sweep(Tier.HOUR) == 0
    await journal.commit(factories.measurement(portal="hue", slot=slots[7]))
    assert await job.sweep(Tier.HOUR) == 2
    assert [(one.portal, one.start) for one in written[60:]] == [("ha-noi", slots[7]), ("hue", slots[7])]
    kept = await journal.read(lambda reader: reader.checkpoint(Tier.HOUR.consumer_name))
    assert kept[0] == journal.last_seq, "trimming waits for rollups as for any consumer"
    assert job.statistics[Tier.HOUR].until_ms == FIRST + 60 * HOUR_MS


async def test_hours_and_days_rest_in_the_database_as_history_gives_them(
    tmp_path: Path, journal: Journal, server: InfluxServer
):
    number = next(BUCKETS)
    hourly, daily = server.create(f"hourly_{number}"), server.create(f"daily_{number}")
    settings = InfluxDBSettings(url=server.url, token=TOKEN, bucket_hourly=hourly, bucket_daily=daily)
    tiers = settings.open_tiers("influxdb", lambda _portal: PortalLabels("province", "huế"))
    assert {tier: sink.name for tier, sink in tiers.items()} == {
        Tier.HOUR: "influxdb-hour", Tier.DAY: "influxdb-day"
    }  # fmt: skip
    metrics = DeliveryMetrics(CollectorRegistry(), [sink.name for sink in tiers.values()])
    writes = {tier: BatchWriter(sink, SystemClock(), metrics, QUICK).write for tier, sink in tiers.items()}
    job = RollupJob(tmp_path, journal, FixedClock(), ZONE, writes)
    slots = range(FIRST, FIRST + 2 * DAY, HOUR_MS // 4)
    await journal.commit_all(
        [
            factories.measurement(
                portal=portal, kind=kind, slot=slot, outcome=Outcome.DOWN if slot % (7 * HOUR_MS) == 0 else Outcome.UP
            )
            for slot in slots
            for portal in ("hue", "ha-noi")
            for kind in PROBE_KINDS
        ]
    )
    try:
        assert await job.sweep(Tier.HOUR) == 48 * 2 * len(PROBE_KINDS)
        assert await job.sweep(Tier.DAY) == 2 * 2 * len(PROBE_KINDS)
        await journal.commit(factories.measurement(portal="hue", kind="uptime", slot=FIRST + 1, duration=9.0))
        for tier in Tier:
            await job.sweep(tier)
    finally:
        for sink in tiers.values():
            await sink.close()
    for tier, bucket, count in ((Tier.HOUR, hourly, 48), (Tier.DAY, daily, 2)):
        rows = server.rows("uptime", bucket)
        assert len(rows) == 2 * count, "written twice, it is stored once"
        length = HOUR_MS if tier is Tier.HOUR else DAY
        wanted = {
            (one.portal, one.start): one.values
            for start in range(FIRST, FIRST + 2 * DAY, length)
            for one in compute_rollups(tmp_path, tier, start, start + length)
            if one.kind == "uptime"
        }
        for row in rows:
            values = wanted[row["portal"], row["time"]]
            assert {name: row[name] for name in values} == pytest.approx(dict(values))
            assert (row["group"], row["kind"], row["end"]) == ("huế", "province", row["time"] + length)


def test_the_process_reports_what_failed(tmp_path: Path):
    request = RollupRequest(
        directory=tmp_path, tier=Tier.DAY, zone=ZONE, now_ms=FIRST, progress=RollupProgress(until_ms=3, seq=4)
    )
    assert RollupRequest.decode(request.encode().decode()) == request
    with pytest.raises(JournalError, match="no such"):
        decode_line(b'{"error": "no such journal"}')


async def test_a_failed_sweep_raises_an_error(tmp_path: Path, journal: Journal):
    job = RollupJob(tmp_path / "other", journal, FixedClock(), ZONE, {Tier.HOUR: lambda _rollups: None})  # type: ignore[arg-type, dict-item, return-value] # never called
    with pytest.raises(JournalError):
        await job.sweep(Tier.HOUR)
