"""What would raise a score most: each criterion put at its goal by the rubric's own curve, all else left; pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.scoring.curves import Linear, LogNormal, Share, Steps, Threshold
from monitor.scoring.results import CriterionStatus

if TYPE_CHECKING:
    from monitor.scoring.curves import Curve
    from monitor.scoring.results import CriterionScore, Score

MAX_IMPROVEMENTS = 3
"""Changes that are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Improvement:
    """One criterion, brought from its value to ``goal`` (in its unit).

    ``share`` is the curve's answer there, ``gain`` the points won, ``percent`` the same in points of a hundred of what
    was measured. ``strict``: the goal itself is not enough, the value has to be below it.
    """

    criterion_score: CriterionScore
    goal: float
    below_goal: bool
    share: float
    gain: float
    percent: float


def curve_goal(curve: Curve) -> tuple[float, bool]:
    """The value to reach, and whether it has to be passed.

    It is where the curve first gives all of the points. A log-normal curve never does; its goal is the control point
    that Lighthouse calls good, where it gives nine tenths.
    """
    if isinstance(curve, Threshold):
        return curve.limit, curve.lower
    if isinstance(curve, Linear):
        return curve.full, False
    if isinstance(curve, Steps):
        return curve.steps[0].limit, curve.lower
    if isinstance(curve, LogNormal):
        return curve.p10, False
    assert isinstance(curve, Share)  # noqa: S101 - the last of the union
    return 1.0, False


def best_improvements(score: Score, limit: int = MAX_IMPROVEMENTS) -> tuple[Improvement, ...]:
    """The changes that would win points, the largest first; of equal ones the rubric's order.

    Criteria without a value are left out: what is not known cannot be raised.
    """
    if not score.measured:
        return ()
    found = []
    for one in score.criteria:
        if one.standing is not CriterionStatus.SCORED or one.share is None:
            continue
        curve = one.criterion.curve
        value, strict = curve_goal(curve)
        share = curve.share(math.nextafter(value, -math.inf) if strict else value)
        gain = (share - one.share) * one.criterion.points
        if gain > 0:
            percent = 100 * gain / score.measured
            found.append(
                Improvement(criterion_score=one, goal=value, below_goal=strict, share=share, gain=gain, percent=percent)
            )
    return tuple(sorted(found, key=lambda change: -change.gain)[:limit])
