"""Dashboards as code: each answers one question; metric declarations and rubrics give names, units and limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.tools.dashboards import fleet, mobile, mobile_history, portal, prober, score, score_history
from monitor.tools.dashboards.layout import dashboard_json
from monitor.tools.dashboards.texts import LANGUAGES, DashboardTexts

if TYPE_CHECKING:
    from collections.abc import Iterator

DASHBOARDS = (
    fleet.dashboard,
    portal.dashboard,
    mobile.dashboard,
    mobile_history.dashboard,
    score.dashboard,
    score_history.dashboard,
    prober.dashboard,
)


def files() -> Iterator[tuple[str, str]]:
    """Yield (path below ``grafana/dashboards``, JSON) of every dashboard in every language."""
    for language in LANGUAGES:
        texts = DashboardTexts(language)
        for make in DASHBOARDS:
            spec = make(texts)
            yield f"{language}/{spec.name}.json", dashboard_json(spec, texts)
