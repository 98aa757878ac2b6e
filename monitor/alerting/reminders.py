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

    def __init__(self, *, journal: Journal, settings: NotifyBlock, clock: Clock, on_outbox: Callable[[], None]) -> None:
        """Call ``on_outbox`` after each reminder that was committed to the outbox."""
        self._journal = journal
        self._settings = settings
        self._clock = clock
        self._on_outbox = on_outbox

    async def run(self) -> None:
        """Run until cancelled. Fails only when the journal does."""
        while True:
            await self.remind()
            await asyncio.sleep(REMINDER_SECONDS)

    async def remind(self) -> None:
        """Write the reminders that are due; writing one twice changes nothing."""
        if self._settings.repeat_interval is None:
            return
        now = self._clock.now()

        def due(reader: JournalReader) -> list[OutboxUpdate]:
            open_incidents = reader.incidents(open_only=True)
            acknowledged = reader.acknowledged(one.incident.id for one in open_incidents)
            reminders = routing.reminder_messages(open_incidents, acknowledged, self._settings, now)
            written = {
                (one.incident, one.target, one.reminder)
                for event in open_incidents
                for one in reader.messages(event.incident.id)
            }
            new = tuple(one for one in reminders if (one.incident, one.target, one.reminder) not in written)
            return [OutboxUpdate(messages=new)] if new else []

        for update in await self._journal.read(due):
            await self._journal.commit(update)
            self._on_outbox()
