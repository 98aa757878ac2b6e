"""Import of operators' notes: files of the inbox become rows of the journal."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from monitor.model.incidents import OutboxUpdate
from monitor.storage import inbox

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.model.clock import Clock
    from monitor.storage.journal.journal import Journal

log = structlog.get_logger(__name__)

IMPORT_SECONDS = 0.5  # interval of imports
MAINTENANCE_EVERY = 10  # imports between two clean-ups of the inbox


@dataclass(slots=True, kw_only=True, eq=False)
class NoteImporter:
    """Imports the notes of operators into the journal, every half second."""

    journal: Journal
    data: Path
    clock: Clock
    _imported: set[str] = field(default_factory=set, init=False)
    _failing: bool = field(default=False, init=False)

    async def run(self) -> None:
        """Run until cancelled. Fails only when the journal does."""
        for round_ in itertools.count():
            await self.import_notes(maintenance=round_ % MAINTENANCE_EVERY == 0)
            await asyncio.sleep(IMPORT_SECONDS)

    async def import_notes(self, *, maintenance: bool = False) -> None:
        """Commit the notes of the inbox, then remove their files. Logs once while the folder cannot be used."""
        try:
            await self._import_notes()
            if maintenance:
                await asyncio.to_thread(inbox.remove_stale_drafts, self.data, self.clock.now())
        except OSError as error:
            if not self._failing:
                log.warning("inbox_unusable", reason=error.strerror or str(error))
            self._failing = True
        else:
            self._failing = False

    async def _import_notes(self) -> None:
        notes = await asyncio.to_thread(inbox.pending_notes, self.data)
        fresh = [note for _, note in notes if note.id not in self._imported]
        if fresh:
            await self.journal.commit(OutboxUpdate(notes=tuple(fresh)))
        for note in fresh:
            self._imported.add(note.id)
            log.info("note_imported", incident=note.incident, kind=note.kind.value, by=note.by)
        for path, _ in notes:
            await asyncio.to_thread(path.unlink, missing_ok=True)
        self._imported.clear()
