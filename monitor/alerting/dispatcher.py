"""Delivers the pending messages of one target, grouped, until each is accepted or too old; at least once.

The outbox guarantees that no message is lost. The receiver detects repetitions by the incident id: a daemon that dies
between the target's response and its own commit sends again.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog
from tenacity import AsyncRetrying, retry_if_exception_type, stop_never, wait_random_exponential

from monitor.alerting.channel import Channel, DeliveryError
from monitor.alerting.notification import Notification, NotificationItem, NotificationRenderer
from monitor.alerting.routing import DueMessages, due_messages
from monitor.model.incidents import Message, MessageStatus, OutboxUpdate

if TYPE_CHECKING:
    from monitor.alerting.metrics import AlertingMetrics
    from monitor.config.alerting import NotifyBlock
    from monitor.model.clock import Clock
    from monitor.storage.journal.journal import Journal
    from monitor.storage.journal.store import JournalReader

log = structlog.get_logger(__name__)

STOP_TIMEOUT_SECONDS = 3.0
"""How long a stop waits for a notification in flight; one that is accepted later is sent again."""

POLL_SECONDS = 30.0  # longest interval between two reads of the outbox, because quiet hours follow the wall clock


@dataclass(slots=True, kw_only=True, eq=False)
class NotificationDispatcher:
    """Delivers to one target until cancelled. Fails only when the journal does.

    The two backoff times bound the random pause after a failure.
    """

    name: str
    channel: Channel
    renderer: NotificationRenderer
    settings: NotifyBlock
    journal: Journal
    clock: Clock
    metrics: AlertingMetrics
    initial_backoff_seconds: float = 1.0
    max_backoff_seconds: float = 60.0
    _wakeup: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _failing: bool = field(default=False, init=False)

    def wake(self) -> None:
        """Read the outbox now, because it has new messages."""
        self._wakeup.set()

    async def run(self) -> None:
        """Deliver what is due, then wait for new messages or the next due time."""
        initial, longest = self.initial_backoff_seconds, self.max_backoff_seconds
        wait = wait_random_exponential(multiplier=initial, min=initial, max=longest)
        retry = AsyncRetrying(retry=retry_if_exception_type(DeliveryError), wait=wait, stop=stop_never, reraise=True)
        while True:
            self._wakeup.clear()
            wake_at_ms: int | None = await retry(self._dispatch_due)
            due_seconds = POLL_SECONDS if wake_at_ms is None else (wake_at_ms - self.clock.now()) / 1000
            pause = min(POLL_SECONDS, max(0.0, due_seconds))
            try:
                async with asyncio.timeout(pause):
                    await self._wakeup.wait()
            except TimeoutError:
                continue

    async def _dispatch_due(self) -> int | None:
        """Deliver one notification if one is due; return when to read again (UTC ms). Raises DeliveryError."""
        pending = await self.journal.read(lambda reader: reader.waiting_messages(self.name))
        now = self.clock.now()
        self.metrics.pending_messages.labels(self.name).set(len(pending))
        self.metrics.oldest_message_age.labels(self.name).set((now - pending[0].created) / 1000 if pending else 0)
        due = due_messages(pending, self.settings, now)
        if due.expired or due.superseded:
            await self._discard(due)
        if due.ready:
            await self._deliver(due.ready)
        return due.wake_at_ms

    async def _deliver(self, ready: tuple[Message, ...]) -> None:
        items = await self.journal.read(lambda reader: _load_items(reader, ready))
        notification = self.renderer.render(items, self.channel.text_format, self.clock.now())
        sending = asyncio.create_task(self.channel.send(notification), name=f"send to {self.name}")
        try:
            await asyncio.shield(sending)
        except asyncio.CancelledError:
            if await _delivered_in_time(sending):  # an orderly stop sends no message twice
                await self._complete(ready, notification)
            raise
        except DeliveryError as error:
            self.metrics.failures.labels(self.name).inc()
            if not self._failing:
                log.error("notification_failed", target=self.name, reason=str(error))  # noqa: TRY400 - not a bug
            self._failing = True
            raise
        await self._complete(ready, notification)

    async def _complete(self, ready: tuple[Message, ...], notification: Notification) -> None:
        """Commit that the messages were accepted now."""
        now = self.clock.now()
        completed = tuple((one, MessageStatus.ACCEPTED) for one in ready)
        await self.journal.commit(OutboxUpdate(completed=completed, completed_at=now))
        for one in ready:
            self.metrics.delivery_seconds.labels(self.name).observe(max(0, now - one.occurred_at) / 1000)
        self.metrics.messages.labels(self.name, MessageStatus.ACCEPTED.value).inc(len(ready))
        if self._failing:
            log.info("notification_recovered", target=self.name)
        self._failing = False
        log.info("notification_sent", target=self.name, incidents=list(notification.incidents), messages=len(ready))

    async def _discard(self, due: DueMessages) -> None:
        completed = [(one, MessageStatus.EXPIRED) for one in due.expired]
        completed += [(one, MessageStatus.SUPERSEDED) for one in due.superseded]
        await self.journal.commit(OutboxUpdate(completed=tuple(completed), completed_at=self.clock.now()))
        for one, status in completed:
            self.metrics.messages.labels(self.name, status.value).inc()
            if status is MessageStatus.EXPIRED:
                log.error("message_expired", target=self.name, incident=one.incident, number=one.number)


async def _delivered_in_time(sending: asyncio.Task[None]) -> bool:
    """Return whether the notification in flight at the stop was accepted in time."""
    await asyncio.wait({sending}, timeout=STOP_TIMEOUT_SECONDS)
    if not sending.done():
        sending.cancel()
        return False
    return sending.exception() is None


def _load_items(reader: JournalReader, messages: tuple[Message, ...]) -> list[NotificationItem]:
    """Return each message with its event; a reminder has the newest event of its incident."""
    items = []
    for one in messages:
        newest = reader.incident_events(one.incident)[-1:] if one.reminder else []
        event = newest[0] if newest else reader.incident_event(one.incident, one.number)
        if event is not None:
            items.append(NotificationItem(one, event))
    return items
