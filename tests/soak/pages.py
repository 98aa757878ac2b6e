"""Every page against the real conditions of the portals, as recorded by the fleet."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from monitor.model.incidents import IncidentKind, MessageStatus, Severity
from monitor.model.records import PROBER_PORTAL, STATE_CHECK
from monitor.tools.demo.fault_profiles import FaultMode
from tests.chaos.guarantee import Guarantee
from tests.soak import plan as soak_plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from monitor.model.incidents import AffectedPortal, IncidentEvent
    from tests.soak.facts import ConditionInterval, Facts

PART, TEST = "Soak", "make soak"
PROBE_S = 1.5
"""Longest probe of a home page in the soak's configuration."""

LATE_S = 1.0
"""A probe that began later after its slot measured another moment than scheduled: such a slot confirms nothing."""

BAD = frozenset(mode.value for mode in soak_plan.BREAKING)
ODD = frozenset({FaultMode.SLOW.value, FaultMode.WRONG_BODY.value})
"""Faults that a probe of the home page may or may not detect: a page for it is right, none is right too."""

Span = tuple[float, float]


def confirmation(modes: Iterable[str]) -> float:
    """Return the seconds that a fault has to last, while the daemon probes, until it must be confirmed.

    One that answers at once is confirmed by three attempts within the first slot after its beginning. One that does not
    answer takes a probe's whole timeout; three of those may not fit into a slot, so it takes two slots.
    """
    slow = FaultMode.STALL.value in set(modes)
    probing = soak_plan.UPTIME_S + PROBE_S if slow else max(soak_plan.CONFIRM_S)
    return soak_plan.UPTIME_S + probing + 2 * LATE_S


def faults(
    conditions: Iterable[ConditionInterval], modes: frozenset[str]
) -> Iterator[tuple[str, float, float, tuple[str, ...]]]:
    """(portal, since, until, modes) of each time in which a portal was in one of the modes without a break."""
    portal, since, until, seen = "", 0.0, -1.0, list[str]()
    for condition in sorted(conditions, key=lambda one: (one.portal, one.since)):
        if condition.mode not in modes:
            continue
        if condition.portal == portal and condition.since <= until:
            until, seen = condition.until, [*seen, condition.mode]
            continue
        if seen:
            yield portal, since, until, tuple(seen)
        portal, since, until, seen = condition.portal, condition.since, condition.until, [condition.mode]
    if seen:
        yield portal, since, until, tuple(seen)


def openings(facts: Facts) -> list[tuple[IncidentEvent, AffectedPortal]]:
    """Return every page about a new problem, with the affected portal that it is about."""
    found = []
    for event in facts.events:
        affected = event.incident.affected_portal(event.portal)
        begun = event.notify and event.incident.severity is Severity.PAGE
        if begun and affected is not None and affected.until is None:
            found.append((event, affected))
    return found


def false(facts: Facts) -> Guarantee:
    """Every page is about a fault that the soak caused on that portal, and came while it lasted or right after."""
    broken = []
    pages = openings(facts)
    for event, _ in pages:
        at = event.at / 1000
        late = 2 * soak_plan.UPTIME_S + PROBE_S if event.incident.kind is IncidentKind.FLAPPING else 0.0
        causes = [
            (since, until)
            for portal, since, until, _ in faults(facts.conditions, BAD | ODD)
            if portal in _causes(facts, event.portal)
        ]
        right = event.portal != PROBER_PORTAL and event.portal not in facts.retired
        if not (right and any(since - PROBE_S - LATE_S <= at <= until + late for since, until in causes)):
            broken.append(f"{event.incident.id} (number {event.number}) about {event.portal}: it had no fault")
    flapping = sum(event.incident.kind is IncidentKind.FLAPPING for event, _ in pages)
    measured = f"{len(pages)} pages, {flapping} of them that a portal flaps"
    return Guarantee(
        part=PART,
        text="no page is false",
        test=TEST,
        cases=len(pages),
        broken=tuple(broken),
        measured=measured,
    )


def _causes(facts: Facts, portal: str) -> set[str]:
    """Return the portal, and those that it depends on."""
    return {portal, *(other for one, other in facts.dependencies if one == portal)}


def missed(facts: Facts) -> Guarantee:
    """Every fault that lasted, while the daemon probed, longer than its confirmation takes was paged.

    A portal that flaps or was down already has its page: that its problem goes on is no second one.
    """
    broken, cases, short = [], 0, 0
    not_probed = _not_probed(facts)
    paged = _paged(facts)
    for portal, since, until, modes in faults(facts.conditions, BAD):
        if portal in facts.retired:
            continue
        needed = confirmation(modes)
        if longest(since, until, not_probed[portal]) < needed:
            short += 1
            continue
        cases += 1
        if not any(begin <= until and since <= end for begin, end in paged.get(portal, ())):
            broken.append(f"{portal} from {since:.1f} to {until:.1f} ({', '.join(modes)}): no page")
    text = "every outage that lasts longer than its confirmation takes is paged"
    measured = f"{cases} such outages of {cases + short}"
    return Guarantee(part=PART, text=text, test=TEST, cases=cases, broken=tuple(broken), measured=measured)


def _paged(facts: Facts) -> dict[str, list[Span]]:
    """Return when each portal had a problem with a page, by the newest event of its incidents."""
    newest = {event.incident.id: event.incident for event in facts.events}
    found: dict[str, list[Span]] = {}
    for event, affected in openings(facts):
        now = newest[event.incident.id].affected_portal(event.portal)
        until = now.until if now is not None else None
        end = until / 1000 if until is not None else math.inf
        found.setdefault(event.portal, []).append((affected.since / 1000, end))
    return found


def _not_probed(facts: Facts) -> dict[str, list[Span]]:
    """Return when each portal was not probed: no daemon ran, or its slot was unknown or late."""
    runs = [run for run in facts.runs if run.samples]
    gaps = [(before.stop_requested, after.started) for before, after in pairwise(runs)]
    downtimes = [(0.0, runs[0].started), *gaps, (runs[-1].stop_requested, math.inf)]
    found = {condition.portal: list(downtimes) for condition in facts.conditions}
    for one in facts.measurements:
        if one.check == STATE_CHECK and one.attempt == 1 and (one.unknown_reason or (one.start_delay or 0.0) > LATE_S):
            found[one.portal].append((one.slot / 1000, one.slot / 1000 + soak_plan.UPTIME_S))
    return found


def longest(since: float, until: float, not_probed: Iterable[Span]) -> float:
    """Return the seconds of the longest part of a time in which the daemon probed."""
    best, at = 0.0, since
    for begin, end in sorted(not_probed):
        best = max(best, min(begin, until) - at)
        at = max(at, end)
    return max(best, until - at)


def ended(facts: Facts) -> Guarantee:
    """No outage goes on in the end whose portal was healthy for long enough; two slots are enough."""
    needed = 2 * soak_plan.UPTIME_S + PROBE_S + 2 * LATE_S
    not_probed, newest = _not_probed(facts), {event.incident.id: event.incident for event in facts.events}
    outages = [one for one in newest.values() if one.kind is IncidentKind.OUTAGE]
    broken = []
    for incident in outages:
        for affected in incident.ongoing:
            recorded = faults(facts.conditions, BAD | ODD)
            ends = [until for portal, _, until, _ in recorded if portal in _causes(facts, affected.portal)]
            healthy = longest(max(ends, default=0.0), math.inf, not_probed.get(affected.portal, ()))
            if healthy >= needed:
                broken.append(
                    f"{incident.id}: {affected.portal} has been healthy for {healthy:.1f} s and is still down"
                )
    lasting = sum(bool(one.ongoing) for one in outages)
    text = "an outage ends when its portal is healthy again"
    measured = f"{len(outages)} outages, {lasting} of them went on when the daemon was ended"
    return Guarantee(part=PART, text=text, test=TEST, cases=len(outages), broken=tuple(broken), measured=measured)


def delivered(facts: Facts) -> Guarantee:
    """Every message reached the webhook, by the outbox and by the webhook."""
    received = {identity.strip() for incidents in facts.notified for identity in incidents}
    known = {event.incident.id for event in facts.events}
    broken = [
        f"{one.incident} (number {one.number}): {one.status}"
        for one in facts.messages
        if one.status is not MessageStatus.ACCEPTED
    ]
    broken += [
        f"{one}: the webhook never received it" for one in sorted({m.incident for m in facts.messages} - received)
    ]
    broken += [f"{one}: the webhook received an incident that does not exist" for one in sorted(received - known)]
    written = {(message.incident, message.number) for message in facts.messages}
    broken += [
        f"{event.incident.id} (number {event.number}): no message was written"
        for event, _ in openings(facts)
        if (event.incident.id, event.number) not in written
    ]
    text = "every message about an incident is accepted, through the webhook's outages and the daemon's ends"
    measured = f"{len(facts.messages)} messages in {len(facts.notified)} notifications"
    return Guarantee(
        part=PART, text=text, test=TEST, cases=len(facts.messages), broken=tuple(broken), measured=measured
    )
