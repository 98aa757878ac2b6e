"""Curves from a value to the share of the points it earns, 0 to 1: pure, monotone and bounded functions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

INVERSE_ERFC_ONE_FIFTH = 0.9061938024368232
"""The x with erfc(x) = 0.2, at which a log-normal curve reaches 0.9."""

P10_SHARE, MEDIAN_SHARE = 0.9, 0.5
"""Shares at the two control points of a log-normal curve; on the worse side of one, a share stays below it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """All points on the good side of ``limit``, none on the other.

    ``lower``: good is below, and the limit itself is not good (the official wording is "< 3 s"). Otherwise good is at
    the limit or above it.
    """

    kind: ClassVar[str] = "threshold"
    limit: float
    lower: bool

    def share(self, value: float) -> float:
        """Return 1 or 0."""
        return float(value < self.limit if self.lower else value >= self.limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """All points at ``full`` and beyond, none at ``zero`` and beyond, linear between them."""

    kind: ClassVar[str] = "linear"
    full: float
    zero: float

    def share(self, value: float) -> float:
        """Return (value - zero) / (full - zero), clamped to 0..1."""
        return min(1.0, max(0.0, (value - self.zero) / (self.full - self.zero)))


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveStep:
    """``share`` of the points on the good side of ``limit``."""

    limit: float
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """The share of the first step, best first, on whose good side the value is; 0 after the last."""

    kind: ClassVar[str] = "steps"
    steps: tuple[CurveStep, ...]
    lower: bool

    def share(self, value: float) -> float:
        """Return the share of the first good step; good sides are those of :class:`Threshold`."""
        good = (one.share for one in self.steps if (value < one.limit if self.lower else value >= one.limit))
        return next(good, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The value is the share itself: of time, of attempts."""

    kind: ClassVar[str] = "share"

    def share(self, value: float) -> float:
        """Return the value, clamped to 0..1."""
        return min(1.0, max(0.0, value))


@dataclass(frozen=True, slots=True, kw_only=True)
class LogNormal:
    """Google Lighthouse's curve: the complementary log-normal distribution through two control points.

    0.9 at ``p10`` and 0.5 at ``median``. A share is at least 0.9 up to ``p10``, between 0.5 and 0.9 up to ``median``,
    and below 0.5 after it, so that rounding errors never move a value across a control point; 0 or less earns 1.
    (GoogleChrome/lighthouse, shared/statistics.js.)
    """

    kind: ClassVar[str] = "lognormal"
    p10: float
    median: float

    def share(self, value: float) -> float:
        """Return (1 - erf(x)) / 2, x being the scaled logarithm of value / median."""
        ratio = value / self.median
        if ratio <= 0:  # also the smallest positive number, which underflows
            return 1.0
        place = math.log(ratio) * INVERSE_ERFC_ONE_FIFTH / -math.log(self.p10 / self.median)
        share = (1.0 - math.erf(place)) / 2.0
        if value <= self.p10:
            return max(P10_SHARE, min(1.0, share))
        if value <= self.median:
            return max(MEDIAN_SHARE, min(math.nextafter(P10_SHARE, 0), share))
        return max(0.0, min(math.nextafter(MEDIAN_SHARE, 0), share))


Curve = Threshold | Linear | Steps | Share | LogNormal
