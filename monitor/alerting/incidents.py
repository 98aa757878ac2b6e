"""Derives incidents from state changes and measurements, purely: the same rows of the journal give the same incidents.

When a portal is down is decided by ``monitor.states``, who is notified and when by ``monitor.alerting.routing``.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from monitor.alerting.affected_portals import end_part, new_part, suspend_part, with_part
from monitor.alerting.correlation import shared_keys
from monitor.alerting.recent_results import RecentAttempts, recent_attempts_from
from monitor.model.incidents import (
    AffectedPortal,
    EndReason,
    EventType,
    Incident,
    IncidentEvent,
    IncidentKind,
    Severity,
    incident_id,
)
from monitor.model.records import PROBER_PORTAL, Expect, Measurement, Portal, State, StateChange
from monitor.storage.journal.incident_rows import incident_from_json, incident_to_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor.storage.journal.record_types import Record

CORRELATION_WINDOW_SECONDS = 120.0  # portals that fail within this time of each other and share a key are one incident

KIND_BY_STATE = {State.DOWN: IncidentKind.OUTAGE, State.DEGRADED: IncidentKind.DEGRADED}
SEVERITY_BY_KIND = {
    IncidentKind.OUTAGE: Severity.PAGE,
    IncidentKind.PROBER: Severity.PAGE,
    IncidentKind.FLAPPING: Severity.PAGE,
    IncidentKind.DEGRADED: Severity.NOTICE,
}
END_REASON_BY_STATE = {
    State.UP: EndReason.RECOVERED,
    State.MAINTENANCE: EndReason.MAINTENANCE,
    State.DEGRADED: EndReason.BETTER,
    State.DOWN: EndReason.WORSE,
}
SILENT_END_REASONS = {EndReason.WORSE, EndReason.FLAPPING}
"""End reasons that notify no target: the incident that follows does."""


class IncidentTracker:
    """Processes the journal's records in order; a record may open, update and resolve incidents.

    A portal whose state is unknown stays in its incident, which then counts no downtime. A flapping portal has only an
    incident of that kind, from its first to its last change. Records of other locations are ignored.
    """

    def __init__(
        self,
        portals: Iterable[Portal],
        location: str,
        *,
        correlation_window_seconds: float = CORRELATION_WINDOW_SECONDS,
        state: str = "",
    ) -> None:
        """Continue from the ``state`` that :meth:`dump_state` returned."""
        data = json.loads(state or "{}")
        self.location = location
        self.correlation_window_seconds = correlation_window_seconds
        self.portals = _evaluated(portals)
        self._open = {body["id"]: incident_from_json(json.dumps(body)) for body in data.get("open", ())}
        self._numbers: dict[str, int] = data.get("numbers", {})
        self._last_ids: dict[str, tuple[str, int]] = {one: (*last,) for one, last in data.get("last_ids", {}).items()}
        self._flapping: set[str] = set(data.get("flapping", ()))
        attempts = data.get("recent_attempts", {})
        self._recent_attempts = {portal: recent_attempts_from(one) for portal, one in attempts.items()}

    def dump_state(self) -> str:
        """Return the state of the checkpoint as JSON text."""
        attempts = ((portal, one.dump_state()) for portal, one in self._recent_attempts.items())
        data = {
            "open": [json.loads(incident_to_json(one)) for one in self._open.values()],
            "numbers": self._numbers,
            "last_ids": self._last_ids,
            "flapping": sorted(self._flapping),
            "recent_attempts": {portal: one for portal, one in attempts if one is not None},
        }
        return json.dumps(data, separators=(",", ":"), ensure_ascii=False)

    def update_inventory(self, portals: Iterable[Portal], at_ms: int) -> list[IncidentEvent]:
        """Take over a changed inventory; portals that were removed or retired leave their incidents at ``at_ms``."""
        self.portals = _evaluated(portals)
        known = self.portals.keys() | {PROBER_PORTAL}
        self._recent_attempts = {portal: one for portal, one in self._recent_attempts.items() if portal in known}
        self._flapping &= known
        ongoing = [(one.id, part.portal) for one in self._open.values() for part in one.ongoing]
        removed = [(id_, portal) for id_, portal in ongoing if portal not in known]
        return [self._end_part(self._open[id_], portal, at_ms, at_ms, EndReason.REMOVED) for id_, portal in removed]

    def restore_latest(self, measurements: Iterable[Measurement]) -> None:
        """Add the newest measurements of portals that are not in the checkpoint, because they are healthy."""
        for one in measurements:
            if one.portal not in self._recent_attempts:
                self._recent_attempts[one.portal] = RecentAttempts()
                self._recent_attempts[one.portal].add(one)

    @property
    def open_incidents(self) -> list[Incident]:
        """Return the open incidents."""
        return list(self._open.values())

    def process(self, record: Record) -> list[IncidentEvent]:
        """Process the next record; return the events that it causes."""
        if isinstance(record, Measurement):
            if record.location == self.location and record.portal in self.portals:
                self._recent_attempts.setdefault(record.portal, RecentAttempts()).add(record)
        elif isinstance(record, StateChange) and record.location == self.location:
            if record.portal == PROBER_PORTAL:
                return self._on_prober_change(record)
            if record.portal in self.portals:
                return self._on_portal_change(record)
        return []

    def process_all(self, records: Iterable[Record]) -> list[IncidentEvent]:
        """Process records in order; return all events that they cause."""
        return [event for record in records for event in self.process(record)]

    def _on_prober_change(self, change: StateChange) -> list[IncidentEvent]:
        known = self._find_open(PROBER_PORTAL, IncidentKind.PROBER)
        if change.state is State.UNKNOWN:
            return [self._open_incident(change, IncidentKind.PROBER)] if known is None else []
        return [self._end_part_by_change(known, change, EndReason.RECOVERED)] if known is not None else []

    def _on_portal_change(self, change: StateChange) -> list[IncidentEvent]:
        portal, events = change.portal, list[IncidentEvent]()
        was_flapping = portal in self._flapping
        if change.flapping:
            if not was_flapping:
                self._flapping.add(portal)
                events += self._end_parts(change, EndReason.FLAPPING)
                events.append(self._open_incident(change, IncidentKind.FLAPPING))
            return events
        if was_flapping:
            self._flapping.discard(portal)
            flapping = self._find_open(portal, IncidentKind.FLAPPING)
            if flapping is not None:
                end_reason = END_REASON_BY_STATE.get(change.state, EndReason.RECOVERED)
                events.append(self._end_part_by_change(flapping, change, end_reason))
        kind = KIND_BY_STATE.get(change.state)
        if change.state is State.UNKNOWN:
            return events + self._suspend(change)
        events += self._end_parts(change, END_REASON_BY_STATE[change.state], except_kind=kind)
        if kind is not None:
            known = self._find_open(portal, kind)
            events.append(self._join_or_open(change, kind) if known is None else self._resume(known, change))
        return events

    def _end_parts(
        self, change: StateChange, end_reason: EndReason, except_kind: IncidentKind | None = None
    ) -> list[IncidentEvent]:
        """End the portal's part in the incidents of its state, except those of ``except_kind``."""
        found = [self._find_open(change.portal, kind) for kind in KIND_BY_STATE.values() if kind is not except_kind]
        return [self._end_part_by_change(one, change, end_reason) for one in found if one is not None]

    def _suspend(self, change: StateChange) -> list[IncidentEvent]:
        """Stop counting downtime while the portal's state is unknown."""
        found = (self._find_open(change.portal, kind) for kind in KIND_BY_STATE.values())
        return [
            self._update(known, suspend_part(part, change.at), change)
            for known in found
            if known is not None
            and (part := known.affected_portal(change.portal)) is not None
            and part.failing_since is not None
        ]

    def _resume(self, known: Incident, change: StateChange) -> IncidentEvent:
        """Count downtime again: the portal is in the same state as before, so no target is notified."""
        part = known.affected_portal(change.portal)
        assert part is not None, "it was found by this portal"  # noqa: S101 - for the type checker
        return self._update(known, replace(part, failing_since=part.failing_since or change.at), change)

    def _join_or_open(self, change: StateChange, kind: IncidentKind) -> IncidentEvent:
        """Add the portal to an open incident with which it shares a key, else open a new one."""
        part = self._affected_portal(change)
        for known in self._open.values():
            if known.kind is not kind or not known.ongoing:
                continue
            near = abs(change.at - max(one.since for one in known.portals)) <= self.correlation_window_seconds * 1000
            shared = shared_keys(known, part)
            if near and shared:
                others = tuple(one for one in known.portals if one.portal != part.portal)
                joined = replace(known, portals=(*others, part), shared=shared)
                return self._event_of_change(joined, EventType.UPDATED, change, notify=True)
        return self._open_incident(change, kind)

    def _open_incident(self, change: StateChange, kind: IncidentKind) -> IncidentEvent:
        opened = Incident(
            id=self._new_id(change),
            kind=kind,
            severity=SEVERITY_BY_KIND[kind],
            location=self.location,
            opened=change.at,
            portals=(self._affected_portal(change),),
        )
        return self._event_of_change(opened, EventType.OPENED, change, notify=True)

    def _new_id(self, change: StateChange) -> str:
        """Return the id of portal and start; a second incident with the same start gets a number."""
        wanted = incident_id(change.portal, change.at)
        previous, count = self._last_ids.get(change.portal, ("", 0))
        count = count + 1 if previous == wanted else 1
        self._last_ids[change.portal] = (wanted, count)
        return wanted if count == 1 else f"{wanted}-{count}"

    def _affected_portal(self, change: StateChange) -> AffectedPortal:
        return new_part(change, self._attempts_of(change.portal), self.portals.get(change.portal))

    def _attempts_of(self, portal: str) -> RecentAttempts:
        return self._recent_attempts.get(portal, RecentAttempts())

    def _end_part_by_change(self, known: Incident, change: StateChange, reason: EndReason) -> IncidentEvent:
        return self._end_part(known, change.portal, change.at, self._confirmed_at_ms(change), reason)

    def _end_part(
        self, known: Incident, portal: str, at_ms: int, confirmed_ms: int, reason: EndReason
    ) -> IncidentEvent:
        """End the portal's part; the incident is resolved with the last part."""
        part = known.affected_portal(portal)
        assert part is not None, "it was found by this portal"  # noqa: S101 - for the type checker
        after = with_part(known, end_part(part, at_ms, reason))
        if not after.ongoing:
            after = replace(after, resolved=max(one.until or 0 for one in after.portals))
        event_type = EventType.RESOLVED if after.resolved is not None else EventType.UPDATED
        notify = reason not in SILENT_END_REASONS
        return self._record_event(after, event_type, portal, at_ms, confirmed_ms, notify=notify)

    def _update(self, known: Incident, part: AffectedPortal, change: StateChange) -> IncidentEvent:
        return self._event_of_change(with_part(known, part), EventType.UPDATED, change, notify=False)

    def _event_of_change(
        self, incident: Incident, event_type: EventType, change: StateChange, *, notify: bool
    ) -> IncidentEvent:
        confirmed = self._confirmed_at_ms(change)
        return self._record_event(incident, event_type, change.portal, change.at, confirmed, notify=notify)

    def _record_event(  # noqa: PLR0913 - an event has as many fields
        self, incident: Incident, event_type: EventType, portal: str, at_ms: int, confirmed_ms: int, *, notify: bool
    ) -> IncidentEvent:
        number = self._numbers.get(incident.id, 0) + 1
        if event_type is EventType.RESOLVED:
            self._open.pop(incident.id, None)
            self._numbers.pop(incident.id, None)
        else:
            self._open[incident.id] = incident
            self._numbers[incident.id] = number
        times = {"at": at_ms, "confirmed": confirmed_ms}
        return IncidentEvent(incident=incident, number=number, type=event_type, portal=portal, notify=notify, **times)

    def _confirmed_at_ms(self, change: StateChange) -> int:
        """Return when the attempt that decided the change ended (UTC ms)."""
        known = self._recent_attempts.values() if change.portal == PROBER_PORTAL else [self._attempts_of(change.portal)]
        deciding = next((found for one in known if (found := one.find(change.cause)) is not None), None)
        if deciding is None or deciding.summary.started is None:
            return change.at
        return deciding.summary.started + round((deciding.summary.duration or 0) * 1000)

    def _find_open(self, portal: str, kind: IncidentKind) -> Incident | None:
        """Return the open incident of that kind in which the portal's part is ongoing."""
        for known in self._open.values():
            part = known.affected_portal(portal) if known.kind is kind else None
            if part is not None and part.until is None:
                return known
        return None


def _evaluated(portals: Iterable[Portal]) -> dict[str, Portal]:
    """Return the portals whose state is evaluated, by id."""
    return {portal.id: portal for portal in portals if portal.expect is not Expect.RETIRED}
