"""What is asked of the journal about incidents: how they stand, what led there, what was said, what is to be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.model.incidents import EventType, MessageStatus, NoteKind
from monitor.storage.journal import incident_rows as rows

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from monitor.model.incidents import IncidentEvent, IncidentNote, Message

_IS_NEWEST_EVENT = (
    "number = (SELECT MAX(number) FROM incident_event AS other WHERE other.incident = incident_event.incident)"
)


class IncidentQueries:
    """The questions; a reader of the journal inherits them and brings the connection."""

    _db: sqlite3.Connection

    def incidents(self, *, open_only: bool = False, since_ms: int = 0, limit: int = -1) -> list[IncidentEvent]:
        """The newest event of every incident that is open or moved at ``since`` (UTC ms) or later, newest first."""
        where = f"{_IS_NEWEST_EVENT} AND (step != ?" + (")" if open_only else " OR at >= ?)")
        values = (EventType.RESOLVED.value, *(() if open_only else (since_ms,)), limit)
        sql = f"{rows.SELECT_EVENTS} WHERE {where} ORDER BY seq DESC LIMIT ?"
        return [rows.event_from_row(row) for row in self._db.execute(sql, values)]

    def incident_events(self, incident_id: str) -> list[IncidentEvent]:
        """All events of an incident, oldest first; empty when there is none of that id."""
        sql = f"{rows.SELECT_EVENTS} WHERE incident = ? ORDER BY number"
        return [rows.event_from_row(row) for row in self._db.execute(sql, (incident_id,))]

    def incident_event(self, incident_id: str, number: int) -> IncidentEvent | None:
        """One event of an incident."""
        sql = f"{rows.SELECT_EVENTS} WHERE incident = ? AND number = ?"
        row = self._db.execute(sql, (incident_id, number)).fetchone()
        return rows.event_from_row(row) if row else None

    def incidents_of_portal(self, portal: str, *, since_ms: int = 0, limit: int = 20) -> list[IncidentEvent]:
        """The newest event of each incident that ``portal`` had a part in since then, newest first."""
        sql = (
            f"{rows.SELECT_EVENTS} WHERE {_IS_NEWEST_EVENT} AND incident IN "  # noqa: S608 - our own names
            "(SELECT incident FROM incident_event WHERE portal = ? AND at >= ?) ORDER BY seq DESC LIMIT ?"
        )
        return [rows.event_from_row(row) for row in self._db.execute(sql, (portal, since_ms, limit))]

    def notes(self, incident_id: str) -> list[IncidentNote]:
        """What people said about an incident, oldest first."""
        sql = f"{rows.SELECT_NOTES} WHERE incident = ? ORDER BY seq"
        return [rows.note_from_row(row) for row in self._db.execute(sql, (incident_id,))]

    def acknowledged(self, incidents: Iterable[str]) -> set[str]:
        """Those of the incidents that somebody has acknowledged."""
        sql = "SELECT 1 FROM incident_note WHERE incident = ? AND kind = ? LIMIT 1"
        kind = NoteKind.ACKNOWLEDGED.value
        return {one for one in incidents if self._db.execute(sql, (one, kind)).fetchone()}

    def waiting_messages(self, target: str, limit: int = 200) -> list[Message]:
        """The messages that ``target`` has not taken yet, in the order in which they were written."""
        sql = f"{rows.SELECT_MESSAGES} WHERE target = ? AND fate = ? ORDER BY created, incident, number LIMIT ?"
        return [
            rows.message_from_row(row) for row in self._db.execute(sql, (target, MessageStatus.WAITING.value, limit))
        ]

    def messages(self, incident_id: str) -> list[Message]:
        """All messages about an incident, in the order in which they were written."""
        sql = f"{rows.SELECT_MESSAGES} WHERE incident = ? ORDER BY created, number, target, reminder"
        return [rows.message_from_row(row) for row in self._db.execute(sql, (incident_id,))]
