"""Incidents as plain data for the API and for ``portal-monitor incidents --json``; times are ISO 8601 in UTC."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.i18n.translator import iso

if TYPE_CHECKING:
    from monitor.model.incidents import Glance, IncidentEvent, Member
    from monitor.storage.journal.store import Reader
    from monitor.web.api.models import Course, GlanceOf, HopOf, IncidentOf, IncidentWhole, MemberOf
    from probes.result import Hop


def incident_json(event: IncidentEvent, now: int) -> IncidentOf:
    """How an incident stands after ``event``; ``now`` (UTC ms) bounds the downtime of one that goes on."""
    incident = event.incident
    return {
        "id": incident.id,
        "kind": incident.kind,
        "severity": incident.severity,
        "location": incident.location,
        "opened": iso(incident.opened),
        "updated": iso(event.at),
        "resolved": iso(incident.resolved),
        "downtime_seconds": incident.downtime(now),
        "shared": list(incident.shared) if len(incident.members) > 1 else [],
        "portals": [_member(one, now) for one in incident.members],
    }


def whole_json(reader: Reader, event: IncidentEvent, now: int) -> IncidentWhole:
    """The same with what led there."""
    return {**incident_json(event, now), **_course(reader, event.incident.id)}


def _course(reader: Reader, identity: str) -> Course:
    events, notes, messages = reader.incident(identity), reader.notes(identity), reader.messages(identity)
    return {
        "events": [
            {"number": one.number, "step": one.step, "portal": one.portal, "at": iso(one.at), "told": one.tell}
            for one in events
        ],
        "notes": [{"kind": one.kind, "by": one.by, "text": one.text, "at": iso(one.at)} for one in notes],
        "messages": [
            {
                "target": one.target,
                "event": one.number,
                "reminder": one.reminder,
                "created": iso(one.created),
                "fate": one.fate,
                "settled": iso(one.settled),
            }
            for one in messages
        ],
    }


def _member(one: Member, now: int) -> MemberOf:
    return {
        "portal": one.portal,
        "state": one.state,
        "since": iso(one.since),
        "until": iso(one.until),
        "ending": one.ending,
        "downtime_seconds": one.downtime(now),
        "fault": one.fault,
        "phase": one.phase,
        "detail": one.detail,
        "address": one.address,
        "family": one.family,
        "certificate": dict(one.certificate),
        "last_good": iso(one.good),
        "references": list(one.references),
        "looks": [_look(look) for look in one.looks],
        "hops": [hop_json(hop) for hop in one.hops],
        "shared": list(one.shared),
    }


def _look(one: Glance) -> GlanceOf:
    return {
        "check": one.check,
        "slot": iso(one.slot),
        "attempt": one.attempt,
        "started": iso(one.started),
        "duration": one.duration,
        "outcome": one.outcome,
        "fault": one.fault,
        "void": one.void,
        "phase": one.phase,
        "detail": one.detail,
        "address": one.address,
        "family": one.family,
        "status": one.status,
    }


def hop_json(one: Hop) -> HopOf:
    """One request of a look."""
    return {
        "url": one.url,
        "phases": dict(one.phases),
        "family": one.family,
        "address": one.address,
        "status": one.status,
        "location": one.location,
    }
