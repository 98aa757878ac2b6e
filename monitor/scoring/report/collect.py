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
from monitor.scoring.report.ranking import read_back, result
from monitor.scoring.report.report import Report, Seal, placed
from monitor.storage.folders import SCORES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from monitor.model.records import Portal
    from monitor.scoring.periods import Period
    from monitor.scoring.report.ranking import Result
    from monitor.scoring.results import Book, Score
    from monitor.scoring.rubric import Rules
    from monitor.scoring.source import Source

MONTHLY = 45
"""A period of more days than this is shown by months, a shorter one by weeks."""

WEEK = 7
STEPS = 3
"""How often :func:`gather` tells that it has got on, beside once for each part of the period."""


def steps(period: Period) -> int:
    """How often :func:`gather` tells that it has got on."""
    return STEPS + len(parts(period))


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be handed over.

    ``rules`` holds the rubrics to print, ``every`` all that are in force in the period before, by which that is scored
    again where it was not sealed. ``now`` in UTC ms decides only whether the period is over.
    """

    rules: Rules
    every: Rules
    portals: tuple[Portal, ...]
    period: Period
    language: str
    directory: Path
    now: int


def gather(asked: Asked, source: Source, tell: Callable[[], None] = lambda: None) -> Report:
    """The report. Raises what ``source`` raises, and :class:`monitor.scoring.seal.SealError`."""
    period, zone = asked.period, ZoneInfo(asked.period.zone)
    now = _whole_days(asked.now, zone)
    until = period.elapsed(now)
    book = engine.score(asked.rules, asked.portals, period, source, now)
    tell()
    trend = []
    for part in parts(period):
        if part.since < until:
            trend.append(engine.score(asked.rules, asked.portals, part, source, now, intervals=False))
        tell()
    before = periods.before(period, zone)
    earlier = _earlier(asked, before, source, now)
    tell()
    found = outages(source.changes(period.since, until), book.exclusions, period.since, until)
    pictures = filmstrips.films(asked.directory, [one.id for one in asked.portals], period, until)
    tell()
    return placed(
        Report(
            book=book,
            language=asked.language,
            portals=asked.portals,
            earlier_name=before.name if earlier is not None else "",
            earlier=earlier,
            trend=tuple(trend),
            outages=found,
            inputs={**asked.rules.touching(period), "code": seal.code()},
            seal=_seal(asked.directory, book),
            films=pictures,
            code=seal.code(),
        )
    )


def parts(period: Period) -> list[Period]:
    """The months of a long period, the weeks of a shorter one, each cut to it; none of one of a week or less."""
    zone, found = ZoneInfo(period.zone), []
    length = (period.last - period.first).days + 1
    if length <= WEEK:
        return []
    first = period.first
    while first <= period.last:
        end = _month_end(first) if length > MONTHLY else first + timedelta(WEEK - 1)
        last = min(end, period.last)
        name = f"{first:%Y-%m}" if length > MONTHLY else f"{first:%d/%m}"
        found.append(periods.between(name, first, last, zone))
        first = last + timedelta(1)
    return found


def _month_end(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1) - timedelta(1)


def _whole_days(now: int, zone: ZoneInfo) -> int:
    return periods.midnight(datetime.fromtimestamp(now / 1000, UTC).astimezone(zone).date(), zone)


def _earlier(asked: Asked, before: Period, source: Source, now: int) -> tuple[Result, ...] | None:
    """The results of the period before under the same rubrics; None when nothing was measured in it."""
    wanted = {one.id for one in asked.rules.rubrics}
    sealed = _sealed(asked.directory, before)
    if sealed is not None:
        try:
            found = [read_back(one) for one in sealed[1]]
            return tuple(one for one in found if one.rubric.partition("@")[0] in wanted)
        except (KeyError, TypeError, AttributeError) as error:
            raise seal.SealError(f"the sealed scores of {before.name} are not in a form known here") from error
    rubrics = tuple(one for one in asked.every.rubrics if one.id in wanted)
    book = engine.score(replace(asked.every, rubrics=rubrics), asked.portals, before, source, now, intervals=False)
    seen = any(line.days for score in book.scores for line in score.criteria)
    return tuple(result(one) for one in book.scores) if seen else None


def _sealed(directory: Path, period: Period) -> tuple[dict[str, Any], list[dict[str, Any]]] | None:
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


def _seal(directory: Path, book: Book) -> Seal | None:
    sealed = _sealed(directory, book.period)
    if sealed is None:
        return None
    manifest, scores = sealed
    told = {(str(one.get("portal")), str(one.get("rubric"))): one for one in scores}
    differing = [one for one in book.scores if told.get((one.portal, one.rubric.key)) != _plain(one)]
    return Seal(
        at=manifest["sealed"],
        by=manifest["by"],
        scores=manifest["scores"],
        inputs=dict(manifest["inputs"]),
        differing=tuple(f"{one.portal}, {one.rubric.key}" for one in differing),
    )


def _plain(one: Score) -> Any:  # noqa: ANN401 - JSON
    return json.loads(json.dumps(serialize.score(one)))
