"""Estimate the cost of a configuration before the daemon starts: probes, Prometheus series, InfluxDB points."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from monitor.config.loaded import Config
from monitor.model.records import Expect
from probes.registry import PROBE_KINDS

COMMON_SERIES = 6
"""Series of every check beside its kind's metrics, such as success, duration and time of the last probe."""

SCORE_WINDOWS = 2
"""Windows of live scores: a score has three series in each, and so has every criterion; sinks get one point an hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Counts, and rates per minute and per day. Series are an upper limit: values that never occur are not exposed."""

    portals: int
    checks: int
    probes_per_minute: float
    prometheus_series: int
    influx_points_per_day: int


def estimate(config: Config) -> Estimate:
    """Count the probes of ``config`` and the series and points that they produce."""
    scored = sum(one.expect is Expect.ANSWERS and one.merged_into is None for one in config.portals)
    criteria_counts = [len(one.criteria) for one in config.rules.rubrics] if config.settings.scores.enabled else []
    per_second = sum(1.0 / check.interval for check in config.checks)
    return Estimate(
        portals=len(config.portals),
        checks=len(config.checks),
        probes_per_minute=round(per_second * 60.0, 2),
        prometheus_series=sum(_series_per_check(check.kind) + COMMON_SERIES for check in config.checks)
        + scored * SCORE_WINDOWS * sum(3 + 3 * count for count in criteria_counts),
        influx_points_per_day=round(per_second * 86400.0)
        + scored * SCORE_WINDOWS * 24 * sum(1 + count for count in criteria_counts),
    )


@cache
def _series_per_check(kind: str) -> int:
    """Return the series of one check: one a metric, except that text metrics of one name share an info series."""
    metrics = [metric for metric in PROBE_KINDS[kind].metrics if metric.prometheus_name]
    return len({(metric.prometheus_name, tuple(sorted(metric.labels.items()))) for metric in metrics})
