"""Names, units and limits of panels, from the declarations of metrics and the shipped rubrics alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.config.diagnostics import ErrorCollector
from monitor.config.package_data import package_data_dir
from monitor.config.rubrics import load_rules
from monitor.scoring.curves import LogNormal
from monitor.scoring.live import curve_limits
from monitor.states.rules import StateRules
from probes.browser.metrics import BROWSER_METRICS
from probes.http.metrics import HTTP_METRICS
from probes.metric import Unit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.scoring.rubric import Rubric

GRAFANA_UNITS: Mapping[Unit, str] = {
    Unit.SECONDS: "s",
    Unit.BYTES: "bytes",
    Unit.COUNT: "short",
    Unit.RATIO: "percentunit",
    Unit.FLAG: "bool_yes_no",
    Unit.CODE: "none",
    Unit.TEXT: "string",
    Unit.TIMESTAMP: "dateTimeAsIso",
}
"""Grafana's name of a declared unit."""

VITALS = ("fcp_seconds", "lcp_seconds", "speed_index_seconds", "tbt_seconds", "cls")
"""Vitals that the criteria for phones score."""

COMPARED_METRICS = (*VITALS, "longest_task_seconds", "bytes_total")
"""Metrics by which devices are compared: the vitals, the longest task and the page weight."""

CERTIFICATE_DAYS = (7.0, StateRules().min_certificate_days, 30.0)
"""Thresholds that alerts have as well: act today, act this week, plan the renewal."""

DAY_SECONDS = 86_400.0
SLOW_SECONDS = StateRules().max_latency_seconds

_MOBILE_METRICS = {one.name: one for one in BROWSER_METRICS}
_HTTP_METRICS = {one.name: one for one in HTTP_METRICS}


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelMetric:
    """A metric of a panel: its series in Prometheus, its field in InfluxDB, its unit."""

    series: str
    field: str
    unit: str


def mobile_metric(name: str) -> PanelMetric:
    """Return a metric of the ``mobile`` kind. Raises KeyError for one that is not declared."""
    one = _MOBILE_METRICS[name]
    # CLS is a ratio of areas that is customarily shown as a number without a unit.
    unit = "none" if name == "cls" else GRAFANA_UNITS[one.unit]
    return PanelMetric(series=one.prometheus_name or "", field=one.name, unit=unit)


def http_metric(name: str) -> PanelMetric:
    """Return a metric of the ``uptime`` and ``latency`` kinds. Raises KeyError for one that is not declared."""
    one = _HTTP_METRICS[name]
    return PanelMetric(series=one.prometheus_name or "", field=one.name, unit=GRAFANA_UNITS[one.unit])


@cache
def rubrics() -> tuple[Rubric, ...]:
    """Return the shipped rubrics. Raises ValueError when they are invalid."""
    errors = ErrorCollector()
    found = load_rules(Path(package_data_dir()) / "config", {}, (), "UTC", errors)
    if not found.rubrics:
        raise ValueError("no rubric is shipped")
    return found.rubrics


@cache
def vital_limits(name: str) -> tuple[float, ...]:
    """Return (good, bad) of a vital: Lighthouse's p10, and the limit of a criterion or else Lighthouse's median."""
    good: list[float] = []
    bad: list[float] = []
    for one in (line for rubric in rubrics() for line in rubric.criteria if line.metric == name):
        if isinstance(one.curve, LogNormal):
            good.append(one.curve.p10)
            bad.append(one.curve.median)
        elif (limit := curve_limits(one.curve)["limit"]) is not None:
            bad.insert(0, limit)
    return (min(good), bad[0]) if good else (bad[0], bad[0])
