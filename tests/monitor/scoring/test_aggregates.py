"""Every aggregate over attempts that can be computed by hand, and what is excluded from it and why."""

from __future__ import annotations

from typing import Any

import pytest

from monitor.model.records import State
from monitor.scoring.curves import Linear, Share
from monitor.scoring.results import CriterionStatus, ExclusionReason
from monitor.scoring.rubric import Aggregate, Selection
from probes.metric import Unit
from tests.monitor.scoring.parts import DAY_MS, DAYS, HOUR, Memory, attempt, change, criterion, only, rubric, score

FIVE = [1.0, 2.0, 3.0, 4.0, 10.0]

GOLDEN = {
    Aggregate.MEAN: 4.0,
    Aggregate.MEDIAN: 3.0,
    Aggregate.P75: 4.0,
    Aggregate.P95: 8.8,  # place 0.95 x 4 = 3.8: 4 + 0.8 x 6
    Aggregate.P99: 9.76,  # place 3.96: 4 + 0.96 x 6
    Aggregate.MAX: 10.0,
    Aggregate.SHARE: 0.4,  # 1 and 2 are below 3; 3 is not
    Aggregate.SUCCESS: 5 / 7,  # five successful attempts, two failed ones
}


def attempts() -> list[dict[str, Any]]:
    """Five successful attempts over five days, two failed, one unknown, one confirmation, one of another page."""
    good = [attempt(day * DAY_MS, duration) for day, duration in enumerate(FIVE)]
    failed = [attempt(day * DAY_MS + HOUR, 20.0, outcome="down", fault="timeout") for day in (1, 2)]
    return [
        *good,
        *failed,
        attempt(3 * DAY_MS + HOUR, None, outcome="unknown", unknown_reason="self_check"),
        attempt(DAY_MS + HOUR, 0.1, attempt=2),
        attempt(0, 99.0, check="latency-search"),
    ]


@pytest.mark.parametrize("aggregate", GOLDEN)
def test_golden(aggregate: Aggregate):
    line = criterion(aggregate, limit=3.0 if aggregate is Aggregate.SHARE else None)
    _, found = only(score(Memory(attempts()), rubric(line)))
    assert found.value == pytest.approx(GOLDEN[aggregate], abs=1e-12)
    assert found.status is CriterionStatus.SCORED
    assert found.attempts == (7 if aggregate is Aggregate.SUCCESS else 5)
    assert found.checks == ("latency",)


def test_availability_is_time_in_confirmed_states():
    """Ten days: two hours down, four degraded, six of maintenance, twelve unknown, the rest up."""
    changes = [
        change(DAY_MS, State.DOWN),
        change(DAY_MS + 2 * HOUR, State.UP),
        change(3 * DAY_MS, State.DEGRADED),
        change(3 * DAY_MS + 4 * HOUR, State.MAINTENANCE),
        change(3 * DAY_MS + 10 * HOUR, State.UP),
        change(5 * DAY_MS, State.UNKNOWN),
        change(5 * DAY_MS + 12 * HOUR, State.UP),
    ]
    _, found = only(score(Memory((), changes), rubric(criterion(Aggregate.AVAILABILITY, lower=False))))
    known = DAYS * 24 - 6 - 12
    assert found.value == pytest.approx((known - 2) / known, abs=1e-12)
    assert (found.down, found.degraded) == (2 * HOUR, 4 * HOUR)
    assert {(one.reason, one.ms) for one in found.excluded} == {
        (ExclusionReason.MAINTENANCE, 6 * HOUR),
        (ExclusionReason.STATE_UNKNOWN, 12 * HOUR),
    }
    assert found.coverage == pytest.approx((DAYS - 0.5) / DAYS)


def test_excluded_data_is_listed():
    _, found = only(score(Memory(attempts()), rubric(criterion())))
    assert {one.reason: one.attempts for one in found.excluded} == {
        ExclusionReason.UNKNOWN: 1,
        ExclusionReason.FAILED: 2,
        ExclusionReason.CONFIRMING: 1,
    }


def test_attempts_in_maintenance_leave_the_denominator():
    changes = [change(4 * DAY_MS - HOUR, State.MAINTENANCE), change(4 * DAY_MS + HOUR, State.UP)]
    _, found = only(score(Memory(attempts(), changes), rubric(criterion())))
    assert found.value == pytest.approx(2.5)
    assert {one.reason: one.attempts for one in found.excluded}[ExclusionReason.MAINTENANCE] == 1


def test_coverage_is_the_mean_over_days_of_known_by_due():
    """Day 0: 1 of 1; day 1: 2 of 2; day 2: 2 of 2; day 3: 1 of 2; day 4: 1 of 1; five days without any attempt."""
    _, found = only(score(Memory(attempts()), rubric(criterion())))
    assert found.coverage == pytest.approx((1 + 1 + 1 + 0.5 + 1) / 10)
    assert found.days == 5


def test_too_little_is_insufficient_and_never_0():
    for minimum in ({"min_coverage": 0.46}, {"min_attempts": 6}):
        total, found = only(score(Memory(attempts()), rubric(criterion(**minimum))))
        assert found.status is CriterionStatus.INSUFFICIENT
        assert (found.points, found.share, total.points, total.ratio, total.shown) == (None,) * 5
        assert found.value == 4.0, "what was measured is reported all the same"
        assert "insufficient data" in found.sentence.en
    total, found = only(score(Memory(), rubric(criterion())))
    assert (found.status, found.value, total.points) == (CriterionStatus.INSUFFICIENT, None, None)


def test_the_selected_run_of_a_slot_counts_and_a_flag_is_a_share():
    """Three runs a slot, the median one marked; it may be any of them."""
    rows = [
        attempt(
            day * DAY_MS, None, check="mobile", attempt=run, median=run == day % 3 + 1, viewport_ok=day < 4 or run != 1
        )
        | {"profile": "mobile", "fcp_seconds": float(10 * run + day)}
        for day in range(5)
        for run in (1, 2, 3)
    ]
    selection = Selection(
        kind="mobile", check_prefix="mobile", where=(("median", True), ("profile", "mobile")), confirming=True
    )
    speed = criterion(Aggregate.MEAN, selection=selection, metric="fcp_seconds", curve=Linear(full=0, zero=100))
    _, found = only(score(Memory({"mobile": rows}), rubric(speed)))
    assert found.value == pytest.approx((10 + 21 + 32 + 13 + 24) / 5)
    assert {one.reason: one.attempts for one in found.excluded} == {ExclusionReason.OTHER: 10}
    flag = criterion(
        Aggregate.MEAN, selection=selection, metric="viewport_ok", unit=Unit.FLAG, lower=False, curve=Share()
    )
    _, found = only(score(Memory({"mobile": rows}), rubric(flag)))
    assert found.value == 1.0


def test_a_successful_attempt_without_the_value_is_listed():
    rows = [attempt(0, 1.0), attempt(DAY_MS, None)]
    _, found = only(score(Memory(rows), rubric(criterion())))
    assert (found.value, found.attempts) == (1.0, 1)
    assert {one.reason: one.attempts for one in found.excluded} == {ExclusionReason.ABSENT: 1}
