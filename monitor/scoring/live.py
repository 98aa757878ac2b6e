"""Live scores: books to the points that sinks take and to the text that Prometheus reads; pure."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from monitor.model.scores import TOTAL_CRITERION, ScorePoint
from monitor.scoring import periods
from monitor.scoring.curves import Linear, LogNormal, Share, Steps

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from monitor.scoring.curves import Curve
    from monitor.scoring.periods import Period
    from monitor.scoring.results import Score, ScoreSet

QUARTER, MONTH = "quarter", "30d"
"""The windows: the quarter so far, and the last thirty days with today."""

_WINDOW_DAYS = 30

FAMILIES = {
    "portal_monitor_score_points": "Points that a portal earned under a rubric.",
    "portal_monitor_score_possible_points": "The most that its scored criteria could give.",
    "portal_monitor_score_ratio": "Points of those possible.",
    "portal_monitor_score_criterion_points": "Points of one criterion.",
    "portal_monitor_score_criterion_possible_points": "The most that the criterion gives.",
    "portal_monitor_score_criterion_value": "The value that the points come from, in the unit of its metric.",
    "portal_monitor_score_criterion_limit": "From where on all points are earned, in the same unit.",
    "portal_monitor_score_criterion_zero": "From where on none are.",
    "portal_monitor_score_criterion_coverage_ratio": "How much of what was due was seen.",
}
_TOTAL_SERIES = {"points": "points", "possible": "possible_points", "ratio": "ratio"}
_CRITERION_SERIES = {"points": "points", "value": "value", "coverage": "coverage_ratio"}
_CONSTANT_SERIES = {"possible": "possible_points", "limit": "limit", "zero": "zero"}
"""Figures of a criterion that are the same for every portal: told once."""


def windows(now_ms: int, zone: ZoneInfo) -> dict[str, Period]:
    """The windows that hold ``now`` (UTC ms)."""
    today = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(zone).date()
    month = periods.between(MONTH, today - timedelta(_WINDOW_DAYS - 1), today, zone)
    return {QUARTER: periods.quarter_of(now_ms, zone), MONTH: month}


def points(score_sets: Mapping[str, ScoreSet], at_ms: int) -> list[ScorePoint]:
    """Every score and criterion that has a figure, by window; what has none is left out."""
    return [
        point for window, book in score_sets.items() for one in book.scores for point in _points(one, window, at_ms)
    ]


def _points(one: Score, window: str, at_ms: int) -> Iterator[ScorePoint]:
    rubric = one.rubric
    if one.points is not None and one.measured is not None and one.ratio is not None:
        values = {"points": one.points, "possible": one.measured, "ratio": one.ratio}
        yield ScorePoint(
            at=at_ms,
            window=window,
            portal=one.portal,
            rubric=rubric.id,
            version=rubric.version,
            criterion=TOTAL_CRITERION,
            values=values,
        )
    for line in one.criteria:
        if line.value is None:
            continue
        told = {
            "value": line.value,
            "points": line.points,
            "possible": line.criterion.points,
            "ratio": line.share,
            "coverage": line.coverage,
            **curve_limits(line.criterion.curve),
        }
        values = {name: figure for name, figure in told.items() if figure is not None}
        yield ScorePoint(
            at=at_ms,
            window=window,
            portal=one.portal,
            rubric=rubric.id,
            version=rubric.version,
            criterion=line.criterion.id,
            values=values,
        )


def curve_limits(curve: Curve) -> dict[str, float | None]:
    """From where on a curve gives all points and none; a log-normal one reaches nine tenths there, and never none."""
    if isinstance(curve, Linear):
        return {"limit": curve.full, "zero": curve.zero}
    if isinstance(curve, Steps):
        return {"limit": curve.steps[0].limit, "zero": curve.steps[-1].limit}
    if isinstance(curve, LogNormal):
        return {"limit": curve.p10, "zero": None}
    if isinstance(curve, Share):
        return {"limit": 1.0, "zero": 0.0}
    return {"limit": curve.limit, "zero": curve.limit}


def exposition(score_points: Iterable[ScorePoint]) -> str:
    """The points as Prometheus reads them, complete with help; names need no escaping, they are ids."""
    lines: dict[str, dict[str, str]] = defaultdict(dict)
    for one in score_points:
        rubric = f'rubric="{one.rubric}",version="{one.version}"'
        whose = f'portal="{one.portal}",{rubric},window="{one.window}"'
        if one.criterion == TOTAL_CRITERION:
            for name, suffix in _TOTAL_SERIES.items():
                lines[f"portal_monitor_score_{suffix}"][whose] = repr(one.values[name])
            continue
        for names, labels in ((_CRITERION_SERIES, whose), (_CONSTANT_SERIES, rubric)):
            labelled = f'{labels},criterion="{one.criterion}"'
            for name, suffix in names.items():
                if name in one.values:
                    lines[f"portal_monitor_score_criterion_{suffix}"][labelled] = repr(float(one.values[name]))
    parts = []
    for family, text in FAMILIES.items():
        if family in lines:
            parts.append(f"# HELP {family} {text}\n# TYPE {family} gauge\n")
            parts += [f"{family}{{{labels}}} {value}\n" for labels, value in lines[family].items()]
    return "".join(parts)
