"""Reminders of open incidents that no operator has acknowledged."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.alerting import routing
from monitor.model.incidents import Message, OutboxUpdate

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.config.alerting import NotifyBlock
    from monitor.model.clock import Clock
    from monitor.storage.journal.journal import Journal
    from monitor.storage.journal.store import JournalReader

REMINDER_SECONDS = 5.0  # interval between two searches for reminders that are due


@dataclass(slots=True, kw_only=True, eq=False)
class ReminderScheduler:
    """Writes due reminders to the outbox and calls ``on_outbox`` after each commit."""

    journal: Journal
    settings: NotifyBlock
    clock: Clock
    on_outbox: Callable[[], None]

    async def run(self) -> None:
        """Run until cancelled. Fails only when the journal does."""
        while True:
            await self.remind()
            await asyncio.sleep(REMINDER_SECONDS)

    async def remind(self) -> None:
        """Write the reminders that are due; writing one twice changes nothing."""
        if self.settings.repeat_interval is None:
            return
        now = self.clock.now()

        def due(reader: JournalReader) -> list[OutboxUpdate]:
            open_incidents = reader.incidents(open_only=True)
            acknowledged = reader.acknowledged(one.incident.id for one in open_incidents)
            reminders = routing.reminder_messages(open_incidents, acknowledged, self.settings, now)
            written = {_key(one) for event in open_incidents for one in reader.messages(event.incident.id)}
            new = tuple(one for one in reminders if _key(one) not in written)
            return [OutboxUpdate(messages=new)] if new else []

        for update in await self.journal.read(due):
            await self.journal.commit(update)
            self.on_outbox()


def _key(message: Message) -> tuple[str, str, int]:
    return message.incident, message.target, message.reminder
