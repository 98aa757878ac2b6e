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
class StateSpan:
    """A portal was in ``state`` for ``start <= time < end`` (UTC ms)."""

    start_ms: int
    end_ms: int
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
    def total_ms(self) -> int:
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
        return (self.total_ms - self.unknown) / self.total_ms if self.total_ms else None

    def __add__(self, other: Availability) -> Availability:
        return Availability(**{state.value: getattr(self, state) + getattr(other, state) for state in State})


def timeline(
    changes: Iterable[StateChange], since_ms: int, until_ms: int, initial_state: State | None = None
) -> tuple[StateSpan, ...]:
    """The states of one portal at one location over ``since <= time < until`` (UTC ms), without gaps, in order.

    ``changes`` are those of that portal and location, in order of ``at``; what lies outside of the window is cut off.
    ``before`` is the state in force at ``since``, unless ``changes`` reach back as far: None is unknown. Neighbours in
    the same state are one span. Empty when ``until <= since``.
    """
    spans: list[StateSpan] = []
    at, state = since_ms, initial_state or State.UNKNOWN
    for change in changes:
        moment = min(max(change.at, at), until_ms)
        _append(spans, at, moment, state)
        at, state = moment, change.state
    _append(spans, at, until_ms, state)
    return tuple(spans)


def _append(spans: list[StateSpan], start_ms: int, end_ms: int, state: State) -> None:
    if end_ms <= start_ms:
        return
    if spans and spans[-1].state is state and spans[-1].end_ms == start_ms:
        start_ms = spans.pop().start_ms
    spans.append(StateSpan(start_ms=start_ms, end_ms=end_ms, state=state))


def availability(spans: Iterable[StateSpan]) -> Availability:
    """The time in each state over all ``spans``."""
    total = dict.fromkeys(State, 0)
    for span in spans:
        total[span.state] += span.end_ms - span.start_ms
    return Availability(**{state.value: milliseconds for state, milliseconds in total.items()})


def split_by_service_hours(
    spans: Sequence[StateSpan], hours: ServiceHours
) -> tuple[tuple[StateSpan, ...], tuple[StateSpan, ...]]:
    """``spans`` cut at the borders of the service hours: what lies in them, and what lies out of them."""
    inside: list[StateSpan] = []
    outside: list[StateSpan] = []
    for span in spans:
        at = span.start_ms
        for start, end in hours.intervals(span.start_ms, span.end_ms):
            _append(outside, at, start, span.state)
            _append(inside, start, end, span.state)
            at = end
        _append(outside, at, span.end_ms, span.state)
    return tuple(inside), tuple(outside)
