"""What the fleet page says: the verdict, counts, and one row per portal; reads the board, writes no HTML but strips."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from markupsafe import Markup

from monitor.i18n.page_texts import RETIRED
from monitor.i18n.translator import iso
from monitor.model.records import Expect, Portal, PortalKind, State
from monitor.web.pages import charts
from monitor.web.pages.query import FILTER_STATES, matches, normalize
from monitor.web.rendering import CooperativeYield
from probes.http.urls import strip_credentials
from probes.result import Outcome

if TYPE_CHECKING:
    from monitor.i18n.translator import Translator
    from monitor.states.status_cache import StatusCache
    from monitor.web.context import Readiness, WebContext
    from monitor.web.pages.query import PageQuery

_SEVERITY_ORDER = {State.DOWN: 0, State.DEGRADED: 1, State.UNKNOWN: 2, State.MAINTENANCE: 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalLink:
    """Another portal that is named: its page, if it has one here."""

    name: str
    url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalRow:
    """One portal in a list. Times are texts for people; ``since_iso`` and ``look_iso`` are for machines."""

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
    """The one-glance answer. ``tone`` is a state, or ``blind`` when our own sight is the trouble."""

    tone: str
    headline: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """A count that is also a filter."""

    state: str
    label: str
    count: int
    url: str
    selected: bool


@dataclass(slots=True, kw_only=True)
class FleetPage:
    """The whole page."""

    summary: FleetSummary
    chips: list[Chip]
    attention: list[PortalRow] = field(default_factory=list)
    groups: dict[str, list[PortalRow]] = field(default_factory=dict)
    retired: list[PortalRow] = field(default_factory=list)
    matched: int = 0
    total: int = 0


async def build_fleet_page(context: WebContext, query: PageQuery, translator: Translator) -> FleetPage:
    """Read the board for one page. Gives way to other work between portals."""
    board = context.status_cache
    now = context.clock.now()
    counts = _counts(board)
    page = FleetPage(
        summary=fleet_summary(board, counts, context.readiness(), translator), chips=_chips(counts, query, translator)
    )
    words = normalize(query.search).split()
    groups: dict[str, list[PortalRow]] = {kind.value: [] for kind in PortalKind}
    troubled: list[tuple[int, int, PortalRow]] = []
    pause = CooperativeYield()
    blind = board.self_check_failing()
    for portal in sorted(board.portals.values(), key=lambda one: (normalize(one.name(query.language)), one.id)):
        await pause()
        if not _matches_query(board, portal, query, words):
            continue
        one = portal_row(board, portal, query, translator, now)
        page.matched += 1
        (page.retired if portal.expect is Expect.RETIRED else groups[portal.kind.value]).append(one)
        if not query.is_filtered and _needs_attention(board, portal, prober_failing=blind):
            troubled.append((_SEVERITY_ORDER[board.state(portal.id)], -(board.state_since_ms(portal.id) or 0), one))
    page.total = len(board.portals)
    page.groups = {kind: rows for kind, rows in groups.items() if rows}
    page.attention = [one for _, _, one in sorted(troubled, key=lambda entry: entry[:2])]
    return page


def displayed_state(status_cache: StatusCache, portal: Portal) -> str:
    """The state, or ``retired`` for a portal that is not judged."""
    return RETIRED if portal.expect is Expect.RETIRED else status_cache.state(portal.id).value


def _counts(status_cache: StatusCache) -> dict[str, int]:
    counts = dict.fromkeys((str(state) for state in FILTER_STATES), 0)
    for portal in status_cache.portals.values():
        counts[displayed_state(status_cache, portal)] += 1
    return counts


def _chips(counts: dict[str, int], query: PageQuery, translator: Translator) -> list[Chip]:
    def build(state: str, label: str, count: int) -> Chip:
        return Chip(
            state=state,
            label=label,
            count=count,
            url=query.with_state(state).fleet_url(),
            selected=query.state == state,
        )

    chips = [build("", translator("all"), sum(counts.values()))]
    always = {State.UP, State.DOWN, query.state}
    return chips + [
        build(state, translator(f"state.{state}"), count) for state, count in counts.items() if count or state in always
    ]


def fleet_summary(
    status_cache: StatusCache, counts: dict[str, int], readiness: Readiness, translator: Translator
) -> FleetSummary:
    """Our own trouble first, since it makes the rest doubtful; then the worst of the fleet."""
    judged = sum(counts.values()) - counts[RETIRED]
    down, up = counts[State.DOWN], counts[State.UP]

    def build(tone: str, key: str, reason: str) -> FleetSummary:
        return FleetSummary(tone=tone, headline=translator.plural(key, down or judged - up or judged), reason=reason)

    if not status_cache.portals:
        return build("unknown", "empty", translator("empty.why"))
    if status_cache.self_check_failing():
        since = status_cache.self_check_failing_since_ms()
        when = f" {translator('blind.since', time=translator.date_time(since))}" if since is not None else ""
        return build("blind", "blind", f"{translator('blind.why')}{when}")
    if not readiness.ok:
        return build("blind", "stuck", translator("stuck.why", reason=readiness.reason))
    if judged and counts[State.UNKNOWN] == judged:
        return build("unknown", "waiting", translator("waiting.why"))
    others = [state for state in (State.DEGRADED, State.MAINTENANCE, State.UNKNOWN) if counts[state]]
    rest = ", ".join(f"{counts[state]} {translator(f'state.{state}').lower()}" for state in others)
    if not down and not others:
        return build("up", "well", translator("well.why"))
    sentence = translator("down.why", up=up, all=judged) + (f" {translator('also', list=rest)}" if rest else "")
    return build("down", "down", sentence) if down else build(others[0].value, "partly", sentence)


def _matches_query(status_cache: StatusCache, portal: Portal, query: PageQuery, terms: list[str]) -> bool:
    return (
        (not query.kind or portal.kind == query.kind)
        and (not query.state or displayed_state(status_cache, portal) == query.state)
        and matches(portal, terms)
    )


def _needs_attention(status_cache: StatusCache, portal: Portal, *, prober_failing: bool) -> bool:
    """Not up, and somebody has looked already: a portal that still waits for its first look is no news.

    While we are blind the verdict says so once; a list of all that we cannot see would bury what was down before.
    """
    state = status_cache.state(portal.id)
    if portal.expect is Expect.RETIRED or state is State.UP or (prober_failing and state is State.UNKNOWN):
        return False
    return status_cache.states.get(portal.id) is not None or status_cache.latest_state_check(portal.id) is not None


def portal_row(
    status_cache: StatusCache, portal: Portal, query: PageQuery, translator: Translator, now_ms: int
) -> PortalRow:
    """One portal as its row shows it."""
    look = status_cache.latest_state_check(portal.id)
    since = status_cache.state_since_ms(portal.id)
    looked = (look.started or look.slot) if look else None
    reason, detail = _problem(status_cache, portal, translator)
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
        last_attempt="" if looked is None else translator.ago(now_ms - looked),
        last_attempt_iso=iso(looked),
        last_attempt_at="" if looked is None else translator.date_time(looked),
        latency=translator.short_duration(look.duration) if look and look.outcome is Outcome.UP else "",
        reason=reason,
        detail=detail,
        flapping=status_cache.is_flapping(portal.id),
        timeline=Markup()
        if portal.expect is Expect.RETIRED
        else charts.timeline(status_cache.last_day_timeline(portal.id), translator),
    )


def _problem(status_cache: StatusCache, portal: Portal, translator: Translator) -> tuple[str, str]:
    """Why a portal is not well, and the detail: its maintenance says it, the latest look, or what tipped the state."""
    look, change = status_cache.latest_state_check(portal.id), status_cache.current_state_change(portal.id)
    if change is not None and change.state is State.MAINTENANCE:
        return translator("why.maintenance"), change.detail
    if look is not None and look.outcome is Outcome.DOWN:
        return translator.reason(look), look.detail
    if change is not None and change.state is State.DOWN and change.fault is not None:
        return translator(f"fault.{change.fault.value}"), change.detail
    if change is not None and change.state is State.DEGRADED:
        return translator("why.degraded"), change.detail
    return (translator.reason(look), "") if look is not None else ("", "")


def merged_into_link(status_cache: StatusCache, portal: Portal, query: PageQuery) -> PortalLink | None:
    """The unit that a portal's own was merged into."""
    if portal.merged_into is None:
        return None
    other = status_cache.portals.get(portal.merged_into)
    if other is None:
        return PortalLink(name=portal.merged_into, url=None)
    return PortalLink(name=other.name(query.language), url=query.portal_url(other.id))
