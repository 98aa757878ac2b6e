"""What the fleet page says: the verdict, counts, and one row per portal; reads the board, writes no HTML but strips."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from markupsafe import Markup

from monitor.i18n.page_texts import RETIRED
from monitor.i18n.translator import iso
from monitor.model.records import Expect, Portal, PortalKind, State
from monitor.web.pages import charts
from monitor.web.pages.query import STATES, matches, plain
from monitor.web.rendering import Pause
from probes.http.urls import bare
from probes.result import Outcome

if TYPE_CHECKING:
    from monitor.i18n.translator import Tongue
    from monitor.states.status_cache import Board
    from monitor.web.context import Readiness, Site
    from monitor.web.pages.query import Query

_WORST = {State.DOWN: 0, State.DEGRADED: 1, State.UNKNOWN: 2, State.MAINTENANCE: 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """Another portal that is named: its page, if it has one here."""

    name: str
    link: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One portal in a list. Times are texts for people; ``since_iso`` and ``look_iso`` are for machines."""

    id: str
    link: str
    name: str
    code: str
    host: str
    state: str
    verified: bool
    merged: Mention | None
    since: str
    since_iso: str | None
    since_at: str
    look: str
    look_iso: str | None
    look_at: str
    latency: str
    reason: str
    detail: str
    flapping: bool
    day: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The one-glance answer. ``tone`` is a state, or ``blind`` when our own sight is the trouble."""

    tone: str
    headline: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """A count that is also a filter."""

    state: str
    said: str
    count: int
    link: str
    chosen: bool


@dataclass(slots=True, kw_only=True)
class Fleet:
    """The whole page."""

    verdict: Verdict
    chips: list[Chip]
    attention: list[Row] = field(default_factory=list)
    groups: dict[str, list[Row]] = field(default_factory=dict)
    retired: list[Row] = field(default_factory=list)
    found: int = 0
    known: int = 0


async def gather(site: Site, query: Query, tongue: Tongue) -> Fleet:
    """Read the board for one page. Gives way to other work between portals."""
    board = site.board
    now = site.clock.now()
    counts = _counts(board)
    page = Fleet(verdict=verdict(board, counts, site.ready(), tongue), chips=_chips(counts, query, tongue))
    words = plain(query.search).split()
    groups: dict[str, list[Row]] = {kind.value: [] for kind in PortalKind}
    troubled: list[tuple[int, int, Row]] = []
    pause = Pause()
    blind = board.blind()
    for portal in sorted(board.portals.values(), key=lambda one: (plain(one.name(query.language)), one.id)):
        await pause()
        if not _wanted(board, portal, query, words):
            continue
        one = row(board, portal, query, tongue, now)
        page.found += 1
        (page.retired if portal.expect is Expect.RETIRED else groups[portal.kind.value]).append(one)
        if not query.filtered and _troubled(board, portal, blind=blind):
            troubled.append((_WORST[board.state(portal.id)], -(board.since(portal.id) or 0), one))
    page.known = len(board.portals)
    page.groups = {kind: rows for kind, rows in groups.items() if rows}
    page.attention = [one for _, _, one in sorted(troubled, key=lambda entry: entry[:2])]
    return page


def shown_state(board: Board, portal: Portal) -> str:
    """The state, or ``retired`` for a portal that is not judged."""
    return RETIRED if portal.expect is Expect.RETIRED else board.state(portal.id).value


def _counts(board: Board) -> dict[str, int]:
    counts = dict.fromkeys((str(state) for state in STATES), 0)
    for portal in board.portals.values():
        counts[shown_state(board, portal)] += 1
    return counts


def _chips(counts: dict[str, int], query: Query, tongue: Tongue) -> list[Chip]:
    def chip(state: str, said: str, count: int) -> Chip:
        return Chip(state=state, said=said, count=count, link=query.only(state).fleet(), chosen=query.state == state)

    chips = [chip("", tongue("all"), sum(counts.values()))]
    always = {State.UP, State.DOWN, query.state}
    return chips + [
        chip(state, tongue(f"state.{state}"), count) for state, count in counts.items() if count or state in always
    ]


def verdict(board: Board, counts: dict[str, int], ready: Readiness, tongue: Tongue) -> Verdict:
    """Our own trouble first, since it makes the rest doubtful; then the worst of the fleet."""
    judged = sum(counts.values()) - counts[RETIRED]
    down, up = counts[State.DOWN], counts[State.UP]

    def say(tone: str, key: str, reason: str) -> Verdict:
        return Verdict(tone=tone, headline=tongue.count(key, down or judged - up or judged), reason=reason)

    if not board.portals:
        return say("unknown", "empty", tongue("empty.why"))
    if board.blind():
        since = board.blind_since()
        when = f" {tongue('blind.since', time=tongue.moment(since))}" if since is not None else ""
        return say("blind", "blind", f"{tongue('blind.why')}{when}")
    if not ready.ok:
        return say("blind", "stuck", tongue("stuck.why", reason=ready.reason))
    if judged and counts[State.UNKNOWN] == judged:
        return say("unknown", "waiting", tongue("waiting.why"))
    others = [state for state in (State.DEGRADED, State.MAINTENANCE, State.UNKNOWN) if counts[state]]
    rest = ", ".join(f"{counts[state]} {tongue(f'state.{state}').lower()}" for state in others)
    if not down and not others:
        return say("up", "well", tongue("well.why"))
    sentence = tongue("down.why", up=up, all=judged) + (f" {tongue('also', list=rest)}" if rest else "")
    return say("down", "down", sentence) if down else say(others[0].value, "partly", sentence)


def _wanted(board: Board, portal: Portal, query: Query, words: list[str]) -> bool:
    return (
        (not query.kind or portal.kind == query.kind)
        and (not query.state or shown_state(board, portal) == query.state)
        and matches(portal, words)
    )


def _troubled(board: Board, portal: Portal, *, blind: bool) -> bool:
    """Not up, and somebody has looked already: a portal that still waits for its first look is no news.

    While we are blind the verdict says so once; a list of all that we cannot see would bury what was down before.
    """
    state = board.state(portal.id)
    if portal.expect is Expect.RETIRED or state is State.UP or (blind and state is State.UNKNOWN):
        return False
    return board.states.get(portal.id) is not None or board.deciding(portal.id) is not None


def row(board: Board, portal: Portal, query: Query, tongue: Tongue, now: int) -> Row:
    """One portal as its row shows it."""
    look = board.deciding(portal.id)
    since = board.since(portal.id)
    looked = (look.started or look.slot) if look else None
    reason, detail = _trouble(board, portal, tongue)
    return Row(
        id=portal.id,
        link=query.portal(portal.id),
        name=portal.name(query.language),
        code=portal.code or "",
        host=bare(portal.url).partition("://")[2].rstrip("/"),
        state=shown_state(board, portal),
        verified=portal.verified,
        merged=mention(board, portal, query),
        since="" if since is None else tongue.duration((now - since) / 1000),
        since_iso=iso(since),
        since_at="" if since is None else tongue.moment(since),
        look="" if looked is None else tongue.ago(now - looked),
        look_iso=iso(looked),
        look_at="" if looked is None else tongue.moment(looked),
        latency=tongue.short(look.duration) if look and look.outcome is Outcome.UP else "",
        reason=reason,
        detail=detail,
        flapping=board.flapping(portal.id),
        day=Markup() if portal.expect is Expect.RETIRED else charts.strip(board.strip(portal.id), tongue),
    )


def _trouble(board: Board, portal: Portal, tongue: Tongue) -> tuple[str, str]:
    """Why a portal is not well, and the detail: its maintenance says it, the latest look, or what tipped the state."""
    look, change = board.deciding(portal.id), board.turned(portal.id)
    if change is not None and change.state is State.MAINTENANCE:
        return tongue("why.maintenance"), change.detail
    if look is not None and look.outcome is Outcome.DOWN:
        return tongue.reason(look), look.detail
    if change is not None and change.state is State.DOWN and change.fault is not None:
        return tongue(f"fault.{change.fault.value}"), change.detail
    if change is not None and change.state is State.DEGRADED:
        return tongue("why.degraded"), change.detail
    return (tongue.reason(look), "") if look is not None else ("", "")


def mention(board: Board, portal: Portal, query: Query) -> Mention | None:
    """The unit that a portal's own was merged into."""
    if portal.merged_into is None:
        return None
    other = board.portals.get(portal.merged_into)
    if other is None:
        return Mention(name=portal.merged_into, link=None)
    return Mention(name=other.name(query.language), link=query.portal(other.id))
