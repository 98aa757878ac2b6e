"""Writes batches to one sink: retries temporary errors, finds bad records by bisection and quarantines them.

The sink consumer decides which records are written when; the sink decides how they are encoded.
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
from monitor.sinks.base import MAX_REASON_CHARS, BatchTooLarge, RecordRejected, SinkUnavailable, TemporaryError
from monitor.storage.journal.rows import QuarantinedRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tenacity import RetryCallState

    from monitor.model.clock import Clock
    from monitor.sinks.base import Sink, SinkRecord
    from monitor.sinks.metrics import DeliveryMetrics

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPolicy:
    """When batches are written and retried; all times in seconds.

    A batch is written when it has ``batch_size`` records or when its first one has waited for ``linger_seconds``. A
    temporary error is retried without limit, after a random backoff from ``initial_backoff_seconds`` to
    ``max_backoff_seconds``, and never earlier than the server requested (up to ``max_retry_after_seconds``). An
    unavailable sink is tried every ``unavailable_retry_seconds``. More than ``max_consecutive_rejections`` rejected
    writes in a row without an accepted one are a fault of the sink, not of the records.
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
    """Exponential backoff with jitter, but not shorter than the server requested."""

    def __init__(self, policy: DeliveryPolicy) -> None:
        start = policy.initial_backoff_seconds
        self._exponential_wait = wait_random_exponential(multiplier=start, min=start, max=policy.max_backoff_seconds)
        self._max_retry_after_seconds = policy.max_retry_after_seconds

    def __call__(self, retry_state: RetryCallState) -> float:
        error = retry_state.outcome.exception() if retry_state.outcome else None
        requested = (error.retry_after_seconds or 0.0) if isinstance(error, TemporaryError) else 0.0
        return max(self._exponential_wait(retry_state), min(requested, self._max_retry_after_seconds))


@dataclass(eq=False)
class BatchWriter:
    """Writes batches to ``sink``. ``pending`` returns how many records are not delivered yet, for the log."""

    sink: Sink
    clock: Clock
    metrics: DeliveryMetrics
    policy: DeliveryPolicy = DEFAULT_POLICY
    pending: Callable[[], int] = lambda: 0
    problem: str = ""
    _rejections: int = 0

    def __post_init__(self) -> None:
        self._retrying = AsyncRetrying(
            retry=retry_if_exception_type(TemporaryError),
            wait=_BackoffWait(self.policy),
            stop=stop_never,
            before_sleep=self._on_temporary_error,
            reraise=True,
        )

    async def write(self, records: Sequence[SinkRecord]) -> list[QuarantinedRecord]:
        """Write the batch; while the sink is unavailable, try again later, since an operator has to fix it.

        Return the records to quarantine, after logging them.
        """
        while True:
            try:
                return self._log_quarantined(await self.write_bisecting(records))
            except SinkUnavailable as error:
                self._record_failure("unavailable", error.reason)
                await asyncio.sleep(self.policy.unavailable_retry_seconds)

    def _log_quarantined(self, quarantined: list[QuarantinedRecord]) -> list[QuarantinedRecord]:
        self.metrics.quarantined.labels(self.sink.name).inc(len(quarantined))
        for one in quarantined:
            log.error("record_quarantined", sink=self.sink.name, seq=one.record, record=one.identity, reason=one.reason)
        return quarantined

    async def write_bisecting(self, records: Sequence[SinkRecord]) -> list[QuarantinedRecord]:
        """Write the batch, halving it around records that the sink rejects; return those to quarantine.

        After the first bad record, and as long as nothing was accepted, the largest part is next: that shows soonest
        whether the records or the sink are at fault. Raises: SinkUnavailable.
        """
        parts, bad, accepted = [records], list[QuarantinedRecord](), False
        while parts:
            part = parts.pop(0 if bad and not accepted else -1)
            try:
                await self._retrying(self._write_part, part)
                accepted, self._rejections = True, 0
            except (BatchTooLarge, RecordRejected) as error:
                failure = "too_large" if isinstance(error, BatchTooLarge) else "rejected"
                self.metrics.failures.labels(self.sink.name, failure).inc()
                self._check_rejections(error, accepted=accepted)
                if len(part) > 1:
                    middle = len(part) // 2
                    parts += [part[middle:], part[:middle]]
                else:
                    bad.append(self._quarantine_entry(part[0], error.reason))
        return bad

    def _check_rejections(self, error: BatchTooLarge | RecordRejected, *, accepted: bool) -> None:
        """Raise :class:`SinkUnavailable` when the sink rejects every write."""
        self._rejections += 1
        if self._rejections > self.policy.max_consecutive_rejections and not accepted:
            self._rejections = 0
            raise SinkUnavailable(f"the sink rejects every write, last reason: {error.reason}") from error

    def _quarantine_entry(self, record: SinkRecord, reason: str) -> QuarantinedRecord:
        seq, identity = getattr(record, "seq", 0), describe_record(record)
        return QuarantinedRecord(self.sink.name, seq, identity, reason[:MAX_REASON_CHARS], self.clock.now())

    async def _write_part(self, part: Sequence[SinkRecord]) -> None:
        result = await self.sink.write(part)
        name, metrics = self.sink.name, self.metrics
        metrics.records.labels(name).inc(len(part) - result.expired_records)
        metrics.batches.labels(name).inc()
        metrics.dropped.labels(name).inc(result.dropped_values)
        metrics.expired.labels(name).inc(result.expired_records)
        metrics.last_success.labels(name).set(self.clock.now() / 1000)
        metrics.up.labels(name).set(1)
        if self.problem:
            log.info("sink_recovered", sink=name, pending=self.pending())
            self.problem = ""

    def _on_temporary_error(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        self._record_failure("temporary", str(error))

    def _record_failure(self, failure: str, reason: str) -> None:
        """Count a failure; log it when it differs from the previous one."""
        self.metrics.failures.labels(self.sink.name, failure).inc()
        self.metrics.up.labels(self.sink.name).set(0)
        if self.problem != failure:
            self.problem = failure
            event = "sink_misconfigured" if failure == "unavailable" else "sink_write_failed"
            log.error(event, sink=self.sink.name, reason=reason, pending=self.pending())


def describe_record(record: SinkRecord) -> str:
    """Describe the identity of a record for operators."""
    if isinstance(record, Measurement):
        return f"{record.key}@{record.location} slot {record.slot} attempt {record.attempt}"
    if isinstance(record, Rollup):
        return f"{record.portal}/{record.check}@{record.location} {record.tier.value} {record.start}"
    if isinstance(record, ScorePoint):
        return f"{record.portal} {record.rubric}/{record.criterion} {record.window} at {record.at}"
    return f"{record.portal}@{record.location} {record.state.value} at {record.at}"
