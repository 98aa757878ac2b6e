"""Content of the fleet page: summary, counts, and one row per portal; reads the status cache."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from markupsafe import Markup

from monitor.i18n.page_texts import RETIRED
from monitor.i18n.translator import Translator, iso
from monitor.model.records import Expect, Portal, PortalKind, State
from monitor.web.pages import charts
from monitor.web.pages.query import FILTER_STATES, PageQuery, matches, normalize
from monitor.web.rendering import CooperativeYield
from probes.http.urls import strip_credentials
from probes.result import Outcome

if TYPE_CHECKING:
    from monitor.states.status_cache import StatusCache
    from monitor.web.context import Readiness, WebContext

_SEVERITY_ORDER = {State.DOWN: 0, State.DEGRADED: 1, State.UNKNOWN: 2, State.MAINTENANCE: 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalLink:
    """Another portal and the URL of its page, if the inventory has it."""

    name: str
    url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalRow:
    """One portal in a list. Times are localised texts; the ``_iso`` fields are machine-readable."""

    id: str
    url: str
    name: str
    code: str
    host: str
    state: str
    verified: bool
    merged_into: PortalLink | None
    since: str
    since_iso: str | None
    since_at: str
    last_attempt: str
    last_attempt_iso: str | None
    last_attempt_at: str
    latency: str
    reason: str
    detail: str
    flapping: bool
    timeline: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetSummary:
    """The headline of the page. ``tone`` is a state, or ``prober`` when the prober itself has a problem."""

    tone: str
    headline: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """Count of a state, which is also a filter."""

    state: str
    label: str
    count: int
    url: str
    selected: bool


@dataclass(slots=True, kw_only=True)
class FleetPage:
    """The content of the page."""

    summary: FleetSummary
    chips: list[Chip]
    attention: list[PortalRow] = field(default_factory=list)
    groups: dict[str, list[PortalRow]] = field(default_factory=dict)
    retired: list[PortalRow] = field(default_factory=list)
    matched: int = 0
    total: int = 0


async def build_fleet_page(context: WebContext, query: PageQuery, translator: Translator) -> FleetPage:
    """Build the page from the status cache, yielding to other tasks between portals."""
    cache, now, terms = context.status_cache, context.clock.now(), normalize(query.search).split()
    counts = _counts(cache)
    summary = fleet_summary(cache, counts, context.readiness(), translator)
    page = FleetPage(summary=summary, chips=_chips(counts, query, translator))
    groups: dict[str, list[PortalRow]] = {kind.value: [] for kind in PortalKind}
    attention: list[tuple[int, int, PortalRow]] = []
    yield_if_due = CooperativeYield()
    prober_failing = cache.self_check_failing()
    for portal in sorted(cache.portals.values(), key=lambda one: (normalize(one.name(query.language)), one.id)):
        await yield_if_due()
        if not _matches_query(cache, portal, query, terms):
            continue
        row = portal_row(cache, portal, query, translator, now)
        page.matched += 1
        (page.retired if portal.expect is Expect.RETIRED else groups[portal.kind.value]).append(row)
        if not query.is_filtered and _needs_attention(cache, portal, prober_failing=prober_failing):
            attention.append((_SEVERITY_ORDER[cache.state(portal.id)], -(cache.state_since_ms(portal.id) or 0), row))
    page.total = len(cache.portals)
    page.groups = {kind: rows for kind, rows in groups.items() if rows}
    page.attention = [row for _, _, row in sorted(attention, key=lambda entry: entry[:2])]
    return page


def displayed_state(status_cache: StatusCache, portal: Portal) -> str:
    """Return the state, or ``retired`` for a portal that is not evaluated."""
    return RETIRED if portal.expect is Expect.RETIRED else status_cache.state(portal.id).value


def _counts(status_cache: StatusCache) -> dict[str, int]:
    counts = dict.fromkeys((str(state) for state in FILTER_STATES), 0)
    for portal in status_cache.portals.values():
        counts[displayed_state(status_cache, portal)] += 1
    return counts


def _chips(counts: dict[str, int], query: PageQuery, translator: Translator) -> list[Chip]:
    def build(state: str, label: str, count: int) -> Chip:
        url = query.with_state(state).fleet_url()
        return Chip(state=state, label=label, count=count, url=url, selected=query.state == state)

    always = {State.UP, State.DOWN, query.state}
    shown = {state: count for state, count in counts.items() if count or state in always}
    states = [build(state, translator(f"state.{state}"), count) for state, count in shown.items()]
    return [build("", translator("all"), sum(counts.values())), *states]


def fleet_summary(
    status_cache: StatusCache, counts: dict[str, int], readiness: Readiness, translator: Translator
) -> FleetSummary:
    """Summarise the fleet: a problem of the prober first, because it makes the rest doubtful; then the worst state."""
    evaluated = sum(counts.values()) - counts[RETIRED]
    down, up = counts[State.DOWN], counts[State.UP]

    def build(tone: str, key: str, reason: str) -> FleetSummary:
        headline = translator.plural(key, down or evaluated - up or evaluated)
        return FleetSummary(tone=tone, headline=headline, reason=reason)

    if not status_cache.portals:
        return build("unknown", "empty", translator("empty.why"))
    if status_cache.self_check_failing():
        since, text = status_cache.self_check_failing_since_ms(), translator("self_check_failed.why")
        if since is not None:
            text = f"{text} {translator('self_check_failed.since', time=translator.date_time(since))}"
        return build("prober", "self_check_failed", text)
    if not readiness.ok:
        return build("prober", "not_probing", translator("not_probing.why", reason=readiness.reason))
    if evaluated and counts[State.UNKNOWN] == evaluated:
        return build("unknown", "waiting", translator("waiting.why"))
    others = [state for state in (State.DEGRADED, State.MAINTENANCE, State.UNKNOWN) if counts[state]]
    rest = ", ".join(f"{counts[state]} {translator(f'state.{state}').lower()}" for state in others)
    if not down and not others:
        return build("up", "all_up", translator("all_up.why"))
    sentence = translator("down.why", up=up, all=evaluated) + (f" {translator('also', list=rest)}" if rest else "")
    return build("down", "down", sentence) if down else build(others[0].value, "none_down", sentence)


def _matches_query(status_cache: StatusCache, portal: Portal, query: PageQuery, terms: list[str]) -> bool:
    kind, state = query.kind or portal.kind, query.state or displayed_state(status_cache, portal)
    return portal.kind == kind and displayed_state(status_cache, portal) == state and matches(portal, terms)


def _needs_attention(status_cache: StatusCache, portal: Portal, *, prober_failing: bool) -> bool:
    """Return whether the portal is not up and has a result: one that waits for its first probe is left out.

    While the self-check fails the summary shows it once; a list of all unknown portals would hide what was down before.
    """
    state = status_cache.state(portal.id)
    if portal.expect is Expect.RETIRED or state is State.UP or (prober_failing and state is State.UNKNOWN):
        return False
    return status_cache.states.get(portal.id) is not None or status_cache.latest_state_check(portal.id) is not None


def portal_row(
    status_cache: StatusCache, portal: Portal, query: PageQuery, translator: Translator, now_ms: int
) -> PortalRow:
    """Return the row of one portal."""
    latest, since = status_cache.latest_state_check(portal.id), status_cache.state_since_ms(portal.id)
    probed_ms = (latest.started or latest.slot) if latest else None
    reason, detail = _problem(status_cache, portal, translator)
    spans = [] if portal.expect is Expect.RETIRED else status_cache.last_day_timeline(portal.id)
    return PortalRow(
        id=portal.id,
        url=query.portal_url(portal.id),
        name=portal.name(query.language),
        code=portal.code or "",
        host=strip_credentials(portal.url).partition("://")[2].rstrip("/"),
        state=displayed_state(status_cache, portal),
        verified=portal.verified,
        merged_into=merged_into_link(status_cache, portal, query),
        since="" if since is None else translator.duration((now_ms - since) / 1000),
        since_iso=iso(since),
        since_at="" if since is None else translator.date_time(since),
        last_attempt="" if probed_ms is None else translator.ago(now_ms - probed_ms),
        last_attempt_iso=iso(probed_ms),
        last_attempt_at="" if probed_ms is None else translator.date_time(probed_ms),
        latency=translator.short_duration(latest.duration) if latest and latest.outcome is Outcome.UP else "",
        reason=reason,
        detail=detail,
        flapping=status_cache.is_flapping(portal.id),
        timeline=charts.timeline(spans, translator),
    )


def _problem(status_cache: StatusCache, portal: Portal, translator: Translator) -> tuple[str, str]:
    """Return why a portal is not up, with detail: its maintenance, its latest result, or what decided its state."""
    latest, change = status_cache.latest_state_check(portal.id), status_cache.current_state_change(portal.id)
    if change is not None and change.state is State.MAINTENANCE:
        return translator("why.maintenance"), change.detail
    if latest is not None and latest.outcome is Outcome.DOWN:
        return translator.reason(latest), latest.detail
    if change is not None and change.state is State.DOWN and change.fault is not None:
        return translator(f"fault.{change.fault.value}"), change.detail
    if change is not None and change.state is State.DEGRADED:
        return translator("why.degraded"), change.detail
    return (translator.reason(latest), "") if latest is not None else ("", "")


def merged_into_link(status_cache: StatusCache, portal: Portal, query: PageQuery) -> PortalLink | None:
    """Return the link to the portal into which this one was merged."""
    if portal.merged_into is None:
        return None
    other = status_cache.portals.get(portal.merged_into)
    if other is None:
        return PortalLink(name=portal.merged_into, url=None)
    return PortalLink(name=other.name(query.language), url=query.portal_url(other.id))
