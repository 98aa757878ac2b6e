"""What is asked of looks and what they came to: the records between the queries and the points."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from monitor.scoring.results import ExcludedData, ExclusionReason

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import numpy.typing as npt

    from monitor.scoring.measured_time import MeasuredTime
    from monitor.scoring.rubric import Aggregate, Selection

    Integers = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregateSpec:
    """One figure that is wanted of a selection: ``metric`` is a column (for success: None), ``limit`` for shares."""

    selection: Selection
    metric: str | None
    aggregate: Aggregate
    limit: float | None = None


@dataclass(slots=True, kw_only=True)
class AggregateResult:
    """What a need came to for one portal. ``value`` is None without looks.

    Means and shares are ``over`` / ``scale`` by ``looks``, summed over days; ``most`` is the largest value by day (0
    without any); ``bins`` lists bins and counts values by day and bin, for intervals of quantiles. ``looks`` counts
    values by day, ``absent`` the looks without one. ``replicates`` is kept by the bootstrap.
    """

    value: float | None = None
    counts: list[int]
    sums: list[int] = field(default_factory=list)
    scale: int = 1
    maxima: list[float] = field(default_factory=list)
    bins: tuple[Integers, Integers] | None = None
    replicates: Floats | None = None
    absent: int = 0


@dataclass(slots=True, kw_only=True)
class SelectionResult:
    """What a selection came to for one portal, whatever the metric: ``due`` and ``seen`` looks by day, and the rest."""

    due: list[int]
    known: list[int]
    in_excluded_time: list[int]
    excluded_counts: Counter[tuple[ExclusionReason, str]] = field(default_factory=Counter)
    checks: set[str] = field(default_factory=set)
    aggregates: dict[AggregateSpec, AggregateResult] = field(default_factory=dict)

    def excluded_data(self, result: AggregateResult) -> tuple[ExcludedData, ...]:
        """What was left out of a figure, in order of the reasons."""
        counted = Counter(self.excluded_counts)
        counted[ExclusionReason.ABSENT, ""] += result.absent
        order = list(ExclusionReason)
        listed = sorted(counted.items(), key=lambda item: (order.index(item[0][0]), item[0][1]))
        return tuple(ExcludedData(why=why, id=name, looks=count) for (why, name), count in listed if count)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringWindow:
    """The window that is asked for: its start in UTC ms, its days, its portals with their time."""

    since_ms: int
    days: int
    measured_times: Mapping[str, MeasuredTime]
