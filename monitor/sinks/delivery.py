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
from monitor.sinks.batch_writer import DEFAULT_POLICY, BatchWriter, DeliveryPolicy
from monitor.storage.journal.store import CheckpointUpdate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.model.clock import Clock
    from monitor.sinks.base import Sink
    from monitor.sinks.metrics import DeliveryMetrics
    from monitor.storage.journal.journal import Journal
    from monitor.storage.journal.rows import QuarantinedRecord
    from monitor.storage.journal.store import Record

READ_BATCH_SIZE = 1000
"""Records read at a time, so that other readers of the journal get their turn."""


def consumer_name(sink: str) -> str:
    """The bookmark of a sink's courier."""
    return f"sink:{sink}"


@dataclass(frozen=True, slots=True)
class InFlightBatch:
    """A batch under way, and what will be left of it."""

    records: Sequence[Record]
    task: asyncio.Task[list[QuarantinedRecord]]

    @property
    def oldest_slot(self) -> int | None:
        """The slot of its first look in UTC ms."""
        return next((one.slot for one in self.records if isinstance(one, Measurement)), None)


class SinkConsumer:
    """Delivers to one sink until cancelled; :meth:`run` is its whole life. Fails only when the journal does."""

    def __init__(
        self,
        journal: Journal,
        sink: Sink,
        clock: Clock,
        metrics: DeliveryMetrics,
        policy: DeliveryPolicy = DEFAULT_POLICY,
    ) -> None:
        self._journal = journal
        self._sink = sink
        self._clock = clock
        self._metrics = metrics
        self._policy = policy
        self._writer = BatchWriter(sink, clock, metrics, policy, lambda: self._journal.last_seq - self.seq)
        self.seq = 0
        self._oldest_slot: int | None = None
        self._checkpoint_stored: asyncio.Future[None] | None = None

    async def run(self) -> None:
        """Deliver batch after batch, and step by step behind them.

        With a backlog the next batch is read and packed while the one before is under way, one ahead at most.
        """
        name, under_way = self._sink.name, deque[InFlightBatch]()
        self.seq, _ = await self._journal.read(lambda reader: reader.checkpoint(consumer_name(name)))
        self._metrics.set_lag_functions(name, lambda: max(0, self._journal.last_seq - self.seq), self._lag_seconds)
        try:
            async with asyncio.TaskGroup() as group:
                read = self.seq
                while True:
                    records = await self._next_batch(read)
                    read = records[-1].seq
                    flight = InFlightBatch(
                        records, group.create_task(self._writer.write(records), name=f"deliver:{name}")
                    )
                    under_way.append(flight)
                    self._oldest_slot = under_way[0].oldest_slot
                    backlog = self._journal.last_seq - read >= self._policy.batch_size and not self._writer.problem
                    while len(under_way) > int(backlog):
                        await self._advance_checkpoint(under_way.popleft())
                        self._oldest_slot = under_way[0].oldest_slot if under_way else None
        finally:
            await self._sink.close()

    def _lag_seconds(self) -> float:
        if self._oldest_slot is None or self._journal.last_seq <= self.seq:
            return 0.0
        return max(0.0, (self._clock.now() - self._oldest_slot) / 1000)

    async def _next_batch(self, seq: int) -> list[Measurement | StateChange]:
        """The next batch past ``seq``; waits until there is one."""
        found: list[Measurement | StateChange] = []
        while not found:
            await self._journal.wait_past(seq)
            if self._journal.last_seq - seq < self._policy.batch_size:
                await asyncio.sleep(self._policy.linger_seconds)
            end = self._journal.last_seq
            while len(found) < self._policy.batch_size:
                room = min(READ_BATCH_SIZE, self._policy.batch_size - len(found))
                some = await self._journal.records_after(seq, room)
                found += [one for one in some if isinstance(one, Measurement | StateChange)]
                seq = some[-1].seq if some else seq
                if len(some) < room:
                    break
            seq = max(seq, end)  # nothing found: what there was has left for the archive
        return found

    async def _advance_checkpoint(self, batch: InFlightBatch) -> None:
        """Set the bookmark behind a batch as soon as all of it is delivered or set aside."""
        bad = await batch.task
        if self._checkpoint_stored is not None:
            await self._checkpoint_stored
        seq = batch.records[-1].seq
        step = CheckpointUpdate(reader=consumer_name(self._sink.name), seq=seq, quarantined=tuple(bad))
        self._checkpoint_stored = self._journal.submit(step)
        self.seq = seq
