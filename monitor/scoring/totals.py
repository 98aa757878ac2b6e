"""Add criteria up to a score: the sum, the points measured, the interval, and the grade of the set; pure."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING

from monitor.scoring.bootstrap import confidence_interval
from monitor.scoring.explain import rounded, score_sentence
from monitor.scoring.results import CriterionStatus, Score, ScoreStatus
from monitor.scoring.rubric import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.scoring.criteria import ScoredCriterion
    from monitor.scoring.results import ConfidenceInterval
    from monitor.scoring.rubric import Grades

HUNDRED = 100

NO_DATA_TEXT = Text(vi="Không tiêu chí nào có đủ dữ liệu.", en="No criterion has enough data.")


def total_score(unscored: Score, results: Sequence[ScoredCriterion]) -> Score:
    """Return the score of *results*; *unscored* holds the portal, rubric and period."""
    criteria = tuple(one.score for one in results)
    scored = [one for one in results if one.score.status is CriterionStatus.SCORED]
    short = [one.criterion for one in criteria if one.status is CriterionStatus.INSUFFICIENT]
    if not any(one.entry is None for one in (other.score for other in scored)):
        found = replace(unscored, status=ScoreStatus.INSUFFICIENT, criteria=criteria, reason=NO_DATA_TEXT)
        return replace(found, sentence=score_sentence(found))
    points = math.fsum(one.score.points or 0.0 for one in scored)
    measured = math.fsum(one.score.criterion.points for one in scored)
    ratio = points / measured
    found = replace(
        unscored,
        status=ScoreStatus.PARTIAL if short else ScoreStatus.COMPLETE,
        reason=_insufficient_text([one.title for one in short]) if short else unscored.reason,
        points=points,
        measured=measured,
        ratio=ratio,
        shown=rounded(points, unscored.rubric.decimals),
        percent=rounded(ratio * HUNDRED, unscored.rubric.decimals),
        grade=None if short else grade(unscored.rubric.grades, ratio),
        interval=_interval(scored, measured, ratio),
        criteria=criteria,
    )
    return replace(found, sentence=score_sentence(found))


def grade(grades: Grades | None, ratio: float) -> str | None:
    """Return the grade band of *ratio*, rounded before the comparison if the rubric requires it; None without bands."""
    if grades is None:
        return None
    hundred = Decimal(repr(ratio * HUNDRED))
    if grades.decimals is not None:
        hundred = hundred.quantize(Decimal(1).scaleb(-grades.decimals), ROUND_HALF_EVEN)
    return next((one.grade for one in grades.bands if hundred >= Decimal(repr(one.min))), None)


def _insufficient_text(titles: Sequence[Text]) -> Text:
    return Text(
        vi=f"Không đủ dữ liệu cho: {', '.join(one.vi for one in titles)}; tỷ lệ chỉ tính trên phần còn lại.",
        en=f"Insufficient data for: {', '.join(one.en for one in titles)}; the ratio is that of the rest.",
    )


def _interval(scored: Sequence[ScoredCriterion], measured: float, ratio: float) -> ConfidenceInterval | None:
    """Return the interval of the ratio: the criteria of a replicate share its days, so their sum is one too."""
    measured_ones = [one for one in scored if one.score.entry is None]
    if any(one.shares is None for one in measured_ones):
        return None
    fixed = math.fsum(one.score.points or 0.0 for one in scored if one.score.entry is not None)
    weights = [one.score.criterion.points for one in measured_ones]
    replicates = zip(*(one.shares or () for one in measured_ones), strict=True)
    sums = (math.fsum(map(float.__mul__, weights, shares)) + fixed for shares in replicates)
    return confidence_interval([one / measured for one in sums], ratio)
