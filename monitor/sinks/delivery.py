"""Delivers the journal past a checkpoint to one sink, in batches, at least once; repeated writes are harmless.

The sink encodes the records; the journal keeps everything past the checkpoint. An unreachable sink costs only space in
the journal; a new sink starts with the oldest record.
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
"""Records read at a time, so that other consumers of the journal are not blocked."""


def consumer_name(sink: str) -> str:
    """Return the name of a sink's checkpoint."""
    return f"sink:{sink}"


@dataclass(frozen=True, slots=True)
class InFlightBatch:
    """A batch that is being written; its task returns the records to quarantine."""

    records: Sequence[Record]
    task: asyncio.Task[list[QuarantinedRecord]]

    @property
    def oldest_slot(self) -> int | None:
        """Return the slot of its first measurement in UTC ms."""
        return next((one.slot for one in self.records if isinstance(one, Measurement)), None)


@dataclass(eq=False)
class SinkConsumer:
    """Delivers to one sink in :meth:`run` until cancelled. Fails only when the journal does."""

    journal: Journal
    sink: Sink
    clock: Clock
    metrics: DeliveryMetrics
    policy: DeliveryPolicy = DEFAULT_POLICY
    seq: int = 0
    _oldest_slot: int | None = None
    _checkpoint_stored: asyncio.Future[None] | None = None

    def __post_init__(self) -> None:
        self._writer = BatchWriter(self.sink, self.clock, self.metrics, self.policy, self._pending)

    def _pending(self) -> int:
        return self.journal.last_seq - self.seq

    async def run(self) -> None:
        """Deliver batch after batch, and advance the checkpoint behind them.

        With a backlog, the next batch is read and encoded while the previous one is in flight, at most one ahead.
        """
        name, in_flight = self.sink.name, deque[InFlightBatch]()
        self.seq, _ = await self.journal.read(lambda reader: reader.checkpoint(consumer_name(name)))
        self.metrics.set_lag_functions(name, lambda: max(0, self._pending()), self._lag_seconds)
        try:
            async with asyncio.TaskGroup() as group:
                read = self.seq
                while True:
                    records = await self._next_batch(read)
                    read = records[-1].seq
                    task = group.create_task(self._writer.write(records), name=f"deliver:{name}")
                    in_flight.append(InFlightBatch(records, task))
                    self._oldest_slot = in_flight[0].oldest_slot
                    backlog = self.journal.last_seq - read >= self.policy.batch_size and not self._writer.problem
                    while len(in_flight) > int(backlog):
                        await self._advance_checkpoint(in_flight.popleft())
                        self._oldest_slot = in_flight[0].oldest_slot if in_flight else None
        finally:
            await self.sink.close()

    def _lag_seconds(self) -> float:
        if self._oldest_slot is None or self.journal.last_seq <= self.seq:
            return 0.0
        return max(0.0, (self.clock.now() - self._oldest_slot) / 1000)

    async def _next_batch(self, seq: int) -> list[Measurement | StateChange]:
        """Return the next batch past *seq*; wait until there is one."""
        found: list[Measurement | StateChange] = []
        while not found:
            await self.journal.wait_past(seq)
            if self.journal.last_seq - seq < self.policy.batch_size:
                await asyncio.sleep(self.policy.linger_seconds)
            end = self.journal.last_seq
            while len(found) < self.policy.batch_size:
                limit = min(READ_BATCH_SIZE, self.policy.batch_size - len(found))
                some = await self.journal.records_after(seq, limit)
                found += [one for one in some if isinstance(one, Measurement | StateChange)]
                seq = some[-1].seq if some else seq
                if len(some) < limit:
                    break
            seq = max(seq, end)  # nothing found: the records were moved to the archive
        return found

    async def _advance_checkpoint(self, batch: InFlightBatch) -> None:
        """Advance the checkpoint past a batch as soon as all of it is delivered or quarantined."""
        quarantined = await batch.task
        if self._checkpoint_stored is not None:
            await self._checkpoint_stored
        seq = batch.records[-1].seq
        update = CheckpointUpdate(consumer=consumer_name(self.sink.name), seq=seq, quarantined=tuple(quarantined))
        self._checkpoint_stored = self.journal.submit(update)
        self.seq = seq
