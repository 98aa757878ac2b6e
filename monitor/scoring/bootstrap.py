"""Confidence intervals of scores: a seeded bootstrap whose blocks are the days of the period.

A replicate draws as many days as the period has, with replacement, the same ones for every portal and criterion, so
that totals are resampled as a whole. The attempts of a day stay together, because they are not independent.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, cast

import numpy as np

from monitor.scoring.aggregates import BINS_PER_DOUBLING, ZERO_BIN
from monitor.scoring.curves import Linear, Threshold
from monitor.scoring.results import ConfidenceInterval

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from monitor.scoring.curves import Curve
    from monitor.scoring.selections import AggregateResult

    Integers = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]

SEED = 20_240_403
"""The day of QĐ 473/QĐ-BTTTT. Any fixed number gives reproducible intervals."""

REPLICATES = 200

INTERVAL_QUANTILES = (0.025, 0.975)
"""Quantiles of the replicates at the ends of an interval."""

MIN_DAYS = 7
"""With fewer days that have attempts there is no interval: a week has working days and others."""


def draw_days(days: int, *, seed: int = SEED, replicates: int = REPLICATES) -> Integers:
    """Return how often each replicate draws each day: replicates x days."""
    dice = random.Random(seed)  # noqa: S311 - reproducible by design
    counts = np.zeros((replicates, days), np.int64)
    for row in counts:
        for _ in range(days):
            row[int(dice.random() * days)] += 1
    return counts


def resample(result: AggregateResult, quantile: float | None, day_draws: Integers) -> Floats | None:
    """Return the value of every replicate, NaN where none of its days has attempts; None with too few days.

    Two rubrics may need the same aggregate: its replicates are computed once and stored in *result*.
    """
    counts = np.asarray(result.counts, np.int64)
    if np.count_nonzero(counts) < MIN_DAYS or result.value is None:
        return None
    if result.replicates is None:
        result.replicates = _resample(result, result.value, counts, quantile, day_draws)
    return result.replicates


def _resample(
    result: AggregateResult, exact: float, counts: Integers, quantile: float | None, day_draws: Integers
) -> Floats:
    total = day_draws @ counts
    if quantile is not None:
        values = _resample_quantile(result, quantile, day_draws, exact)
    elif result.maxima:
        held = np.where(counts > 0, np.asarray(result.maxima, np.float64), -np.inf)
        values = np.where(day_draws > 0, held, -np.inf).max(axis=1)
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            values = (day_draws @ np.asarray(result.sums, np.int64)) / (total * float(result.scale))
    return np.where(total > 0, values, np.nan)


def _resample_quantile(result: AggregateResult, quantile: float, day_draws: Integers, exact: float) -> Floats:
    """Return quantiles from counts by bin, scaled so that the original sample gives exactly *exact*."""
    if result.bins is None:
        return np.full(len(day_draws), np.nan)
    bins, counts = result.bins
    below = counts.cumsum(axis=1).astype(np.float64)  # whole numbers: exact in any order
    found = _quantiles_of_counts(day_draws.astype(np.float64) @ below, quantile, bins)
    plain = float(_quantiles_of_counts(below.sum(axis=0, keepdims=True), quantile, bins)[0])
    return found * (exact / plain) if plain > 0 else found + exact


def _quantiles_of_counts(cumulative: Floats, quantile: float, bins: Integers) -> Floats:
    """Return the quantile of each row of cumulative counts; values are assumed to be uniform within a bin."""
    target = quantile * cumulative[:, -1]
    place = np.argmax(cumulative >= target[:, None], axis=1)
    rows = np.arange(len(cumulative))
    before = np.where(place > 0, cumulative[rows, place - 1], 0.0)
    inside = cumulative[rows, place] - before
    part = np.divide(target - before, inside, out=np.zeros_like(target), where=inside > 0)
    return np.where(bins[place] == ZERO_BIN, 0.0, np.exp2((bins[place] + part) / BINS_PER_DOUBLING))


def apply_curve(curve: Curve, values: Floats) -> list[float]:
    """Return the curve's share of each value, NaN for NaN; the most common curves are vectorized."""
    if isinstance(curve, Threshold):
        good = values < curve.limit if curve.lower else values >= curve.limit
        return cast("list[float]", np.where(np.isnan(values), np.nan, good.astype(np.float64)).tolist())
    if isinstance(curve, Linear):
        return cast("list[float]", np.clip((values - curve.zero) / (curve.full - curve.zero), 0.0, 1.0).tolist())
    return [value if value != value else curve.share(value) for value in values.tolist()]  # noqa: PLR0124 - nan


def confidence_interval(
    values: Sequence[float] | Floats | None, estimate: float | None = None
) -> ConfidenceInterval | None:
    """Return the middle 95 % of the replicates that have a value, widened to *estimate*; None with fewer than half."""
    if values is None:
        return None
    replicates = np.asarray(values, np.float64)
    good = np.sort(replicates[~np.isnan(replicates)])
    if len(good) * 2 < len(replicates) or not len(good):
        return None
    low, high = (_interpolated_quantile(good, part) for part in INTERVAL_QUANTILES)
    if estimate is not None:
        low, high = min(low, estimate), max(high, estimate)
    return ConfidenceInterval(low=low, high=high)


def _interpolated_quantile(ordered: Floats, part: float) -> float:
    """Return a quantile of sorted values, interpolated between neighbours."""
    place = part * (len(ordered) - 1)
    index = int(place)
    low, high = float(ordered[index]), float(ordered[min(index + 1, len(ordered) - 1)])
    return low + (high - low) * (place - index)
