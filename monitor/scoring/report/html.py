"""Write HTML: an index page and one page per portal, each a self-contained file to read and to print."""

from __future__ import annotations

import base64
import statistics
from collections import defaultdict
from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from monitor.scoring.report import svg, texts
from monitor.scoring.report.html_portal import RubricSection, rubric_section
from monitor.scoring.report.html_texts import REPORT_TEXTS
from monitor.scoring.report.methodology import methodology_rows
from monitor.scoring.report.other_tables import ALL_PORTALS, NOT_COUNTED
from monitor.scoring.report.score_tables import criterion_scores, score_note
from monitor.scoring.report.times import minutes, time_text
from monitor.scoring.report.xlsx_charts import mean_shares, score_histogram
from monitor.scoring.results import CriterionStatus
from probes.http.urls import strip_credentials

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from monitor.model.records import Portal
    from monitor.scoring.report.outages import Outage
    from monitor.scoring.report.report import Report, ReportFilmstrip
    from monitor.scoring.results import Score
    from monitor.scoring.rubric import Exclusion, Rubric

WHOLE_MINUTES_FROM_MS = 6_000_000
"""From here on, minutes are shown without decimals."""

MAX_OUTAGES = 12
"""Outages on a portal's page; the tables hold all."""


def html_files(report: Report) -> Iterator[tuple[str, bytes]]:
    """Yield ``html/index.html`` and ``html/portals/<id>.html``."""
    pages = ReportPages(report)
    yield "html/index.html", pages.index()
    for portal in report.portals:
        yield f"html/portals/{portal.id}.html", pages.portal(portal)


@cache
def _templates() -> Environment:
    """Return the templates, with autoescape on."""
    return Environment(
        loader=PackageLoader("monitor.scoring.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


class ReportPages:
    """The pages of one report."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self._scores: dict[str, list[Score]] = defaultdict(list)
        for score in report.score_set.scores:
            self._scores[score.portal].append(score)
        self._outages: dict[str, list[Outage]] = defaultdict(list)
        for outage in report.outages:
            self._outages[outage.portal].append(outage)
        self._names = {one.id: one.name(report.language) for one in report.portals}

    def text(self, key: str, **parts: object) -> str:
        """Return one of :data:`REPORT_TEXTS` with *parts* inserted."""
        text = REPORT_TEXTS[key].localize(self.report.language)
        return text.format(**parts) if parts else text

    def index(self) -> bytes:
        """Render the index page."""
        report = self.report
        insufficient = [one for _, one in criterion_scores(report) if one.status is CriterionStatus.INSUFFICIENT]
        parts = groupby(methodology_rows(report), itemgetter(0))
        return self._render(
            "index.html",
            rubrics=[self._rubric(one) for one in report.score_set.rubrics],
            empty=not any(one.attempts or one.days for score in report.score_set.scores for one in score.criteria),
            outages=self._outages_by_portal(),
            totals=self._outage_totals(report.outages),
            exclusions=[self._exclusion(one) for one in report.score_set.exclusions],
            insufficient=len(insufficient),
            method=[(part, [row[1:] for row in rows]) for part, rows in parts],
        )

    def portal(self, portal: Portal) -> bytes:
        """Render the page of one portal."""
        report, portal_outages = self.report, self._outages.get(portal.id, [])
        longest = sorted(portal_outages, key=lambda one: (-one.duration_ms, one.start_ms))[:MAX_OUTAGES]
        bounds = report.period.since_ms, report.period.until_ms
        touching = [one for one in report.score_set.exclusions if one.applies_to(portal.id, *bounds)]
        return self._render(
            "portal.html",
            portal=portal,
            url=strip_credentials(portal.url),
            name=portal.name(report.language),
            kind=texts.PORTAL_KIND_TEXTS[portal.kind].localize(report.language),
            merged=portal.merged_into if portal.merged_into in self._names else None,
            merged_name=self._names.get(portal.merged_into or ""),
            sections=self._rubric_sections(portal),
            filmstrip=self._filmstrip(report.filmstrips.get(portal.id)),
            outages=[self._outage(one) for one in sorted(longest, key=lambda one: one.start_ms)],
            cut=len(portal_outages) > MAX_OUTAGES,
            totals=self._outage_totals(portal_outages),
            exclusions=[self._exclusion(one) for one in touching],
        )

    def _render(self, template: str, **values: Any) -> bytes:  # noqa: ANN401 - the variables of a template
        report, language, period = self.report, self.report.language, self.report.period
        common = {"t": self.text, "report": report, "language": language, "period": period}
        bounds = [time_text(at, period.zone, language) for at in (period.since_ms, period.until_ms)]
        return _templates().get_template(template).render(**common, bounds=bounds, **values).encode()

    def _rubric_sections(self, portal: Portal) -> list[RubricSection]:
        return [rubric_section(self.report, one, self.text) for one in self._scores.get(portal.id, [])]

    def _rubric(self, rubric: Rubric) -> dict[str, Any]:
        """Return a rubric's headline, charts and ranking."""
        report, language = self.report, self.report.language
        scores = report.ranked(rubric)
        ratios = [one.ratio for one in scores if one.ratio is not None]
        headline = self.text("spread.none")
        if ratios:
            statistic = {"median": statistics.median(ratios), "max": max(ratios), "min": min(ratios)}
            formatted = {name: texts.ratio_text(ratio, language) for name, ratio in statistic.items()}
            headline = self.text("spread.summary", n=len(ratios), **formatted)
        means = mean_shares(rubric, scores)
        return {
            "rubric": rubric,
            "title": rubric.title.localize(language),
            "set": rubric.set.localize(language),
            "note": rubric.note.localize(language) if rubric.note else "",
            "headline": headline,
            "histogram": svg.histogram(score_histogram(scores), f"{self.text('spread')}. {headline}") if ratios else "",
            "means": [(one.localize(language), share, texts.ratio_text(share, language)) for one, share in means],
            "groups": self._groups(rubric, scores),
        }

    def _groups(self, rubric: Rubric, scores: Sequence[Score]) -> list[dict[str, Any]]:
        """Return ranked portals by group, then those without a place."""
        found: dict[int, list[dict[str, Any]]] = defaultdict(list)
        criteria: dict[int, str] = {}
        for score in scores:
            place = self.report.places[score.portal, rubric.key]
            number = place.group if place.rank is not None else 0
            found[number].append(self._ranking_row(score))
            if number and number not in criteria:
                lines = (one for one in score.criteria if one.status is CriterionStatus.SCORED)
                criteria[number] = ", ".join(one.criterion.title.localize(self.report.language) for one in lines)
        order = sorted(found, key=lambda number: number or len(scores) + 1)
        return [{"number": one, "rows": found[one], "criteria": criteria.get(one, "")} for one in order]

    def _ranking_row(self, score: Score) -> dict[str, Any]:
        report, language = self.report, self.report.language
        key = score.portal, score.rubric.key
        place, previous = report.places[key], report.previous_by_key.get(key)
        percent = previous.percent if previous else None
        return {
            "id": score.portal,
            "name": score.name.localize(language),
            "rank": texts.rank_text(place, language),
            "shared": place.shared if place.shared > 1 else 0,
            "ratio": score.ratio,
            "percent": texts.percent_text(score.percent, language),
            "points": texts.localized_number(score.shown, language),
            "measured": texts.plain_number(score.measured, language),
            "movement": texts.movement_text(place, language),
            "direction": "up" if (place.rank_gain or 0) > 0 else "down" if (place.rank_gain or 0) < 0 else "",
            "previous": texts.percent_text(percent, language) if percent is not None else "",
            "note": score_note(report, score),
        }

    def _outages_by_portal(self) -> list[dict[str, Any]]:
        """Return the outages summed by portal, the most counted time first."""
        summed = [
            (portal, self._outage_totals(portal_outages), max(one.duration_ms for one in portal_outages))
            for portal, portal_outages in self._outages.items()
        ]
        summed.sort(key=lambda one: (-one[1]["counted_ms"], one[0]))
        return [
            {"id": portal, "name": self._names.get(portal, portal), "longest": self._minutes(longest), **total}
            for portal, total, longest in summed
        ]

    def _outage_totals(self, outages: Sequence[Outage]) -> dict[str, Any]:
        counted = sum(one.counted_ms for one in outages)
        total = self._minutes(sum(one.duration_ms for one in outages))
        return {"n": len(outages), "counted_ms": counted, "minutes": total, "counted": self._minutes(counted)}

    def _minutes(self, ms: int) -> str:
        shown = f"{minutes(ms):g}" if ms < WHOLE_MINUTES_FROM_MS else f"{minutes(ms):.0f}"
        return texts.localized_number(shown, self.report.language)

    def _outage(self, one: Outage) -> dict[str, Any]:
        language, zone = self.report.language, self.report.period.zone
        return {
            "start": time_text(one.start_ms, zone, language),
            "end": time_text(one.end_ms, zone, language),
            "minutes": self._minutes(one.duration_ms),
            "counted": self._minutes(one.counted_ms),
            "fault": texts.fault_text(one.fault, language, began=one.began),
            "location": one.location,
            "excluded": ", ".join(one.excluded),
        }

    def _exclusion(self, one: Exclusion) -> dict[str, Any]:
        language, zone = self.report.language, self.report.period.zone
        names = [self._names.get(portal, portal) for portal in sorted(one.portals or ())]
        return {
            "id": one.id,
            "portals": ALL_PORTALS.localize(language) if one.portals is None else ", ".join(names),
            "since": time_text(one.since_ms, zone, language),
            "until": time_text(one.until_ms, zone, language),
            "counts": texts.STATE_TEXTS[one.state].localize(language) if one.state else NOT_COUNTED.localize(language),
            "reason": one.reason,
            "approver": f"{one.approver}, {one.approved.isoformat()}",
        }

    def _filmstrip(self, filmstrip: ReportFilmstrip | None) -> dict[str, Any] | None:
        """Return the screenshots of a load as data URLs."""
        if filmstrip is None:
            return None
        language, zone = self.report.language, self.report.period.zone
        frames = [
            {
                "at": self.text("filmstrip.at", at=texts.localized_number(f"{one.at_seconds:.1f}", language)),
                "data": f"data:{one.content_type};base64,{base64.b64encode(one.body).decode()}",
            }
            for one in filmstrip.frames
        ]
        at = time_text(filmstrip.slot, zone, language)
        return {"summary": self.text("filmstrip.summary", at=at, check=filmstrip.check), "frames": frames}
