"""Incidents as plain data for the API and for ``portal-monitor incidents --json``; times are ISO 8601 in UTC."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from monitor.web.speak import iso

if TYPE_CHECKING:
    from monitor.incident import Glance, IncidentEvent, Member
    from monitor.store import Reader


def incident_json(event: IncidentEvent, now: int) -> dict[str, Any]:
    """How an incident stands after ``event``; ``now`` (UTC ms) bounds the downtime of one that goes on."""
    incident = event.incident
    return {
        "id": incident.id,
        "kind": incident.kind.value,
        "severity": incident.severity.value,
        "location": incident.location,
        "opened": iso(incident.opened),
        "updated": iso(event.at),
        "resolved": iso(incident.resolved),
        "downtime_seconds": incident.downtime(now),
        "shared": list(incident.shared) if len(incident.members) > 1 else [],
        "portals": [_member(one, now) for one in incident.members],
    }


def course_json(reader: Reader, identity: str) -> dict[str, Any]:
    """What led there: events, notes of people, messages."""
    events, notes, messages = reader.incident(identity), reader.notes(identity), reader.messages(identity)
    return {
        "events": [
            {"number": one.number, "step": one.step.value, "portal": one.portal, "at": iso(one.at), "told": one.tell}
            for one in events
        ],
        "notes": [{"kind": one.kind.value, "by": one.by, "text": one.text, "at": iso(one.at)} for one in notes],
        "messages": [
            {
                "target": one.target,
                "event": one.number,
                "reminder": one.reminder,
                "created": iso(one.created),
                "fate": one.fate.value,
                "settled": iso(one.settled),
            }
            for one in messages
        ],
    }


def _member(one: Member, now: int) -> dict[str, Any]:
    return {
        "portal": one.portal,
        "state": one.state.value,
        "since": iso(one.since),
        "until": iso(one.until),
        "ending": one.ending.value if one.ending else None,
        "downtime_seconds": one.downtime(now),
        "fault": one.fault.value if one.fault else None,
        "phase": one.phase,
        "detail": one.detail,
        "address": one.address,
        "family": one.family,
        "certificate": dict(one.certificate),
        "last_good": iso(one.good),
        "references": list(one.references),
        "looks": [_look(look) for look in one.looks],
        "hops": [asdict(hop) for hop in one.hops],
        "shared": list(one.shared),
    }


def _look(one: Glance) -> dict[str, Any]:
    return {
        "check": one.check,
        "slot": iso(one.slot),
        "attempt": one.attempt,
        "started": iso(one.started),
        "duration": one.duration,
        "outcome": one.outcome.value,
        "fault": one.fault.value if one.fault else None,
        "void": one.void,
        "phase": one.phase,
        "detail": one.detail,
        "address": one.address,
        "family": one.family,
        "status": one.status,
    }
