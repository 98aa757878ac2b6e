"""What the pages of incidents say: the list, and one incident with everything that explains it; writes no HTML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.i18n.incident_sentences import Teller
from monitor.i18n.translator import iso
from monitor.model.incidents import Incident, IncidentKind
from monitor.model.records import PROBER
from monitor.web.pages.filmstrip import link

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.i18n.translator import Tongue
    from monitor.model.incidents import Glance, IncidentEvent, IncidentNote, Member, Message
    from monitor.states.status_cache import Board
    from monitor.storage.journal.store import Reader
    from monitor.web.context import Site
    from monitor.web.pages.query import Query

SHOWN = 100
"""Past incidents in the list, the newest."""

MONTH = 31 * 86_400_000
_TONES = {IncidentKind.OUTAGE: "down", IncidentKind.BLIND: "blind"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One incident in a list."""

    id: str
    link: str
    tone: str
    said: str
    why: str
    since: str
    since_iso: str | None
    lasted: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """The page of all incidents."""

    headline: str
    tone: str
    lasting: tuple[Line, ...]
    past: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One portal's part in an incident. ``tone`` is ``up`` once it is over."""

    name: str
    link: str
    tone: str
    facts: tuple[tuple[str, str], ...]
    looks: tuple[tuple[str, str, str, str], ...]  # time, ISO, which look, result
    hops: tuple[str, ...]
    pictures: tuple[tuple[str, str], ...]  # address, text


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Something that was said at a moment."""

    at: str
    at_iso: str | None
    said: str
    more: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One incident."""

    id: str
    tone: str
    kind: str
    headline: str
    lasted: str
    shared: str
    parts: tuple[Part, ...]
    course: tuple[Told, ...]
    notes: tuple[Told, ...]
    messages: tuple[Told, ...]


def line(event: IncidentEvent, board: Board, query: Query, tongue: Tongue, now: int) -> Line:
    """One incident in a list."""
    teller, incident = Teller(tongue, board.portals), event.incident
    first = incident.members[0]
    why = tongue(f"fault.{first.fault.value}") if first.fault else first.detail
    return Line(
        id=incident.id,
        link=query.incident(incident.id),
        tone=_tone(incident),
        said=teller.standing(incident),
        why="; ".join(part for part in (why, teller.shared(incident)) if part),
        since=tongue.moment(incident.opened),
        since_iso=iso(incident.opened),
        lasted=_lasted(incident, tongue, now),
    )


def _tone(incident: Incident) -> str:
    return "up" if incident.resolved is not None else _TONES.get(incident.kind, "degraded")


def _lasted(incident: Incident, tongue: Tongue, now: int) -> str:
    over = incident.resolved is not None
    key = "incident.lasted" if over else "incident.lasts"
    return tongue(key, duration=tongue.duration(((incident.resolved or now) - incident.opened) / 1000))


async def listed(site: Site, query: Query, tongue: Tongue) -> Listed:
    """All that go on, and the newest of those that are over."""
    now = site.clock.now()
    found = await site.journal.read(lambda reader: reader.incidents(since=now - MONTH, limit=SHOWN))
    lasting = [one for one in found if one.incident.resolved is None]
    past = [one for one in found if one.incident.resolved is not None]
    worst = min((one.incident.kind is not IncidentKind.OUTAGE for one in lasting), default=None)
    return Listed(
        headline=tongue.count("incidents.open", len(lasting)) if lasting else tongue("incidents.none"),
        tone="up" if worst is None else "degraded" if worst else "down",
        lasting=tuple(line(one, site.board, query, tongue, now) for one in lasting),
        past=tuple(line(one, site.board, query, tongue, now) for one in past),
    )


def page(
    site: Site, found: tuple[list[IncidentEvent], list[IncidentNote], list[Message]], query: Query, tongue: Tongue
) -> Page:
    """One incident as its events, notes and messages tell it; there is one event at least."""
    events, notes, messages = found
    now, incident = site.clock.now(), events[-1].incident
    teller = Teller(tongue, site.board.portals)
    return Page(
        id=incident.id,
        tone=_tone(incident),
        kind=tongue("incidents.past" if _tone(incident) == "up" else f"incident.{incident.kind.value}"),
        headline=teller.standing(incident),
        lasted=_lasted(incident, tongue, now),
        shared=teller.shared(incident),
        parts=tuple(_part(site, incident, one, query, teller, now) for one in incident.members),
        course=tuple(_at(tongue, one.confirmed, teller.headline(one, now)) for one in events),
        notes=tuple(_at(tongue, one.at, tongue(f"note.{one.kind.value}", by=one.by), one.text) for one in notes),
        messages=tuple(_sent(tongue, one) for one in messages),
    )


def read(reader: Reader, identity: str) -> tuple[list[IncidentEvent], list[IncidentNote], list[Message]]:
    """What the page is made of."""
    return reader.incident(identity), reader.notes(identity), reader.messages(identity)


def _at(tongue: Tongue, at: int, said: str, more: str = "") -> Told:
    return Told(at=tongue.moment(at), at_iso=iso(at), said=said, more=more)


def _sent(tongue: Tongue, one: Message) -> Told:
    fate = tongue(f"fate.{one.fate.value}", time=tongue.moment(one.settled or one.created))
    said = f"{one.target}: {fate}"
    return _at(tongue, one.created, said, tongue("incident.reminder", n=one.reminder) if one.reminder else "")


def _part(  # noqa: PLR0913, PLR0917 - what a page is made of
    site: Site, incident: Incident, member: Member, query: Query, teller: Teller, now: int
) -> Part:
    tongue = teller.tongue
    ours = member.portal == PROBER
    name = teller.standing(incident) if ours else teller.name(member.portal)
    return Part(
        name=name,
        link="" if ours or member.portal not in teller.portals else query.portal(member.portal),
        tone="up" if member.until is not None else _TONES.get(incident.kind, "degraded"),
        facts=tuple(teller.facts(member, now)),
        looks=tuple(_look(one, teller) for one in member.looks),
        hops=tuple(teller.hop(hop) for hop in member.hops),
        pictures=() if ours else tuple(_pictures(site, member, tongue, now)),
    )


def _look(one: Glance, teller: Teller) -> tuple[str, str, str, str]:
    tongue, at = teller.tongue, one.started or one.slot
    which = f"{one.check}, {tongue('incident.look', attempt=one.attempt)}"
    took = f", {tongue.short(one.duration)}" if one.duration is not None else ""
    return (tongue.moment(at), iso(at) or "", which + took, teller.result(one))


def _pictures(site: Site, member: Member, tongue: Tongue, now: int) -> Iterator[tuple[str, str]]:
    """Address and words of the whole screens that were rendered while it lasted."""
    found = site.evidence.between(member.portal, member.since, member.until or now) if site.evidence else []
    for one in found:
        if one.last is not None:
            yield link(one, one.last), tongue("incident.picture", time=tongue.moment(one.slot))
