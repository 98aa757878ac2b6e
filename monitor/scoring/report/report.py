"""The one record that every format prints: scores, places, outages, what was sealed; made from scores alone."""

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
"""The ratio in each part of a period, by the part's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """What was made certain when the period was sealed.

    ``at`` is the moment as ISO 8601 in UTC, ``scores`` the SHA-256 of the sealed scores, ``inputs`` names each input
    with its digest. ``differing`` names the scores that come out otherwise now, as ``portal under rubric``.
    """

    sealed_at: str
    by: str
    scores: str
    inputs: Mapping[str, str]
    differing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmstripFrame:
    """One picture of a film strip: ``at`` seconds after the load began, ``media`` its MIME type."""

    at_seconds: float
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFilmstrip:
    """The pictures of one load of a portal's page; ``slot`` in UTC ms says which one it was."""

    slot: int
    check: str
    frames: tuple[FilmstripFrame, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A period as it is handed over, in one ``language``.

    ``earlier`` holds the results of the period before, called ``earlier_name``, None where nothing was measured then.
    ``trend`` holds the scores of the parts of this period, in order. ``inputs`` names the rules that scores depend on
    with their digests; ``seal`` is None for a period that nobody sealed. ``code`` is the version that wrote it.
    :func:`placed` fills ``places``, ``past`` and ``courses``, by portal and rubric key.
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
        """What it is about."""
        return self.score_set.period

    def ranked(self, rubric: Rubric) -> list[Score]:
        """The scores under a rubric in the order that they are shown: by group and place, then by inventory."""
        scores = [one for one in self.score_set.scores if one.rubric.key == rubric.key]
        order = {one.id: number for number, one in enumerate(self.portals)}

        def position(one: Score) -> tuple[int, int, int]:
            place = self.places[one.portal, rubric.key]
            last = len(scores) + 1
            return place.group or last, place.rank or last, order.get(one.portal, last)

        return sorted(scores, key=position)


def with_ranking(report: Report) -> Report:
    """The report with its places, the results of the period before and the courses worked out, by portal and rubric."""
    courses: dict[ScoreKey, list[tuple[str, float | None]]] = defaultdict(list)
    for book in report.subperiod_scores:
        for one in book.scores:
            courses[one.portal, one.rubric.key].append((book.period.name, one.ratio))
    return replace(
        report,
        places=rank_results([ranking_result(one) for one in report.score_set.scores], report.previous_results),
        previous_by_key={(one.portal, one.rubric): one for one in report.previous_results or ()},
        trends={key: tuple(told) for key, told in courses.items()},
    )
