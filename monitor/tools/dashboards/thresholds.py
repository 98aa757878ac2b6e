"""Thresholds at which colours change, read from the alert rules, the settings and the rubrics; texts name them too.

A threshold that an alert has is read from the alert, so that a panel turns red when the alert fires. Thresholds that
only dashboards have stand at the end.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from monitor.config.package_data import package_data_dir
from monitor.scoring.rubric import Aggregate
from monitor.tools.dashboards.metrics import CERTIFICATE_DAYS, SLOW_SECONDS, rubrics

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_COMPARISON = re.compile(r"[<>]\s*(\d+(?:\.\d+)?)")
_VECTOR = re.compile(r"vector\((\d+(?:\.\d+)?)\)")


@cache
def _expressions() -> Mapping[str, Sequence[str]]:
    """Return the expressions of the shipped rules by alert name or recorded series."""
    found: dict[str, list[str]] = {}
    for path in sorted((Path(package_data_dir()) / "config" / "prometheus" / "rules").glob("*.yml")):
        for group in yaml.safe_load(path.read_text("utf-8"))["groups"]:
            for rule in group["rules"]:
                found.setdefault(rule.get("alert") or rule["record"], []).append(str(rule["expr"]))
    return found


def alert_threshold(name: str) -> float:
    """Return the number from which on an alert holds. Raises LookupError for an alert without one."""
    match = _COMPARISON.search(_expressions()[name][0])
    if match is None:
        raise LookupError(f"the alert {name} compares with no number")
    return float(match[1])


def recorded_value(name: str) -> float:
    """Return the number that a rule records. Raises LookupError where it is not a fixed number."""
    match = _VECTOR.fullmatch(_expressions()[name][0])
    if match is None:
        raise LookupError(f"the rule {name} records no fixed number")
    return float(match[1])


AVAILABILITY_OBJECTIVE = recorded_value("portal_monitor_availability_objective")
AVAILABILITY_CRITICAL = 1 - 2 * (1 - AVAILABILITY_OBJECTIVE)
"""Below it more than twice the error budget of the objective is spent."""

NOT_PROBING_SECONDS = alert_threshold("ProberNotProbing")
"""Seconds without a probe."""

MISSED_SLOTS_RATIO = alert_threshold("ProberMissesSlots")
LOOP_LAG_SECONDS = alert_threshold("ProberLoopLag")
JOURNAL_SIZE_RATIOS = (alert_threshold("JournalFilling"), alert_threshold("JournalNearlyFull"))
SINK_LAG_SECONDS = alert_threshold("SinkLagging")

MIN_COVERAGE = max(one.min_coverage for rubric in rubrics() for one in rubric.criteria if not one.manual)
"""Below it a criterion is not scored."""

WITHIN_LIMIT_RATIO = Aggregate.P75.quantile or 0.0
"""Share of portals within a limit; the rubrics take the same quantile of attempts."""

# Only dashboards have the thresholds below.

PROBE_GAP_SECONDS = 2 * 60.0
"""Seconds without a probe. Every portal is probed once a minute, so a longer gap is no coincidence."""

MISSED_SLOTS_WARNING_RATIO = MISSED_SLOTS_RATIO / 5
HALF_RATIO = 0.5
GOOD_COVERAGE = 0.9
MOBILE_FRIENDLY_RATIO = 0.95
SCORE_CHANGE_RATIO = 0.005
"""A share of points that changes less within a week counts as unchanged."""

_PLACEHOLDERS: Mapping[str, float] = {
    "objective": AVAILABILITY_OBJECTIVE * 100,
    "probe_gap_minutes": PROBE_GAP_SECONDS / 60,
    "missed_slots": MISSED_SLOTS_RATIO * 100,
    "missed_slots_warning": MISSED_SLOTS_WARNING_RATIO * 100,
    "loop_lag": LOOP_LAG_SECONDS,
    "journal": JOURNAL_SIZE_RATIOS[0] * 100,
    "sink_lag_minutes": SINK_LAG_SECONDS / 60,
    "min_coverage": MIN_COVERAGE * 100,
    "within_limit": WITHIN_LIMIT_RATIO * 100,
    "mobile_friendly": MOBILE_FRIENDLY_RATIO * 100,
    "slow": SLOW_SECONDS,
    "half_slow": SLOW_SECONDS / 2,
    "certificate_soon": CERTIFICATE_DAYS[1],
    "certificate_plan": CERTIFICATE_DAYS[2],
}
"""What texts name in braces."""


def fill_placeholders(text: str, language: str) -> str:
    """Replace the names of thresholds in braces by their values; other braces stay."""
    for name, value in _PLACEHOLDERS.items():
        number = f"{value:g}"
        text = text.replace(f"{{{name}}}", number.replace(".", ",") if language == "vi" else number)
    return text
