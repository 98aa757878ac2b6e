"""HTML: a page over all portals and one a portal, each a single file that needs nothing else, to read and to print."""

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

MAX_OUTAGES = 12
"""Outages that a portal's page lists; the tables hold all."""


def html_files(report: Report) -> Iterator[tuple[str, bytes]]:
    """``html/index.html`` and ``html/portals/<id>.html``."""
    pages = ReportPages(report)
    yield "html/index.html", pages.index()
    for portal in report.portals:
        yield f"html/portals/{portal.id}.html", pages.portal(portal)


@cache
def _templates() -> Environment:
    """The templates; everything written into them is escaped."""
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
        """One of :data:`WORDS`."""
        text = REPORT_TEXTS[key].localize(self.report.language)
        return text.format(**parts) if parts else text

    def index(self) -> bytes:
        """The page over all portals."""
        report = self.report
        short = [one for _, one in criterion_scores(report) if one.standing is CriterionStatus.INSUFFICIENT]
        return self._render(
            "index.html",
            rubrics=[self._rubric(one) for one in report.score_set.rubrics],
            empty=not any(one.looks or one.days for score in report.score_set.scores for one in score.criteria),
            outages=self._outages_by_portal(),
            totals=self._outage_totals(report.outages),
            exclusions=[self._exclusion(one) for one in report.score_set.exclusions],
            short=len(short),
            method=[
                (part, [row[1:] for row in rows]) for part, rows in groupby(methodology_rows(report), itemgetter(0))
            ],
        )

    def portal(self, portal: Portal) -> bytes:
        """The page of one portal."""
        report, mine = self.report, self._outages.get(portal.id, [])
        longest = sorted(mine, key=lambda one: (-one.duration_ms, one.start_ms))[:MAX_OUTAGES]
        touching = [
            one
            for one in report.score_set.exclusions
            if one.applies_to(portal.id, report.period.since_ms, report.period.until_ms)
        ]
        return self._render(
            "portal.html",
            portal=portal,
            address=strip_credentials(portal.url),
            name=portal.name(report.language),
            kind=texts.PORTAL_KIND_TEXTS[portal.kind].localize(report.language),
            merged=portal.merged_into if portal.merged_into in self._names else None,
            merged_name=self._names.get(portal.merged_into or ""),
            sheets=self._rubric_sections(portal),
            film=self._filmstrip(report.filmstrips.get(portal.id)),
            outages=[self._outage(one) for one in sorted(longest, key=lambda one: one.start_ms)],
            cut=len(mine) > MAX_OUTAGES,
            totals=self._outage_totals(mine),
            exclusions=[self._exclusion(one) for one in touching],
        )

    def _render(self, template: str, **values: Any) -> bytes:  # noqa: ANN401 - a template takes what it names
        report = self.report
        told = {"w": self.text, "report": report, "language": report.language, "period": report.period}
        bounds = [
            time_text(at, report.period.zone, report.language)
            for at in (report.period.since_ms, report.period.until_ms)
        ]
        page = _templates().get_template(template).render(**told, bounds=bounds, **values)
        return page.encode()

    def _rubric_sections(self, portal: Portal) -> list[RubricSection]:
        return [rubric_section(self.report, one, self.text) for one in self._scores.get(portal.id, [])]

    def _rubric(self, rubric: Rubric) -> dict[str, Any]:
        """A rubric's headline, pictures and ranking."""
        report, say = self.report, self.report.language
        scores = report.ranked(rubric)
        ratios = [one.ratio for one in scores if one.ratio is not None]
        headline = self.text("nobody")
        if ratios:
            figures = {"median": statistics.median(ratios), "most": max(ratios), "least": min(ratios)}
            told = {name: texts.ratio_text(ratio, say) for name, ratio in figures.items()}
            headline = self.text("spread.said", n=len(ratios), **told)
        means = [
            (title.localize(say), share, texts.ratio_text(share, say)) for title, share in mean_shares(rubric, scores)
        ]
        return {
            "rubric": rubric,
            "title": rubric.title.localize(say),
            "set": rubric.set.localize(say),
            "note": rubric.note.localize(say) if rubric.note else "",
            "headline": headline,
            "picture": svg.histogram(score_histogram(scores), f"{self.text('spread')}. {headline}") if ratios else "",
            "means": means,
            "groups": self._groups(rubric, scores),
        }

    def _groups(self, rubric: Rubric, scores: Sequence[Score]) -> list[dict[str, Any]]:
        """Ranked portals by group, then those without a place."""
        found: dict[int, list[dict[str, Any]]] = defaultdict(list)
        criteria: dict[int, str] = {}
        for score in scores:
            place = self.report.places[score.portal, rubric.key]
            number = place.group if place.rank is not None else 0
            found[number].append(self._ranking_row(score))
            if number and number not in criteria:
                lines = (one for one in score.criteria if one.standing is CriterionStatus.SCORED)
                criteria[number] = ", ".join(one.criterion.title.localize(self.report.language) for one in lines)
        order = sorted(found, key=lambda number: number or len(scores) + 1)
        return [{"number": one, "rows": found[one], "criteria": criteria.get(one, "")} for one in order]

    def _ranking_row(self, score: Score) -> dict[str, Any]:
        report, say = self.report, self.report.language
        key = score.portal, score.rubric.key
        place, past = report.places[key], report.previous_by_key.get(key)
        return {
            "id": score.portal,
            "name": score.name.localize(say),
            "rank": texts.rank_text(place, say),
            "shared": place.shared if place.shared > 1 else 0,
            "ratio": score.ratio,
            "percent": texts.percent_text(score.percent, say),
            "points": texts.localized_number(score.shown, say),
            "measured": texts.plain_number(score.measured, say),
            "movement": texts.movement_text(place, say),
            "way": "up" if (place.rank_gain or 0) > 0 else "down" if (place.rank_gain or 0) < 0 else "",
            "past": texts.percent_text(past.percent, say) if past and past.percent is not None else "",
            "why": score_note(report, score),
        }

    def _outages_by_portal(self) -> list[dict[str, Any]]:
        """Outages summed by portal, the most counted time first."""
        told = [
            (portal, self._outage_totals(mine), max(one.duration_ms for one in mine))
            for portal, mine in self._outages.items()
        ]
        told.sort(key=lambda one: (-one[1]["raw"], one[0]))
        return [
            {"id": portal, "name": self._names.get(portal, portal), "longest": self._minutes(most), **total}
            for portal, total, most in told
        ]

    def _outage_totals(self, outages: Sequence[Outage]) -> dict[str, Any]:
        counted = sum(one.counted_ms for one in outages)
        told = {"minutes": self._minutes(sum(one.duration_ms for one in outages)), "counted": self._minutes(counted)}
        return {"n": len(outages), "raw": counted, **told}

    def _minutes(self, ms: int) -> str:
        return texts.localized_number(
            f"{minutes(ms):g}" if ms < 6_000_000 else f"{minutes(ms):.0f}", self.report.language
        )

    def _outage(self, one: Outage) -> dict[str, Any]:
        say, zone = self.report.language, self.report.period.zone
        return {
            "start": time_text(one.start_ms, zone, say),
            "end": time_text(one.end_ms, zone, say),
            "minutes": self._minutes(one.duration_ms),
            "counted": self._minutes(one.counted_ms),
            "fault": texts.fault_text(one.fault, say, began=one.began),
            "location": one.location,
            "excluded": ", ".join(one.excluded),
        }

    def _exclusion(self, one: Exclusion) -> dict[str, Any]:
        say, zone = self.report.language, self.report.period.zone
        names = [self._names.get(portal, portal) for portal in sorted(one.portals or ())]
        return {
            "id": one.id,
            "portals": ALL_PORTALS.localize(say) if one.portals is None else ", ".join(names),
            "since": time_text(one.since_ms, zone, say),
            "until": time_text(one.until_ms, zone, say),
            "counts": texts.STATE_TEXTS[one.state].localize(say) if one.state else NOT_COUNTED.localize(say),
            "reason": one.reason,
            "approver": f"{one.approver}, {one.approved.isoformat()}",
        }

    def _filmstrip(self, filmstrip: ReportFilmstrip | None) -> dict[str, Any] | None:
        """The pictures of a load, inside the page."""
        if filmstrip is None:
            return None
        say, zone = self.report.language, self.report.period.zone
        frames = [
            {
                "at": self.text("film.at", at=texts.localized_number(f"{one.at_seconds:.1f}", say)),
                "data": f"data:{one.content_type};base64,{base64.b64encode(one.body).decode()}",
            }
            for one in filmstrip.frames
        ]
        return {
            "said": self.text("film.said", at=time_text(filmstrip.slot, zone, say), check=filmstrip.check),
            "frames": frames,
        }
