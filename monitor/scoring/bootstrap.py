"""How far a figure could have come out otherwise: a seeded bootstrap whose blocks are the days of the period.

A replicate draws as many days as the period has, with replacement, the same ones for every portal and criterion, so
that totals are resampled as a whole. The looks of a day stay together: nine and ten o'clock are not two facts.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, cast

import numpy as np

from monitor.scoring.aggregates import BINS, ZERO_BIN
from monitor.scoring.curves import Linear, Threshold
from monitor.scoring.results import Interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from monitor.scoring.curves import Curve
    from monitor.scoring.selections import Figure

    Integers = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]

SEED = 20_240_403
"""The day of QĐ 473/QĐ-BTTTT. Any number would do; it has to be the same tomorrow."""

REPLICATES = 200

TAILS = (0.025, 0.975)
"""What an interval leaves out at either end."""

LEAST_DAYS = 7
"""With fewer days that have looks there is no interval: a week has working days and others."""


def draws(days: int, *, seed: int = SEED, replicates: int = REPLICATES) -> Integers:
    """How often each day was drawn: replicates x days."""
    dice = random.Random(seed)  # noqa: S311 - wanted: the same tomorrow
    counts = np.zeros((replicates, days), np.int64)
    for row in counts:
        for _ in range(days):
            row[int(dice.random() * days)] += 1
    return counts


def resampled(figure: Figure, quantile: float | None, drawn: Integers) -> Floats | None:
    """The figure of every replicate, not a number where none of its days has looks; None with too few days.

    Two rubrics may ask for the same figure: it is worked out once and kept with it.
    """
    looks = np.asarray(figure.looks, np.int64)
    if np.count_nonzero(looks) < LEAST_DAYS or figure.value is None:
        return None
    if figure.replicates is None:
        figure.replicates = _resampled(figure, figure.value, looks, quantile, drawn)
    return figure.replicates


def _resampled(figure: Figure, exact: float, looks: Integers, quantile: float | None, drawn: Integers) -> Floats:
    total = drawn @ looks
    if quantile is not None:
        values = _quantile(figure, quantile, drawn, exact)
    elif figure.most:
        held = np.where(looks > 0, np.asarray(figure.most, np.float64), -np.inf)
        values = np.where(drawn > 0, held, -np.inf).max(axis=1)
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            values = (drawn @ np.asarray(figure.over, np.int64)) / (total * float(figure.scale))
    return np.where(total > 0, values, np.nan)


def _quantile(figure: Figure, quantile: float, drawn: Integers, exact: float) -> Floats:
    """Quantiles out of counts by bin, moved so that the undrawn sample gives exactly the exact quantile."""
    if figure.bins is None:
        return np.full(len(drawn), np.nan)
    bins, counts = figure.bins
    below = counts.cumsum(axis=1).astype(np.float64)  # whole numbers: exact in any order
    found = _read(drawn.astype(np.float64) @ below, quantile, bins)
    plain = float(_read(below.sum(axis=0, keepdims=True), quantile, bins)[0])
    return found * (exact / plain) if plain > 0 else found + exact


def _read(below: Floats, quantile: float, bins: Integers) -> Floats:
    """The quantile of each row of cumulative counts; inside a bin, values are taken as evenly spread."""
    target = quantile * below[:, -1]
    place = np.argmax(below >= target[:, None], axis=1)
    rows = np.arange(len(below))
    before = np.where(place > 0, below[rows, place - 1], 0.0)
    inside = below[rows, place] - before
    part = np.divide(target - before, inside, out=np.zeros_like(target), where=inside > 0)
    return np.where(bins[place] == ZERO_BIN, 0.0, np.exp2((bins[place] + part) / BINS))


def curved(curve: Curve, values: Floats) -> list[float]:
    """The curve's share of each value, not a number where there is none; the commonest curves all at once."""
    if isinstance(curve, Threshold):
        good = values < curve.limit if curve.lower else values >= curve.limit
        return cast("list[float]", np.where(np.isnan(values), np.nan, good.astype(np.float64)).tolist())
    if isinstance(curve, Linear):
        return cast("list[float]", np.clip((values - curve.zero) / (curve.full - curve.zero), 0.0, 1.0).tolist())
    return [value if value != value else curve.share(value) for value in values.tolist()]  # noqa: PLR0124 - nan


def interval(values: Sequence[float] | Floats | None, about: float | None = None) -> Interval | None:
    """The middle 95 % of the replicates that have a value, widened to hold ``about``; None with fewer than half."""
    if values is None:
        return None
    told = np.asarray(values, np.float64)
    good = np.sort(told[~np.isnan(told)])
    if len(good) * 2 < len(told) or not len(good):
        return None
    low, high = (_between(good, part) for part in TAILS)
    if about is not None:
        low, high = min(low, about), max(high, about)
    return Interval(low=low, high=high)


def _between(ordered: Floats, part: float) -> float:
    """A quantile of sorted values, interpolated between neighbours."""
    place = part * (len(ordered) - 1)
    index = int(place)
    low, high = float(ordered[index]), float(ordered[min(index + 1, len(ordered) - 1)])
    return low + (high - low) * (place - index)
