"""From a value to the share of the points it earns, 0 to 1: pure functions of one number, each monotone and bounded."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

INVERSE_ERFC_ONE_FIFTH = 0.9061938024368232
"""The x with erfc(x) = 0.2: where a log-normal curve reaches nine tenths."""

P10_SHARE, MEDIAN_SHARE = 0.9, 0.5
"""Shares at the two control points of a log-normal curve; on the worse side of one, a share stays below it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """All of the points on the good side of ``limit``, none on the other.

    ``lower``: good is below, and the limit itself is not good (the official wording is "< 3 s"). Otherwise good is at
    the limit or above it.
    """

    kind: ClassVar[str] = "threshold"
    limit: float
    lower: bool

    def share(self, value: float) -> float:
        """1 or 0."""
        return float(value < self.limit if self.lower else value >= self.limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """All at ``full`` and beyond it, none at ``zero`` and beyond that, in proportion between them."""

    kind: ClassVar[str] = "linear"
    full: float
    zero: float

    def share(self, value: float) -> float:
        """(value - zero) / (full - zero), kept between 0 and 1."""
        return min(1.0, max(0.0, (value - self.zero) / (self.full - self.zero)))


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveStep:
    """``share`` of the points on the good side of ``limit``."""

    limit: float
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """The share of the first step, from the best to the worst, on whose good side the value is; 0 after the last."""

    kind: ClassVar[str] = "steps"
    steps: tuple[CurveStep, ...]
    lower: bool

    def share(self, value: float) -> float:
        """Good sides are those of :class:`Threshold`."""
        good = (one.share for one in self.steps if (value < one.limit if self.lower else value >= one.limit))
        return next(good, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The value is the share itself: of time, of looks."""

    kind: ClassVar[str] = "share"

    def share(self, value: float) -> float:
        """The value, kept between 0 and 1."""
        return min(1.0, max(0.0, value))


@dataclass(frozen=True, slots=True, kw_only=True)
class LogNormal:
    """Google Lighthouse's curve: the complementary distribution of a log-normal one that passes two control points.

    0.9 at ``p10`` and 0.5 at ``median``. So that rounding errors never lift a value over a control point, a share is
    at least 0.9 up to ``p10``, between 0.5 and 0.9 up to ``median``, and below 0.5 after it; nothing or less earns 1.
    (GoogleChrome/lighthouse, shared/statistics.js.)
    """

    kind: ClassVar[str] = "lognormal"
    p10: float
    median: float

    def share(self, value: float) -> float:
        """(1 - erf(x)) / 2, x the scaled logarithm of value / median."""
        ratio = value / self.median
        if ratio <= 0:  # also of the least number above 0
            return 1.0
        place = math.log(ratio) * INVERSE_ERFC_ONE_FIFTH / -math.log(self.p10 / self.median)
        share = (1.0 - math.erf(place)) / 2.0
        if value <= self.p10:
            return max(P10_SHARE, min(1.0, share))
        if value <= self.median:
            return max(MEDIAN_SHARE, min(math.nextafter(P10_SHARE, 0), share))
        return max(0.0, min(math.nextafter(MEDIAN_SHARE, 0), share))


Curve = Threshold | Linear | Steps | Share | LogNormal
