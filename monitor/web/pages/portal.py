"""What a portal's own page says: its state and what tipped it, its day, its checks, its entry in the inventory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.i18n.translator import iso
from monitor.model.records import DECIDING, State
from monitor.states.status_cache import DAY
from monitor.web.pages import charts, fleet
from monitor.web.pages import check as look
from monitor.web.pages import incidents as incident_page
from probes.http.urls import bare

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from monitor.i18n.translator import Tongue
    from monitor.model.records import Check, Measurement, Portal, StateChange
    from monitor.states.status_cache import Board
    from monitor.storage.journal.store import Reader
    from monitor.web.context import Site
    from monitor.web.pages.query import Query

MOST = 5000
"""Looks of one kind read for one page."""

INCIDENTS = 5
"""Incidents listed on the page, the newest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One state change in words."""

    at: str
    at_iso: str | None
    state: str
    previous: str
    said: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """The whole page. ``turn`` is what tipped the present state, None before the first confirmation."""

    row: fleet.Row
    second_name: str
    url: str
    turn: Turn | None
    since: str
    entry: tuple[tuple[str, str], ...]
    hours: tuple[str, ...]
    turns: tuple[Turn, ...]
    sections: tuple[look.Section, ...]
    incidents: tuple[incident_page.Line, ...] = ()


async def gather(site: Site, portal: Portal, query: Query, tongue: Tongue) -> Detail:
    """Read the board, and have the portal's last day put into words where it is read: on the journal's thread."""
    board, now = site.board, site.clock.now()
    checks = _checks(board, portal.id)
    latest = {check.name: board.latest.get(check.key) for check in checks}

    kept = {check.name: site.evidence.of(check.key) if site.evidence else [] for check in checks}

    def sections(reader: Reader) -> tuple[look.Section, ...]:
        recent = _recent(reader, portal.id, checks, board.location, now)
        return tuple(
            look.section(one, latest[one.name], recent[one.name], tongue, now, exhibits=kept[one.name])
            for one in checks
        )

    told = await site.journal.read(sections)
    found = await site.journal.read(lambda reader: reader.incidents_of(portal.id, limit=INCIDENTS))
    change = board.turned(portal.id)
    turns = [_turn(one, tongue) for one in reversed(board.changes.get(portal.id, ())) if one.at > now - DAY]
    return Detail(
        row=fleet.row(board, portal, query, tongue, now),
        second_name=portal.name("vi" if query.language == "en" else "en"),
        url=bare(portal.url),
        turn=_turn(change, tongue) if change else None,
        since="" if change is None else _since(change, tongue, now),
        entry=tuple(_entry(portal, tongue)),
        hours=charts.hours(tongue, now),
        turns=tuple(turns),
        sections=told,
        incidents=tuple(incident_page.line(one, board, query, tongue, now) for one in found),
    )


def _checks(board: Board, portal: str) -> list[Check]:
    """Of a portal, the one that decides its state first."""
    found = (check for check in board.checks.values() if check.portal == portal)
    return sorted(found, key=lambda check: (check.name != DECIDING, check.name))


def _recent(
    reader: Reader, portal: str, checks: Sequence[Check], location: str, now: int
) -> dict[str, list[Measurement]]:
    """The newest looks of each check, newest first: a day of them, or longer for those that look seldom."""
    found: dict[str, list[Measurement]] = {check.name: [] for check in checks}
    for kind in {check.kind for check in checks}:
        slowest = max(check.interval for check in checks if check.kind == kind)
        since = now - max(DAY, int(look.SHOWN * slowest * 1000))
        for one in reader.measurements(kind=kind, portal=portal, since=since, limit=MOST, newest_first=True):
            if one.check in found and one.location == location:
                found[one.check].append(one)
    return found


def _since(change: StateChange, tongue: Tongue, now: int) -> str:
    return tongue("since", time=tongue.moment(change.at), duration=tongue.duration((now - change.at) / 1000))


def _turn(change: StateChange, tongue: Tongue) -> Turn:
    previous, state = tongue(f"state.{change.previous.value}"), tongue(f"state.{change.state.value}")
    said = tongue("from_to", previous=previous.lower(), state=state.lower())
    if change.previous is change.state:
        said = tongue("flapping.ended", state=state.lower())
    elif change.flapping:
        said = f"{said} ({tongue('flapping')})"
    return Turn(
        at=tongue.moment(change.at),
        at_iso=iso(change.at),
        state=change.state.value,
        previous=change.previous.value,
        said=said,
        reason=_reason(change, tongue),
        detail=change.detail,
    )


def _reason(change: StateChange, tongue: Tongue) -> str:
    """Why, in words; empty where the states say it all."""
    if change.fault is not None:
        return tongue(f"fault.{change.fault.value}")
    if change.state in {State.DEGRADED, State.MAINTENANCE}:
        return tongue(f"why.{change.state.value}")
    return tongue("why.maintenance_over") if change.previous is State.MAINTENANCE else ""


def _entry(portal: Portal, tongue: Tongue) -> Iterable[tuple[str, str]]:
    """The inventory's facts; the address is said elsewhere."""
    yield tongue("kind"), tongue(f"kind.{portal.kind.value}")
    yield tongue("code"), portal.code or tongue("none")
    yield tongue("group"), portal.group
    yield tongue("expectation"), tongue.expectation(portal)
    yield tongue("verified"), tongue("yes" if portal.verified else "no")
    if portal.confidence:
        yield tongue("confidence"), tongue.known(f"confidence.{portal.confidence}", portal.confidence)
    if portal.status_2026:
        yield tongue("status_2026"), tongue.known(f"status.{portal.status_2026}", portal.status_2026)
    if portal.source:
        yield tongue("source"), portal.source
