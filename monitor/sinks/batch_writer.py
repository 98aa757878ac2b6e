"""Carries a batch to one sink, as often as it takes: what passes is tried again, what is bad is found and set aside.

It leaves to the courier which records come when, and to the sink what they look like there.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from tenacity import AsyncRetrying, retry_if_exception_type, stop_never, wait_random_exponential
from tenacity.wait import wait_base

from monitor.model.records import Measurement
from monitor.model.rollups import Rollup
from monitor.model.scores import ScorePoint
from monitor.sinks.base import Passing, Refused, Rejected, TooLarge
from monitor.storage.journal.rows import Quarantined

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tenacity import RetryCallState

    from monitor.model.clock import Clock
    from monitor.sinks.base import Record, Sink
    from monitor.sinks.metrics import DeliveryMetrics

log = structlog.get_logger(__name__)

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


class Carrier:
    """Delivers batches to ``sink``. ``waiting`` says how many records there are beside, for the log."""

    def __init__(
        self,
        sink: Sink,
        clock: Clock,
        metrics: DeliveryMetrics,
        patience: Patience = PATIENT,
        waiting: Callable[[], int] = lambda: 0,
    ) -> None:
        self.trouble = ""
        self._sink = sink
        self._clock = clock
        self._metrics = metrics
        self._patience = patience
        self._waiting = waiting
        self._rejections = 0
        self._retrying = AsyncRetrying(
            retry=retry_if_exception_type(Passing),
            wait=_Pause(self._patience),
            stop=stop_never,
            before_sleep=self._note_passing,
            reraise=True,
        )

    async def carry(self, records: Sequence[Record]) -> list[Quarantined]:
        """Deliver, and again a while after each refusal; somebody has to mend something meanwhile.

        Returns the records that the sink takes on no account, said aloud.
        """
        while True:
            try:
                return self._told(await self.deliver(records))
            except Refused as error:
                self._fail("refused", error.reason)
                await asyncio.sleep(self._patience.refused)

    async def deliver(self, records: Sequence[Record]) -> list[Quarantined]:
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
        return Quarantined(
            self._sink.name, getattr(record, "seq", 0), identity(record), reason[:WORDS], self._clock.now()
        )

    async def _write(self, part: Sequence[Record]) -> None:
        receipt = await self._sink.write(part)
        name, metrics = self._sink.name, self._metrics
        metrics.points.labels(name).inc(len(part) - receipt.expired)
        metrics.batches.labels(name).inc()
        metrics.dropped.labels(name).inc(receipt.dropped)
        metrics.expired.labels(name).inc(receipt.expired)
        metrics.last_success.labels(name).set(self._clock.now() / 1000)
        metrics.up.labels(name).set(1)
        if self.trouble:
            log.info("sink_works_again", sink=name, waiting=self._waiting())
            self.trouble = ""

    def _note_passing(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        self._fail("passing", str(error))

    def _fail(self, failure: str, reason: str) -> None:
        """Count it; say it when it is news."""
        self._metrics.failures.labels(self._sink.name, failure).inc()
        self._metrics.up.labels(self._sink.name).set(0)
        if self.trouble != failure:
            self.trouble = failure
            event = "sink_refuses" if failure == "refused" else "sink_unavailable"
            log.error(event, sink=self._sink.name, reason=reason, waiting=self._waiting())

    def _told(self, bad: list[Quarantined]) -> list[Quarantined]:
        for one in bad:
            self._metrics.quarantined.labels(self._sink.name).inc()
            log.error(
                "record_quarantined", sink=self._sink.name, seq=one.record, record=one.identity, reason=one.reason
            )
        return bad


def _sort(error: TooLarge | Rejected) -> str:
    return "too_large" if isinstance(error, TooLarge) else "rejected"


def identity(record: Record) -> str:
    """Which record it is, for people."""
    if isinstance(record, Measurement):
        return f"{record.key}@{record.location} slot {record.slot} attempt {record.attempt}"
    if isinstance(record, Rollup):
        return f"{record.portal}/{record.check}@{record.location} {record.tier.value} {record.start}"
    if isinstance(record, ScorePoint):
        return f"{record.portal} {record.rubric}/{record.criterion} {record.window} at {record.at}"
    return f"{record.portal}@{record.location} {record.state.value} at {record.at}"
