"""Collect the contents of a report: the scores of a period, its parts and the previous period, outages, the seal.

Only the complete days of a running period count, so that all exports of one day are equal. The previous period is read
from its seal, which is what was published; it is computed only when it was not sealed.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import timedelta
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
"""Longer periods are shown by month, shorter ones by week."""

WEEK_DAYS = 7
FIXED_STEPS = 3
"""Progress steps of :func:`collect_report` beside one for each part of the period."""


def progress_steps(period: Period) -> int:
    """Return the number of times that :func:`collect_report` calls ``on_progress``."""
    return FIXED_STEPS + len(subperiods(period))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRequest:
    """A request for a report.

    ``rules`` holds the rubrics to print, ``previous_rules`` all that are in force in the previous period, with which it
    is scored when it was not sealed. ``now_ms`` (UTC) decides only how much of the period has elapsed.
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
    """Return the report. Raises what *source* raises, and :class:`monitor.scoring.seal.SealError`."""
    period, zone = request.period, ZoneInfo(request.period.zone)
    now = periods.midnight(periods.day_of(request.now_ms, zone), zone)
    until = period.elapsed_until(now)
    score_set = engine.score(request.rules, request.portals, period, source, now)
    on_progress()
    subperiod_scores = []
    for part in subperiods(period):
        if part.since_ms < until:
            subperiod_scores.append(engine.score(request.rules, request.portals, part, source, now, intervals=False))
        on_progress()
    previous = periods.previous(period, zone)
    previous_results = _previous_results(request, previous, source, now)
    on_progress()
    found = outages(source.state_history(period.since_ms, until), score_set.exclusions, period.since_ms, until)
    screenshots = filmstrips.filmstrips(request.directory, [one.id for one in request.portals], period, until)
    on_progress()
    return with_ranking(
        Report(
            score_set=score_set,
            language=request.language,
            portals=request.portals,
            previous_period_name=previous.name if previous_results is not None else "",
            previous_results=previous_results,
            subperiod_scores=tuple(subperiod_scores),
            outages=found,
            inputs={**request.rules.digests_in(period), "code": seal.code_version()},
            seal=_read_seal(request.directory, score_set),
            filmstrips=screenshots,
            code=seal.code_version(),
        )
    )


def subperiods(period: Period) -> list[Period]:
    """Return the months of a long period, the weeks of a shorter one, clipped to it; none for a week or less."""
    zone, found = ZoneInfo(period.zone), []
    length = (period.last - period.first).days + 1
    if length <= WEEK_DAYS:
        return []
    first = period.first
    while first <= period.last:
        end = periods.month_end(first) if length > MAX_DAYS_BY_WEEK else first + timedelta(WEEK_DAYS - 1)
        last = min(end, period.last)
        name = f"{first:%Y-%m}" if length > MAX_DAYS_BY_WEEK else f"{first:%d/%m}"
        found.append(periods.between(name, first, last, zone))
        first = last + timedelta(1)
    return found


def _previous_results(
    request: ReportRequest, previous: Period, source: ScoringSource, now_ms: int
) -> tuple[RankingResult, ...] | None:
    """Return the results of the previous period under the same rubrics; None when nothing was measured in it."""
    wanted = {one.id for one in request.rules.rubrics}
    sealed = _read_sealed_scores(request.directory, previous)
    if sealed is not None:
        try:
            found = [parse_result(one) for one in sealed[1]]
            return tuple(one for one in found if one.rubric.partition("@")[0] in wanted)
        except (KeyError, TypeError, AttributeError) as error:
            raise seal.SealError(f"the sealed scores of {previous.name} have an unknown format") from error
    rubrics = tuple(one for one in request.previous_rules.rubrics if one.id in wanted)
    rules = replace(request.previous_rules, rubrics=rubrics)
    score_set = engine.score(rules, request.portals, previous, source, now_ms, intervals=False)
    measured = any(line.days for score in score_set.scores for line in score.criteria)
    return tuple(ranking_result(one) for one in score_set.scores) if measured else None


def _read_sealed_scores(directory: Path, period: Period) -> tuple[dict[str, Any], list[dict[str, Any]]] | None:
    """Return the manifest and the scores of a sealed period. Raises :class:`SealError` where they do not match."""
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
    sealed_scores = {(str(one.get("portal")), str(one.get("rubric"))): one for one in scores}
    differing = [one for one in score_set.scores if sealed_scores.get((one.portal, one.rubric.key)) != _as_json(one)]
    return Seal(
        sealed_at=manifest["sealed"],
        by=manifest["by"],
        scores=manifest["scores"],
        inputs=dict(manifest["inputs"]),
        differing=tuple(f"{one.portal}, {one.rubric.key}" for one in differing),
    )


def _as_json(one: Score) -> Any:  # noqa: ANN401 - JSON
    return json.loads(json.dumps(serialize.score(one)))
