"""The courier: from the journal past its bookmark to one sink, in batches, at least once; harmless when twice.

It leaves to the sink what a record looks like there, and to the journal that nothing is lost before the bookmark. A
sink that is away costs nothing but the journal's room; one that is new begins with the oldest record there is.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from tenacity import AsyncRetrying, retry_if_exception_type, stop_never, wait_random_exponential
from tenacity.wait import wait_base

from monitor.model import Measurement
from monitor.rows import Quarantined
from monitor.sinks.base import Passing, Refused, Rejected, TooLarge
from monitor.store import Advance

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tenacity import RetryCallState

    from monitor.clock import Clock
    from monitor.delivery_metrics import DeliveryMetrics
    from monitor.journal import Journal
    from monitor.sinks.base import Record, Sink
    from monitor.store import Reader

log = structlog.get_logger(__name__)

READ = 1000
"""Records read at a time, so that other readers of the journal get their turn."""

WORDS = 500
"""So much of a sink's words goes into the quarantine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How a courier behaves; all times in seconds.

    A batch goes when it has ``batch`` records or when its first one has waited for ``linger``. A passing failure is
    tried again without end, after a random pause that grows from ``first`` to ``most``, and never earlier than the
    server asked for (up to ``obeyed``). A sink that refuses is asked again every ``refused``. So many writes rejected
    in a row as ``suspicion`` says, and nothing accepted, are the sink's fault and not the records'.
    """

    batch: int = 5000
    linger: float = 1.0
    first: float = 1.0
    most: float = 60.0
    obeyed: float = 3600.0
    refused: float = 60.0
    suspicion: int = 30


PATIENT = Patience()


class _Pause(wait_base):
    """Exponential with jitter, but not before the server wants to hear from us again."""

    def __init__(self, patience: Patience) -> None:
        self._own = wait_random_exponential(multiplier=patience.first, min=patience.first, max=patience.most)
        self._obeyed = patience.obeyed

    def __call__(self, retry_state: RetryCallState) -> float:
        error = retry_state.outcome.exception() if retry_state.outcome else None
        asked = error.retry_after if isinstance(error, Passing) and error.retry_after is not None else 0.0
        return max(self._own(retry_state), min(asked, self._obeyed))


def reader_name(sink: str) -> str:
    """The bookmark of a sink's courier."""
    return f"sink:{sink}"


def delivered(reader: Reader, sinks: Iterable[str]) -> int | None:
    """The number up to which every one of ``sinks`` has everything; None without sinks.

    Whoever trims the journal keeps all that is newer. Ask with the sinks that are configured: the bookmark of one that
    was taken out stands still for ever.
    """
    return min((reader.bookmark(reader_name(sink))[0] for sink in sinks), default=None)


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
        self._retrying = AsyncRetrying(
            retry=retry_if_exception_type(Passing),
            wait=_Pause(self._patience),
            stop=stop_never,
            before_sleep=self._note_passing,
            reraise=True,
        )
        self.seq = 0
        self._oldest: int | None = None
        self._trouble = ""
        self._rejections = 0
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
                    flight = Flight(records, group.create_task(self._until_used(records), name=f"deliver:{name}"))
                    under_way.append(flight)
                    self._oldest = under_way[0].oldest
                    backlog = self._journal.last - read >= self._patience.batch and not self._trouble
                    while len(under_way) > int(backlog):
                        await self._step(under_way.popleft())
                        self._oldest = under_way[0].oldest if under_way else None
        finally:
            await self._sink.close()

    def _lag(self) -> float:
        if self._oldest is None or self._journal.last <= self.seq:
            return 0.0
        return max(0.0, (self._clock.now() - self._oldest) / 1000)

    async def _next(self, seq: int) -> list[Record]:
        """The next batch past ``seq``; waits until there is one."""
        found: list[Record] = []
        while not found:
            await self._journal.news(seq)
            if self._journal.last - seq < self._patience.batch:
                await asyncio.sleep(self._patience.linger)
            end = self._journal.last
            while len(found) < self._patience.batch:
                room = min(READ, self._patience.batch - len(found))
                some = await self._journal.after(found[-1].seq if found else seq, room)
                found += some
                if len(some) < room:
                    break
            seq = end  # nothing found: what there was has left for the archive
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
        for one in bad:
            self._metrics.quarantined.labels(self._sink.name).inc()
            log.error(
                "record_quarantined", sink=self._sink.name, seq=one.record, record=one.identity, reason=one.reason
            )

    async def _until_used(self, records: Sequence[Record]) -> list[Quarantined]:
        """Deliver, and again a while after each refusal; somebody has to mend something meanwhile."""
        while True:
            try:
                return await self._deliver(records)
            except Refused as error:
                self._fail("refused", error.reason)
                await asyncio.sleep(self._patience.refused)

    async def _deliver(self, records: Sequence[Record]) -> list[Quarantined]:
        """Write the batch, cut in halves around whatever the sink does not take; returns what it takes on no account.

        After the first bad record, and as long as nothing was accepted, the largest part is next: that shows soonest
        whether the records are bad or the sink is. Raises :class:`Refused`.
        """
        parts, bad, accepted = [records], list[Quarantined](), False
        while parts:
            part = parts.pop(0 if bad and not accepted else -1)
            try:
                await self._retrying(self._write, part)
                accepted, self._rejections = True, 0
            except (TooLarge, Rejected) as error:
                self._metrics.failures.labels(self._sink.name, _sort(error)).inc()
                self._suspect(error, accepted=accepted)
                if len(part) > 1:
                    middle = len(part) // 2
                    parts += [part[middle:], part[:middle]]
                else:
                    bad.append(self._quarantined(part[0], error.reason))
        return bad

    def _suspect(self, error: TooLarge | Rejected, *, accepted: bool) -> None:
        """Raise :class:`Refused` when this sink rejects whatever it is given."""
        self._rejections += 1
        if self._rejections > self._patience.suspicion and not accepted:
            self._rejections = 0
            raise Refused(f"it rejects everything, last with {error.reason}") from error

    def _quarantined(self, record: Record, reason: str) -> Quarantined:
        return Quarantined(self._sink.name, record.seq, identity(record), reason[:WORDS], self._clock.now())

    async def _write(self, part: Sequence[Record]) -> None:
        receipt = await self._sink.write(part)
        name, metrics = self._sink.name, self._metrics
        metrics.points.labels(name).inc(len(part) - receipt.expired)
        metrics.batches.labels(name).inc()
        metrics.dropped.labels(name).inc(receipt.dropped)
        metrics.expired.labels(name).inc(receipt.expired)
        metrics.last_success.labels(name).set(self._clock.now() / 1000)
        metrics.up.labels(name).set(1)
        if self._trouble:
            log.info("sink_works_again", sink=name, waiting=self._journal.last - self.seq)
            self._trouble = ""

    def _note_passing(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        self._fail("passing", str(error))

    def _fail(self, failure: str, reason: str) -> None:
        """Count it; say it when it is news."""
        self._metrics.failures.labels(self._sink.name, failure).inc()
        self._metrics.up.labels(self._sink.name).set(0)
        if self._trouble != failure:
            self._trouble = failure
            event = "sink_refuses" if failure == "refused" else "sink_unavailable"
            log.error(event, sink=self._sink.name, reason=reason, waiting=self._journal.last - self.seq)


def _sort(error: TooLarge | Rejected) -> str:
    return "too_large" if isinstance(error, TooLarge) else "rejected"


def identity(record: Record) -> str:
    """Which record it is, for people."""
    if isinstance(record, Measurement):
        return f"{record.key}@{record.location} slot {record.slot} attempt {record.attempt}"
    return f"{record.portal}@{record.location} {record.state.value} at {record.at}"
