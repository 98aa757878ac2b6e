"""What an export prints, gathered: the scores of a period and its parts, those of the one before, outages, the seal.

Of a period that still runs, the days that are over count, so that exports of one day are the same. The period before
is read from its seal, which is what was published; only without one is it computed again.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from monitor.scoring import engine, periods, seal, serialize
from monitor.scoring.report import filmstrips
from monitor.scoring.report.outages import outages
from monitor.scoring.report.ranking import parse_result, ranking_result
from monitor.scoring.report.report import Report, Seal, with_ranking
from monitor.storage.folders import SCORES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from monitor.model.records import Portal
    from monitor.scoring.periods import Period
    from monitor.scoring.report.ranking import RankingResult
    from monitor.scoring.results import Score, ScoreSet
    from monitor.scoring.rubric import ScoringRules
    from monitor.scoring.source import ScoringSource

MAX_DAYS_BY_WEEK = 45
"""A period of more days than this is shown by months, a shorter one by weeks."""

WEEK_DAYS = 7
FIXED_STEPS = 3
"""How often :func:`gather` tells that it has got on, beside once for each part of the period."""


def progress_steps(period: Period) -> int:
    """How often :func:`gather` tells that it has got on."""
    return FIXED_STEPS + len(subperiods(period))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRequest:
    """What is to be handed over.

    ``rules`` holds the rubrics to print, ``every`` all that are in force in the period before, by which that is scored
    again where it was not sealed. ``now`` in UTC ms decides only whether the period is over.
    """

    rules: ScoringRules
    previous_rules: ScoringRules
    portals: tuple[Portal, ...]
    period: Period
    language: str
    directory: Path
    now_ms: int


def collect_report(
    request: ReportRequest, source: ScoringSource, on_progress: Callable[[], None] = lambda: None
) -> Report:
    """The report. Raises what ``source`` raises, and :class:`monitor.scoring.seal.SealError`."""
    period, zone = request.period, ZoneInfo(request.period.zone)
    now = _start_of_day(request.now_ms, zone)
    until = period.elapsed_until(now)
    book = engine.score(request.rules, request.portals, period, source, now)
    on_progress()
    trend = []
    for part in subperiods(period):
        if part.since_ms < until:
            trend.append(engine.score(request.rules, request.portals, part, source, now, intervals=False))
        on_progress()
    before = periods.previous(period, zone)
    earlier = _previous_results(request, before, source, now)
    on_progress()
    found = outages(source.state_history(period.since_ms, until), book.exclusions, period.since_ms, until)
    pictures = filmstrips.filmstrips(request.directory, [one.id for one in request.portals], period, until)
    on_progress()
    return with_ranking(
        Report(
            score_set=book,
            language=request.language,
            portals=request.portals,
            previous_period_name=before.name if earlier is not None else "",
            previous_results=earlier,
            subperiod_scores=tuple(trend),
            outages=found,
            inputs={**request.rules.digests_in(period), "code": seal.code_version()},
            seal=_read_seal(request.directory, book),
            filmstrips=pictures,
            code=seal.code_version(),
        )
    )


def subperiods(period: Period) -> list[Period]:
    """The months of a long period, the weeks of a shorter one, each cut to it; none of one of a week or less."""
    zone, found = ZoneInfo(period.zone), []
    length = (period.last - period.first).days + 1
    if length <= WEEK_DAYS:
        return []
    first = period.first
    while first <= period.last:
        end = _month_end(first) if length > MAX_DAYS_BY_WEEK else first + timedelta(WEEK_DAYS - 1)
        last = min(end, period.last)
        name = f"{first:%Y-%m}" if length > MAX_DAYS_BY_WEEK else f"{first:%d/%m}"
        found.append(periods.between(name, first, last, zone))
        first = last + timedelta(1)
    return found


def _month_end(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1) - timedelta(1)


def _start_of_day(now_ms: int, zone: ZoneInfo) -> int:
    return periods.midnight(datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(zone).date(), zone)


def _previous_results(
    request: ReportRequest, previous: Period, source: ScoringSource, now_ms: int
) -> tuple[RankingResult, ...] | None:
    """The results of the period before under the same rubrics; None when nothing was measured in it."""
    wanted = {one.id for one in request.rules.rubrics}
    sealed = _read_sealed_scores(request.directory, previous)
    if sealed is not None:
        try:
            found = [parse_result(one) for one in sealed[1]]
            return tuple(one for one in found if one.rubric.partition("@")[0] in wanted)
        except (KeyError, TypeError, AttributeError) as error:
            raise seal.SealError(f"the sealed scores of {previous.name} are not in a form known here") from error
    rubrics = tuple(one for one in request.previous_rules.rubrics if one.id in wanted)
    book = engine.score(
        replace(request.previous_rules, rubrics=rubrics), request.portals, previous, source, now_ms, intervals=False
    )
    seen = any(line.days for score in book.scores for line in score.criteria)
    return tuple(ranking_result(one) for one in book.scores) if seen else None


def _read_sealed_scores(directory: Path, period: Period) -> tuple[dict[str, Any], list[dict[str, Any]]] | None:
    """The manifest and the scores of a sealed period. Raises :class:`SealError` where one does not fit the other."""
    if not seal.is_sealed(directory, period):
        return None
    folder = directory / SCORES
    path = folder / f"{period.name}.json"
    manifest = seal.read_manifest(seal.manifest_path(directory, period))
    scores = seal.read_json(path).get("scores")
    if hashlib.sha256(path.read_bytes()).hexdigest() != manifest["scores"]:
        raise seal.SealError(f"{path} is not the file that was sealed")
    if not isinstance(scores, list) or not all(isinstance(one, dict) for one in scores):
        raise seal.SealError(f"{path} holds no scores")
    return manifest, scores


def _read_seal(directory: Path, score_set: ScoreSet) -> Seal | None:
    sealed = _read_sealed_scores(directory, score_set.period)
    if sealed is None:
        return None
    manifest, scores = sealed
    told = {(str(one.get("portal")), str(one.get("rubric"))): one for one in scores}
    differing = [one for one in score_set.scores if told.get((one.portal, one.rubric.key)) != _as_json(one)]
    return Seal(
        sealed_at=manifest["sealed"],
        by=manifest["by"],
        scores=manifest["scores"],
        inputs=dict(manifest["inputs"]),
        differing=tuple(f"{one.portal}, {one.rubric.key}" for one in differing),
    )


def _as_json(one: Score) -> Any:  # noqa: ANN401 - JSON
    return json.loads(json.dumps(serialize.score(one)))
