"""The courier of one target: works its waiting messages off, grouped, until each is accepted or too old; at least once.

It leaves to the outbox that nothing is lost, and to the receiver to know a repetition by the incident's id: a daemon
that dies between the answer and the note of it sends again.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog
from tenacity import AsyncRetrying, retry_if_exception_type, stop_never, wait_random_exponential

from monitor.alerting.channel import NotAccepted
from monitor.alerting.notification import Item
from monitor.alerting.routing import sort_out
from monitor.model.incidents import Fate, Post

if TYPE_CHECKING:
    from monitor.alerting.channel import Channel
    from monitor.alerting.metrics import AlertingMetrics
    from monitor.alerting.notification import Letter, Writer
    from monitor.alerting.routing import Batch
    from monitor.config.alerting import Notify
    from monitor.model.clock import Clock
    from monitor.model.incidents import Message
    from monitor.storage.journal.journal import Journal
    from monitor.storage.journal.store import Reader

log = structlog.get_logger(__name__)

STOP_SECONDS = 3.0
"""A letter that is under way when the daemon stops is waited for so long; what comes later is sent again."""

LOOK_SECONDS = 30.0
"""The outbox is looked through at least this often, for quiet hours follow the clock on the wall."""


class TargetCourier:
    """Delivers to one target until cancelled; :meth:`run` is its whole life. Fails only when the journal does."""

    def __init__(  # noqa: PLR0913 - the parts of a delivery, each named at the one call
        self,
        *,
        name: str,
        channel: Channel,
        writer: Writer,
        notify: Notify,
        journal: Journal,
        clock: Clock,
        metrics: AlertingMetrics,
        first: float = 1.0,
        most: float = 60.0,
    ) -> None:
        """``first`` and ``most`` bound the random pause after a failure, in seconds."""
        self.name = name
        self.notify = notify
        self._channel = channel
        self._writer = writer
        self._journal = journal
        self._clock = clock
        self._metrics = metrics
        self._news = asyncio.Event()
        self._trouble = False
        self._retrying = AsyncRetrying(
            retry=retry_if_exception_type(NotAccepted),
            wait=wait_random_exponential(multiplier=first, min=first, max=most),
            stop=stop_never,
            reraise=True,
        )

    def tell(self) -> None:
        """There is something new in the outbox."""
        self._news.set()

    async def run(self) -> None:
        """Work off what waits, then wait for news."""
        while True:
            self._news.clear()
            wake: int | None = await self._retrying(self._work_off)
            pause = LOOK_SECONDS if wake is None else min(LOOK_SECONDS, max(0.0, (wake - self._clock.now()) / 1000))
            try:
                async with asyncio.timeout(pause):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def _work_off(self) -> int | None:
        """Deliver one letter, if one is due; when to look again (UTC ms). Raises NotAccepted."""
        waiting = await self._journal.read(lambda reader: reader.waiting(self.name))
        now = self._clock.now()
        self._metrics.waiting.labels(self.name).set(len(waiting))
        self._metrics.oldest.labels(self.name).set((now - waiting[0].created) / 1000 if waiting else 0)
        batch = sort_out(waiting, self.notify, now)
        if batch.expired or batch.stale:
            await self._give_up(batch)
        if batch.ready:
            await self._deliver(batch.ready)
        return batch.wake

    async def _deliver(self, ready: tuple[Message, ...]) -> None:
        items = await self._journal.read(lambda reader: _items(reader, ready))
        letter = self._writer.write(items, self._channel.form, self._clock.now())
        sending = asyncio.create_task(self._channel.send(letter), name=f"send to {self.name}")
        try:
            await asyncio.shield(sending)
        except asyncio.CancelledError:
            if await _landed(sending):  # a stop in good order sends nothing twice
                await self._settle(ready, letter)
            raise
        except NotAccepted as error:
            self._metrics.failures.labels(self.name).inc()
            if not self._trouble:
                log.error("target_does_not_accept", target=self.name, reason=str(error))  # noqa: TRY400 - no bug
            self._trouble = True
            raise
        await self._settle(ready, letter)

    async def _settle(self, ready: tuple[Message, ...], letter: Letter) -> None:
        """Note that the messages were accepted now."""
        now = self._clock.now()
        await self._journal.commit(Post(settled=tuple((one, Fate.ACCEPTED) for one in ready), at=now))
        for one in ready:
            self._metrics.delivery.labels(self.name).observe(max(0, now - one.happened) / 1000)
        self._metrics.messages.labels(self.name, Fate.ACCEPTED.value).inc(len(ready))
        if self._trouble:
            log.info("target_accepts_again", target=self.name)
        self._trouble = False
        log.info("notified", target=self.name, incidents=list(letter.incidents), messages=len(ready))

    async def _give_up(self, batch: Batch) -> None:
        settled = [(one, Fate.EXPIRED) for one in batch.expired] + [(one, Fate.SUPERSEDED) for one in batch.stale]
        await self._journal.commit(Post(settled=tuple(settled), at=self._clock.now()))
        for one, fate in settled:
            self._metrics.messages.labels(self.name, fate.value).inc()
            if fate is Fate.EXPIRED:
                log.error("message_expired", target=self.name, incident=one.incident, number=one.number)


async def _landed(sending: asyncio.Task[None]) -> bool:
    """Whether a letter that was under way at the stop was accepted in time."""
    await asyncio.wait({sending}, timeout=STOP_SECONDS)
    if not sending.done():
        sending.cancel()
        return False
    return sending.exception() is None


def _items(reader: Reader, messages: tuple[Message, ...]) -> list[Item]:
    """Each message with its event; a reminder speaks of how things stand now."""
    found = []
    for one in messages:
        newest = reader.incident(one.incident)[-1:] if one.reminder else []
        event = newest[0] if newest else reader.incident_event(one.incident, one.number)
        if event is not None:
            found.append(Item(one, event))
    return found
