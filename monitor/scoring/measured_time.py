"""Time by portal: what its confirmed states add up to day by day, and which stretches leave the denominator; pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from monitor.model.records import State
from monitor.scoring.periods import DAY
from monitor.scoring.results import Left
from monitor.states.availability import Span, timeline

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from monitor.scoring.rubric import Exclusion
    from monitor.scoring.source import Changes

_JUDGED = (State.UP, State.DEGRADED, State.DOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Out:
    """``start <= time < end`` (UTC ms) leaves the denominator; ``id`` names the exclusion."""

    start: int
    end: int
    why: Left
    id: str = ""


@dataclass(slots=True, kw_only=True)
class Times:
    """A portal's time in ms by day of the window, over all locations; ``out`` lists what its looks leave out.

    ``known`` is the time in up, degraded and down; ``good`` in the first two; ``due`` is all time but maintenance and
    what was excluded. ``away``: days of which nothing was due.
    """

    days: int
    good: list[int] = field(default_factory=list)
    known: list[int] = field(default_factory=list)
    due: list[int] = field(default_factory=list)
    states: dict[State, int] = field(default_factory=lambda: dict.fromkeys(State, 0))
    excluded: dict[str, int] = field(default_factory=dict)
    out: list[Out] = field(default_factory=list)
    away: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.good, self.known, self.due = ([0] * self.days for _ in range(3))


def times(
    changes: Changes, exclusions: Sequence[Exclusion], portals: Iterable[str], since: int, until: int
) -> dict[str, Times]:
    """The time of each of ``portals`` in ``since <= time < until`` (UTC ms).

    A portal that no location ever told of is unknown all the time.
    """
    by_place = defaultdict(list)
    for change in changes.within:
        by_place[change.portal, change.location].append(change)
    places = defaultdict(set)
    for portal, location in (*by_place, *changes.before):
        places[portal].add(location)
    found = {}
    for portal in portals:
        touching = [one for one in exclusions if one.concerns(portal, since, until)]
        total = Times(days=-(-(until - since) // DAY))
        for location in sorted(places.get(portal, {""})):
            place = (portal, location)
            spans = timeline(by_place.get(place, ()), since, until, changes.before.get(place))
            _add(total, tuple(_corrected(spans, touching)), touching, since)
        total.out += [_out(one, since, until) for one in touching if one.state is None]
        total.away = {day for day in range(total.days) if total.due[day] == 0}
        found[portal] = total
    return found


def _out(one: Exclusion, since: int, until: int) -> Out:
    return Out(start=max(one.since, since), end=min(one.until, until), why=Left.EXCLUDED, id=one.id)


def _corrected(spans: Sequence[Span], touching: Sequence[Exclusion]) -> Iterator[Span]:
    """The spans with corrected states put over them; of two corrections of the same time the later one counts."""
    corrections = [one for one in touching if one.state is not None]
    borders = sorted({at for one in corrections for at in (one.since, one.until)})
    for piece in _cut(spans, borders):
        states = [one.state for one in corrections if one.since <= piece.start < one.until]
        yield Span(start=piece.start, end=piece.end, state=states[-1] or piece.state) if states else piece


def _cut(spans: Iterable[Span], borders: Sequence[int]) -> Iterator[Span]:
    """The spans, cut at borders that are in order."""
    for span in spans:
        inner = borders[bisect_right(borders, span.start) : bisect_left(borders, span.end)]
        edges = [span.start, *inner, span.end]
        for start, end in pairwise(edges):
            yield Span(start=start, end=end, state=span.state)


def _add(total: Times, spans: Sequence[Span], touching: Sequence[Exclusion], since: int) -> None:
    """Count the spans, cut along days and exclusions."""
    left = [one for one in touching if one.state is None]
    borders = {at for one in left for at in (one.since, one.until)}
    borders |= {since + day * DAY for day in range(1, total.days)}
    for piece in _cut(spans, sorted(borders)):
        length, day = piece.end - piece.start, (piece.start - since) // DAY
        over = next((one for one in left if one.since <= piece.start < one.until), None)
        if over is not None:
            total.excluded[over.id] = total.excluded.get(over.id, 0) + length
            continue
        total.states[piece.state] += length
        if piece.state is State.MAINTENANCE:
            continue
        total.due[day] += length
        if piece.state in _JUDGED:
            total.known[day] += length
        if piece.state in {State.UP, State.DEGRADED}:
            total.good[day] += length
    total.out += [
        Out(start=one.start, end=one.end, why=Left.MAINTENANCE) for one in spans if one.state is State.MAINTENANCE
    ]
