"""Every curve at points worked out by hand, and Lighthouse's at those that Lighthouse publishes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.scoring.bootstrap import apply_curve
from monitor.scoring.curves import Curve, CurveStep, Linear, LogNormal, Share, Steps, Threshold

STEPS = (CurveStep(limit=1.0, share=1.0), CurveStep(limit=3.0, share=0.5), CurveStep(limit=5.0, share=0.2))
RISING = (CurveStep(limit=0.99, share=1.0), CurveStep(limit=0.95, share=0.5))

GOLDEN: list[tuple[Curve, float, float]] = [
    (Threshold(limit=3.0, lower=True), 2.999, 1.0),
    (Threshold(limit=3.0, lower=True), 3.0, 0.0),  # the official text is "< 3 s"
    (Threshold(limit=0.99, lower=False), 0.99, 1.0),
    (Threshold(limit=0.99, lower=False), 0.9899, 0.0),
    (Linear(full=1.0, zero=3.0), 0.2, 1.0),
    (Linear(full=1.0, zero=3.0), 1.0, 1.0),
    (Linear(full=1.0, zero=3.0), 1.5, 0.75),
    (Linear(full=1.0, zero=3.0), 3.0, 0.0),
    (Linear(full=1.0, zero=3.0), 9.0, 0.0),
    (Linear(full=0.999, zero=0.949), 0.974, 0.5),
    (Linear(full=0.999, zero=0.949), 1.0, 1.0),
    (Steps(steps=STEPS, lower=True), 0.5, 1.0),
    (Steps(steps=STEPS, lower=True), 1.0, 0.5),
    (Steps(steps=STEPS, lower=True), 4.9, 0.2),
    (Steps(steps=STEPS, lower=True), 5.0, 0.0),
    (Steps(steps=RISING, lower=False), 0.99, 1.0),
    (Steps(steps=RISING, lower=False), 0.97, 0.5),
    (Steps(steps=RISING, lower=False), 0.5, 0.0),
    (Share(), 0.37, 0.37),
    (Share(), 1.2, 1.0),
    (Share(), -0.1, 0.0),
]


@pytest.mark.parametrize(("curve", "value", "share"), GOLDEN)
def test_golden(curve: Curve, value: float, share: float):
    assert curve.share(value) == pytest.approx(share, abs=1e-12)


LIGHTHOUSE = {
    "fcp": (1.8, 3.0),
    "lcp": (2.5, 4.0),
    "speed index": (3.387, 5.8),
    "tbt": (0.2, 0.6),
    "cls": (0.1, 0.25),
}
"""Mobile control points of Lighthouse 13.4.1: (0.9 here, 0.5 here)."""


@pytest.mark.parametrize(("p10", "median"), LIGHTHOUSE.values(), ids=LIGHTHOUSE)
def test_lighthouse_control_points_are_exact(p10: float, median: float):
    curve = LogNormal(p10=p10, median=median)
    assert curve.share(p10) == 0.9
    assert curve.share(median) == 0.5
    assert curve.share(math.nextafter(p10, 9)) < 0.9
    assert curve.share(math.nextafter(median, 9)) < 0.5
    assert curve.share(0.0) == 1.0
    assert curve.share(-1.0) == 1.0
    assert curve.share(1e9) == 0.0


@pytest.mark.parametrize(
    ("value", "share"),
    [(0, 1.0), (1000, 1.0), (2500, 0.98), (5000, 0.77), (7300, 0.5), (7500, 0.48), (10000, 0.27), (30000, 0.0)],
)
def test_the_curve_that_lighthouse_tests_its_own_with(value: float, share: float):
    """Points of the published plot for 0.9 at 3785 and 0.5 at 7300, to two digits."""
    assert LogNormal(p10=3785, median=7300).share(value) == pytest.approx(share, abs=0.006)


def test_a_lognormal_share_can_be_worked_out_by_hand():
    """Twice the median of a curve whose tenth is half of it: as far on the other side, so 1 - 0.9."""
    assert LogNormal(p10=2.0, median=4.0).share(8.0) == pytest.approx(0.1, abs=1e-12)


positive = st.floats(0.001, 1000)
CURVES = st.one_of(
    st.builds(Threshold, limit=positive, lower=st.just(value=True)),
    st.tuples(positive, positive).filter(lambda pair: pair[0] < pair[1]).map(lambda p: Linear(full=p[0], zero=p[1])),
    st.tuples(positive, st.floats(1.01, 50)).map(lambda p: LogNormal(p10=p[0], median=p[0] * p[1])),
    st.just(Steps(steps=STEPS, lower=True)),
)


@given(curve=CURVES, one=st.floats(0, 1e6), other=st.floats(0, 1e6))
def test_a_better_value_never_earns_less(curve: Curve, one: float, other: float):
    better, worse = sorted((one, other))
    assert 0.0 <= curve.share(worse) <= curve.share(better) <= 1.0


@example(curve=LogNormal(p10=1.0, median=2.0), values=[5e-324])
@given(curve=CURVES, values=st.lists(st.floats(0, 1e6) | st.just(math.nan), min_size=1, max_size=20))
def test_all_at_once_is_the_same_as_one_by_one(curve: Curve, values: list[float]):
    found = apply_curve(curve, np.array(values))
    for value, share in zip(values, found, strict=True):
        assert math.isnan(share) if math.isnan(value) else share == curve.share(value)
