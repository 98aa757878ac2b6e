"""Incidents, notes and messages as table rows and back; an incident is stored whole, as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from monitor.model.incidents import (
    AffectedPortal,
    AttemptSummary,
    EndReason,
    EventType,
    Incident,
    IncidentEvent,
    IncidentKind,
    IncidentNote,
    Message,
    MessageStatus,
    NoteKind,
    Severity,
)
from monitor.model.records import State
from probes.result import Fault, Hop, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EVENT_COLUMNS = ("seq", "incident", "number", "type", "portal", "at", "confirmed", "notify", "body")
SELECT_EVENTS = f"SELECT {', '.join(EVENT_COLUMNS)} FROM incident_event"  # noqa: S608 - our own names
INSERT_EVENT = (
    f"INSERT INTO incident_event ({', '.join(EVENT_COLUMNS)}) "  # noqa: S608 - our own names
    f"VALUES ({', '.join('?' * len(EVENT_COLUMNS))}) ON CONFLICT (incident, number) DO NOTHING"
)

NOTE_COLUMNS = ("seq", "id", "incident", "kind", "by", "text", "at")
_QUOTED = ", ".join(f'"{name}"' for name in NOTE_COLUMNS)
SELECT_NOTES = f"SELECT {_QUOTED} FROM incident_note"  # noqa: S608 - our own names
INSERT_NOTE = (
    f"INSERT INTO incident_note ({_QUOTED}) "  # noqa: S608 - our own names
    f"VALUES ({', '.join('?' * len(NOTE_COLUMNS))}) ON CONFLICT (id) DO NOTHING"
)

MESSAGE_COLUMNS = (
    *("incident", "number", "target", "reminder", "severity", "occurred_at", "created", "status", "completed_at"),
)
SELECT_MESSAGES = f"SELECT {', '.join(MESSAGE_COLUMNS)} FROM outbox"  # noqa: S608 - our own names
INSERT_MESSAGE = (
    f"INSERT INTO outbox ({', '.join(MESSAGE_COLUMNS)}) "  # noqa: S608 - our own names
    f"VALUES ({', '.join('?' * len(MESSAGE_COLUMNS))}) ON CONFLICT (incident, number, target, reminder) DO NOTHING"
)
COMPLETE_MESSAGE = (
    "UPDATE outbox SET status = ?, completed_at = ? WHERE incident = ? AND number = ? AND target = ? AND reminder = ?"
)


def incident_to_json(incident: Incident) -> str:
    """Encode an incident as JSON text, without empty values."""
    values = {name: value for name, value in asdict(incident).items() if name != "portals"}
    values["portals"] = [affected_portal_to_dict(one) for one in incident.portals]
    return json.dumps(_without_empty(values), separators=(",", ":"), ensure_ascii=False)


def affected_portal_to_dict(affected: AffectedPortal) -> dict[str, Any]:
    """Convert an affected portal to plain data, without empty values."""
    values = asdict(affected)
    values["attempts"] = [_without_empty(one) for one in values["attempts"]]
    return _without_empty(values)


def _without_empty(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None and value not in ("", (), [], {})}


def incident_from_json(body: str) -> Incident:
    """Decode an incident from JSON text."""
    data = json.loads(body)
    return Incident(
        **data
        | {
            "kind": IncidentKind(data["kind"]),
            "severity": Severity(data["severity"]),
            "portals": tuple(affected_portal_from_dict(one) for one in data["portals"]),
            "shared": tuple(data.get("shared", ())),
        }
    )


def affected_portal_from_dict(data: Mapping[str, Any]) -> AffectedPortal:
    """Make an affected portal from plain data."""
    return AffectedPortal(
        **dict(data)
        | {
            "state": State(data["state"]),
            "fault": parse_fault(data.get("fault")),
            "end_reason": EndReason(data["end_reason"]) if data.get("end_reason") else None,
            "attempts": tuple(attempt_from_dict(one) for one in data.get("attempts", ())),
            "hops": tuple(Hop(**one) for one in data.get("hops", ())),
            "references": tuple(data.get("references", ())),
            "shared": tuple(data.get("shared", ())),
        }
    )


def attempt_from_dict(data: Mapping[str, Any]) -> AttemptSummary:
    """Make an attempt from plain data."""
    return AttemptSummary(**dict(data) | {"outcome": Outcome(data["outcome"]), "fault": parse_fault(data.get("fault"))})


def parse_fault(name: str | None) -> Fault | None:
    """Return the fault of that name, None for none."""
    return Fault(name) if name else None


def event_row(event: IncidentEvent, seq: int) -> tuple[Any, ...]:
    """Convert an event to a row."""
    key = (event.incident.id, event.number, event.type.value, event.portal)
    body = incident_to_json(event.incident).encode(errors="replace").decode()
    return (seq, *key, event.at, event.confirmed, int(event.notify), body)


def event_from_row(row: Sequence[Any]) -> IncidentEvent:
    """Make an event from a row."""
    values = dict(zip(EVENT_COLUMNS, row, strict=True))
    return IncidentEvent(
        incident=incident_from_json(values["body"]),
        number=values["number"],
        type=EventType(values["type"]),
        portal=values["portal"],
        at=values["at"],
        confirmed=values["confirmed"],
        notify=bool(values["notify"]),
        seq=values["seq"],
    )


def note_row(note: IncidentNote, seq: int) -> tuple[Any, ...]:
    """Convert a note to a row."""
    return (seq, note.id, note.incident, note.kind.value, note.by, note.text, note.at)


def note_from_row(row: Sequence[Any]) -> IncidentNote:
    """Make a note from a row."""
    values = dict(zip(NOTE_COLUMNS, row, strict=True))
    return IncidentNote(**values | {"kind": NoteKind(values["kind"])})


def message_row(message: Message) -> tuple[Any, ...]:
    """Convert a message to a row."""
    key = (message.incident, message.number, message.target, message.reminder, message.severity.value)
    return (*key, message.occurred_at, message.created, message.status.value, message.completed_at)


def message_from_row(row: Sequence[Any]) -> Message:
    """Make a message from a row."""
    values = dict(zip(MESSAGE_COLUMNS, row, strict=True))
    return Message(**values | {"severity": Severity(values["severity"]), "status": MessageStatus(values["status"])})


def completion_row(message: Message, status: MessageStatus, completed_at: int) -> tuple[Any, ...]:
    """Return the values of :data:`COMPLETE_MESSAGE`."""
    return (status.value, completed_at, message.incident, message.number, message.target, message.reminder)
