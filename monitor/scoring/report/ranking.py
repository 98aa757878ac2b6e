"""Rank portals that were measured alike, with ties, and compare with the previous period; pure."""

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
    """Why a place has no rank change."""

    NONE = ""
    NO_DATA = "no_data"  # the previous period was not measured
    NEW = "new"  # the portal was unranked
    RUBRIC = "rubric"  # another rubric, or another version
    PROFILE = "profile"  # the measuring differed


class UnrankedReason(enum.StrEnum):
    """Why a score has no place."""

    NONE = ""
    NO_SCORE = "no_score"
    SUBSTITUTE = "substitute"  # scored on a page of another portal
    ALONE = "alone"  # no other portal was measured alike


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingResult:
    """The input of a ranking: from a score, or from a sealed score.

    ``profile`` decides whether two results are comparable: the criteria that were scored, and the checks whose attempts
    they used.
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
    """The place of a portal under a rubric.

    ``group`` numbers the sets of portals that were measured alike, the largest first (0: none); ``rank`` counts from 1
    within it, ``of`` is the size of the group, ``shared`` the number of portals on the same rank. ``previous_rank`` is
    the rank in the previous period.
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
        """Ranks gained (positive) or lost since the previous period."""
        return None if self.rank is None or self.previous_rank is None else self.previous_rank - self.rank


def ranking_result(score: Score) -> RankingResult:
    """Return the ranking result of a score."""
    scored = (one for one in score.criteria if one.status is CriterionStatus.SCORED)
    return RankingResult(
        portal=score.portal,
        rubric=score.rubric.key,
        status=score.status.value,
        measured_portal=score.measured_portal,
        ratio=score.ratio,
        percent=score.percent,
        profile=tuple((one.criterion.id, one.checks) for one in scored),
    )


def parse_result(data: Mapping[str, Any]) -> RankingResult:
    """Parse a score that :func:`monitor.scoring.serialize.score` wrote. Raises KeyError for another format."""
    scored = (one for one in data["criteria"] if one["status"] == CriterionStatus.SCORED.value)
    return RankingResult(
        portal=data["portal"],
        rubric=data["rubric"],
        status=data["status"],
        measured_portal=data["measured_portal"],
        ratio=data["ratio"],
        percent=data["percent"],
        profile=tuple((one["criterion"], tuple(one["checks"])) for one in scored),
    )


def rank_results(
    current: Sequence[RankingResult], previous: Sequence[RankingResult] | None = None
) -> dict[ScoreKey, Place]:
    """Return the place of every result by portal and rubric; *previous* None: that period was not measured."""
    previous_results = {(one.portal, one.rubric): one for one in previous or ()}
    previous_places = _rank_by_rubric(previous or ())
    previous_rubrics = {one.rubric for one in previous or ()}
    current_results = {(one.portal, one.rubric): one for one in current}
    found = {}
    for key, place in _rank_by_rubric(current).items():
        previous_place = previous_places.get(key)
        if place.rank is None:
            found[key] = place
        elif previous is None:
            found[key] = replace(place, unmoved=NoMovementReason.NO_DATA)
        elif current_results[key].rubric not in previous_rubrics:
            found[key] = replace(place, unmoved=NoMovementReason.RUBRIC)
        elif previous_place is None or previous_place.rank is None:
            found[key] = replace(place, unmoved=NoMovementReason.NEW)
        elif previous_results[key].profile != current_results[key].profile:
            found[key] = replace(place, unmoved=NoMovementReason.PROFILE)
        else:
            found[key] = replace(place, previous_rank=previous_place.rank)
    return found


def _rank_by_rubric(results: Sequence[RankingResult]) -> dict[ScoreKey, Place]:
    by_rubric: dict[str, list[RankingResult]] = defaultdict(list)
    for one in results:
        by_rubric[one.rubric].append(one)
    return {
        (one.portal, rubric): place
        for rubric, ranked in by_rubric.items()
        for one, place in zip(ranked, _rank_rubric(ranked), strict=True)
    }


def _rank_rubric(results: Sequence[RankingResult]) -> list[Place]:
    alike: dict[ComparisonProfile, list[Decimal]] = defaultdict(list)
    for one in results:
        if unranked_reason(one) is UnrankedReason.NONE:
            alike[one.profile].append(Decimal(one.percent or 0))
    # The largest group first; equal ones in the inventory order of their first members.
    groups = sorted(alike, key=lambda profile: -len(alike[profile]))
    numbers = {profile: number for number, profile in enumerate(groups, start=1)}
    return [_place(one, alike.get(one.profile, ()), numbers.get(one.profile, 0)) for one in results]


def unranked_reason(one: RankingResult) -> UnrankedReason:
    """Return why a result cannot be ranked, independently of the others."""
    if one.percent is None or one.status in {ScoreStatus.INSUFFICIENT, ScoreStatus.NOT_SCORED}:
        return UnrankedReason.NO_SCORE
    return UnrankedReason.SUBSTITUTE if one.measured_portal != one.portal else UnrankedReason.NONE


def _place(one: RankingResult, percents: Sequence[Decimal], group: int) -> Place:
    """Rank by the shown percentage: two portals with the same number share their rank."""
    reason = unranked_reason(one)
    if reason is not UnrankedReason.NONE:
        return Place(unranked=reason)
    if len(percents) == 1:
        return Place(group=group, of=1, unranked=UnrankedReason.ALONE)
    own = Decimal(one.percent or 0)
    return Place(
        group=group, rank=1 + sum(other > own for other in percents), of=len(percents), shared=percents.count(own)
    )
