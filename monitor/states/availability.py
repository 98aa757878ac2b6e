"""Computes time in states: spans from state changes, availability and coverage, in and out of service hours; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.model.records import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from monitor.model.records import StateChange
    from monitor.model.wall_time import ServiceHours

    Spans = tuple["StateSpan", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StateSpan:
    """A portal was in ``state`` for ``start <= time < end`` (UTC ms)."""

    start_ms: int
    end_ms: int
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """Milliseconds in each state, over any window."""

    up: int = 0
    degraded: int = 0
    down: int = 0
    maintenance: int = 0
    unknown: int = 0

    @property
    def total_ms(self) -> int:
        """Return all milliseconds."""
        return self.up + self.degraded + self.down + self.maintenance + self.unknown

    @property
    def ratio(self) -> float | None:
        """Return the share of evaluated time in which the portal responded: maintenance and unknown time are excluded.

        None when no time was evaluated, which is not the same as 0 or 1.
        """
        evaluated = self.up + self.degraded + self.down
        return (self.up + self.degraded) / evaluated if evaluated else None

    @property
    def coverage(self) -> float | None:
        """Return the share of the whole time in which the state is known; None for no time at all."""
        return (self.total_ms - self.unknown) / self.total_ms if self.total_ms else None

    def __add__(self, other: Availability) -> Availability:
        return Availability(**{state.value: getattr(self, state) + getattr(other, state) for state in State})


def timeline(changes: Iterable[StateChange], since_ms: int, until_ms: int, initial_state: State | None = None) -> Spans:
    """Return the states of a portal at a location over ``since_ms <= time < until_ms`` (UTC ms), gapless, in order.

    *changes* are those of that portal and location, in order of ``at``; changes outside the window are cut off.
    *initial_state* is the state in force at *since_ms*, unless *changes* reach back as far: None is unknown. Adjacent
    spans with the same state are merged. Empty when ``until_ms <= since_ms``.
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
    """Return the time in each state over all *spans*."""
    total = dict.fromkeys(State, 0)
    for span in spans:
        total[span.state] += span.end_ms - span.start_ms
    return Availability(**{state.value: milliseconds for state, milliseconds in total.items()})


def split_by_service_hours(spans: Sequence[StateSpan], hours: ServiceHours) -> tuple[Spans, Spans]:
    """Split *spans* at the service hours; return the spans inside them and the spans outside them."""
    inside, outside = list[StateSpan](), list[StateSpan]()
    for span in spans:
        at = span.start_ms
        for start, end in hours.intervals(span.start_ms, span.end_ms):
            _append(outside, at, start, span.state)
            _append(inside, start, end, span.state)
            at = end
        _append(outside, at, span.end_ms, span.state)
    return tuple(inside), tuple(outside)
