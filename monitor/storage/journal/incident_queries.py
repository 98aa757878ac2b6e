"""Queries of the journal about incidents: newest events, history, notes, and messages of the outbox."""

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
    """The queries; a reader of the journal inherits them and has the connection."""

    _db: sqlite3.Connection

    def incidents(self, *, open_only: bool = False, since_ms: int = 0, limit: int = -1) -> list[IncidentEvent]:
        """Return the newest event of every incident that is open or changed at ``since_ms`` or later, newest first."""
        where = f"{_IS_NEWEST_EVENT} AND (type != ?" + (")" if open_only else " OR at >= ?)")
        values = (EventType.RESOLVED.value, *(() if open_only else (since_ms,)), limit)
        sql = f"{rows.SELECT_EVENTS} WHERE {where} ORDER BY seq DESC LIMIT ?"
        return [rows.event_from_row(row) for row in self._db.execute(sql, values)]

    def incident_events(self, incident_id: str) -> list[IncidentEvent]:
        """Return all events of an incident, oldest first; empty for an unknown id."""
        sql = f"{rows.SELECT_EVENTS} WHERE incident = ? ORDER BY number"
        return [rows.event_from_row(row) for row in self._db.execute(sql, (incident_id,))]

    def incident_event(self, incident_id: str, number: int) -> IncidentEvent | None:
        """Return one event of an incident, or None."""
        sql = f"{rows.SELECT_EVENTS} WHERE incident = ? AND number = ?"
        row = self._db.execute(sql, (incident_id, number)).fetchone()
        return rows.event_from_row(row) if row else None

    def incidents_of_portal(self, portal: str, *, since_ms: int = 0, limit: int = 20) -> list[IncidentEvent]:
        """Return the newest event of each incident of ``portal`` since ``since_ms`` (UTC ms), newest first."""
        sql = (
            f"{rows.SELECT_EVENTS} WHERE {_IS_NEWEST_EVENT} AND incident IN "  # noqa: S608 - our own names
            "(SELECT incident FROM incident_event WHERE portal = ? AND at >= ?) ORDER BY seq DESC LIMIT ?"
        )
        return [rows.event_from_row(row) for row in self._db.execute(sql, (portal, since_ms, limit))]

    def notes(self, incident_id: str) -> list[IncidentNote]:
        """Return the notes about an incident, oldest first."""
        sql = f"{rows.SELECT_NOTES} WHERE incident = ? ORDER BY seq"
        return [rows.note_from_row(row) for row in self._db.execute(sql, (incident_id,))]

    def acknowledged(self, incidents: Iterable[str]) -> set[str]:
        """Return those of the incidents that an operator has acknowledged."""
        sql = "SELECT 1 FROM incident_note WHERE incident = ? AND kind = ? LIMIT 1"
        kind = NoteKind.ACKNOWLEDGED.value
        return {one for one in incidents if self._db.execute(sql, (one, kind)).fetchone()}

    def waiting_messages(self, target: str, limit: int = 200) -> list[Message]:
        """Return the messages that ``target`` has not accepted yet, in the order in which they were stored."""
        sql = f"{rows.SELECT_MESSAGES} WHERE target = ? AND status = ? ORDER BY created, incident, number LIMIT ?"
        return list(map(rows.message_from_row, self._db.execute(sql, (target, MessageStatus.WAITING.value, limit))))

    def messages(self, incident_id: str) -> list[Message]:
        """Return all messages about an incident, in the order in which they were stored."""
        sql = f"{rows.SELECT_MESSAGES} WHERE incident = ? ORDER BY created, number, target, reminder"
        return [rows.message_from_row(row) for row in self._db.execute(sql, (incident_id,))]
