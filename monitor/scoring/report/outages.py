"""Outages of a period out of its state changes: from when to when, for which fault, how much of it counted; pure.

This is the seam to richer records of incidents: whatever fills :class:`Outage` is printed.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.model.records import PROBER, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from monitor.model.records import StateChange
    from monitor.scoring.rubric import Exclusion
    from monitor.scoring.source import Changes


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A portal was confirmed down at a location, ``start <= time < end`` in UTC ms, cut to the period.

    ``fault`` is that of the look that tipped it, None where it had begun before the period. ``began`` and ``ended``:
    within the period. ``excluded`` names the approved exclusions that touch it, ``counted`` is the ms that none covers.
    """

    portal: str
    location: str
    start: int
    end: int
    fault: str | None
    detail: str
    began: bool
    ended: bool
    counted: int
    excluded: tuple[str, ...] = ()

    @property
    def ms(self) -> int:
        """How long it was."""
        return self.end - self.start


def outages(changes: Changes, exclusions: Sequence[Exclusion], since: int, until: int) -> tuple[Outage, ...]:
    """The outages of ``since <= time < until`` (UTC ms), in order of start, portal and location."""
    by_place: dict[tuple[str, str], list[StateChange]] = defaultdict(list)
    for change in changes.within:
        by_place[change.portal, change.location].append(change)
    found: list[Outage] = []
    for place in dict.fromkeys([*changes.before, *by_place]):
        if place[0] != PROBER:
            told = by_place.get(place, ())
            found += _of_place(place, changes.before.get(place), told, exclusions, since, until)
    return tuple(sorted(found, key=lambda one: (one.start, one.portal, one.location)))


def _of_place(  # noqa: PLR0913, PLR0917 - one place's story and the window it is cut to
    place: tuple[str, str],
    before: State | None,
    told: Iterable[StateChange],
    exclusions: Sequence[Exclusion],
    since: int,
    until: int,
) -> Iterator[Outage]:
    for start, end, cause in _downs(before, told, since, until):
        touching = [one for one in exclusions if one.concerns(place[0], start, end) and one.state is not State.DOWN]
        yield Outage(
            portal=place[0],
            location=place[1],
            start=start,
            end=min(end, until),
            fault=cause.fault.value if cause and cause.fault else None,
            detail=cause.detail if cause else "",
            began=cause is not None,
            ended=end < until,
            counted=_uncovered(start, min(end, until), touching),
            excluded=tuple(one.id for one in touching),
        )


def _downs(
    before: State | None, told: Iterable[StateChange], since: int, until: int
) -> Iterator[tuple[int, int, StateChange | None]]:
    """(start, end, the change that began it) of every stretch of ``down``; a flapping mark alone ends none."""
    start = since if before is State.DOWN else None
    cause: StateChange | None = None
    for change in told:
        if change.state is State.DOWN and start is None:
            start, cause = change.at, change
        elif change.state is not State.DOWN and start is not None:
            if change.at > start:
                yield start, change.at, cause
            start, cause = None, None
    if start is not None and start < until:
        yield start, until, cause


def _uncovered(start: int, end: int, touching: Sequence[Exclusion]) -> int:
    covered, at = 0, start
    for one in sorted(touching, key=lambda one: one.since):
        low, high = max(at, one.since), min(end, one.until)
        if high > low:
            covered, at = covered + high - low, high
    return end - start - covered
