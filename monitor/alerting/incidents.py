"""From state changes and looks to incidents: a pure fold over the journal; the same rows give the same incidents.

It leaves to the states when a portal is down, and to the notifier whom that concerns and when he hears of it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from monitor.alerting.correlation import common, keys
from monitor.alerting.recent_results import Witness, witness_from
from monitor.model.incidents import Ending, Incident, IncidentEvent, IncidentKind, Member, Severity, Step, incident_id
from monitor.model.records import PROBER, Expect, Measurement, State, StateChange
from monitor.storage.journal.incident_rows import incident_body, incident_from

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor.model.records import Portal
    from monitor.storage.journal.record_types import Record

WINDOW_SECONDS = 120.0
"""Portals that fall within this time of each other, and have something in common, are one incident."""

KINDS = {State.DOWN: IncidentKind.OUTAGE, State.DEGRADED: IncidentKind.DEGRADED}
SEVERITIES = {
    IncidentKind.OUTAGE: Severity.PAGE,
    IncidentKind.BLIND: Severity.PAGE,
    IncidentKind.FLAPPING: Severity.PAGE,
    IncidentKind.DEGRADED: Severity.NOTICE,
}
ENDINGS = {
    State.UP: Ending.RECOVERED,
    State.MAINTENANCE: Ending.MAINTENANCE,
    State.DEGRADED: Ending.BETTER,
    State.DOWN: Ending.WORSE,
}
SILENT = {Ending.WORSE, Ending.FLAPPING}
"""Endings that nobody is told of: what they lead to is told."""


class IncidentFold:
    """Feeds on the journal's records in order; a record may open, change and resolve incidents.

    A portal that cannot be seen stays in its incident, which then counts no downtime. A flapping portal has an incident
    of that kind alone, from its first to its last change. Other locations have incidents of their own, elsewhere.
    """

    def __init__(
        self, portals: Iterable[Portal], location: str, *, window: float = WINDOW_SECONDS, memo: str = ""
    ) -> None:
        """Continue from ``memo``, as :meth:`memo` gave it. ``window`` in seconds."""
        kept = json.loads(memo or "{}")
        self.location = location
        self.window = window
        self.portals = _judged(portals)
        self._open = {body["id"]: incident_from(json.dumps(body)) for body in kept.get("open", ())}
        self._numbers: dict[str, int] = kept.get("numbers", {})
        self._begun: dict[str, tuple[str, int]] = {one: (last, n) for one, (last, n) in kept.get("begun", {}).items()}
        self._flapping: set[str] = set(kept.get("flapping", ()))
        self._witnesses = {portal: witness_from(one) for portal, one in kept.get("witnesses", {}).items()}

    def memo(self) -> str:
        """All that the fold remembers, as JSON text that belongs to the bookmark."""
        witnesses = ((portal, one.kept()) for portal, one in self._witnesses.items())
        kept = {
            "open": [json.loads(incident_body(one)) for one in self._open.values()],
            "numbers": self._numbers,
            "begun": self._begun,
            "flapping": sorted(self._flapping),
            "witnesses": {portal: one for portal, one in witnesses if one is not None},
        }
        return json.dumps(kept, separators=(",", ":"), ensure_ascii=False)

    def change(self, portals: Iterable[Portal], at: int) -> list[IncidentEvent]:
        """Go on with another inventory; portals that are gone, or retired, leave their incidents at ``at`` (UTC ms)."""
        self.portals = _judged(portals)
        known = self.portals.keys() | {PROBER}
        self._witnesses = {portal: one for portal, one in self._witnesses.items() if portal in known}
        self._flapping &= known
        gone = [(one, member) for one in self._open.values() for member in one.lasting if member.portal not in known]
        return [self._end(self._open[one.id], member.portal, at, at, Ending.REMOVED) for one, member in gone]

    def recall(self, looks: Iterable[Measurement]) -> None:
        """Remember the newest looks of portals of which the memo says nothing, because they are well."""
        for one in looks:
            if one.portal not in self._witnesses:
                self._witnesses[one.portal] = Witness()
                self._witnesses[one.portal].feed(one)

    @property
    def lasting(self) -> list[Incident]:
        """The incidents that are open."""
        return list(self._open.values())

    def feed(self, record: Record) -> list[IncidentEvent]:
        """Take the next record; what it does to incidents."""
        if isinstance(record, Measurement):
            if record.location == self.location and record.portal in self.portals:
                self._witnesses.setdefault(record.portal, Witness()).feed(record)
        elif isinstance(record, StateChange) and record.location == self.location:
            if record.portal == PROBER:
                return self._sight(record)
            if record.portal in self.portals:
                return self._turn(record)
        return []

    def feed_all(self, records: Iterable[Record]) -> list[IncidentEvent]:
        """What a stretch of the journal does to incidents."""
        return [event for record in records for event in self.feed(record)]

    def _sight(self, change: StateChange) -> list[IncidentEvent]:
        known = self._of(PROBER, IncidentKind.BLIND)
        if change.state is State.UNKNOWN and known is None:
            return [self._begin(change, IncidentKind.BLIND)]
        if change.state is not State.UNKNOWN and known is not None:
            return [self._end(known, PROBER, change.at, self._confirmed(change), Ending.RECOVERED)]
        return []

    def _turn(self, change: StateChange) -> list[IncidentEvent]:
        portal, events = change.portal, list[IncidentEvent]()
        was = portal in self._flapping
        if change.flapping:
            if not was:
                self._flapping.add(portal)
                events += self._leave(change, Ending.FLAPPING)
                events.append(self._begin(change, IncidentKind.FLAPPING))
            return events
        if was:
            self._flapping.discard(portal)
            flapping = self._of(portal, IncidentKind.FLAPPING)
            if flapping is not None:
                ending = ENDINGS.get(change.state, Ending.RECOVERED)
                events.append(self._end(flapping, portal, change.at, self._confirmed(change), ending))
        kind = KINDS.get(change.state)
        if change.state is State.UNKNOWN:
            return events + self._lose(change)
        events += self._leave(change, ENDINGS[change.state], but=kind)
        if kind is not None:
            known = self._of(portal, kind)
            events.append(self._join(change, kind) if known is None else self._resume(known, change))
        return events

    def _leave(self, change: StateChange, ending: Ending, but: IncidentKind | None = None) -> list[IncidentEvent]:
        """The portal is out of the incidents that its state had brought, other than those of kind ``but``."""
        found = [self._of(change.portal, kind) for kind in KINDS.values() if kind is not but]
        at, confirmed = change.at, self._confirmed(change)
        return [self._end(one, change.portal, at, confirmed, ending) for one in found if one is not None]

    def _lose(self, change: StateChange) -> list[IncidentEvent]:
        """We cannot see the portal any more: no time is counted until we do."""
        events = []
        for kind in KINDS.values():
            known = self._of(change.portal, kind)
            member = known.member(change.portal) if known else None
            if known is not None and member is not None and member.went is not None:
                stopped = replace(member, went=None, down_ms=member.down_ms + max(0, change.at - member.went))
                events.append(self._update(known, stopped, change, tell=False))
        return events

    def _resume(self, known: Incident, change: StateChange) -> IncidentEvent:
        """We see it again, and it is as bad as before: no news for anybody."""
        member = known.member(change.portal)
        assert member is not None, "it was found by this portal"  # noqa: S101 - for the type checker
        return self._update(known, replace(member, went=member.went or change.at), change, tell=False)

    def _join(self, change: StateChange, kind: IncidentKind) -> IncidentEvent:
        """The portal's own incident, or a part in one with which it shares a cause."""
        member = self._member(change)
        for known in self._open.values():
            if known.kind is not kind or not known.lasting:
                continue
            near = abs(change.at - max(one.since for one in known.members)) <= self.window * 1000
            shared = common(known, member)
            if near and shared:
                others = tuple(one for one in known.members if one.portal != member.portal)
                joined = replace(known, members=(*others, member), shared=shared)
                return self._event(joined, Step.UPDATED, change, tell=True)
        return self._begin(change, kind)

    def _begin(self, change: StateChange, kind: IncidentKind) -> IncidentEvent:
        opened = Incident(
            id=self._new_id(change),
            kind=kind,
            severity=SEVERITIES[kind],
            location=self.location,
            opened=change.at,
            members=(self._member(change),),
        )
        return self._event(opened, Step.OPENED, change, tell=True)

    def _new_id(self, change: StateChange) -> str:
        """Portal and start; another incident that counts from the same second gets a number."""
        wanted = incident_id(change.portal, change.at)
        before, count = self._begun.get(change.portal, ("", 0))
        count = count + 1 if before == wanted else 1
        self._begun[change.portal] = (wanted, count)
        return wanted if count == 1 else f"{wanted}-{count}"

    def _member(self, change: StateChange) -> Member:
        witness = self._witness(change.portal)
        tipping = witness.tipping(change.cause)
        glance = tipping.glance if tipping else None
        looks = witness.since(change.at)
        words = (change.detail,) if change.portal == PROBER and change.detail else witness.references(change.at)
        member = Member(
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
        return replace(member, shared=keys(member, self.portals.get(change.portal)))

    def _witness(self, portal: str) -> Witness:
        return self._witnesses.get(portal, Witness())

    def _end(self, known: Incident, portal: str, at: int, confirmed: int, ending: Ending) -> IncidentEvent:
        """The portal's part is over, and with the last part the incident."""
        member = known.member(portal)
        assert member is not None, "it was found by this portal"  # noqa: S101 - for the type checker
        spent = max(0, at - member.went) if member.went is not None else 0
        over = replace(member, until=max(at, member.since), went=None, down_ms=member.down_ms + spent, ending=ending)
        after = _with(known, over)
        if not after.lasting:
            after = replace(after, resolved=max(one.until or 0 for one in after.members))
        step = Step.RESOLVED if after.resolved is not None else Step.UPDATED
        return self._note(after, step, portal, at, confirmed, tell=ending not in SILENT)

    def _update(self, known: Incident, member: Member, change: StateChange, *, tell: bool) -> IncidentEvent:
        return self._event(_with(known, member), Step.UPDATED, change, tell=tell)

    def _event(self, incident: Incident, step: Step, change: StateChange, *, tell: bool) -> IncidentEvent:
        return self._note(incident, step, change.portal, change.at, self._confirmed(change), tell=tell)

    def _note(  # noqa: PLR0913 - an event has as many fields
        self, incident: Incident, step: Step, portal: str, at: int, confirmed: int, *, tell: bool
    ) -> IncidentEvent:
        number = self._numbers.get(incident.id, 0) + 1
        if step is Step.RESOLVED:
            self._open.pop(incident.id, None)
            self._numbers.pop(incident.id, None)
        else:
            self._open[incident.id] = incident
            self._numbers[incident.id] = number
        return IncidentEvent(
            incident=incident, number=number, step=step, portal=portal, at=at, confirmed=confirmed, tell=tell
        )

    def _confirmed(self, change: StateChange) -> int:
        """When the look that tipped it had ended."""
        known = self._witnesses.values() if change.portal == PROBER else [self._witness(change.portal)]
        seen = next((found for one in known if (found := one.tipping(change.cause)) is not None), None)
        if seen is None or seen.glance.started is None:
            return change.at
        return seen.glance.started + round((seen.glance.duration or 0) * 1000)

    def _of(self, portal: str, kind: IncidentKind) -> Incident | None:
        """The open incident of that kind in which the portal has its part."""
        for known in self._open.values():
            member = known.member(portal) if known.kind is kind else None
            if member is not None and member.until is None:
                return known
        return None


def _judged(portals: Iterable[Portal]) -> dict[str, Portal]:
    """Those that can be in trouble, by id."""
    return {portal.id: portal for portal in portals if portal.expect is not Expect.RETIRED}


def _with(known: Incident, member: Member) -> Incident:
    """The incident with another state of one member."""
    return replace(known, members=tuple(member if one.portal == member.portal else one for one in known.members))
