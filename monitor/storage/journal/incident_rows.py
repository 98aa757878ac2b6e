"""Incidents, notes and messages as table rows and back; an incident is stored whole, as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from monitor.model import incidents as model
from monitor.model.records import State
from monitor.storage.journal.rows import insert_sql, select_sql
from probes.result import Fault, Hop, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monitor.model.incidents import AffectedPortal, AttemptSummary, Incident, IncidentEvent, IncidentNote, Message

EVENT_COLUMNS = ("seq", "incident", "number", "type", "portal", "at", "confirmed", "notify", "body")
SELECT_EVENTS = select_sql("incident_event", EVENT_COLUMNS)
INSERT_EVENT = insert_sql("incident_event", EVENT_COLUMNS, "incident, number")

NOTE_COLUMNS = ("seq", "id", "incident", "kind", "by", "text", "at")
SELECT_NOTES = select_sql("incident_note", NOTE_COLUMNS)
INSERT_NOTE = insert_sql("incident_note", NOTE_COLUMNS, "id")

MESSAGE_COLUMNS = (
    *("incident", "number", "target", "reminder", "severity", "occurred_at", "created", "status", "completed_at"),
)
SELECT_MESSAGES = select_sql("outbox", MESSAGE_COLUMNS)
INSERT_MESSAGE = insert_sql("outbox", MESSAGE_COLUMNS, "incident, number, target, reminder")
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
    return _without_empty(values | {"attempts": [_without_empty(one) for one in values["attempts"]]})


def _without_empty(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None and value not in ("", (), [], {})}


def incident_from_json(body: str) -> Incident:
    """Decode an incident from JSON text."""
    data = json.loads(body)
    data["kind"], data["severity"] = model.IncidentKind(data["kind"]), model.Severity(data["severity"])
    data["portals"] = tuple(affected_portal_from_dict(one) for one in data["portals"])
    data["shared"] = tuple(data.get("shared", ()))
    return model.Incident(**data)


def affected_portal_from_dict(data: Mapping[str, Any]) -> AffectedPortal:
    """Make an affected portal from plain data."""
    converted = {
        "state": State(data["state"]),
        "fault": parse_fault(data.get("fault")),
        "end_reason": model.EndReason(data["end_reason"]) if data.get("end_reason") else None,
        "attempts": tuple(attempt_from_dict(one) for one in data.get("attempts", ())),
        "hops": tuple(Hop(**one) for one in data.get("hops", ())),
        **{name: tuple(data.get(name, ())) for name in ("references", "shared")},
    }
    return model.AffectedPortal(**dict(data) | converted)


def attempt_from_dict(data: Mapping[str, Any]) -> AttemptSummary:
    """Make an attempt from plain data."""
    converted = {"outcome": Outcome(data["outcome"]), "fault": parse_fault(data.get("fault"))}
    return model.AttemptSummary(**dict(data) | converted)


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
    values["incident"] = incident_from_json(values.pop("body"))
    return model.IncidentEvent(**values | {"type": model.EventType(values["type"]), "notify": bool(values["notify"])})


def note_row(note: IncidentNote, seq: int) -> tuple[Any, ...]:
    """Convert a note to a row."""
    return (seq, note.id, note.incident, note.kind.value, note.by, note.text, note.at)


def note_from_row(row: Sequence[Any]) -> IncidentNote:
    """Make a note from a row."""
    values = dict(zip(NOTE_COLUMNS, row, strict=True))
    return model.IncidentNote(**values | {"kind": model.NoteKind(values["kind"])})


def message_row(message: Message) -> tuple[Any, ...]:
    """Convert a message to a row."""
    key = (message.incident, message.number, message.target, message.reminder, message.severity.value)
    return (*key, message.occurred_at, message.created, message.status.value, message.completed_at)


def message_from_row(row: Sequence[Any]) -> Message:
    """Make a message from a row."""
    values = dict(zip(MESSAGE_COLUMNS, row, strict=True))
    values["severity"], values["status"] = model.Severity(values["severity"]), model.MessageStatus(values["status"])
    return model.Message(**values)


def completion_row(message: Message, status: model.MessageStatus, completed_at: int) -> tuple[Any, ...]:
    """Return the values of :data:`COMPLETE_MESSAGE`."""
    return (status.value, completed_at, message.incident, message.number, message.target, message.reminder)
