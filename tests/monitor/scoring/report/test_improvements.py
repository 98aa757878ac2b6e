"""Improvements: by the rubric's own curve, in order, never more than there is to gain."""

from __future__ import annotations

import pytest

from monitor.scoring.curves import Curve, CurveStep, Linear, LogNormal, Share, Steps, Threshold
from monitor.scoring.report.improvements import best_improvements, curve_goal
from monitor.scoring.results import CriterionStatus, ScoreStatus
from tests.monitor.scoring.report import parts

SPEED = 10.0


@pytest.mark.parametrize(
    ("curve", "value", "strict", "share"),
    [
        (Threshold(limit=3.0, lower=True), 3.0, True, 1.0),
        (Threshold(limit=0.9, lower=False), 0.9, False, 1.0),
        (Linear(full=1.0, zero=4.0), 1.0, False, 1.0),
        (Share(), 1.0, False, 1.0),
        (Steps(steps=(CurveStep(limit=2.0, share=0.8), CurveStep(limit=5.0, share=0.3)), lower=True), 2.0, True, 0.8),
        (LogNormal(p10=1.8, median=3.0), 1.8, False, 0.9),
    ],
)
def test_the_goal_is_where_the_curve_first_gives_all_points_and_the_share_is_that_of_the_curve(
    curve: Curve,
    value: float,
    strict: bool,  # noqa: FBT001 - a column of the table above
    share: float,
):
    assert curve_goal(curve) == (value, strict)
    reached = value - 1e-9 if strict else value
    assert curve.share(reached) == pytest.approx(share)


def test_the_largest_gain_comes_first_and_is_the_difference_of_points():
    (slow,) = (one for one in parts.score_set().scores if one.portal == "lao-cai" and one.rubric.id == "mixed")
    found = best_improvements(slow)
    assert [one.criterion_score.criterion.id for one in found] == ["worst", "speed"], "what is at its goal is not named"
    assert found[0].gain == pytest.approx(10.0)
    by = {one.criterion.id: one for one in slow.criteria}
    assert found[1].gain == pytest.approx(SPEED - (by["speed"].points or 0))
    assert found[1].percent == pytest.approx(100 * found[1].gain / (slow.measured or 1))


def test_no_gain_lifts_a_score_over_all_of_its_points():
    for score in parts.score_set().scores:
        for improvement in best_improvements(score, 99):
            assert 0 < improvement.gain <= improvement.criterion_score.criterion.points
            assert (score.points or 0) + improvement.gain <= (score.measured or 0) + 1e-9


def test_what_has_no_value_has_no_improvement():
    for score in parts.empty().score_set.scores:
        assert score.status in {ScoreStatus.INSUFFICIENT, ScoreStatus.NOT_SCORED}
        assert best_improvements(score) == ()
    for score in parts.score_set().scores:
        assert all(one.criterion_score.status is CriterionStatus.SCORED for one in best_improvements(score, 99))
