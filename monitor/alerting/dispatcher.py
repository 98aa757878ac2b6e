"""The courier of one target: works its waiting messages off, grouped, until each is accepted or too old; at least once.

It leaves to the outbox that nothing is lost, and to the receiver to know a repetition by the incident's id: a daemon
that dies between the answer and the note of it sends again.
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
"""A letter that is under way when the daemon stops is waited for so long; what comes later is sent again."""

POLL_SECONDS = 30.0
"""The outbox is looked through at least this often, for quiet hours follow the clock on the wall."""


class NotificationDispatcher:
    """Delivers to one target until cancelled; :meth:`run` is its whole life. Fails only when the journal does."""

    def __init__(  # noqa: PLR0913 - the parts of a delivery, each named at the one call
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
        """``first`` and ``most`` bound the random pause after a failure, in seconds."""
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
        """There is something new in the outbox."""
        self._wakeup.set()

    async def run(self) -> None:
        """Work off what waits, then wait for news."""
        while True:
            self._wakeup.clear()
            wake: int | None = await self._retrying(self._dispatch_due)
            pause = POLL_SECONDS if wake is None else min(POLL_SECONDS, max(0.0, (wake - self._clock.now()) / 1000))
            try:
                async with asyncio.timeout(pause):
                    await self._wakeup.wait()
            except TimeoutError:
                continue

    async def _dispatch_due(self) -> int | None:
        """Deliver one letter, if one is due; when to look again (UTC ms). Raises NotAccepted."""
        waiting = await self._journal.read(lambda reader: reader.waiting_messages(self.name))
        now = self._clock.now()
        self._metrics.pending_messages.labels(self.name).set(len(waiting))
        self._metrics.oldest_message_age.labels(self.name).set((now - waiting[0].created) / 1000 if waiting else 0)
        batch = due_messages(waiting, self.settings, now)
        if batch.expired or batch.superseded:
            await self._discard(batch)
        if batch.ready:
            await self._deliver(batch.ready)
        return batch.wake_at_ms

    async def _deliver(self, ready: tuple[Message, ...]) -> None:
        items = await self._journal.read(lambda reader: _load_items(reader, ready))
        letter = self._renderer.render(items, self._channel.text_format, self._clock.now())
        sending = asyncio.create_task(self._channel.send(letter), name=f"send to {self.name}")
        try:
            await asyncio.shield(sending)
        except asyncio.CancelledError:
            if await _delivered_in_time(sending):  # a stop in good order sends nothing twice
                await self._complete(ready, letter)
            raise
        except DeliveryError as error:
            self._metrics.failures.labels(self.name).inc()
            if not self._failing:
                log.error("target_does_not_accept", target=self.name, reason=str(error))  # noqa: TRY400 - no bug
            self._failing = True
            raise
        await self._complete(ready, letter)

    async def _complete(self, ready: tuple[Message, ...], notification: Notification) -> None:
        """Note that the messages were accepted now."""
        now = self._clock.now()
        await self._journal.commit(
            OutboxUpdate(completed=tuple((one, MessageStatus.ACCEPTED) for one in ready), completed_at=now)
        )
        for one in ready:
            self._metrics.delivery_seconds.labels(self.name).observe(max(0, now - one.happened) / 1000)
        self._metrics.messages.labels(self.name, MessageStatus.ACCEPTED.value).inc(len(ready))
        if self._failing:
            log.info("target_accepts_again", target=self.name)
        self._failing = False
        log.info("notified", target=self.name, incidents=list(notification.incidents), messages=len(ready))

    async def _discard(self, due: DueMessages) -> None:
        settled = [(one, MessageStatus.EXPIRED) for one in due.expired] + [
            (one, MessageStatus.SUPERSEDED) for one in due.superseded
        ]
        await self._journal.commit(OutboxUpdate(completed=tuple(settled), completed_at=self._clock.now()))
        for one, fate in settled:
            self._metrics.messages.labels(self.name, fate.value).inc()
            if fate is MessageStatus.EXPIRED:
                log.error("message_expired", target=self.name, incident=one.incident, number=one.number)


async def _delivered_in_time(sending: asyncio.Task[None]) -> bool:
    """Whether a letter that was under way at the stop was accepted in time."""
    await asyncio.wait({sending}, timeout=STOP_TIMEOUT_SECONDS)
    if not sending.done():
        sending.cancel()
        return False
    return sending.exception() is None


def _load_items(reader: JournalReader, messages: tuple[Message, ...]) -> list[NotificationItem]:
    """Each message with its event; a reminder speaks of how things stand now."""
    found = []
    for one in messages:
        newest = reader.incident_events(one.incident)[-1:] if one.reminder else []
        event = newest[0] if newest else reader.incident_event(one.incident, one.number)
        if event is not None:
            found.append(NotificationItem(one, event))
    return found
