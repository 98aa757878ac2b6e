"""Time in states: spans from state changes, availability with its coverage, in and out of service hours; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.model.records import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from monitor.model.records import StateChange
    from monitor.model.wall_time import ServiceHours


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A portal was in ``state`` for ``start <= time < end`` (UTC ms)."""

    start: int
    end: int
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """Milliseconds in each state, over any stretch of time."""

    up: int = 0
    degraded: int = 0
    down: int = 0
    maintenance: int = 0
    unknown: int = 0

    @property
    def total(self) -> int:
        """All milliseconds."""
        return self.up + self.degraded + self.down + self.maintenance + self.unknown

    @property
    def ratio(self) -> float | None:
        """Share of the judged time in which the portal answered: maintenance and what we did not see count nowhere.

        None when no time was judged, which is not the same as 0 or 1.
        """
        judged = self.up + self.degraded + self.down
        return (self.up + self.degraded) / judged if judged else None

    @property
    def coverage(self) -> float | None:
        """Share of the whole time of which we know what the portal did; None for no time at all."""
        return (self.total - self.unknown) / self.total if self.total else None

    def __add__(self, other: Availability) -> Availability:
        return Availability(**{state.value: getattr(self, state) + getattr(other, state) for state in State})


def timeline(changes: Iterable[StateChange], since: int, until: int, before: State | None = None) -> tuple[Span, ...]:
    """The states of one portal at one location over ``since <= time < until`` (UTC ms), without gaps, in order.

    ``changes`` are those of that portal and location, in order of ``at``; what lies outside of the window is cut off.
    ``before`` is the state in force at ``since``, unless ``changes`` reach back as far: None is unknown. Neighbours in
    the same state are one span. Empty when ``until <= since``.
    """
    spans: list[Span] = []
    at, state = since, before or State.UNKNOWN
    for change in changes:
        moment = min(max(change.at, at), until)
        _append(spans, at, moment, state)
        at, state = moment, change.state
    _append(spans, at, until, state)
    return tuple(spans)


def _append(spans: list[Span], start: int, end: int, state: State) -> None:
    if end <= start:
        return
    if spans and spans[-1].state is state and spans[-1].end == start:
        start = spans.pop().start
    spans.append(Span(start=start, end=end, state=state))


def availability(spans: Iterable[Span]) -> Availability:
    """The time in each state over all ``spans``."""
    total = dict.fromkeys(State, 0)
    for span in spans:
        total[span.state] += span.end - span.start
    return Availability(**{state.value: milliseconds for state, milliseconds in total.items()})


def split(spans: Sequence[Span], hours: ServiceHours) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """``spans`` cut at the borders of the service hours: what lies in them, and what lies out of them."""
    inside: list[Span] = []
    outside: list[Span] = []
    for span in spans:
        at = span.start
        for start, end in hours.between(span.start, span.end):
            _append(outside, at, start, span.state)
            _append(inside, start, end, span.state)
            at = end
        _append(outside, at, span.end, span.state)
    return tuple(inside), tuple(outside)
