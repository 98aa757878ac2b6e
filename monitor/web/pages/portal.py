"""Content of the page of one portal: state and its cause, timeline of the day, checks, incidents, inventory entry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.i18n.translator import Translator, iso
from monitor.model.records import STATE_CHECK, Check, Measurement, Portal, State, StateChange
from monitor.states.status_cache import DAY_MS, StatusCache
from monitor.web.pages import charts, fleet
from monitor.web.pages.check import MAX_RECENT_ATTEMPTS, CheckSection, check_section
from monitor.web.pages.incidents import IncidentRow, incident_row
from probes.http.urls import strip_credentials

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from monitor.storage.journal.store import JournalReader
    from monitor.web.context import WebContext
    from monitor.web.pages.query import PageQuery

MAX_MEASUREMENTS = 5000  # measurements of one kind read for one page
MAX_INCIDENTS = 5  # incidents listed on the page, the newest


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChangeRow:
    """Texts of one state change."""

    at: str
    at_iso: str | None
    state: str
    previous: str
    text: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalPage:
    """The content of the page. ``current_change`` led to the present state, None before the first confirmation."""

    row: fleet.PortalRow
    second_name: str
    url: str
    current_change: StateChangeRow | None
    since: str
    inventory: tuple[tuple[str, str], ...]
    hour_labels: tuple[str, ...]
    state_changes: tuple[StateChangeRow, ...]
    sections: tuple[CheckSection, ...]
    incidents: tuple[IncidentRow, ...] = ()


async def build_portal_page(
    context: WebContext, portal: Portal, query: PageQuery, translator: Translator
) -> PortalPage:
    """Build the page; the sections of the last day are built on the journal's reading thread."""
    cache, now = context.status_cache, context.clock.now()
    checks = _checks(cache, portal.id)
    latest = {check.name: cache.latest.get(check.key) for check in checks}
    store = context.screenshots
    screenshot_sets = {check.name: store.of_check(check.key) if store else [] for check in checks}

    def build_sections(reader: JournalReader) -> tuple[CheckSection, ...]:
        recent = _recent_measurements(reader, portal.id, checks, cache.location, now)
        sources = ((one, latest[one.name], recent[one.name], screenshot_sets[one.name]) for one in checks)
        return tuple(check_section(*source, translator, now) for source in sources)

    sections = await context.journal.read(build_sections)
    incidents = await context.journal.read(lambda reader: reader.incidents_of_portal(portal.id, limit=MAX_INCIDENTS))
    change = cache.current_state_change(portal.id)
    changes = [one for one in reversed(cache.changes.get(portal.id, ())) if one.at > now - DAY_MS]
    return PortalPage(
        row=fleet.portal_row(cache, portal, query, translator, now),
        second_name=portal.name("vi" if query.language == "en" else "en"),
        url=strip_credentials(portal.url),
        current_change=_state_change_row(change, translator) if change else None,
        since="" if change is None else _since_text(change, translator, now),
        inventory=tuple(_inventory_rows(portal, translator)),
        hour_labels=charts.hour_labels(translator, now),
        state_changes=tuple(_state_change_row(one, translator) for one in changes),
        sections=sections,
        incidents=tuple(incident_row(one, cache, query, translator, now) for one in incidents),
    )


def _checks(status_cache: StatusCache, portal: str) -> list[Check]:
    """Return the checks of a portal, the one that decides its state first."""
    found = (check for check in status_cache.checks.values() if check.portal == portal)
    return sorted(found, key=lambda check: (check.name != STATE_CHECK, check.name))


def _recent_measurements(
    reader: JournalReader, portal: str, checks: Sequence[Check], location: str, now_ms: int
) -> dict[str, list[Measurement]]:
    """Return the measurements of each check, newest first: of a day, or of longer for checks with long intervals."""
    found: dict[str, list[Measurement]] = {check.name: [] for check in checks}
    for kind in {check.kind for check in checks}:
        slowest = max(check.interval for check in checks if check.kind == kind)
        since, limit = now_ms - max(DAY_MS, int(MAX_RECENT_ATTEMPTS * slowest * 1000)), MAX_MEASUREMENTS
        for one in reader.measurements(kind=kind, portal=portal, since_ms=since, limit=limit, newest_first=True):
            if one.check in found and one.location == location:
                found[one.check].append(one)
    return found


def _since_text(change: StateChange, translator: Translator, now_ms: int) -> str:
    duration = translator.duration((now_ms - change.at) / 1000)
    return translator("since", time=translator.date_time(change.at), duration=duration)


def _state_change_row(change: StateChange, translator: Translator) -> StateChangeRow:
    previous, state = translator(f"state.{change.previous.value}"), translator(f"state.{change.state.value}")
    text = translator("state_change", previous=previous.lower(), state=state.lower())
    if change.previous is change.state:
        text = translator("flapping.ended", state=state.lower())
    elif change.flapping:
        text = f"{text} ({translator('flapping')})"
    return StateChangeRow(
        at=translator.date_time(change.at),
        at_iso=iso(change.at),
        state=change.state.value,
        previous=change.previous.value,
        text=text,
        reason=_reason(change, translator),
        detail=change.detail,
    )


def _reason(change: StateChange, translator: Translator) -> str:
    """Return the reason of a change; empty where the states suffice."""
    if change.fault is not None:
        return translator(f"fault.{change.fault.value}")
    if change.state in {State.DEGRADED, State.MAINTENANCE}:
        return translator(f"why.{change.state.value}")
    return translator("why.maintenance_over") if change.previous is State.MAINTENANCE else ""


def _inventory_rows(portal: Portal, translator: Translator) -> Iterable[tuple[str, str]]:
    """Yield the facts of the inventory, without the URL."""
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
