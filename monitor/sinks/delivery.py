"""The courier: from the journal past its bookmark to one sink, in batches, at least once; harmless when twice.

It leaves to the sink what a record looks like there, and to the journal that nothing is lost before the bookmark. A
sink that is away costs nothing but the journal's room; one that is new begins with the oldest record there is.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.model.records import Measurement, StateChange
from monitor.sinks.batch_writer import PATIENT, Carrier, Patience
from monitor.storage.journal.store import Advance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.model.clock import Clock
    from monitor.sinks.base import Sink
    from monitor.sinks.metrics import DeliveryMetrics
    from monitor.storage.journal.journal import Journal
    from monitor.storage.journal.rows import Quarantined
    from monitor.storage.journal.store import Record

READ = 1000
"""Records read at a time, so that other readers of the journal get their turn."""


def reader_name(sink: str) -> str:
    """The bookmark of a sink's courier."""
    return f"sink:{sink}"


@dataclass(frozen=True, slots=True)
class Flight:
    """A batch under way, and what will be left of it."""

    records: Sequence[Record]
    delivery: asyncio.Task[list[Quarantined]]

    @property
    def oldest(self) -> int | None:
        """The slot of its first look in UTC ms."""
        return next((one.slot for one in self.records if isinstance(one, Measurement)), None)


class Courier:
    """Delivers to one sink until cancelled; :meth:`run` is its whole life. Fails only when the journal does."""

    def __init__(
        self, journal: Journal, sink: Sink, clock: Clock, metrics: DeliveryMetrics, patience: Patience = PATIENT
    ) -> None:
        self._journal = journal
        self._sink = sink
        self._clock = clock
        self._metrics = metrics
        self._patience = patience
        self._carrier = Carrier(sink, clock, metrics, patience, lambda: self._journal.last - self.seq)
        self.seq = 0
        self._oldest: int | None = None
        self._stored: asyncio.Future[None] | None = None

    async def run(self) -> None:
        """Deliver batch after batch, and step by step behind them.

        With a backlog the next batch is read and packed while the one before is under way, one ahead at most.
        """
        name, under_way = self._sink.name, deque[Flight]()
        self.seq, _ = await self._journal.read(lambda reader: reader.bookmark(reader_name(name)))
        self._metrics.watch(name, lambda: max(0, self._journal.last - self.seq), self._lag)
        try:
            async with asyncio.TaskGroup() as group:
                read = self.seq
                while True:
                    records = await self._next(read)
                    read = records[-1].seq
                    flight = Flight(records, group.create_task(self._carrier.carry(records), name=f"deliver:{name}"))
                    under_way.append(flight)
                    self._oldest = under_way[0].oldest
                    backlog = self._journal.last - read >= self._patience.batch and not self._carrier.trouble
                    while len(under_way) > int(backlog):
                        await self._step(under_way.popleft())
                        self._oldest = under_way[0].oldest if under_way else None
        finally:
            await self._sink.close()

    def _lag(self) -> float:
        if self._oldest is None or self._journal.last <= self.seq:
            return 0.0
        return max(0.0, (self._clock.now() - self._oldest) / 1000)

    async def _next(self, seq: int) -> list[Measurement | StateChange]:
        """The next batch past ``seq``; waits until there is one."""
        found: list[Measurement | StateChange] = []
        while not found:
            await self._journal.news(seq)
            if self._journal.last - seq < self._patience.batch:
                await asyncio.sleep(self._patience.linger)
            end = self._journal.last
            while len(found) < self._patience.batch:
                room = min(READ, self._patience.batch - len(found))
                some = await self._journal.after(seq, room)
                found += [one for one in some if isinstance(one, Measurement | StateChange)]
                seq = some[-1].seq if some else seq
                if len(some) < room:
                    break
            seq = max(seq, end)  # nothing found: what there was has left for the archive
        return found

    async def _step(self, flight: Flight) -> None:
        """Set the bookmark behind a batch as soon as all of it is delivered or set aside."""
        bad = await flight.delivery
        if self._stored is not None:
            await self._stored
        seq = flight.records[-1].seq
        step = Advance(reader=reader_name(self._sink.name), seq=seq, quarantined=tuple(bad))
        self._stored = self._journal.put(step)
        self.seq = seq
