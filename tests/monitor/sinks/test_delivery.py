"""The sink consumer and a real InfluxDB: every record arrives once, whatever happens to database or daemon."""

from __future__ import annotations

import asyncio
import itertools
import math
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from monitor.model.records import Measurement
from monitor.sinks.base import Sink, SinkRecord, WriteResult
from monitor.sinks.batch_writer import DeliveryPolicy
from monitor.sinks.influxdb.line_protocol import parse_measurement
from monitor.sinks.influxdb.sink import InfluxDBSettings
from monitor.storage.journal.journal import Journal
from probes.registry import PROBE_KINDS
from probes.result import Outcome
from tests import factories
from tests.monitor.sinks.batch_writing import NAME, QUICK, Seen, carrying, checkpoint, fleet, quarantine, until
from tests.servers.influxdb import RETRY_AFTER, TOKEN, InfluxServer

BUCKETS = itertools.count()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxServer]:
    with InfluxServer(tmp_path_factory.mktemp("influx")) as running:
        yield running


@pytest.fixture
def bucket(server: InfluxServer) -> str:
    return server.create(f"deliver_{next(BUCKETS)}")


@pytest_asyncio.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    one = Journal.open(tmp_path, PROBE_KINDS, commit_interval_seconds=0.01)
    yield one
    await one.close()


@pytest.fixture
def seen() -> Seen:
    return Seen()


def influx(server: InfluxServer, bucket: str, **keys: object) -> Sink:
    settings = InfluxDBSettings.model_validate({"url": server.url, "token": TOKEN, "bucket": bucket, **keys})
    return settings.open(NAME, lambda _portal: None)


async def journalled(journal: Journal) -> list[Measurement]:
    """Everything in the journal, as it must arrive: without numbers, in order."""
    records = await journal.read(lambda reader: [one for kind in PROBE_KINDS for one in reader.measurements(kind=kind)])
    return sorted((unnumbered(one) for one in records), key=order)


def arrived(server: InfluxServer, bucket: str) -> list[Measurement]:
    return sorted(
        (parse_measurement(kind, row, row) for kind in PROBE_KINDS for row in server.rows(kind, bucket)), key=order
    )


def unnumbered(one: Measurement) -> Measurement:
    return Measurement(**{name: getattr(one, name) for name in Measurement.__slots__ if name != "seq"})


def order(one: Measurement) -> tuple[str, str, int, int]:
    return (one.portal, one.check, one.slot, one.attempt)


async def test_everything_arrives_once_through_an_outage(
    server: InfluxServer, bucket: str, journal: Journal, seen: Seen
):
    """The database is killed between two batches, hours are journalled meanwhile, and it comes back on its files."""
    policy = DeliveryPolicy(batch_size=500, linger_seconds=0.02, initial_backoff_seconds=0.05, max_backoff_seconds=0.2)
    async with carrying(journal, influx(server, bucket), seen, policy) as consumer:
        await journal.commit_all(fleet(20, 60))
        await until(lambda: consumer.seq >= 500)
        server.kill()
        await journal.commit_all(fleet(20, 120, first=60))
        await until(lambda: seen("up") == 0)
        assert seen("lag_records") >= 2400
        assert seen("lag_seconds") > 0
        assert seen("failures_total", failure="temporary") >= 1
        server.start()
        await until(lambda: consumer.seq == journal.last_seq)
    assert arrived(server, bucket) == await journalled(journal)
    assert await checkpoint(journal) == journal.last_seq
    assert (seen("up"), seen("lag_records"), seen("lag_seconds")) == (1, 0, 0)


async def test_a_crash_between_write_and_checkpoint_changes_nothing(
    server: InfluxServer, bucket: str, journal: Journal, seen: Seen
):
    """What was written without a checkpoint is written again, over itself."""
    inner = influx(server, bucket)

    class Dying:
        name = NAME

        async def write(self, records: Sequence[SinkRecord]) -> WriteResult:
            await inner.write(records)
            done.set()
            return await asyncio.get_running_loop().create_future()  # the process hangs from here on

        async def close(self) -> None:
            await inner.close()

    done = asyncio.Event()
    await journal.commit_all(fleet(10, 30))
    async with carrying(journal, Dying(), seen):
        await done.wait()
    count = server.count("uptime", bucket)
    assert (count, await checkpoint(journal)) == (journal.last_seq, 0)
    async with carrying(journal, inner, seen) as consumer:
        await until(lambda: consumer.seq == journal.last_seq)
    assert arrived(server, bucket) == await journalled(journal)
    assert await checkpoint(journal) == journal.last_seq


async def test_a_bad_point_is_set_aside_and_the_others_arrive(
    server: InfluxServer, bucket: str, journal: Journal, seen: Seen
):
    """One in 5,000 has a field that the database knows as a number."""
    server.write_raw(f"uptime,portal=other fault=1i {factories.SLOT}", bucket)
    measurements = [factories.measurement(slot=factories.SLOT + number * 1000) for number in range(5000)]
    measurements[3210] = factories.measurement(slot=measurements[3210].slot, outcome=Outcome.DOWN)
    await journal.commit_all(measurements)
    with capture_logs() as lines:
        async with carrying(journal, influx(server, bucket), seen) as consumer:
            await until(lambda: consumer.seq == journal.last_seq)
    (bad,) = await quarantine(journal)
    assert bad.record == 3211
    assert bad.identity == f"ha-noi/uptime@hn-1 slot {measurements[3210].slot} attempt 1"
    assert "field type conflict" in bad.reason
    assert server.count("uptime", bucket) == 4999
    assert seen("quarantined_total") == 1
    assert seen("failures_total", failure="rejected") <= 2 + math.ceil(math.log2(5000))
    assert [line["record"] for line in lines if line["event"] == "record_quarantined"] == [bad.identity]


async def test_the_pause_that_a_server_requests_is_kept(
    server: InfluxServer, bucket: str, journal: Journal, seen: Seen
):
    await journal.commit_all(fleet(1, 5))
    before = len(server.log())
    async with carrying(journal, influx(server, bucket), seen) as consumer:
        with server.mood("429"):
            await until(lambda: len(server.log()) > before)
        await until(lambda: consumer.seq == journal.last_seq)
    (first, status), (second, good) = server.log()[before:]
    assert (status, good) == (429, 204)
    assert second - first >= RETRY_AFTER


async def test_a_batch_that_is_too_large_goes_in_parts(server: InfluxServer, bucket: str, journal: Journal, seen: Seen):
    """And a record that is too large by itself is set aside."""
    noise = random.Random(3)  # noqa: S311 - a body that does not pack well
    measurements = fleet(10, 200)
    detail = "".join(chr(noise.randrange(32, 5000)) for _ in range(9000))
    measurements[77] = factories.measurement(slot=factories.SLOT + 1, detail=detail, portal="large")
    await journal.commit_all(measurements)
    with server.mood("413"):
        async with carrying(journal, influx(server, bucket), seen) as consumer:
            await until(lambda: consumer.seq == journal.last_seq)
    (bad,) = await quarantine(journal)
    assert bad.identity.startswith("large/")
    assert "413" in bad.reason
    assert arrived(server, bucket) == [one for one in await journalled(journal) if one.portal != "large"]


async def test_an_unavailable_sink_is_tried_again_and_logged_once(
    server: InfluxServer, bucket: str, journal: Journal, seen: Seen, tmp_path: Path
):
    """The token is wrong until an operator writes the right one into its file."""
    token = tmp_path / "token"
    token.write_text("wrong\n")
    await journal.commit_all(fleet(2, 5))
    with capture_logs() as lines:
        async with carrying(journal, influx(server, bucket, token=None, token_file=token), seen) as consumer:
            await until(lambda: seen("failures_total", failure="unavailable") >= 3)
            assert seen("up") == 0
            assert consumer.seq == 0
            token.write_text(f"{TOKEN}\n")
            await until(lambda: consumer.seq == journal.last_seq, QUICK.unavailable_retry_seconds + 1.0)
    assert [line["event"] for line in lines] == ["sink_misconfigured", "sink_recovered"]
    assert "401" in lines[0]["reason"]
    assert arrived(server, bucket) == await journalled(journal)


async def test_a_sink_that_rejects_everything_is_not_believed(
    server: InfluxServer, bucket: str, journal: Journal, seen: Seen
):
    """A proxy that answers 400 to all must not empty the journal into the quarantine."""
    await journal.commit_all(fleet(10, 30))
    async with carrying(journal, influx(server, bucket), seen) as consumer:
        with server.mood("400"):
            await until(lambda: seen("failures_total", failure="unavailable") >= 2)
            assert consumer.seq == 0
        await until(lambda: consumer.seq == journal.last_seq)
    assert await quarantine(journal) == []
    assert arrived(server, bucket) == await journalled(journal)


async def test_a_database_that_hangs_is_waited_for(server: InfluxServer, bucket: str, journal: Journal, seen: Seen):
    await journal.commit_all(fleet(2, 5))
    server.halt()
    try:
        async with carrying(journal, influx(server, bucket, timeout=0.3), seen) as consumer:
            await until(lambda: seen("failures_total", failure="temporary") >= 2)
            server.go_on()
            await until(lambda: consumer.seq == journal.last_seq)
    finally:
        server.go_on()
    assert arrived(server, bucket) == await journalled(journal)


async def test_what_arrives_late_is_delivered_too(server: InfluxServer, bucket: str, journal: Journal, seen: Seen):
    async with carrying(journal, influx(server, bucket), seen) as consumer:
        for first in range(3):
            await journal.commit_all(fleet(3, 1, first=first))
            await until(lambda: consumer.seq == journal.last_seq)
    assert server.count("uptime", bucket) == journal.last_seq
    assert seen("records_written_total") == journal.last_seq
    assert seen("batches_total") >= 3
