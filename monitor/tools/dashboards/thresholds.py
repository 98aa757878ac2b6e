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

from monitor.config.package_data import shipped
from monitor.scoring.rubric import Aggregate
from monitor.tools.dashboards.metrics import CERTIFICATE_DAYS, SLOW, rubrics

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_COMPARED = re.compile(r"[<>]\s*(\d+(?:\.\d+)?)")
_VECTOR = re.compile(r"vector\((\d+(?:\.\d+)?)\)")


@cache
def _expressions() -> Mapping[str, Sequence[str]]:
    """Expressions of the shipped rules by the name of their alert or of what they record."""
    found: dict[str, list[str]] = {}
    for path in sorted((Path(shipped()) / "config" / "prometheus" / "rules").glob("*.yml")):
        for group in yaml.safe_load(path.read_text("utf-8"))["groups"]:
            for rule in group["rules"]:
                found.setdefault(rule.get("alert") or rule["record"], []).append(str(rule["expr"]))
    return found


def alert(name: str) -> float:
    """The number from which on an alert holds. Raises LookupError for an alert without one."""
    told = _COMPARED.search(_expressions()[name][0])
    if told is None:
        raise LookupError(f"the alert {name} compares with no number")
    return float(told[1])


def recorded(name: str) -> float:
    """A number that a rule records. Raises LookupError where it is none."""
    told = _VECTOR.fullmatch(_expressions()[name][0])
    if told is None:
        raise LookupError(f"the rule {name} records no fixed number")
    return float(told[1])


OBJECTIVE = recorded("portal_monitor_availability_objective")
OVERSPENT = 1 - 2 * (1 - OBJECTIVE)
"""Below: more than twice the error budget of the objective is gone."""

STOPPED = alert("ProberStopped")
"""Seconds without a look."""

MISSED = alert("ProberMissesSlots")
LOOP = alert("ProberLoopLag")
JOURNAL = (alert("JournalFilling"), alert("JournalNearlyFull"))
COURIER = alert("CourierBehind")

COVERED = max(one.coverage for rubric in rubrics() for one in rubric.criteria if not one.by_hand)
"""Below, a criterion is not scored."""

KEPT = Aggregate.P75.quantile or 0.0
"""A share of portals that keep a limit, which the rubrics take the same quantile of looks for."""

# From here on nobody else judges.

QUIET = 2 * 60.0
"""Seconds without a look, while every portal is looked at once a minute: longer is no chance any more."""

SELDOM = MISSED / 5
HALF = 0.5
WELL_COVERED = 0.9
FIT = 0.95
MOVED = 0.005
"""A share of points that moves less within a week stands still."""

_TOLD: Mapping[str, float] = {
    "objective": OBJECTIVE * 100,
    "quiet_minutes": QUIET / 60,
    "missed": MISSED * 100,
    "seldom": SELDOM * 100,
    "loop": LOOP,
    "journal": JOURNAL[0] * 100,
    "courier_minutes": COURIER / 60,
    "covered": COVERED * 100,
    "kept": KEPT * 100,
    "fit": FIT * 100,
    "slow": SLOW,
    "half_slow": SLOW / 2,
    "certificate_soon": CERTIFICATE_DAYS[1],
    "certificate_plan": CERTIFICATE_DAYS[2],
}
"""What texts say in braces."""


def told(text: str, language: str) -> str:
    """``text`` with borders in place of their names in braces; other braces stay."""
    for name, value in _TOLD.items():
        number = f"{value:g}"
        text = text.replace(f"{{{name}}}", number.replace(".", ",") if language == "vi" else number)
    return text
