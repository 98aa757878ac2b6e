"""Who was woken, and was it right? Every page against what the fleet says its portals truly did."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from monitor.model.incidents import IncidentKind, MessageStatus, Severity
from monitor.model.records import PROBER_PORTAL, STATE_CHECK
from monitor.tools.demo.fault_profiles import FaultMode
from tests.chaos.promise import Promise
from tests.soak import course

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from monitor.model.incidents import AffectedPortal, IncidentEvent
    from tests.soak.facts import Facts, Spell

PART, TEST = "Soak", "make soak"
LOOK_S = 1.5
"""Longest look at a home page in the soak's configuration."""

LATE_S = 1.0
"""A look that began later after its slot saw another moment than it was planned for: such a slot confirms nothing."""

BAD = frozenset(mode.value for mode in course.BREAKING)
ODD = frozenset({FaultMode.SLOW.value, FaultMode.WRONG_BODY.value})
"""Trouble that may or may not be seen by a look at the home page: a page for it is right, none is right too."""

Span = tuple[float, float]


def confirmation(modes: Iterable[str]) -> float:
    """Seconds that a fault has to last, while somebody looks, until it must be confirmed.

    One that answers at once is confirmed by three looks within the first slot after its beginning. One that says
    nothing takes a look's whole time; three of those may not fit into a slot, so it takes two slots.
    """
    slow = FaultMode.STALL.value in set(modes)
    looks = course.UPTIME_S + LOOK_S if slow else max(course.CONFIRM_S)
    return course.UPTIME_S + looks + 2 * LATE_S


def faults(spells: Iterable[Spell], modes: frozenset[str]) -> Iterator[tuple[str, float, float, tuple[str, ...]]]:
    """(portal, since, until, modes) of each stretch in which a portal was in one of the modes without a break."""
    portal, since, until, seen = "", 0.0, -1.0, list[str]()
    for spell in sorted(spells, key=lambda one: (one.portal, one.since)):
        if spell.mode not in modes:
            continue
        if spell.portal == portal and spell.since <= until:
            until, seen = spell.until, [*seen, spell.mode]
            continue
        if seen:
            yield portal, since, until, tuple(seen)
        portal, since, until, seen = spell.portal, spell.since, spell.until, [spell.mode]
    if seen:
        yield portal, since, until, tuple(seen)


def openings(facts: Facts) -> list[tuple[IncidentEvent, AffectedPortal]]:
    """Every page that told of new trouble, with the part of the portal that it is about."""
    found = []
    for event in facts.events:
        member = event.incident.affected_portal(event.portal)
        begun = event.tell and event.incident.severity is Severity.PAGE
        if begun and member is not None and member.until is None:
            found.append((event, member))
    return found


def false(facts: Facts) -> Promise:
    """Every page is about a fault that the soak caused on that portal, and came while it lasted or right after."""
    broken = []
    pages = openings(facts)
    for event, _ in pages:
        at = event.at / 1000
        late = 2 * course.UPTIME_S + LOOK_S if event.incident.kind is IncidentKind.FLAPPING else 0.0
        causes = [
            (since, until)
            for portal, since, until, _ in faults(facts.spells, BAD | ODD)
            if portal in _blamed(facts, event.portal)
        ]
        right = event.portal != PROBER_PORTAL and event.portal not in facts.retired
        if not (right and any(since - LOOK_S - LATE_S <= at <= until + late for since, until in causes)):
            broken.append(
                f"{event.incident.id} (number {event.number}) about {event.portal}: nothing was wrong with it"
            )
    flapping = sum(event.incident.kind is IncidentKind.FLAPPING for event, _ in pages)
    measured = f"{len(pages)} pages, {flapping} of them that a portal flaps"
    return Promise(
        part=PART,
        text="nobody is paged for nothing",
        test=TEST,
        cases=len(pages),
        broken=tuple(broken),
        measured=measured,
    )


def _blamed(facts: Facts, portal: str) -> set[str]:
    """The portal, and those without which it cannot do."""
    return {portal, *(other for one, other in facts.helpless if one == portal)}


def missed(facts: Facts) -> Promise:
    """Every fault that lasted, while somebody looked, longer than its confirmation takes was paged.

    A portal that flaps or was down already has its page: that its trouble goes on is no second one.
    """
    broken, cases, short = [], 0, 0
    blind = _blind(facts)
    paged = _paged(facts)
    for portal, since, until, modes in faults(facts.spells, BAD):
        if portal in facts.retired:
            continue
        needed = confirmation(modes)
        if longest(since, until, blind[portal]) < needed:
            short += 1
            continue
        cases += 1
        if not any(begin <= until and since <= end for begin, end in paged.get(portal, ())):
            broken.append(f"{portal} from {since:.1f} to {until:.1f} ({', '.join(modes)}): no page")
    text = "every outage that lasts longer than its confirmation takes is paged"
    measured = f"{cases} such outages of {cases + short}"
    return Promise(part=PART, text=text, test=TEST, cases=cases, broken=tuple(broken), measured=measured)


def _paged(facts: Facts) -> dict[str, list[Span]]:
    """When each portal was in trouble that somebody was paged for, by the newest word of its incidents."""
    newest = {event.incident.id: event.incident for event in facts.events}
    found: dict[str, list[Span]] = {}
    for event, member in openings(facts):
        now = newest[event.incident.id].affected_portal(event.portal)
        until = now.until if now is not None else None
        end = until / 1000 if until is not None else math.inf
        found.setdefault(event.portal, []).append((member.since / 1000, end))
    return found


def _blind(facts: Facts) -> dict[str, list[Span]]:
    """When each portal was not looked at: nobody was there, or its slot was void or late."""
    lives = [life for life in facts.lives if life.samples]
    gaps = [(before.told, after.started) for before, after in pairwise(lives)]
    away = [(0.0, lives[0].started), *gaps, (lives[-1].told, math.inf)]
    found = {spell.portal: list(away) for spell in facts.spells}
    for look in facts.looks:
        if look.check == STATE_CHECK and look.attempt == 1 and (look.void or (look.lateness or 0.0) > LATE_S):
            found[look.portal].append((look.slot / 1000, look.slot / 1000 + course.UPTIME_S))
    return found


def longest(since: float, until: float, blind: Iterable[Span]) -> float:
    """Seconds of the longest stretch between two times in which somebody looked."""
    best, at = 0.0, since
    for begin, end in sorted(blind):
        best = max(best, min(begin, until) - at)
        at = max(at, end)
    return max(best, until - at)


def ended(facts: Facts) -> Promise:
    """No outage goes on in the end whose portal was seen well for long enough; two slots make it so."""
    needed = 2 * course.UPTIME_S + LOOK_S + 2 * LATE_S
    blind, newest = _blind(facts), {event.incident.id: event.incident for event in facts.events}
    outages = [one for one in newest.values() if one.kind is IncidentKind.OUTAGE]
    broken = []
    for incident in outages:
        for member in incident.ongoing:
            troubles = faults(facts.spells, BAD | ODD)
            ends = [until for portal, _, until, _ in troubles if portal in _blamed(facts, member.portal)]
            well = longest(max(ends, default=0.0), math.inf, blind.get(member.portal, ()))
            if well >= needed:
                broken.append(f"{incident.id}: {member.portal} has been well for {well:.1f} s and is still down")
    lasting = sum(bool(one.ongoing) for one in outages)
    text = "an outage ends when its portal is well again"
    measured = f"{len(outages)} outages, {lasting} of them went on when the daemon was ended"
    return Promise(part=PART, text=text, test=TEST, cases=len(outages), broken=tuple(broken), measured=measured)


def delivered(facts: Facts) -> Promise:
    """Every message reached the webhook: as the outbox knows it, and as the webhook does."""
    heard = {identity.strip() for letter in facts.told for identity in letter}
    known = {event.incident.id for event in facts.events}
    broken = [
        f"{one.incident} (number {one.number}): {one.fate}"
        for one in facts.messages
        if one.fate is not MessageStatus.ACCEPTED
    ]
    broken += [f"{one}: the webhook never heard of it" for one in sorted({m.incident for m in facts.messages} - heard)]
    broken += [f"{one}: the webhook heard of an incident that there is not" for one in sorted(heard - known)]
    told = {(message.incident, message.number) for message in facts.messages}
    broken += [
        f"{event.incident.id} (number {event.number}): no message was written"
        for event, _ in openings(facts)
        if (event.incident.id, event.number) not in told
    ]
    text = "every message about an incident is accepted, through the webhook's outages and the daemon's ends"
    measured = f"{len(facts.messages)} messages in {len(facts.told)} letters"
    return Promise(part=PART, text=text, test=TEST, cases=len(facts.messages), broken=tuple(broken), measured=measured)
