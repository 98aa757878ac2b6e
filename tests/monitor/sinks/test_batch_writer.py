"""Rules of delivery, with a sink that follows a script: halving, pauses, checkpoints, one log line a failure."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from monitor.model.clock import SystemClock
from monitor.sinks.base import BatchTooLarge, RecordRejected, SinkRecord, SinkUnavailable, TemporaryError, WriteResult
from monitor.sinks.batch_writer import BatchWriter, DeliveryPolicy
from monitor.storage.journal.journal import Journal
from monitor.storage.journal.store import CheckpointUpdate
from probes.registry import PROBE_KINDS
from tests import factories
from tests.monitor.sinks.batch_writing import NAME, QUICK, Seen, carrying, checkpoint, fleet, quarantine, until


@pytest_asyncio.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    one = Journal.open(tmp_path, PROBE_KINDS, commit_interval_seconds=0.01)
    yield one
    await one.close()


@pytest.fixture
def seen() -> Seen:
    return Seen()


class Scripted:
    """A sink without a server: rejects the records whose number is in ``bad``, and counts its writes."""

    def __init__(self, bad: set[int] = frozenset(), most: int = 10**6) -> None:  # type: ignore[assignment]
        self.name = NAME
        self.bad = bad
        self.most = most
        self.writes = 0
        self.taken: list[int] = []
        self.failures: list[Exception] = []

    async def write(self, records: Sequence[SinkRecord]) -> WriteResult:
        self.writes += 1
        if self.failures:
            raise self.failures.pop(0)
        if len(records) > self.most:
            raise BatchTooLarge("too much")
        numbers = {record.seq for record in records}
        if numbers & self.bad:
            raise RecordRejected("bad")
        self.taken += numbers
        return WriteResult()

    async def close(self) -> None:
        self.taken.append(-1)


@given(st.sets(st.integers(1, 500), max_size=6), st.integers(3, 600))
def test_bad_records_are_found_in_few_writes(bad: set[int], most: int):
    """Of n records with k bad ones, all the good ones arrive and each bad one costs at most two writes per halving."""
    records = [factories.measurement(seq=number) for number in range(1, 501)]
    sink = Scripted(bad, most)

    async def run() -> list[int]:
        return [
            one.record for one in await BatchWriter(sink, SystemClock(), Seen().metrics, QUICK).write_bisecting(records)
        ]

    assert sorted(asyncio.run(run())) == sorted(bad)
    assert sorted(sink.taken) == sorted({*range(1, 501)} - bad)
    assert sink.writes <= 1 + 2 * len(bad) * math.ceil(math.log2(500)) + 4 * math.ceil(500 / most)


async def test_a_step_and_its_quarantine_are_one_transaction(journal: Journal, seen: Seen):
    await journal.commit_all(fleet(1, 20))
    async with carrying(journal, Scripted({7}), seen) as consumer:
        await until(lambda: consumer.seq == journal.last_seq)
    assert await checkpoint(journal) == journal.last_seq
    assert [one.record for one in await quarantine(journal)] == [7]


async def test_pauses_grow_and_a_failure_is_logged_once(journal: Journal, seen: Seen):
    sink = Scripted()
    sink.failures = [
        TemporaryError("no route"),
        TemporaryError("no route"),
        TemporaryError("busy", 0.3),
        SinkUnavailable("wrong token"),
    ]
    await journal.commit_all(fleet(1, 3))
    with capture_logs() as lines:
        async with carrying(journal, sink, seen) as consumer:
            await until(lambda: consumer.seq == journal.last_seq)
    assert [line["event"] for line in lines] == ["sink_write_failed", "sink_misconfigured", "sink_recovered"]
    assert seen("failures_total", failure="temporary") == 3
    assert seen("failures_total", failure="unavailable") == 1


async def test_the_consumer_stops_at_once_and_closes_its_sink(journal: Journal, seen: Seen):
    sink = Scripted()
    sink.failures = [SinkUnavailable("wrong token")] * 100
    await journal.commit_all(fleet(1, 3))
    async with asyncio.timeout(1.0), carrying(journal, sink, seen, DeliveryPolicy(linger_seconds=0.01)):
        await until(lambda: seen("failures_total", failure="unavailable") == 1)
    assert sink.taken == [-1]


async def test_a_new_sink_begins_with_the_oldest_record_and_an_old_one_where_it_was(journal: Journal, seen: Seen):
    await journal.commit_all(fleet(1, 10))
    await journal.commit(CheckpointUpdate(consumer=f"sink:{NAME}", seq=4))
    sink = Scripted()
    async with carrying(journal, sink, seen) as consumer:
        await until(lambda: consumer.seq == journal.last_seq)
    assert sorted(sink.taken) == [-1, *range(5, journal.last_seq + 1)]
