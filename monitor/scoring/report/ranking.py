"""Places among portals that were measured alike, ties shared, and how each moved since the period before; pure."""

from __future__ import annotations

import enum
from collections import defaultdict
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from monitor.scoring.results import Standing, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monitor.scoring.results import Score

Profile = tuple[tuple[str, tuple[str, ...]], ...]
Key = tuple[str, str]
"""Portal and rubric key."""


class Unmoved(enum.StrEnum):
    """Why a place has no movement."""

    NONE = ""
    NO_DATA = "no_data"  # the period before was not measured
    NEW = "new"  # the portal had no place then
    RUBRIC = "rubric"  # the rubric was another one, or another version
    PROFILE = "profile"  # it was measured in another way


class Unranked(enum.StrEnum):
    """Why a score has no place."""

    NONE = ""
    NO_SCORE = "no_score"
    ELSEWHERE = "elsewhere"  # scored on another portal's page, whose place it is
    ALONE = "alone"  # no other portal was measured like it


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What places are made of: of a score, or of one that was sealed earlier and is read back.

    ``profile`` is what makes two results comparable: the criteria that were scored, and the checks whose looks they
    came from.
    """

    portal: str
    rubric: str
    verdict: str
    looked_at: str
    ratio: float | None
    percent: str | None
    profile: Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a portal stands under a rubric.

    ``group`` numbers the sets of portals that were measured alike, the largest first (0: none); ``rank`` counts from 1
    within it, ``of`` how many there are, ``shared`` how many stand on the same place. ``before`` is the rank in the
    period before.
    """

    group: int = 0
    rank: int | None = None
    of: int = 0
    shared: int = 0
    before: int | None = None
    unranked: Unranked = Unranked.NONE
    unmoved: Unmoved = Unmoved.NONE

    @property
    def gained(self) -> int | None:
        """Places won (positive) or lost since then."""
        return None if self.rank is None or self.before is None else self.before - self.rank


def result(score: Score) -> Result:
    """The result of a score."""
    scored = (one for one in score.criteria if one.standing is Standing.SCORED)
    return Result(
        portal=score.portal,
        rubric=score.rubric.key,
        verdict=score.verdict.value,
        looked_at=score.looked_at,
        ratio=score.ratio,
        percent=score.percent,
        profile=tuple((one.criterion.id, one.checks) for one in scored),
    )


def read_back(told: Mapping[str, Any]) -> Result:
    """The result of a score that :func:`monitor.scoring.serialize.score` wrote. Raises KeyError for another form."""
    scored = (one for one in told["criteria"] if one["standing"] == Standing.SCORED.value)
    return Result(
        portal=told["portal"],
        rubric=told["rubric"],
        verdict=told["verdict"],
        looked_at=told["looked_at"],
        ratio=told["ratio"],
        percent=told["percent"],
        profile=tuple((one["criterion"], tuple(one["checks"])) for one in scored),
    )


def places(now: Sequence[Result], before: Sequence[Result] | None = None) -> dict[Key, Place]:
    """The place of every result by portal and rubric; ``before`` None: that period was not measured."""
    then = {(one.portal, one.rubric): one for one in before or ()}
    past = _placed(before or ())
    known = {one.rubric for one in before or ()}
    here = {(one.portal, one.rubric): one for one in now}
    found = {}
    for key, place in _placed(now).items():
        old = past.get(key)
        if place.rank is None:
            found[key] = place
        elif before is None:
            found[key] = replace(place, unmoved=Unmoved.NO_DATA)
        elif here[key].rubric not in known:
            found[key] = replace(place, unmoved=Unmoved.RUBRIC)
        elif old is None or old.rank is None:
            found[key] = replace(place, unmoved=Unmoved.NEW)
        elif then[key].profile != here[key].profile:
            found[key] = replace(place, unmoved=Unmoved.PROFILE)
        else:
            found[key] = replace(place, before=old.rank)
    return found


def _placed(results: Sequence[Result]) -> dict[Key, Place]:
    by_rubric: dict[str, list[Result]] = defaultdict(list)
    for one in results:
        by_rubric[one.rubric].append(one)
    return {
        (one.portal, rubric): place
        for rubric, members in by_rubric.items()
        for one, place in zip(members, _rank(members), strict=True)
    }


def _rank(results: Sequence[Result]) -> list[Place]:
    alike: dict[Profile, list[Decimal]] = defaultdict(list)
    for one in results:
        if why(one) is Unranked.NONE:
            alike[one.profile].append(Decimal(one.percent or 0))
    # The largest group first; of equal ones, that whose first member comes first in the inventory.
    groups = sorted(alike, key=lambda profile: -len(alike[profile]))
    numbers = {profile: number for number, profile in enumerate(groups, start=1)}
    return [_place(one, alike.get(one.profile, ()), numbers.get(one.profile, 0)) for one in results]


def why(one: Result) -> Unranked:
    """Why a result can have no place, whatever the others are."""
    if one.percent is None or one.verdict in {Verdict.INSUFFICIENT, Verdict.NOT_SCORED}:
        return Unranked.NO_SCORE
    return Unranked.ELSEWHERE if one.looked_at != one.portal else Unranked.NONE


def _place(one: Result, figures: Sequence[Decimal], group: int) -> Place:
    """Ranks follow the shown figure: two portals with the same number on paper share their place."""
    reason = why(one)
    if reason is not Unranked.NONE:
        return Place(unranked=reason)
    if len(figures) == 1:
        return Place(group=group, of=1, unranked=Unranked.ALONE)
    own = Decimal(one.percent or 0)
    return Place(
        group=group, rank=1 + sum(figure > own for figure in figures), of=len(figures), shared=figures.count(own)
    )
