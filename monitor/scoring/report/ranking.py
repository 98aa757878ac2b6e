"""Places among portals that were measured alike, ties shared, and how each moved since the period before; pure."""

from __future__ import annotations

import enum
from collections import defaultdict
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from monitor.scoring.results import CriterionStatus, ScoreStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monitor.scoring.results import Score

ComparisonProfile = tuple[tuple[str, tuple[str, ...]], ...]
ScoreKey = tuple[str, str]
"""Portal and rubric key."""


class NoMovementReason(enum.StrEnum):
    """Why a place has no movement."""

    NONE = ""
    NO_DATA = "no_data"  # the period before was not measured
    NEW = "new"  # the portal had no place then
    RUBRIC = "rubric"  # the rubric was another one, or another version
    PROFILE = "profile"  # it was measured in another way


class UnrankedReason(enum.StrEnum):
    """Why a score has no place."""

    NONE = ""
    NO_SCORE = "no_score"
    ELSEWHERE = "elsewhere"  # scored on another portal's page, whose place it is
    ALONE = "alone"  # no other portal was measured like it


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingResult:
    """What places are made of: of a score, or of one that was sealed earlier and is read back.

    ``profile`` is what makes two results comparable: the criteria that were scored, and the checks whose looks they
    came from.
    """

    portal: str
    rubric: str
    status: str
    measured_portal: str
    ratio: float | None
    percent: str | None
    profile: ComparisonProfile


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
    previous_rank: int | None = None
    unranked: UnrankedReason = UnrankedReason.NONE
    unmoved: NoMovementReason = NoMovementReason.NONE

    @property
    def rank_gain(self) -> int | None:
        """Places won (positive) or lost since then."""
        return None if self.rank is None or self.previous_rank is None else self.previous_rank - self.rank


def ranking_result(score: Score) -> RankingResult:
    """The result of a score."""
    scored = (one for one in score.criteria if one.standing is CriterionStatus.SCORED)
    return RankingResult(
        portal=score.portal,
        rubric=score.rubric.key,
        status=score.verdict.value,
        measured_portal=score.looked_at,
        ratio=score.ratio,
        percent=score.percent,
        profile=tuple((one.criterion.id, one.checks) for one in scored),
    )


def parse_result(data: Mapping[str, Any]) -> RankingResult:
    """The result of a score that :func:`monitor.scoring.serialize.score` wrote. Raises KeyError for another form."""
    scored = (one for one in data["criteria"] if one["standing"] == CriterionStatus.SCORED.value)
    return RankingResult(
        portal=data["portal"],
        rubric=data["rubric"],
        status=data["verdict"],
        measured_portal=data["looked_at"],
        ratio=data["ratio"],
        percent=data["percent"],
        profile=tuple((one["criterion"], tuple(one["checks"])) for one in scored),
    )


def rank_results(
    current: Sequence[RankingResult], previous: Sequence[RankingResult] | None = None
) -> dict[ScoreKey, Place]:
    """The place of every result by portal and rubric; ``before`` None: that period was not measured."""
    then = {(one.portal, one.rubric): one for one in previous or ()}
    past = _rank_by_rubric(previous or ())
    known = {one.rubric for one in previous or ()}
    here = {(one.portal, one.rubric): one for one in current}
    found = {}
    for key, place in _rank_by_rubric(current).items():
        old = past.get(key)
        if place.rank is None:
            found[key] = place
        elif previous is None:
            found[key] = replace(place, unmoved=NoMovementReason.NO_DATA)
        elif here[key].rubric not in known:
            found[key] = replace(place, unmoved=NoMovementReason.RUBRIC)
        elif old is None or old.rank is None:
            found[key] = replace(place, unmoved=NoMovementReason.NEW)
        elif then[key].profile != here[key].profile:
            found[key] = replace(place, unmoved=NoMovementReason.PROFILE)
        else:
            found[key] = replace(place, previous_rank=old.rank)
    return found


def _rank_by_rubric(results: Sequence[RankingResult]) -> dict[ScoreKey, Place]:
    by_rubric: dict[str, list[RankingResult]] = defaultdict(list)
    for one in results:
        by_rubric[one.rubric].append(one)
    return {
        (one.portal, rubric): place
        for rubric, members in by_rubric.items()
        for one, place in zip(members, _rank_rubric(members), strict=True)
    }


def _rank_rubric(results: Sequence[RankingResult]) -> list[Place]:
    alike: dict[ComparisonProfile, list[Decimal]] = defaultdict(list)
    for one in results:
        if unranked_reason(one) is UnrankedReason.NONE:
            alike[one.profile].append(Decimal(one.percent or 0))
    # The largest group first; of equal ones, that whose first member comes first in the inventory.
    groups = sorted(alike, key=lambda profile: -len(alike[profile]))
    numbers = {profile: number for number, profile in enumerate(groups, start=1)}
    return [_place(one, alike.get(one.profile, ()), numbers.get(one.profile, 0)) for one in results]


def unranked_reason(one: RankingResult) -> UnrankedReason:
    """Why a result can have no place, whatever the others are."""
    if one.percent is None or one.status in {ScoreStatus.INSUFFICIENT, ScoreStatus.NOT_SCORED}:
        return UnrankedReason.NO_SCORE
    return UnrankedReason.ELSEWHERE if one.measured_portal != one.portal else UnrankedReason.NONE


def _place(one: RankingResult, percents: Sequence[Decimal], group: int) -> Place:
    """Ranks follow the shown figure: two portals with the same number on paper share their place."""
    reason = unranked_reason(one)
    if reason is not UnrankedReason.NONE:
        return Place(unranked=reason)
    if len(percents) == 1:
        return Place(group=group, of=1, unranked=UnrankedReason.ALONE)
    own = Decimal(one.percent or 0)
    return Place(
        group=group, rank=1 + sum(figure > own for figure in percents), of=len(percents), shared=percents.count(own)
    )
