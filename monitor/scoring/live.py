"""Convert live scores to the points that sinks take and to the text that Prometheus reads; pure."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from functools import partial
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
"""The windows: the quarter so far, and the last thirty days including today."""

_WINDOW_DAYS = 30

FAMILIES = {
    "portal_monitor_score_points": "Points that a portal earned under a rubric.",
    "portal_monitor_score_possible_points": "Maximum points of its scored criteria.",
    "portal_monitor_score_ratio": "Points divided by possible points.",
    "portal_monitor_score_criterion_points": "Points of one criterion.",
    "portal_monitor_score_criterion_possible_points": "Maximum points of the criterion.",
    "portal_monitor_score_criterion_value": "The value that the points come from, in the unit of its metric.",
    "portal_monitor_score_criterion_limit": "Value from which all points are earned, in the same unit.",
    "portal_monitor_score_criterion_zero": "Value from which no points are earned.",
    "portal_monitor_score_criterion_coverage_ratio": "Ratio of known to due attempts or time.",
}
_TOTAL_SERIES = {"points": "points", "possible": "possible_points", "ratio": "ratio"}
_CRITERION_SERIES = {"points": "points", "value": "value", "coverage": "coverage_ratio"}
_CONSTANT_SERIES = {"possible": "possible_points", "limit": "limit", "zero": "zero"}
"""Values of a criterion that are the same for every portal: exposed once."""


def windows(now_ms: int, zone: ZoneInfo) -> dict[str, Period]:
    """Return the windows that contain *now_ms* (UTC)."""
    today = periods.day_of(now_ms, zone)
    month = periods.between(MONTH, today - timedelta(_WINDOW_DAYS - 1), today, zone)
    return {QUARTER: periods.quarter_of(now_ms, zone), MONTH: month}


def points(score_sets: Mapping[str, ScoreSet], at_ms: int) -> list[ScorePoint]:
    """Return the points of every score and criterion that has a value, by window."""
    scores = [(one, window) for window, score_set in score_sets.items() for one in score_set.scores]
    return [point for one, window in scores for point in _points(one, window, at_ms)]


def _points(one: Score, window: str, at_ms: int) -> Iterator[ScorePoint]:
    point = partial(
        ScorePoint, at=at_ms, window=window, portal=one.portal, rubric=one.rubric.id, version=one.rubric.version
    )
    if one.points is not None and one.measured is not None and one.ratio is not None:
        values = {"points": one.points, "possible": one.measured, "ratio": one.ratio}
        yield point(criterion=TOTAL_CRITERION, values=values)
    for line in one.criteria:
        if line.value is None:
            continue
        fields = {"value": line.value, "points": line.points, "possible": line.criterion.points, "ratio": line.share}
        fields |= {"coverage": line.coverage, **curve_limits(line.criterion.curve)}
        values = {name: value for name, value in fields.items() if value is not None}
        yield point(criterion=line.criterion.id, values=values)


def curve_limits(curve: Curve) -> dict[str, float | None]:
    """Return the values from which a curve gives all points and none; a log-normal one gives 0.9, and never none."""
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
    """Return the points in the Prometheus text format, with help; names are ids and need no escaping."""
    lines: dict[str, dict[str, str]] = defaultdict(dict)
    for one in score_points:
        rubric = f'rubric="{one.rubric}",version="{one.version}"'
        identity = f'portal="{one.portal}",{rubric},window="{one.window}"'
        if one.criterion == TOTAL_CRITERION:
            for name, suffix in _TOTAL_SERIES.items():
                lines[f"portal_monitor_score_{suffix}"][identity] = repr(one.values[name])
            continue
        for names, labels in ((_CRITERION_SERIES, identity), (_CONSTANT_SERIES, rubric)):
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
