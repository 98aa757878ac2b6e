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
from monitor.sinks.base import BatchTooLarge, RecordRejected, SinkUnavailable, TemporaryError
from monitor.storage.journal.rows import QuarantinedRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tenacity import RetryCallState

    from monitor.model.clock import Clock
    from monitor.sinks.base import Sink, SinkRecord
    from monitor.sinks.metrics import DeliveryMetrics

log = structlog.get_logger(__name__)

MAX_REASON_CHARS = 500
"""So much of a sink's words goes into the quarantine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPolicy:
    """How a courier behaves; all times in seconds.

    A batch goes when it has ``batch`` records or when its first one has waited for ``linger``. A passing failure is
    tried again without end, after a random pause that grows from ``first`` to ``most``, and never earlier than the
    server asked for (up to ``obeyed``). A sink that refuses is asked again every ``refused``. So many writes rejected
    in a row as ``suspicion`` says, and nothing accepted, are the sink's fault and not the records'.
    """

    batch_size: int = 5000
    linger_seconds: float = 1.0
    initial_backoff_seconds: float = 1.0
    max_backoff_seconds: float = 60.0
    max_retry_after_seconds: float = 3600.0
    unavailable_retry_seconds: float = 60.0
    max_consecutive_rejections: int = 30


DEFAULT_POLICY = DeliveryPolicy()


class _BackoffWait(wait_base):
    """Exponential with jitter, but not before the server wants to hear from us again."""

    def __init__(self, policy: DeliveryPolicy) -> None:
        self._exponential_wait = wait_random_exponential(
            multiplier=policy.initial_backoff_seconds,
            min=policy.initial_backoff_seconds,
            max=policy.max_backoff_seconds,
        )
        self._max_retry_after_seconds = policy.max_retry_after_seconds

    def __call__(self, retry_state: RetryCallState) -> float:
        error = retry_state.outcome.exception() if retry_state.outcome else None
        asked = (
            error.retry_after_seconds
            if isinstance(error, TemporaryError) and error.retry_after_seconds is not None
            else 0.0
        )
        return max(self._exponential_wait(retry_state), min(asked, self._max_retry_after_seconds))


class BatchWriter:
    """Delivers batches to ``sink``. ``waiting`` says how many records there are beside, for the log."""

    def __init__(
        self,
        sink: Sink,
        clock: Clock,
        metrics: DeliveryMetrics,
        policy: DeliveryPolicy = DEFAULT_POLICY,
        pending: Callable[[], int] = lambda: 0,
    ) -> None:
        self.problem = ""
        self._sink = sink
        self._clock = clock
        self._metrics = metrics
        self._policy = policy
        self._pending = pending
        self._rejections = 0
        self._retrying = AsyncRetrying(
            retry=retry_if_exception_type(TemporaryError),
            wait=_BackoffWait(self._policy),
            stop=stop_never,
            before_sleep=self._on_temporary_error,
            reraise=True,
        )

    async def write(self, records: Sequence[SinkRecord]) -> list[QuarantinedRecord]:
        """Deliver, and again a while after each refusal; somebody has to mend something meanwhile.

        Returns the records that the sink takes on no account, said aloud.
        """
        while True:
            try:
                return self._log_quarantined(await self.write_bisecting(records))
            except SinkUnavailable as error:
                self._record_failure("refused", error.reason)
                await asyncio.sleep(self._policy.unavailable_retry_seconds)

    async def write_bisecting(self, records: Sequence[SinkRecord]) -> list[QuarantinedRecord]:
        """Write the batch, cut in halves around whatever the sink does not take; returns what it takes on no account.

        After the first bad record, and as long as nothing was accepted, the largest part is next: that shows soonest
        whether the records are bad or the sink is. Raises :class:`Refused`.
        """
        parts, bad, accepted = [records], list[QuarantinedRecord](), False
        while parts:
            part = parts.pop(0 if bad and not accepted else -1)
            try:
                await self._retrying(self._write_part, part)
                accepted, self._rejections = True, 0
            except (BatchTooLarge, RecordRejected) as error:
                self._metrics.failures.labels(self._sink.name, _failure_label(error)).inc()
                self._check_rejections(error, accepted=accepted)
                if len(part) > 1:
                    middle = len(part) // 2
                    parts += [part[middle:], part[:middle]]
                else:
                    bad.append(self._quarantine_entry(part[0], error.reason))
        return bad

    def _check_rejections(self, error: BatchTooLarge | RecordRejected, *, accepted: bool) -> None:
        """Raise :class:`Refused` when this sink rejects whatever it is given."""
        self._rejections += 1
        if self._rejections > self._policy.max_consecutive_rejections and not accepted:
            self._rejections = 0
            raise SinkUnavailable(f"it rejects everything, last with {error.reason}") from error

    def _quarantine_entry(self, record: SinkRecord, reason: str) -> QuarantinedRecord:
        return QuarantinedRecord(
            self._sink.name,
            getattr(record, "seq", 0),
            describe_record(record),
            reason[:MAX_REASON_CHARS],
            self._clock.now(),
        )

    async def _write_part(self, part: Sequence[SinkRecord]) -> None:
        receipt = await self._sink.write(part)
        name, metrics = self._sink.name, self._metrics
        metrics.points.labels(name).inc(len(part) - receipt.expired_records)
        metrics.batches.labels(name).inc()
        metrics.dropped.labels(name).inc(receipt.dropped_values)
        metrics.expired.labels(name).inc(receipt.expired_records)
        metrics.last_success.labels(name).set(self._clock.now() / 1000)
        metrics.up.labels(name).set(1)
        if self.problem:
            log.info("sink_works_again", sink=name, waiting=self._pending())
            self.problem = ""

    def _on_temporary_error(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        self._record_failure("passing", str(error))

    def _record_failure(self, failure: str, reason: str) -> None:
        """Count it; say it when it is news."""
        self._metrics.failures.labels(self._sink.name, failure).inc()
        self._metrics.up.labels(self._sink.name).set(0)
        if self.problem != failure:
            self.problem = failure
            event = "sink_refuses" if failure == "refused" else "sink_unavailable"
            log.error(event, sink=self._sink.name, reason=reason, waiting=self._pending())

    def _log_quarantined(self, quarantined: list[QuarantinedRecord]) -> list[QuarantinedRecord]:
        for one in quarantined:
            self._metrics.quarantined.labels(self._sink.name).inc()
            log.error(
                "record_quarantined", sink=self._sink.name, seq=one.record, record=one.identity, reason=one.reason
            )
        return quarantined


def _failure_label(error: BatchTooLarge | RecordRejected) -> str:
    return "too_large" if isinstance(error, BatchTooLarge) else "rejected"


def describe_record(record: SinkRecord) -> str:
    """Which record it is, for people."""
    if isinstance(record, Measurement):
        return f"{record.key}@{record.location} slot {record.slot} attempt {record.attempt}"
    if isinstance(record, Rollup):
        return f"{record.portal}/{record.check}@{record.location} {record.tier.value} {record.start}"
    if isinstance(record, ScorePoint):
        return f"{record.portal} {record.rubric}/{record.criterion} {record.window} at {record.at}"
    return f"{record.portal}@{record.location} {record.state.value} at {record.at}"
