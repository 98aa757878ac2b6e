"""What the tests of delivery share: a running consumer, its metrics by name, reads of the journal, a small fleet."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry

from monitor.model.clock import SystemClock
from monitor.model.records import Measurement
from monitor.sinks.base import Sink
from monitor.sinks.batch_writer import DeliveryPolicy
from monitor.sinks.delivery import SinkConsumer
from monitor.sinks.metrics import DeliveryMetrics
from monitor.storage.journal.journal import Journal
from monitor.storage.journal.rows import QuarantinedRecord
from probes.result import Outcome
from tests import factories

QUICK = DeliveryPolicy(
    linger_seconds=0.02, initial_backoff_seconds=0.05, max_backoff_seconds=0.2, unavailable_retry_seconds=0.2
)
NAME = "influx"


class Seen:
    """The metrics of one sink, by name."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.metrics = DeliveryMetrics(self._registry, [NAME])

    def __call__(self, name: str, **labels: str) -> float:
        value = self._registry.get_sample_value(f"portal_monitor_sink_{name}", {"sink": NAME, **labels})
        assert value is not None, name
        return value


@asynccontextmanager
async def carrying(
    journal: Journal, sink: Sink, seen: Seen, policy: DeliveryPolicy = QUICK
) -> AsyncIterator[SinkConsumer]:
    """A running consumer for the duration of the block."""
    consumer = SinkConsumer(journal, sink, SystemClock(), seen.metrics, policy)
    task = asyncio.create_task(consumer.run())
    try:
        yield consumer
        assert not task.done(), task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - the condition has no event
            await asyncio.sleep(0.01)


async def quarantine(journal: Journal) -> list[QuarantinedRecord]:
    await journal.set_meta("a", "b")  # what was submitted before is on disk now
    return await journal.read(lambda reader: reader.quarantine(NAME))


async def checkpoint(journal: Journal) -> int:
    await journal.set_meta("a", "b")
    return (await journal.read(lambda reader: reader.checkpoint(f"sink:{NAME}")))[0]


def fleet(portals: int, minutes: int, first: int = 0) -> list[Measurement]:
    """Measurements of a small fleet, each with its own duration, some of them failed and confirmed."""
    found = []
    for minute, number in itertools.product(range(first, first + minutes), range(portals)):
        one = {"portal": f"p-{number}", "slot": factories.SLOT + minute * factories.MINUTE}
        if (minute + number) % 50 == 0:
            found += [factories.measurement(**one, attempt=attempt, outcome=Outcome.DOWN) for attempt in (1, 2)]
        else:
            found.append(factories.measurement(**one, duration=0.1 + minute / 7 + number / 1000))
    return found
