"""Find the improvements that would raise a score most: each criterion at the goal of its curve; pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.scoring.curves import Steps, Threshold
from monitor.scoring.live import curve_limits
from monitor.scoring.results import CriterionStatus

if TYPE_CHECKING:
    from monitor.scoring.curves import Curve
    from monitor.scoring.results import CriterionScore, Score

MAX_IMPROVEMENTS = 3
"""Number of improvements in a report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Improvement:
    """One criterion, moved from its value to ``goal`` (in its unit).

    ``share`` is the share that the curve gives there, ``gain`` the points gained, ``percent`` the same in percentage
    points of the measured points. ``below_goal``: the value must be below the goal.
    """

    criterion_score: CriterionScore
    goal: float
    below_goal: bool
    share: float
    gain: float
    percent: float


def curve_goal(curve: Curve) -> tuple[float, bool]:
    """Return the value to reach, and whether the value must be below it.

    It is where the curve first gives all points. A log-normal curve never does; its goal is the control point that
    Lighthouse calls good, where it gives 0.9.
    """
    goal = curve_limits(curve)["limit"]
    assert goal is not None  # noqa: S101 - every curve has one
    return goal, isinstance(curve, Threshold | Steps) and curve.lower


def best_improvements(score: Score, limit: int = MAX_IMPROVEMENTS) -> tuple[Improvement, ...]:
    """Return the improvements that gain points, the largest first; equal ones in the rubric's order.

    Criteria without a value are omitted.
    """
    if not score.measured:
        return ()
    found = []
    for one in score.criteria:
        if one.status is not CriterionStatus.SCORED or one.share is None:
            continue
        curve = one.criterion.curve
        goal, below_goal = curve_goal(curve)
        share = curve.share(math.nextafter(goal, -math.inf) if below_goal else goal)
        gain = (share - one.share) * one.criterion.points
        if gain > 0:
            percent = 100 * gain / score.measured
            found.append(
                Improvement(
                    criterion_score=one, goal=goal, below_goal=below_goal, share=share, gain=gain, percent=percent
                )
            )
    return tuple(sorted(found, key=lambda one: -one.gain)[:limit])
