"""Dashboards as code: each answers one question; metric declarations and rubrics give names, units and limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.tools.dashboards import fleet, mobile, mobile_history, portal, prober, score, score_history
from monitor.tools.dashboards.layout import text
from monitor.tools.dashboards.texts import LANGUAGES, Say

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGES = (
    fleet.page,
    portal.page,
    mobile.page,
    mobile_history.page,
    score.page,
    score_history.page,
    prober.page,
)


def files() -> Iterator[tuple[str, str]]:
    """(path below ``grafana/dashboards``, JSON) of every dashboard in every language."""
    for language in LANGUAGES:
        say = Say(language)
        for make in PAGES:
            page = make(say)
            yield f"{language}/{page.name}.json", text(page, say)
