"""Delivers the pending messages of one target, grouped, until each is accepted or too old; at least once.

The outbox guarantees that no message is lost. The receiver detects repetitions by the incident id: a daemon that dies
between the target's response and its own commit sends again.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog
from tenacity import AsyncRetrying, retry_if_exception_type, stop_never, wait_random_exponential

from monitor.alerting.channel import DeliveryError
from monitor.alerting.notification import NotificationItem
from monitor.alerting.routing import due_messages
from monitor.model.incidents import MessageStatus, OutboxUpdate

if TYPE_CHECKING:
    from monitor.alerting.channel import Channel
    from monitor.alerting.metrics import AlertingMetrics
    from monitor.alerting.notification import Notification, NotificationRenderer
    from monitor.alerting.routing import DueMessages
    from monitor.config.alerting import NotifyBlock
    from monitor.model.clock import Clock
    from monitor.model.incidents import Message
    from monitor.storage.journal.journal import Journal
    from monitor.storage.journal.store import JournalReader

log = structlog.get_logger(__name__)

STOP_TIMEOUT_SECONDS = 3.0
"""How long a stop waits for a notification in flight; one that is accepted later is sent again."""

POLL_SECONDS = 30.0
"""Longest interval between two reads of the outbox, because quiet hours follow the wall clock."""


class NotificationDispatcher:
    """Delivers to one target until cancelled. Fails only when the journal does."""

    def __init__(  # noqa: PLR0913 - its dependencies, passed by keyword at one call
        self,
        *,
        name: str,
        channel: Channel,
        renderer: NotificationRenderer,
        settings: NotifyBlock,
        journal: Journal,
        clock: Clock,
        metrics: AlertingMetrics,
        initial_backoff_seconds: float = 1.0,
        max_backoff_seconds: float = 60.0,
    ) -> None:
        """Bound the random pause after a failure by the two backoff times."""
        self.name = name
        self.settings = settings
        self._channel = channel
        self._renderer = renderer
        self._journal = journal
        self._clock = clock
        self._metrics = metrics
        self._wakeup = asyncio.Event()
        self._failing = False
        self._retrying = AsyncRetrying(
            retry=retry_if_exception_type(DeliveryError),
            wait=wait_random_exponential(
                multiplier=initial_backoff_seconds, min=initial_backoff_seconds, max=max_backoff_seconds
            ),
            stop=stop_never,
            reraise=True,
        )

    def wake(self) -> None:
        """Read the outbox now, because it has new messages."""
        self._wakeup.set()

    async def run(self) -> None:
        """Deliver what is due, then wait for new messages or the next due time."""
        while True:
            self._wakeup.clear()
            wake_at_ms: int | None = await self._retrying(self._dispatch_due)
            pause = (
                POLL_SECONDS
                if wake_at_ms is None
                else min(POLL_SECONDS, max(0.0, (wake_at_ms - self._clock.now()) / 1000))
            )
            try:
                async with asyncio.timeout(pause):
                    await self._wakeup.wait()
            except TimeoutError:
                continue

    async def _dispatch_due(self) -> int | None:
        """Deliver one notification if one is due; return when to read again (UTC ms). Raises DeliveryError."""
        pending = await self._journal.read(lambda reader: reader.waiting_messages(self.name))
        now = self._clock.now()
        self._metrics.pending_messages.labels(self.name).set(len(pending))
        self._metrics.oldest_message_age.labels(self.name).set((now - pending[0].created) / 1000 if pending else 0)
        due = due_messages(pending, self.settings, now)
        if due.expired or due.superseded:
            await self._discard(due)
        if due.ready:
            await self._deliver(due.ready)
        return due.wake_at_ms

    async def _deliver(self, ready: tuple[Message, ...]) -> None:
        items = await self._journal.read(lambda reader: _load_items(reader, ready))
        notification = self._renderer.render(items, self._channel.text_format, self._clock.now())
        sending = asyncio.create_task(self._channel.send(notification), name=f"send to {self.name}")
        try:
            await asyncio.shield(sending)
        except asyncio.CancelledError:
            if await _delivered_in_time(sending):  # an orderly stop sends no message twice
                await self._complete(ready, notification)
            raise
        except DeliveryError as error:
            self._metrics.failures.labels(self.name).inc()
            if not self._failing:
                log.error("notification_failed", target=self.name, reason=str(error))  # noqa: TRY400 - not a bug
            self._failing = True
            raise
        await self._complete(ready, notification)

    async def _complete(self, ready: tuple[Message, ...], notification: Notification) -> None:
        """Commit that the messages were accepted now."""
        now = self._clock.now()
        await self._journal.commit(
            OutboxUpdate(completed=tuple((one, MessageStatus.ACCEPTED) for one in ready), completed_at=now)
        )
        for one in ready:
            self._metrics.delivery_seconds.labels(self.name).observe(max(0, now - one.occurred_at) / 1000)
        self._metrics.messages.labels(self.name, MessageStatus.ACCEPTED.value).inc(len(ready))
        if self._failing:
            log.info("notification_recovered", target=self.name)
        self._failing = False
        log.info("notification_sent", target=self.name, incidents=list(notification.incidents), messages=len(ready))

    async def _discard(self, due: DueMessages) -> None:
        completed = [(one, MessageStatus.EXPIRED) for one in due.expired] + [
            (one, MessageStatus.SUPERSEDED) for one in due.superseded
        ]
        await self._journal.commit(OutboxUpdate(completed=tuple(completed), completed_at=self._clock.now()))
        for one, status in completed:
            self._metrics.messages.labels(self.name, status.value).inc()
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
