"""Incidents, notes and messages as table rows and back; an incident is kept as the JSON of all that is known of it."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
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

EVENT_COLUMNS = ("seq", "incident", "number", "step", "portal", "at", "confirmed", "tell", "body")
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

MESSAGE_COLUMNS = (*("incident", "number", "target", "reminder", "severity", "happened", "created", "fate", "settled"),)
SELECT_MESSAGES = f"SELECT {', '.join(MESSAGE_COLUMNS)} FROM outbox"  # noqa: S608 - our own names
INSERT_MESSAGE = (
    f"INSERT INTO outbox ({', '.join(MESSAGE_COLUMNS)}) "  # noqa: S608 - our own names
    f"VALUES ({', '.join('?' * len(MESSAGE_COLUMNS))}) ON CONFLICT (incident, number, target, reminder) DO NOTHING"
)
COMPLETE_MESSAGE = (
    "UPDATE outbox SET fate = ?, settled = ? WHERE incident = ? AND number = ? AND target = ? AND reminder = ?"
)


def incident_to_json(incident: Incident) -> str:
    """An incident as JSON text; what is empty is left out."""
    kept = {name: value for name, value in asdict(incident).items() if name != "members"}
    kept["members"] = [affected_portal_to_dict(member) for member in incident.members]
    return json.dumps(_without_empty(kept), separators=(",", ":"), ensure_ascii=False)


def affected_portal_to_dict(affected: AffectedPortal) -> dict[str, Any]:
    """A member as plain data; what is empty is left out."""
    kept = asdict(affected)
    kept["looks"] = [_without_empty(look) for look in kept["looks"]]
    return _without_empty(kept)


def _without_empty(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None and value not in ("", (), [], {})}


def incident_from_json(body: str) -> Incident:
    """The incident of its JSON text."""
    told = json.loads(body)
    return Incident(
        **told
        | {
            "kind": IncidentKind(told["kind"]),
            "severity": Severity(told["severity"]),
            "members": tuple(affected_portal_from_dict(one) for one in told["members"]),
            "shared": tuple(told.get("shared", ())),
        }
    )


def affected_portal_from_dict(data: Mapping[str, Any]) -> AffectedPortal:
    """The member of its plain data."""
    return AffectedPortal(
        **dict(data)
        | {
            "state": State(data["state"]),
            "fault": parse_fault(data.get("fault")),
            "ending": EndReason(data["ending"]) if data.get("ending") else None,
            "looks": tuple(attempt_from_dict(one) for one in data.get("looks", ())),
            "hops": tuple(Hop(**one) for one in data.get("hops", ())),
            "references": tuple(data.get("references", ())),
            "shared": tuple(data.get("shared", ())),
        }
    )


def attempt_from_dict(data: Mapping[str, Any]) -> AttemptSummary:
    """The look of its plain data."""
    return AttemptSummary(**dict(data) | {"outcome": Outcome(data["outcome"]), "fault": parse_fault(data.get("fault"))})


def parse_fault(name: str | None) -> Fault | None:
    """The fault of that name."""
    return Fault(name) if name else None


def event_row(event: IncidentEvent, seq: int) -> tuple[Any, ...]:
    """An event as a row."""
    named = (event.incident.id, event.number, event.step.value, event.portal)
    body = incident_to_json(event.incident).encode(errors="replace").decode()
    return (seq, *named, event.at, event.confirmed, int(event.tell), body)


def event_from_row(row: Sequence[Any]) -> IncidentEvent:
    """A row as an event."""
    values = dict(zip(EVENT_COLUMNS, row, strict=True))
    return IncidentEvent(
        incident=incident_from_json(values["body"]),
        number=values["number"],
        step=EventType(values["step"]),
        portal=values["portal"],
        at=values["at"],
        confirmed=values["confirmed"],
        tell=bool(values["tell"]),
        seq=values["seq"],
    )


def note_row(note: IncidentNote, seq: int) -> tuple[Any, ...]:
    """A note as a row."""
    return (seq, note.id, note.incident, note.kind.value, note.by, note.text, note.at)


def note_from_row(row: Sequence[Any]) -> IncidentNote:
    """A row as a note."""
    values = dict(zip(NOTE_COLUMNS, row, strict=True))
    return IncidentNote(**values | {"kind": NoteKind(values["kind"])})


def message_row(message: Message) -> tuple[Any, ...]:
    """A message as a row."""
    named = (message.incident, message.number, message.target, message.reminder, message.severity.value)
    return (*named, message.happened, message.created, message.fate.value, message.settled)


def message_from_row(row: Sequence[Any]) -> Message:
    """A row as a message."""
    values = dict(zip(MESSAGE_COLUMNS, row, strict=True))
    return Message(**values | {"severity": Severity(values["severity"]), "fate": MessageStatus(values["fate"])})


def completion_row(message: Message, status: MessageStatus, completed_at: int) -> tuple[Any, ...]:
    """The values of :data:`SETTLE_MESSAGE`."""
    settled = replace(message, fate=status, settled=completed_at)
    return (settled.fate.value, completed_at, message.incident, message.number, message.target, message.reminder)
