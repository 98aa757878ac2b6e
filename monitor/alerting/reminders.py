"""Reminders of open incidents that no operator has acknowledged."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from monitor.alerting import routing
from monitor.model.incidents import OutboxUpdate

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.config.alerting import NotifyBlock
    from monitor.model.clock import Clock
    from monitor.storage.journal.journal import Journal
    from monitor.storage.journal.store import JournalReader

REMINDER_SECONDS = 5.0
"""Interval between two searches for reminders that are due."""


class ReminderScheduler:
    """Writes due reminders to the outbox."""

    def __init__(self, *, journal: Journal, notify: NotifyBlock, clock: Clock, on_outbox: Callable[[], None]) -> None:
        """``on_outbox`` is called after a reminder was committed to the outbox."""
        self._journal = journal
        self._notify = notify
        self._clock = clock
        self._on_outbox = on_outbox

    async def run(self) -> None:
        """Run until cancelled. Fails only when the journal does."""
        while True:
            await self.remind()
            await asyncio.sleep(REMINDER_SECONDS)

    async def remind(self) -> None:
        """Write the reminders that are due; writing one twice changes nothing."""
        if self._notify.reminders is None:
            return
        now = self._clock.now()

        def due(reader: JournalReader) -> list[OutboxUpdate]:
            lasting = reader.incidents(open_only=True)
            known = reader.acknowledged(one.incident.id for one in lasting)
            wanted = routing.reminder_messages(lasting, known, self._notify, now)
            there = {
                (one.incident, one.target, one.reminder)
                for event in lasting
                for one in reader.messages(event.incident.id)
            }
            fresh = tuple(one for one in wanted if (one.incident, one.target, one.reminder) not in there)
            return [OutboxUpdate(messages=fresh)] if fresh else []

        for post in await self._journal.read(due):
            await self._journal.commit(post)
            self._on_outbox()
