"""The entries of the journal: measurements, and updates of checkpoints, archive, outbox and meta values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.model.incidents import OutboxUpdate
from monitor.model.records import Measurement

if TYPE_CHECKING:
    from monitor.model.incidents import IncidentEvent, Message
    from monitor.model.records import StateChange
    from monitor.storage.journal.rows import QuarantinedRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointUpdate:
    """The new position and state of a consumer, and the records that it derived from what it read."""

    consumer: str
    seq: int
    state: str = ""
    changes: tuple[StateChange, ...] = ()
    quarantined: tuple[QuarantinedRecord, ...] = ()
    events: tuple[IncidentEvent, ...] = ()
    messages: tuple[Message, ...] = ()

    @property
    def urgent(self) -> bool:
        """Whether to commit at once: changes of states and incidents do not wait for the commit interval."""
        return bool(self.changes or self.events)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetaUpdate:
    """A value that the daemon stores for its next start."""

    key: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveUpdate:
    """Statements of the archive, (SQL, values) each, for one transaction; they create no records."""

    statements: tuple[tuple[str, tuple[str | int | None, ...]], ...]


JournalEntry = Measurement | CheckpointUpdate | MetaUpdate | ArchiveUpdate | OutboxUpdate
