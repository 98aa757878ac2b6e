"""Records between the queries and the points: the aggregates that are needed, and their results."""

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
    """One aggregate of a selection: ``metric`` is a column (None for success), ``limit`` is for shares."""

    selection: Selection
    metric: str | None
    aggregate: Aggregate
    limit: float | None = None


@dataclass(slots=True, kw_only=True)
class AggregateResult:
    """The result of a spec for one portal. ``value`` is None without attempts.

    Means and shares are ``sums`` / ``scale`` divided by ``counts``, summed over days; ``maxima`` holds the largest
    value by day (0 without any); ``bins`` lists bins and counts values by day and bin, for intervals of quantiles.
    ``counts`` counts values by day, ``absent`` the attempts without one. The bootstrap stores its ``replicates`` here.
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
    """The result of a selection for one portal, for all metrics: ``due`` and ``known`` attempts by day, exclusions."""

    due: list[int]
    known: list[int]
    in_excluded_time: list[int]
    excluded_counts: Counter[tuple[ExclusionReason, str]] = field(default_factory=Counter)
    checks: set[str] = field(default_factory=set)
    aggregates: dict[AggregateSpec, AggregateResult] = field(default_factory=dict)

    def excluded_data(self, result: AggregateResult) -> tuple[ExcludedData, ...]:
        """Return the data that *result* excludes, in order of the reasons."""
        counted = Counter(self.excluded_counts)
        counted[ExclusionReason.ABSENT, ""] += result.absent
        order = list(ExclusionReason)
        listed = sorted(counted.items(), key=lambda item: (order.index(item[0][0]), item[0][1]))
        return tuple(ExcludedData(reason=reason, id=name, attempts=count) for (reason, name), count in listed if count)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringWindow:
    """The window that is scored: its start in UTC ms, its days, its portals with their time."""

    since_ms: int
    days: int
    measured_times: Mapping[str, MeasuredTime]
