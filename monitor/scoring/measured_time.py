"""Sum the time of each portal in confirmed states by day, and list the time that leaves the denominator; pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from monitor.model.records import State
from monitor.scoring.periods import DAY_MS
from monitor.scoring.results import ExclusionReason
from monitor.states.availability import StateSpan, timeline

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from monitor.scoring.rubric import Exclusion
    from monitor.scoring.source import StateHistory

_KNOWN_STATES = (State.UP, State.DEGRADED, State.DOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExcludedTime:
    """Time that leaves the denominator: ``start <= time < end`` (UTC ms); ``id`` names the exclusion."""

    start_ms: int
    end_ms: int
    reason: ExclusionReason
    id: str = ""


@dataclass(slots=True, kw_only=True)
class MeasuredTime:
    """A portal's time in ms by day of the window, over all locations.

    ``known_ms`` is the time in up, degraded and down; ``available_ms`` in the first two; ``due_ms`` is all time except
    maintenance and exclusions. ``excluded_times``: attempts in these times do not count. ``skipped_days``: days without
    due time.
    """

    days: int
    available_ms: list[int] = field(default_factory=list)
    known_ms: list[int] = field(default_factory=list)
    due_ms: list[int] = field(default_factory=list)
    state_ms: dict[State, int] = field(default_factory=lambda: dict.fromkeys(State, 0))
    excluded_ms: dict[str, int] = field(default_factory=dict)
    excluded_times: list[ExcludedTime] = field(default_factory=list)
    skipped_days: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.available_ms, self.known_ms, self.due_ms = ([0] * self.days for _ in range(3))


def measured_times(
    history: StateHistory, exclusions: Sequence[Exclusion], portals: Iterable[str], since_ms: int, until_ms: int
) -> dict[str, MeasuredTime]:
    """Return the measured time of each of *portals* in ``since <= time < until`` (UTC ms).

    A portal without any state at any location is unknown all the time.
    """
    by_place = defaultdict(list)
    for change in history.changes:
        by_place[change.portal, change.location].append(change)
    places = defaultdict(set)
    for portal, location in (*by_place, *history.initial_states):
        places[portal].add(location)
    found = {}
    for portal in portals:
        touching = [one for one in exclusions if one.applies_to(portal, since_ms, until_ms)]
        total = MeasuredTime(days=-(-(until_ms - since_ms) // DAY_MS))
        for location in sorted(places.get(portal, {""})):
            place = (portal, location)
            spans = timeline(by_place.get(place, ()), since_ms, until_ms, history.initial_states.get(place))
            _add_spans(total, tuple(_corrected(spans, touching)), touching, since_ms)
        total.excluded_times += [_excluded_time(one, since_ms, until_ms) for one in touching if one.state is None]
        total.skipped_days = {day for day in range(total.days) if total.due_ms[day] == 0}
        found[portal] = total
    return found


def _excluded_time(one: Exclusion, since_ms: int, until_ms: int) -> ExcludedTime:
    start, end = max(one.since_ms, since_ms), min(one.until_ms, until_ms)
    return ExcludedTime(start_ms=start, end_ms=end, reason=ExclusionReason.EXCLUDED, id=one.id)


def _corrected(spans: Sequence[StateSpan], exclusions: Sequence[Exclusion]) -> Iterator[StateSpan]:
    """Yield the spans with corrected states applied; the later of two corrections of the same time counts."""
    corrections = [one for one in exclusions if one.state is not None]
    cut_points = sorted({at for one in corrections for at in (one.since_ms, one.until_ms)})
    for piece in _split(spans, cut_points):
        states = [one.state for one in corrections if one.since_ms <= piece.start_ms < one.until_ms]
        yield replace(piece, state=states[-1] or piece.state) if states else piece


def _split(spans: Iterable[StateSpan], cut_points: Sequence[int]) -> Iterator[StateSpan]:
    """Yield the spans, cut at *cut_points*, which are sorted."""
    for span in spans:
        inner = cut_points[bisect_right(cut_points, span.start_ms) : bisect_left(cut_points, span.end_ms)]
        for start, end in pairwise([span.start_ms, *inner, span.end_ms]):
            yield StateSpan(start_ms=start, end_ms=end, state=span.state)


def _add_spans(total: MeasuredTime, spans: Sequence[StateSpan], exclusions: Sequence[Exclusion], since_ms: int) -> None:
    """Add the spans to *total*, cut along days and exclusions."""
    removing = [one for one in exclusions if one.state is None]
    cut_points = {at for one in removing for at in (one.since_ms, one.until_ms)}
    cut_points |= {since_ms + day * DAY_MS for day in range(1, total.days)}
    for piece in _split(spans, sorted(cut_points)):
        length, day = piece.end_ms - piece.start_ms, (piece.start_ms - since_ms) // DAY_MS
        over = next((one for one in removing if one.since_ms <= piece.start_ms < one.until_ms), None)
        if over is not None:
            total.excluded_ms[over.id] = total.excluded_ms.get(over.id, 0) + length
            continue
        total.state_ms[piece.state] += length
        if piece.state is State.MAINTENANCE:
            continue
        total.due_ms[day] += length
        if piece.state in _KNOWN_STATES:
            total.known_ms[day] += length
        if piece.state in {State.UP, State.DEGRADED}:
            total.available_ms[day] += length
    total.excluded_times += [
        ExcludedTime(start_ms=one.start_ms, end_ms=one.end_ms, reason=ExclusionReason.MAINTENANCE)
        for one in spans
        if one.state is State.MAINTENANCE
    ]
