"""Rules of one sentence: monotone in the metric, bounded, no order of rows matters, unknown rows change nothing."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.scoring import serialize
from monitor.scoring.curves import Curve, Linear, LogNormal, Threshold
from monitor.scoring.periods import DAY_MS
from monitor.scoring.results import ExclusionReason
from monitor.scoring.rubric import Aggregate
from tests.monitor.scoring.parts import HOUR, Memory, attempt, criterion, only, rubric, score

SPEED = (Aggregate.MEAN, Aggregate.MEDIAN, Aggregate.P75, Aggregate.P95, Aggregate.P99, Aggregate.MAX)
durations = st.lists(st.floats(0.001, 20.0).map(lambda value: round(value, 6)), min_size=1, max_size=40)
curves = st.sampled_from([Linear(full=0.5, zero=9.0), Threshold(limit=3.0, lower=True), LogNormal(p10=1.0, median=3.0)])
few = settings(max_examples=12, deadline=None)


def rows(values: list[float]) -> list[dict[str, Any]]:
    return [attempt(number % 10 * DAY_MS + number // 10 * HOUR, value) for number, value in enumerate(values)]


@few
@given(
    values=durations, worse=st.floats(0, 5), which=st.integers(0, 39), curve=curves, aggregate=st.sampled_from(SPEED)
)
def test_a_slower_attempt_never_earns_more(
    values: list[float], worse: float, which: int, curve: Curve, aggregate: Aggregate
):
    line = rubric(criterion(aggregate, curve=curve))
    _, before = only(score(Memory(rows(values)), line, intervals=False))
    slower = list(values)
    slower[which % len(values)] += worse
    _, after = only(score(Memory(rows(slower)), line, intervals=False))
    assert before.points is not None
    assert after.points is not None
    assert 0.0 <= after.points <= before.points <= line.points


@few
@given(values=durations, seed=st.integers(0, 2**32))
def test_the_order_of_rows_changes_not_a_byte(values: list[float], seed: int):
    lines = [criterion(one, id=one.value, curve=Linear(full=0.5, zero=9.0)) for one in SPEED]
    shuffled = rows(values)
    random.Random(seed).shuffle(shuffled)  # noqa: S311 - an order is no secret
    first = score(Memory(rows(values)), rubric(*lines))
    assert serialize.score_set_json(first) == serialize.score_set_json(score(Memory(shuffled), rubric(*lines)))


@few
@given(values=durations, hours=st.lists(st.integers(0, 239), max_size=10, unique=True))
def test_unknown_rows_change_coverage_and_nothing_else(values: list[float], hours: list[int]):
    unknown = [attempt(hour * HOUR + 1, None, outcome="unknown", unknown_reason="self_check") for hour in hours]
    lines = [criterion(one, id=one.value, curve=Linear(full=0.5, zero=9.0)) for one in (*SPEED, Aggregate.SUCCESS)]
    one, other = (score(Memory([*rows(values), *more]), rubric(*lines)).scores[0] for more in ([], unknown))
    assert one.points == other.points
    for before, after in zip(one.criteria, other.criteria, strict=True):
        assert (before.value, before.points, before.attempts) == (after.value, after.points, after.attempts)
        assert (before.value_interval, before.points_interval) == (after.value_interval, after.points_interval)
        assert after.coverage is not None
        assert before.coverage is not None
        assert 0.0 <= after.coverage <= before.coverage <= 1.0
        assert sum(data.attempts for data in after.excluded if data.reason is ExclusionReason.UNKNOWN) == len(hours)


@few
@given(values=durations)
def test_a_share_and_a_quantile_agree(values: list[float]):
    """The share of attempts below the 75th percentile is at most three quarters, a little more with few values."""
    _, at = only(score(Memory(rows(values)), rubric(criterion(Aggregate.P75)), intervals=False))
    assert at.value is not None
    share = criterion(Aggregate.SHARE, limit=at.value, lower=False)
    _, below = only(score(Memory(rows(values)), rubric(share), intervals=False))
    assert below.value is not None
    assert below.value <= 0.75 + 1 / len(values)
    assert min(values) <= at.value <= max(values) or at.value == pytest.approx(max(values))
