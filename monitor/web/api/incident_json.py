"""Converts incidents to JSON data, for the API and ``portal-monitor incidents --json``; times are ISO 8601 in UTC."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.i18n.translator import iso

if TYPE_CHECKING:
    from monitor.model.incidents import AffectedPortal, AttemptSummary, IncidentEvent
    from monitor.storage.journal.store import JournalReader
    from monitor.web.api.models import (
        AffectedPortalResponse,
        AttemptSummaryResponse,
        HopResponse,
        IncidentDetailResponse,
        IncidentResponse,
        Timeline,
    )
    from probes.result import Hop


def incident_json(event: IncidentEvent, now_ms: int) -> IncidentResponse:
    """Return the incident after ``event``; ``now_ms`` bounds the downtime of one that is open."""
    incident = event.incident
    return {
        "id": incident.id,
        "kind": incident.kind,
        "severity": incident.severity,
        "location": incident.location,
        "opened": iso(incident.opened),
        "updated": iso(event.at),
        "resolved": iso(incident.resolved),
        "downtime_seconds": incident.downtime_seconds(now_ms),
        "shared": list(incident.shared) if len(incident.portals) > 1 else [],
        "portals": [_affected_portal_json(one, now_ms) for one in incident.portals],
    }


def incident_detail_json(reader: JournalReader, event: IncidentEvent, now_ms: int) -> IncidentDetailResponse:
    """Return the incident with its events, notes and messages."""
    return {**incident_json(event, now_ms), **_timeline_json(reader, event.incident.id)}


def _timeline_json(reader: JournalReader, id_: str) -> Timeline:
    return {
        "events": [
            {"number": one.number, "type": one.type, "portal": one.portal, "at": iso(one.at), "notified": one.notify}
            for one in reader.incident_events(id_)
        ],
        "notes": [{"kind": one.kind, "by": one.by, "text": one.text, "at": iso(one.at)} for one in reader.notes(id_)],
        "messages": [
            {
                "target": one.target,
                "event": one.number,
                "reminder": one.reminder,
                "created": iso(one.created),
                "status": one.status,
                "completed_at": iso(one.completed_at),
            }
            for one in reader.messages(id_)
        ],
    }


def _affected_portal_json(affected_portal: AffectedPortal, now_ms: int) -> AffectedPortalResponse:
    return {
        "portal": affected_portal.portal,
        "state": affected_portal.state,
        "since": iso(affected_portal.since),
        "until": iso(affected_portal.until),
        "end_reason": affected_portal.end_reason,
        "downtime_seconds": affected_portal.downtime_seconds(now_ms),
        "fault": affected_portal.fault,
        "phase": affected_portal.phase,
        "detail": affected_portal.detail,
        "address": affected_portal.address,
        "family": affected_portal.family,
        "certificate": dict(affected_portal.certificate),
        "last_good": iso(affected_portal.last_good),
        "references": list(affected_portal.references),
        "attempts": [_attempt_json(attempt) for attempt in affected_portal.attempts],
        "hops": [hop_json(hop) for hop in affected_portal.hops],
        "shared": list(affected_portal.shared),
    }


def _attempt_json(attempt: AttemptSummary) -> AttemptSummaryResponse:
    return {
        "check": attempt.check,
        "slot": iso(attempt.slot),
        "attempt": attempt.attempt,
        "started": iso(attempt.started),
        "duration": attempt.duration,
        "outcome": attempt.outcome,
        "fault": attempt.fault,
        "unknown_reason": attempt.unknown_reason,
        "phase": attempt.phase,
        "detail": attempt.detail,
        "address": attempt.address,
        "family": attempt.family,
        "status": attempt.status,
    }


def hop_json(hop: Hop) -> HopResponse:
    """Return one request of an attempt."""
    return {
        "url": hop.url,
        "phases": dict(hop.phases),
        "family": hop.family,
        "address": hop.address,
        "status": hop.status,
        "location": hop.location,
    }
