"""Derive the outages of a period from its state changes: start, end, fault, and the time that counts; pure.

:class:`Outage` is the interface to richer records of incidents: its fields are what reports print.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.model.records import PROBER_PORTAL, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from monitor.model.records import StateChange
    from monitor.scoring.rubric import Exclusion
    from monitor.scoring.source import StateHistory


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A portal was confirmed down at a location, ``start_ms <= time < end_ms`` (UTC), clipped to the period.

    ``fault`` is that of the state change to down, None where the outage began before the period. ``began`` and
    ``ended``: within the period. ``excluded`` names the approved exclusions that overlap it, ``counted_ms`` is the time
    that none covers.
    """

    portal: str
    location: str
    start_ms: int
    end_ms: int
    fault: str | None
    detail: str
    began: bool
    ended: bool
    counted_ms: int
    excluded: tuple[str, ...] = ()

    @property
    def duration_ms(self) -> int:
        """The length of the outage."""
        return self.end_ms - self.start_ms


def outages(history: StateHistory, exclusions: Sequence[Exclusion], since_ms: int, until_ms: int) -> tuple[Outage, ...]:
    """Return the outages of ``since_ms <= time < until_ms`` (UTC), in order of start, portal and location."""
    by_place: dict[tuple[str, str], list[StateChange]] = defaultdict(list)
    for change in history.changes:
        by_place[change.portal, change.location].append(change)
    found: list[Outage] = []
    for place in dict.fromkeys([*history.initial_states, *by_place]):
        if place[0] != PROBER_PORTAL:
            initial, changes = history.initial_states.get(place), by_place.get(place, ())
            found += _portal_outages(place, initial, changes, exclusions, since_ms, until_ms)
    return tuple(sorted(found, key=lambda one: (one.start_ms, one.portal, one.location)))


def _portal_outages(  # noqa: PLR0913, PLR0917 - one place's history and the window
    place: tuple[str, str],
    initial: State | None,
    changes: Iterable[StateChange],
    exclusions: Sequence[Exclusion],
    since_ms: int,
    until_ms: int,
) -> Iterator[Outage]:
    for start, end, cause in _down_segments(initial, changes, since_ms, until_ms):
        touching = [one for one in exclusions if one.applies_to(place[0], start, end) and one.state is not State.DOWN]
        yield Outage(
            portal=place[0],
            location=place[1],
            start_ms=start,
            end_ms=min(end, until_ms),
            fault=cause.fault.value if cause and cause.fault else None,
            detail=cause.detail if cause else "",
            began=cause is not None,
            ended=end < until_ms,
            counted_ms=_counted_ms(start, min(end, until_ms), touching),
            excluded=tuple(one.id for one in touching),
        )


def _down_segments(
    initial: State | None, changes: Iterable[StateChange], since_ms: int, until_ms: int
) -> Iterator[tuple[int, int, StateChange | None]]:
    """Yield (start, end, first change) of every down segment; a change of the flapping mark alone does not end it."""
    start = since_ms if initial is State.DOWN else None
    cause: StateChange | None = None
    for change in changes:
        if change.state is State.DOWN and start is None:
            start, cause = change.at, change
        elif change.state is not State.DOWN and start is not None:
            if change.at > start:
                yield start, change.at, cause
            start, cause = None, None
    if start is not None and start < until_ms:
        yield start, until_ms, cause


def _counted_ms(start_ms: int, end_ms: int, exclusions: Sequence[Exclusion]) -> int:
    covered, at = 0, start_ms
    for one in sorted(exclusions, key=lambda one: one.since_ms):
        low, high = max(at, one.since_ms), min(end_ms, one.until_ms)
        if high > low:
            covered, at = covered + high - low, high
    return end_ms - start_ms - covered
