"""Where colours change: read out of the alert rules, the settings and the rubrics, and told in texts from here too.

A border that an alert has is the alert's own, so that a panel turns red when somebody is told. What only a dashboard
judges stands at the end.
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
    """Expressions of the shipped rules by the name of their alert or of what they record."""
    found: dict[str, list[str]] = {}
    for path in sorted((Path(package_data_dir()) / "config" / "prometheus" / "rules").glob("*.yml")):
        for group in yaml.safe_load(path.read_text("utf-8"))["groups"]:
            for rule in group["rules"]:
                found.setdefault(rule.get("alert") or rule["record"], []).append(str(rule["expr"]))
    return found


def alert_threshold(name: str) -> float:
    """The number from which on an alert holds. Raises LookupError for an alert without one."""
    told = _COMPARISON.search(_expressions()[name][0])
    if told is None:
        raise LookupError(f"the alert {name} compares with no number")
    return float(told[1])


def recorded_value(name: str) -> float:
    """A number that a rule records. Raises LookupError where it is none."""
    told = _VECTOR.fullmatch(_expressions()[name][0])
    if told is None:
        raise LookupError(f"the rule {name} records no fixed number")
    return float(told[1])


AVAILABILITY_OBJECTIVE = recorded_value("portal_monitor_availability_objective")
AVAILABILITY_CRITICAL = 1 - 2 * (1 - AVAILABILITY_OBJECTIVE)
"""Below: more than twice the error budget of the objective is gone."""

NOT_PROBING_SECONDS = alert_threshold("ProberStopped")
"""Seconds without a look."""

MISSED_SLOTS_RATIO = alert_threshold("ProberMissesSlots")
LOOP_LAG_SECONDS = alert_threshold("ProberLoopLag")
JOURNAL_SIZE_RATIOS = (alert_threshold("JournalFilling"), alert_threshold("JournalNearlyFull"))
SINK_LAG_SECONDS = alert_threshold("CourierBehind")

MIN_COVERAGE = max(one.min_coverage for rubric in rubrics() for one in rubric.criteria if not one.by_hand)
"""Below, a criterion is not scored."""

WITHIN_LIMIT_RATIO = Aggregate.P75.quantile or 0.0
"""A share of portals that keep a limit, which the rubrics take the same quantile of looks for."""

# From here on nobody else judges.

PROBE_GAP_SECONDS = 2 * 60.0
"""Seconds without a look, while every portal is looked at once a minute: longer is no chance any more."""

MISSED_SLOTS_WARNING_RATIO = MISSED_SLOTS_RATIO / 5
HALF_RATIO = 0.5
GOOD_COVERAGE = 0.9
MOBILE_FRIENDLY_RATIO = 0.95
SCORE_CHANGE_RATIO = 0.005
"""A share of points that moves less within a week stands still."""

_PLACEHOLDERS: Mapping[str, float] = {
    "objective": AVAILABILITY_OBJECTIVE * 100,
    "quiet_minutes": PROBE_GAP_SECONDS / 60,
    "missed": MISSED_SLOTS_RATIO * 100,
    "seldom": MISSED_SLOTS_WARNING_RATIO * 100,
    "loop": LOOP_LAG_SECONDS,
    "journal": JOURNAL_SIZE_RATIOS[0] * 100,
    "courier_minutes": SINK_LAG_SECONDS / 60,
    "covered": MIN_COVERAGE * 100,
    "kept": WITHIN_LIMIT_RATIO * 100,
    "fit": MOBILE_FRIENDLY_RATIO * 100,
    "slow": SLOW_SECONDS,
    "half_slow": SLOW_SECONDS / 2,
    "certificate_soon": CERTIFICATE_DAYS[1],
    "certificate_plan": CERTIFICATE_DAYS[2],
}
"""What texts say in braces."""


def fill_placeholders(text: str, language: str) -> str:
    """``text`` with borders in place of their names in braces; other braces stay."""
    for name, value in _PLACEHOLDERS.items():
        number = f"{value:g}"
        text = text.replace(f"{{{name}}}", number.replace(".", ",") if language == "vi" else number)
    return text
