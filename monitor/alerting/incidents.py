"""From state changes and looks to incidents: a pure fold over the journal; the same rows give the same incidents.

It leaves to the states when a portal is down, and to the notifier whom that concerns and when he hears of it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from monitor.alerting.correlation import correlation_keys, shared_keys
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
from monitor.model.records import PROBER_PORTAL, Expect, Measurement, State, StateChange
from monitor.storage.journal.incident_rows import incident_from_json, incident_to_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor.model.records import Portal
    from monitor.storage.journal.record_types import Record

CORRELATION_WINDOW_SECONDS = 120.0
"""Portals that fall within this time of each other, and have something in common, are one incident."""

KIND_BY_STATE = {State.DOWN: IncidentKind.OUTAGE, State.DEGRADED: IncidentKind.DEGRADED}
SEVERITY_BY_KIND = {
    IncidentKind.OUTAGE: Severity.PAGE,
    IncidentKind.BLIND: Severity.PAGE,
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
"""Endings that nobody is told of: what they lead to is told."""


class IncidentTracker:
    """Feeds on the journal's records in order; a record may open, change and resolve incidents.

    A portal that cannot be seen stays in its incident, which then counts no downtime. A flapping portal has an incident
    of that kind alone, from its first to its last change. Other locations have incidents of their own, elsewhere.
    """

    def __init__(
        self,
        portals: Iterable[Portal],
        location: str,
        *,
        correlation_window_seconds: float = CORRELATION_WINDOW_SECONDS,
        state: str = "",
    ) -> None:
        """Continue from ``memo``, as :meth:`memo` gave it. ``window`` in seconds."""
        kept = json.loads(state or "{}")
        self.location = location
        self.correlation_window_seconds = correlation_window_seconds
        self.portals = _evaluated(portals)
        self._open = {body["id"]: incident_from_json(json.dumps(body)) for body in kept.get("open", ())}
        self._numbers: dict[str, int] = kept.get("numbers", {})
        self._last_ids: dict[str, tuple[str, int]] = {
            one: (last, n) for one, (last, n) in kept.get("begun", {}).items()
        }
        self._flapping: set[str] = set(kept.get("flapping", ()))
        self._recent_attempts = {portal: recent_attempts_from(one) for portal, one in kept.get("witnesses", {}).items()}

    def dump_state(self) -> str:
        """All that the fold remembers, as JSON text that belongs to the bookmark."""
        witnesses = ((portal, one.dump_state()) for portal, one in self._recent_attempts.items())
        kept = {
            "open": [json.loads(incident_to_json(one)) for one in self._open.values()],
            "numbers": self._numbers,
            "begun": self._last_ids,
            "flapping": sorted(self._flapping),
            "witnesses": {portal: one for portal, one in witnesses if one is not None},
        }
        return json.dumps(kept, separators=(",", ":"), ensure_ascii=False)

    def update_inventory(self, portals: Iterable[Portal], at_ms: int) -> list[IncidentEvent]:
        """Go on with another inventory; portals that are gone, or retired, leave their incidents at ``at`` (UTC ms)."""
        self.portals = _evaluated(portals)
        known = self.portals.keys() | {PROBER_PORTAL}
        self._recent_attempts = {portal: one for portal, one in self._recent_attempts.items() if portal in known}
        self._flapping &= known
        gone = [(one, member) for one in self._open.values() for member in one.ongoing if member.portal not in known]
        return [
            self._end_part(self._open[one.id], member.portal, at_ms, at_ms, EndReason.REMOVED) for one, member in gone
        ]

    def restore_latest(self, measurements: Iterable[Measurement]) -> None:
        """Remember the newest looks of portals of which the memo says nothing, because they are well."""
        for one in measurements:
            if one.portal not in self._recent_attempts:
                self._recent_attempts[one.portal] = RecentAttempts()
                self._recent_attempts[one.portal].add(one)

    @property
    def open_incidents(self) -> list[Incident]:
        """The incidents that are open."""
        return list(self._open.values())

    def process(self, record: Record) -> list[IncidentEvent]:
        """Take the next record; what it does to incidents."""
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
        """What a stretch of the journal does to incidents."""
        return [event for record in records for event in self.process(record)]

    def _on_prober_change(self, change: StateChange) -> list[IncidentEvent]:
        known = self._find_open(PROBER_PORTAL, IncidentKind.BLIND)
        if change.state is State.UNKNOWN and known is None:
            return [self._open_incident(change, IncidentKind.BLIND)]
        if change.state is not State.UNKNOWN and known is not None:
            return [self._end_part(known, PROBER_PORTAL, change.at, self._confirmed_at_ms(change), EndReason.RECOVERED)]
        return []

    def _on_portal_change(self, change: StateChange) -> list[IncidentEvent]:
        portal, events = change.portal, list[IncidentEvent]()
        was = portal in self._flapping
        if change.flapping:
            if not was:
                self._flapping.add(portal)
                events += self._end_parts(change, EndReason.FLAPPING)
                events.append(self._open_incident(change, IncidentKind.FLAPPING))
            return events
        if was:
            self._flapping.discard(portal)
            flapping = self._find_open(portal, IncidentKind.FLAPPING)
            if flapping is not None:
                ending = END_REASON_BY_STATE.get(change.state, EndReason.RECOVERED)
                events.append(self._end_part(flapping, portal, change.at, self._confirmed_at_ms(change), ending))
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
        """The portal is out of the incidents that its state had brought, other than those of kind ``but``."""
        found = [self._find_open(change.portal, kind) for kind in KIND_BY_STATE.values() if kind is not except_kind]
        at, confirmed = change.at, self._confirmed_at_ms(change)
        return [self._end_part(one, change.portal, at, confirmed, end_reason) for one in found if one is not None]

    def _suspend(self, change: StateChange) -> list[IncidentEvent]:
        """We cannot see the portal any more: no time is counted until we do."""
        events = []
        for kind in KIND_BY_STATE.values():
            known = self._find_open(change.portal, kind)
            member = known.affected_portal(change.portal) if known else None
            if known is not None and member is not None and member.went is not None:
                stopped = replace(member, went=None, down_ms=member.down_ms + max(0, change.at - member.went))
                events.append(self._update(known, stopped, change, notify=False))
        return events

    def _resume(self, known: Incident, change: StateChange) -> IncidentEvent:
        """We see it again, and it is as bad as before: no news for anybody."""
        member = known.affected_portal(change.portal)
        assert member is not None, "it was found by this portal"  # noqa: S101 - for the type checker
        return self._update(known, replace(member, went=member.went or change.at), change, notify=False)

    def _join_or_open(self, change: StateChange, kind: IncidentKind) -> IncidentEvent:
        """The portal's own incident, or a part in one with which it shares a cause."""
        member = self._affected_portal(change)
        for known in self._open.values():
            if known.kind is not kind or not known.ongoing:
                continue
            near = abs(change.at - max(one.since for one in known.members)) <= self.correlation_window_seconds * 1000
            shared = shared_keys(known, member)
            if near and shared:
                others = tuple(one for one in known.members if one.portal != member.portal)
                joined = replace(known, members=(*others, member), shared=shared)
                return self._event_of_change(joined, EventType.UPDATED, change, notify=True)
        return self._open_incident(change, kind)

    def _open_incident(self, change: StateChange, kind: IncidentKind) -> IncidentEvent:
        opened = Incident(
            id=self._new_id(change),
            kind=kind,
            severity=SEVERITY_BY_KIND[kind],
            location=self.location,
            opened=change.at,
            members=(self._affected_portal(change),),
        )
        return self._event_of_change(opened, EventType.OPENED, change, notify=True)

    def _new_id(self, change: StateChange) -> str:
        """Portal and start; another incident that counts from the same second gets a number."""
        wanted = incident_id(change.portal, change.at)
        before, count = self._last_ids.get(change.portal, ("", 0))
        count = count + 1 if before == wanted else 1
        self._last_ids[change.portal] = (wanted, count)
        return wanted if count == 1 else f"{wanted}-{count}"

    def _affected_portal(self, change: StateChange) -> AffectedPortal:
        witness = self._attempts_of(change.portal)
        tipping = witness.find(change.cause)
        glance = tipping.summary if tipping else None
        looks = witness.since(change.at)
        words = (change.detail,) if change.portal == PROBER_PORTAL and change.detail else witness.references(change.at)
        member = AffectedPortal(
            portal=change.portal,
            since=change.at,
            went=change.at,
            state=change.state,
            fault=change.fault,
            detail=change.detail,
            phase=glance.phase if glance else None,
            address=glance.address if glance else None,
            family=glance.family if glance else None,
            good=witness.last_good(change.at),
            looks=looks or ((glance,) if glance else ()),
            hops=tipping.hops if tipping else (),
            certificate=dict(witness.certificate),
            references=words,
        )
        return replace(member, shared=correlation_keys(member, self.portals.get(change.portal)))

    def _attempts_of(self, portal: str) -> RecentAttempts:
        return self._recent_attempts.get(portal, RecentAttempts())

    def _end_part(
        self, known: Incident, portal: str, at_ms: int, confirmed_ms: int, end_reason: EndReason
    ) -> IncidentEvent:
        """The portal's part is over, and with the last part the incident."""
        member = known.affected_portal(portal)
        assert member is not None, "it was found by this portal"  # noqa: S101 - for the type checker
        spent = max(0, at_ms - member.went) if member.went is not None else 0
        over = replace(
            member, until=max(at_ms, member.since), went=None, down_ms=member.down_ms + spent, ending=end_reason
        )
        after = _with_affected_portal(known, over)
        if not after.ongoing:
            after = replace(after, resolved=max(one.until or 0 for one in after.members))
        step = EventType.RESOLVED if after.resolved is not None else EventType.UPDATED
        return self._record_event(after, step, portal, at_ms, confirmed_ms, notify=end_reason not in SILENT_END_REASONS)

    def _update(
        self, known: Incident, affected_portal: AffectedPortal, change: StateChange, *, notify: bool
    ) -> IncidentEvent:
        return self._event_of_change(
            _with_affected_portal(known, affected_portal), EventType.UPDATED, change, notify=notify
        )

    def _event_of_change(
        self, incident: Incident, event_type: EventType, change: StateChange, *, notify: bool
    ) -> IncidentEvent:
        return self._record_event(
            incident, event_type, change.portal, change.at, self._confirmed_at_ms(change), notify=notify
        )

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
        return IncidentEvent(
            incident=incident,
            number=number,
            step=event_type,
            portal=portal,
            at=at_ms,
            confirmed=confirmed_ms,
            tell=notify,
        )

    def _confirmed_at_ms(self, change: StateChange) -> int:
        """When the look that tipped it had ended."""
        known = self._recent_attempts.values() if change.portal == PROBER_PORTAL else [self._attempts_of(change.portal)]
        seen = next((found for one in known if (found := one.find(change.cause)) is not None), None)
        if seen is None or seen.summary.started is None:
            return change.at
        return seen.summary.started + round((seen.summary.duration or 0) * 1000)

    def _find_open(self, portal: str, kind: IncidentKind) -> Incident | None:
        """The open incident of that kind in which the portal has its part."""
        for known in self._open.values():
            member = known.affected_portal(portal) if known.kind is kind else None
            if member is not None and member.until is None:
                return known
        return None


def _evaluated(portals: Iterable[Portal]) -> dict[str, Portal]:
    """Those that can be in trouble, by id."""
    return {portal.id: portal for portal in portals if portal.expect is not Expect.RETIRED}


def _with_affected_portal(known: Incident, affected_portal: AffectedPortal) -> Incident:
    """The incident with another state of one member."""
    return replace(
        known, members=tuple(affected_portal if one.portal == affected_portal.portal else one for one in known.members)
    )
