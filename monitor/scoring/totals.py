"""From criteria to a score: the sum, what it is out of, its interval, and the grade the set would give for it; pure."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING

from monitor.scoring.bootstrap import interval
from monitor.scoring.explain import rounded, score_sentence
from monitor.scoring.results import Score, Standing, Verdict
from monitor.scoring.rubric import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.scoring.criteria import Judged
    from monitor.scoring.results import Interval
    from monitor.scoring.rubric import Grades

HUNDRED = 100

NOTHING = Text(vi="Không tiêu chí nào có đủ dữ liệu.", en="No criterion has enough data.")


def total(blank: Score, judged: Sequence[Judged]) -> Score:
    """The score that the judged criteria give; ``blank`` says whose it is."""
    criteria = tuple(one.score for one in judged)
    scored = [one for one in judged if one.score.standing is Standing.SCORED]
    short = [one.criterion for one in criteria if one.standing is Standing.INSUFFICIENT]
    if not any(one.entry is None for one in (other.score for other in scored)):
        found = replace(blank, verdict=Verdict.INSUFFICIENT, criteria=criteria, reason=NOTHING)
        return replace(found, sentence=score_sentence(found))
    points = math.fsum(one.score.points or 0.0 for one in scored)
    measured = math.fsum(one.score.criterion.points for one in scored)
    ratio = points / measured
    found = replace(
        blank,
        verdict=Verdict.PARTIAL if short else Verdict.COMPLETE,
        reason=_short([one.title for one in short]) if short else blank.reason,
        points=points,
        measured=measured,
        ratio=ratio,
        shown=rounded(points, blank.rubric.decimals),
        percent=rounded(ratio * HUNDRED, blank.rubric.decimals),
        grade=None if short else grade(blank.rubric.grades, ratio),
        interval=_interval(scored, measured, ratio),
        criteria=criteria,
    )
    return replace(found, sentence=score_sentence(found))


def grade(grades: Grades | None, ratio: float) -> str | None:
    """The band of a ratio, compared as it is or rounded first, as the rubric says; None without bands."""
    if grades is None:
        return None
    hundred = Decimal(repr(ratio * HUNDRED))
    if grades.decimals is not None:
        hundred = hundred.quantize(Decimal(1).scaleb(-grades.decimals), ROUND_HALF_EVEN)
    return next((one.grade for one in grades.bands if hundred >= Decimal(repr(one.least))), None)


def _short(titles: Sequence[Text]) -> Text:
    return Text(
        vi=f"Không đủ dữ liệu cho: {', '.join(one.vi for one in titles)}; tỷ lệ chỉ tính trên phần còn lại.",
        en=f"Insufficient data for: {', '.join(one.en for one in titles)}; the ratio is that of the rest.",
    )


def _interval(scored: Sequence[Judged], measured: float, ratio: float) -> Interval | None:
    """The interval of the ratio: the criteria of one replicate saw the same days, so that their sum is one, too."""
    measured_ones = [one for one in scored if one.score.entry is None]
    if any(one.shares is None for one in measured_ones):
        return None
    fixed = math.fsum(one.score.points or 0.0 for one in scored if one.score.entry is not None)
    weights = [one.score.criterion.points for one in measured_ones]
    sums = (
        math.fsum(map(float.__mul__, weights, shares)) + fixed
        for shares in zip(*(one.shares or () for one in measured_ones), strict=True)
    )
    return interval([one / measured for one in sums], ratio)
