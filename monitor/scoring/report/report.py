"""The record that every format prints: scores, places, outages, the seal; derived from scores alone."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from monitor.scoring.report.ranking import Place, rank_results, ranking_result

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.model.records import Portal
    from monitor.scoring.periods import Period
    from monitor.scoring.report.outages import Outage
    from monitor.scoring.report.ranking import RankingResult, ScoreKey
    from monitor.scoring.results import Score, ScoreSet
    from monitor.scoring.rubric import Rubric

LANGUAGES = ("vi", "en")

ScoreTrend = tuple[tuple[str, float | None], ...]
"""The ratio in each part of a period, with the part's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """The seal of a period.

    ``sealed_at`` is ISO 8601 in UTC, ``scores`` the SHA-256 of the sealed scores, ``inputs`` maps each input to its
    digest. ``differing`` lists the scores that differ now, as ``portal, rubric key``.
    """

    sealed_at: str
    by: str
    scores: str
    inputs: Mapping[str, str]
    differing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmstripFrame:
    """One screenshot of a filmstrip, ``at_seconds`` after the start of the load."""

    at_seconds: float
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFilmstrip:
    """The screenshots of one load of a portal's page; ``slot`` (UTC ms) and ``check`` identify it."""

    slot: int
    check: str
    frames: tuple[FilmstripFrame, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The report of a period in one ``language``.

    ``previous_results`` holds the results of the previous period, called ``previous_period_name``, None where nothing
    was measured then. ``subperiod_scores`` holds the scores of the parts of this period, in order. ``inputs`` maps the
    rules that scores depend on to their digests; ``seal`` is None for an unsealed period. ``code`` is the version that
    wrote it. :func:`with_ranking` fills ``places``, ``previous_by_key`` and ``trends``, by portal and rubric key.
    """

    score_set: ScoreSet
    language: str
    portals: tuple[Portal, ...]
    previous_period_name: str = ""
    previous_results: tuple[RankingResult, ...] | None = None
    subperiod_scores: tuple[ScoreSet, ...] = ()
    outages: tuple[Outage, ...] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)
    seal: Seal | None = None
    filmstrips: Mapping[str, ReportFilmstrip] = field(default_factory=dict)
    code: str = ""
    places: Mapping[ScoreKey, Place] = field(default_factory=dict)
    previous_by_key: Mapping[ScoreKey, RankingResult] = field(default_factory=dict)
    trends: Mapping[ScoreKey, ScoreTrend] = field(default_factory=dict)

    @property
    def period(self) -> Period:
        """The period of the report."""
        return self.score_set.period

    def ranked(self, rubric: Rubric) -> list[Score]:
        """Return the scores under a rubric in display order: by group and place, then by inventory."""
        scores = [one for one in self.score_set.scores if one.rubric.key == rubric.key]
        order = {one.id: number for number, one in enumerate(self.portals)}

        def position(one: Score) -> tuple[int, int, int]:
            place = self.places[one.portal, rubric.key]
            last = len(scores) + 1
            return place.group or last, place.rank or last, order.get(one.portal, last)

        return sorted(scores, key=position)


def with_ranking(report: Report) -> Report:
    """Return the report with its places, previous results and trends, by portal and rubric."""
    trends: dict[ScoreKey, list[tuple[str, float | None]]] = defaultdict(list)
    for score_set in report.subperiod_scores:
        for one in score_set.scores:
            trends[one.portal, one.rubric.key].append((score_set.period.name, one.ratio))
    return replace(
        report,
        places=rank_results([ranking_result(one) for one in report.score_set.scores], report.previous_results),
        previous_by_key={(one.portal, one.rubric): one for one in report.previous_results or ()},
        trends={key: tuple(trend) for key, trend in trends.items()},
    )
