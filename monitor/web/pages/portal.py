"""What a portal's own page says: its state and what tipped it, its day, its checks, its entry in the inventory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.i18n.translator import iso
from monitor.model.records import STATE_CHECK, State
from monitor.states.status_cache import DAY_MS
from monitor.web.pages import charts, fleet
from monitor.web.pages import check as look
from monitor.web.pages import incidents as incident_page
from probes.http.urls import strip_credentials

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from monitor.i18n.translator import Translator
    from monitor.model.records import Check, Measurement, Portal, StateChange
    from monitor.states.status_cache import StatusCache
    from monitor.storage.journal.store import JournalReader
    from monitor.web.context import WebContext
    from monitor.web.pages.query import PageQuery

MAX_MEASUREMENTS = 5000
"""Looks of one kind read for one page."""

MAX_INCIDENTS = 5
"""Incidents listed on the page, the newest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChangeRow:
    """One state change in words."""

    at: str
    at_iso: str | None
    state: str
    previous: str
    text: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalPage:
    """The whole page. ``turn`` is what tipped the present state, None before the first confirmation."""

    row: fleet.PortalRow
    second_name: str
    url: str
    current_change: StateChangeRow | None
    since: str
    inventory: tuple[tuple[str, str], ...]
    hour_labels: tuple[str, ...]
    state_changes: tuple[StateChangeRow, ...]
    sections: tuple[look.CheckSection, ...]
    incidents: tuple[incident_page.IncidentRow, ...] = ()


async def build_portal_page(
    context: WebContext, portal: Portal, query: PageQuery, translator: Translator
) -> PortalPage:
    """Read the board, and have the portal's last day put into words where it is read: on the journal's thread."""
    board, now = context.status_cache, context.clock.now()
    checks = _checks(board, portal.id)
    latest = {check.name: board.latest.get(check.key) for check in checks}

    kept = {check.name: context.screenshots.of_check(check.key) if context.screenshots else [] for check in checks}

    def build_sections(reader: JournalReader) -> tuple[look.CheckSection, ...]:
        recent = _recent_measurements(reader, portal.id, checks, board.location, now)
        return tuple(
            look.check_section(one, latest[one.name], recent[one.name], translator, now, screenshot_sets=kept[one.name])
            for one in checks
        )

    told = await context.journal.read(build_sections)
    found = await context.journal.read(lambda reader: reader.incidents_of_portal(portal.id, limit=MAX_INCIDENTS))
    change = board.current_state_change(portal.id)
    turns = [
        _state_change_row(one, translator)
        for one in reversed(board.changes.get(portal.id, ()))
        if one.at > now - DAY_MS
    ]
    return PortalPage(
        row=fleet.portal_row(board, portal, query, translator, now),
        second_name=portal.name("vi" if query.language == "en" else "en"),
        url=strip_credentials(portal.url),
        current_change=_state_change_row(change, translator) if change else None,
        since="" if change is None else _since_text(change, translator, now),
        inventory=tuple(_inventory_rows(portal, translator)),
        hour_labels=charts.hour_labels(translator, now),
        state_changes=tuple(turns),
        sections=told,
        incidents=tuple(incident_page.incident_row(one, board, query, translator, now) for one in found),
    )


def _checks(status_cache: StatusCache, portal: str) -> list[Check]:
    """Of a portal, the one that decides its state first."""
    found = (check for check in status_cache.checks.values() if check.portal == portal)
    return sorted(found, key=lambda check: (check.name != STATE_CHECK, check.name))


def _recent_measurements(
    reader: JournalReader, portal: str, checks: Sequence[Check], location: str, now_ms: int
) -> dict[str, list[Measurement]]:
    """The newest looks of each check, newest first: a day of them, or longer for those that look seldom."""
    found: dict[str, list[Measurement]] = {check.name: [] for check in checks}
    for kind in {check.kind for check in checks}:
        slowest = max(check.interval for check in checks if check.kind == kind)
        since = now_ms - max(DAY_MS, int(look.MAX_RECENT_ATTEMPTS * slowest * 1000))
        for one in reader.measurements(
            kind=kind, portal=portal, since_ms=since, limit=MAX_MEASUREMENTS, newest_first=True
        ):
            if one.check in found and one.location == location:
                found[one.check].append(one)
    return found


def _since_text(change: StateChange, translator: Translator, now_ms: int) -> str:
    return translator(
        "since", time=translator.date_time(change.at), duration=translator.duration((now_ms - change.at) / 1000)
    )


def _state_change_row(change: StateChange, translator: Translator) -> StateChangeRow:
    previous, state = translator(f"state.{change.previous.value}"), translator(f"state.{change.state.value}")
    said = translator("from_to", previous=previous.lower(), state=state.lower())
    if change.previous is change.state:
        said = translator("flapping.ended", state=state.lower())
    elif change.flapping:
        said = f"{said} ({translator('flapping')})"
    return StateChangeRow(
        at=translator.date_time(change.at),
        at_iso=iso(change.at),
        state=change.state.value,
        previous=change.previous.value,
        text=said,
        reason=_reason(change, translator),
        detail=change.detail,
    )


def _reason(change: StateChange, translator: Translator) -> str:
    """Why, in words; empty where the states say it all."""
    if change.fault is not None:
        return translator(f"fault.{change.fault.value}")
    if change.state in {State.DEGRADED, State.MAINTENANCE}:
        return translator(f"why.{change.state.value}")
    return translator("why.maintenance_over") if change.previous is State.MAINTENANCE else ""


def _inventory_rows(portal: Portal, translator: Translator) -> Iterable[tuple[str, str]]:
    """The inventory's facts; the address is said elsewhere."""
    yield translator("kind"), translator(f"kind.{portal.kind.value}")
    yield translator("code"), portal.code or translator("none")
    yield translator("group"), portal.group
    yield translator("expectation"), translator.expectation(portal)
    yield translator("verified"), translator("yes" if portal.verified else "no")
    if portal.confidence:
        yield translator("confidence"), translator.text_or(f"confidence.{portal.confidence}", portal.confidence)
    if portal.status_2026:
        yield translator("status_2026"), translator.text_or(f"status.{portal.status_2026}", portal.status_2026)
    if portal.source:
        yield translator("source"), portal.source
