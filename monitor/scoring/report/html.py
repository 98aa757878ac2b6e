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
from monitor.scoring.report.html_portal import Sheet, sheet
from monitor.scoring.report.html_texts import WORDS
from monitor.scoring.report.methodology import method
from monitor.scoring.report.other_tables import ALL, LEAVES
from monitor.scoring.report.score_tables import judged, noted
from monitor.scoring.report.times import minutes, said
from monitor.scoring.report.xlsx_charts import mean_shares, spread
from monitor.scoring.results import Standing
from probes.http.urls import bare

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from monitor.model.records import Portal
    from monitor.scoring.report.outages import Outage
    from monitor.scoring.report.report import Film, Report
    from monitor.scoring.results import Score
    from monitor.scoring.rubric import Exclusion, Rubric

MOST = 12
"""Outages that a portal's page lists; the tables hold all."""


def html_files(report: Report) -> Iterator[tuple[str, bytes]]:
    """``html/index.html`` and ``html/portals/<id>.html``."""
    pages = Pages(report)
    yield "html/index.html", pages.index()
    for portal in report.portals:
        yield f"html/portals/{portal.id}.html", pages.portal(portal)


@cache
def _stencils() -> Environment:
    """The templates; everything written into them is escaped."""
    return Environment(
        loader=PackageLoader("monitor.scoring.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


class Pages:
    """The pages of one report."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self._scores: dict[str, list[Score]] = defaultdict(list)
        for score in report.book.scores:
            self._scores[score.portal].append(score)
        self._outages: dict[str, list[Outage]] = defaultdict(list)
        for outage in report.outages:
            self._outages[outage.portal].append(outage)
        self._names = {one.id: one.name(report.language) for one in report.portals}

    def word(self, key: str, **parts: object) -> str:
        """One of :data:`WORDS`."""
        text = WORDS[key].say(self.report.language)
        return text.format(**parts) if parts else text

    def index(self) -> bytes:
        """The page over all portals."""
        report = self.report
        short = [one for _, one in judged(report) if one.standing is Standing.INSUFFICIENT]
        return self._fill(
            "index.html",
            rubrics=[self._rubric(one) for one in report.book.rubrics],
            empty=not any(one.looks or one.days for score in report.book.scores for one in score.criteria),
            outages=self._by_portal(),
            totals=self._sum(report.outages),
            exclusions=[self._exclusion(one) for one in report.book.exclusions],
            short=len(short),
            method=[(part, [row[1:] for row in rows]) for part, rows in groupby(method(report), itemgetter(0))],
        )

    def portal(self, portal: Portal) -> bytes:
        """The page of one portal."""
        report, mine = self.report, self._outages.get(portal.id, [])
        longest = sorted(mine, key=lambda one: (-one.ms, one.start))[:MOST]
        touching = [
            one for one in report.book.exclusions if one.concerns(portal.id, report.period.since, report.period.until)
        ]
        return self._fill(
            "portal.html",
            portal=portal,
            address=bare(portal.url),
            name=portal.name(report.language),
            kind=texts.KINDS[portal.kind].say(report.language),
            merged=portal.merged_into if portal.merged_into in self._names else None,
            merged_name=self._names.get(portal.merged_into or ""),
            sheets=self._sheets(portal),
            film=self._film(report.films.get(portal.id)),
            outages=[self._outage(one) for one in sorted(longest, key=lambda one: one.start)],
            cut=len(mine) > MOST,
            totals=self._sum(mine),
            exclusions=[self._exclusion(one) for one in touching],
        )

    def _fill(self, template: str, **values: Any) -> bytes:  # noqa: ANN401 - a template takes what it names
        report = self.report
        told = {"w": self.word, "report": report, "language": report.language, "period": report.period}
        bounds = [said(at, report.period.zone, report.language) for at in (report.period.since, report.period.until)]
        page = _stencils().get_template(template).render(**told, bounds=bounds, **values)
        return page.encode()

    def _sheets(self, portal: Portal) -> list[Sheet]:
        return [sheet(self.report, one, self.word) for one in self._scores.get(portal.id, [])]

    def _rubric(self, rubric: Rubric) -> dict[str, Any]:
        """A rubric's headline, pictures and ranking."""
        report, say = self.report, self.report.language
        scores = report.ranked(rubric)
        ratios = [one.ratio for one in scores if one.ratio is not None]
        headline = self.word("nobody")
        if ratios:
            figures = {"median": statistics.median(ratios), "most": max(ratios), "least": min(ratios)}
            told = {name: texts.percent(ratio, say) for name, ratio in figures.items()}
            headline = self.word("spread.said", n=len(ratios), **told)
        means = [(title.say(say), share, texts.percent(share, say)) for title, share in mean_shares(rubric, scores)]
        return {
            "rubric": rubric,
            "title": rubric.title.say(say),
            "set": rubric.set.say(say),
            "note": rubric.note.say(say) if rubric.note else "",
            "headline": headline,
            "picture": svg.histogram(spread(scores), f"{self.word('spread')}. {headline}") if ratios else "",
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
            found[number].append(self._row(score))
            if number and number not in criteria:
                lines = (one for one in score.criteria if one.standing is Standing.SCORED)
                criteria[number] = ", ".join(one.criterion.title.say(self.report.language) for one in lines)
        order = sorted(found, key=lambda number: number or len(scores) + 1)
        return [{"number": one, "rows": found[one], "criteria": criteria.get(one, "")} for one in order]

    def _row(self, score: Score) -> dict[str, Any]:
        report, say = self.report, self.report.language
        key = score.portal, score.rubric.key
        place, past = report.places[key], report.past.get(key)
        return {
            "id": score.portal,
            "name": score.name.say(say),
            "rank": texts.rank(place, say),
            "shared": place.shared if place.shared > 1 else 0,
            "ratio": score.ratio,
            "percent": texts.shown(score.percent, say),
            "points": texts.figure(score.shown, say),
            "measured": texts.plain(score.measured, say),
            "movement": texts.movement(place, say),
            "way": "up" if (place.gained or 0) > 0 else "down" if (place.gained or 0) < 0 else "",
            "past": texts.shown(past.percent, say) if past and past.percent is not None else "",
            "why": noted(report, score),
        }

    def _by_portal(self) -> list[dict[str, Any]]:
        """Outages summed by portal, the most counted time first."""
        told = [(portal, self._sum(mine), max(one.ms for one in mine)) for portal, mine in self._outages.items()]
        told.sort(key=lambda one: (-one[1]["raw"], one[0]))
        return [
            {"id": portal, "name": self._names.get(portal, portal), "longest": self._minutes(most), **total}
            for portal, total, most in told
        ]

    def _sum(self, outages: Sequence[Outage]) -> dict[str, Any]:
        counted = sum(one.counted for one in outages)
        told = {"minutes": self._minutes(sum(one.ms for one in outages)), "counted": self._minutes(counted)}
        return {"n": len(outages), "raw": counted, **told}

    def _minutes(self, ms: int) -> str:
        return texts.figure(f"{minutes(ms):g}" if ms < 6_000_000 else f"{minutes(ms):.0f}", self.report.language)  # noqa: PLR2004 - 100 minutes

    def _outage(self, one: Outage) -> dict[str, Any]:
        say, zone = self.report.language, self.report.period.zone
        return {
            "start": said(one.start, zone, say),
            "end": said(one.end, zone, say),
            "minutes": self._minutes(one.ms),
            "counted": self._minutes(one.counted),
            "fault": texts.fault(one.fault, say, began=one.began),
            "location": one.location,
            "excluded": ", ".join(one.excluded),
        }

    def _exclusion(self, one: Exclusion) -> dict[str, Any]:
        say, zone = self.report.language, self.report.period.zone
        names = [self._names.get(portal, portal) for portal in sorted(one.portals or ())]
        return {
            "id": one.id,
            "portals": ALL.say(say) if one.portals is None else ", ".join(names),
            "since": said(one.since, zone, say),
            "until": said(one.until, zone, say),
            "counts": texts.STATES[one.state].say(say) if one.state else LEAVES.say(say),
            "reason": one.reason,
            "approver": f"{one.approver}, {one.approved.isoformat()}",
        }

    def _film(self, film: Film | None) -> dict[str, Any] | None:
        """The pictures of a load, inside the page."""
        if film is None:
            return None
        say, zone = self.report.language, self.report.period.zone
        frames = [
            {
                "at": self.word("film.at", at=texts.figure(f"{one.at:.1f}", say)),
                "data": f"data:{one.media};base64,{base64.b64encode(one.body).decode()}",
            }
            for one in film.frames
        ]
        return {"said": self.word("film.said", at=said(film.slot, zone, say), check=film.check), "frames": frames}
