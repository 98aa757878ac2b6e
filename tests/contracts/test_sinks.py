"""What holds for every sink in the registry, each against its real server."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, aclosing
from pathlib import Path
from typing import Protocol

import pytest
import pytest_asyncio

from monitor.model.records import Measurement
from monitor.sinks.base import (
    BatchTooLarge,
    PortalLabels,
    RecordRejected,
    Sink,
    SinkRecord,
    SinkUnavailable,
    TemporaryError,
)
from monitor.sinks.influxdb.line_protocol import STATE_CHANGE, parse_measurement, parse_state_change
from monitor.sinks.influxdb.sink import InfluxDBSettings
from monitor.sinks.registry import SINKS
from probes.result import Outcome
from tests import factories
from tests.servers import influxdb
from tests.servers.ports import free_port


class Stage(Protocol):
    """A sink of one kind with its server, and how to see what arrived there."""

    def sink(self, *, unreachable: bool = False) -> Sink:
        """A sink of this stage; an unreachable one connects to a closed port."""

    def mood(self, name: str) -> AbstractContextManager[None]:
        """Let the server answer 401, 404, 413, 400, or 429 and 503 (and a retry after 2 s)."""

    def arrived(self) -> list[SinkRecord]:
        """All that is there, without its journal numbers, in order of time."""


class InfluxStage:
    """The InfluxDB sink before a real InfluxDB."""

    def __init__(self, directory: Path) -> None:
        self.server = influxdb.InfluxServer(directory)
        self._count = 0

    def fresh(self) -> None:
        self._count += 1
        self._bucket = self.server.create(f"contract_{self._count}")

    def sink(self, *, unreachable: bool = False) -> Sink:
        url = f"http://127.0.0.1:{free_port()}" if unreachable else self.server.url
        settings = InfluxDBSettings(url=url, token=influxdb.TOKEN, bucket=self._bucket, timeout=5.0)
        return settings.open("contract", lambda _portal: PortalLabels("province", "ha-noi"))

    def mood(self, name: str) -> AbstractContextManager[None]:
        return self.server.mood(name)

    def arrived(self) -> list[SinkRecord]:
        measurements = [
            (row["time"], parse_measurement("uptime", row, row)) for row in self.server.rows("uptime", self._bucket)
        ]
        found = self.server.rows(STATE_CHANGE, self._bucket)
        changes = [(row["time"], parse_state_change(row, row["time"], row)) for row in found]
        return [record for _, record in sorted([*measurements, *changes], key=lambda one: one[0])]


STAGES = {"influxdb": InfluxStage}


@pytest.fixture(scope="module", params=SINKS)
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxStage]:
    stage = STAGES[request.param](tmp_path_factory.mktemp("stage"))
    with stage.server:
        yield stage


@pytest.fixture
def stage(running: InfluxStage) -> InfluxStage:
    running.fresh()
    return running


@pytest_asyncio.fixture
async def sink(stage: Stage) -> AsyncIterator[Sink]:
    async with aclosing(_Closing(stage.sink())) as one:
        yield one.sink


class _Closing:
    def __init__(self, sink: Sink) -> None:
        self.sink = sink

    async def aclose(self) -> None:
        await self.sink.close()


def batch() -> list[SinkRecord]:
    """One of each: a success, a failure with its confirmation, an unknown outcome, a state change."""
    slot = factories.SLOT
    return [
        factories.measurement(slot=slot),
        factories.measurement(slot=slot + 60_000, outcome=Outcome.DOWN),
        factories.measurement(slot=slot + 60_000, outcome=Outcome.DOWN, attempt=2),
        factories.measurement(slot=slot + 120_000, outcome=Outcome.UNKNOWN),
        factories.change(at=slot + 180_000),
    ]


def test_every_sink_of_the_registry_has_a_stage():
    assert STAGES.keys() == SINKS.keys()


async def test_a_batch_arrives_as_it_was(stage: Stage, sink: Sink):
    receipt = await sink.write(batch())
    assert (receipt.dropped_values, receipt.expired_records) == (0, 0)
    assert stage.arrived() == batch()


async def test_a_batch_written_twice_is_there_once(stage: Stage, sink: Sink):
    await sink.write(batch())
    await sink.write(batch()[1:4])
    await sink.write(batch())
    assert stage.arrived() == batch()


async def test_what_is_not_finite_is_left_out_and_counted(stage: Stage, sink: Sink):
    values = factories.values(connect_seconds=math.nan, tls_seconds=math.inf)
    receipt = await sink.write([factories.measurement(values=values, duration=-math.inf)])
    (arrived,) = stage.arrived()
    assert receipt.dropped_values == 3
    assert isinstance(arrived, Measurement)
    assert arrived.duration is None
    assert arrived.values.keys() == values.keys() - {"connect_seconds", "tls_seconds"}


@pytest.mark.parametrize(
    ("mood", "failure"),
    [
        ("401", SinkUnavailable),
        ("404", SinkUnavailable),
        ("413", BatchTooLarge),
        ("429", TemporaryError),
        ("503", TemporaryError),
        ("400", RecordRejected),
    ],
)
async def test_failures_are_the_documented_ones(stage: Stage, sink: Sink, mood: str, failure: type[Exception]):
    """And the same sink works again when the problem is over."""
    noise = random.Random(1)  # noqa: S311 - a body that does not pack well
    records = [factories.measurement(detail="".join(chr(noise.randrange(32, 5000)) for _ in range(9000)))]
    with stage.mood(mood), pytest.raises(failure) as caught:
        await sink.write(records)
    assert mood in str(caught.value)
    await sink.write(records)
    assert stage.arrived() == records


@pytest.mark.parametrize("mood", ["429", "503"])
async def test_the_pause_of_a_server_is_in_the_error(stage: Stage, sink: Sink, mood: str):
    with stage.mood(mood), pytest.raises(TemporaryError) as caught:
        await sink.write(batch())
    assert caught.value.retry_after_seconds == influxdb.RETRY_AFTER


async def test_an_unreachable_server_is_a_temporary_error(stage: Stage):
    sink = stage.sink(unreachable=True)
    with pytest.raises(TemporaryError):
        await sink.write(batch())
    await sink.close()


async def test_a_record_that_cannot_be_written_is_rejected(sink: Sink):
    with pytest.raises(RecordRejected):
        await sink.write([factories.measurement(), factories.measurement(portal="a\nb")])


async def test_a_closed_sink_can_be_used_again(stage: Stage, sink: Sink):
    await sink.write(batch()[:1])
    await sink.close()
    await sink.write(batch())
    assert stage.arrived() == batch()


async def test_a_large_batch_does_not_hold_the_event_loop(sink: Sink):
    """Half of the time that the batch takes would be a clear sign; other work on this machine is not."""
    records = list(factories.measurements(5000))
    await sink.write(records[:1])
    longest, began = 0.0, time.perf_counter()
    task = asyncio.create_task(sink.write(records))
    while not task.done():
        before = time.perf_counter()
        await asyncio.sleep(0.001)
        longest = max(longest, time.perf_counter() - before)
    await task
    assert longest < (time.perf_counter() - began) / 2
