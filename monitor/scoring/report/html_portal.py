"""One portal under one rubric as its page shows it: figures in words, pictures, criteria, what would help most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from monitor.scoring.explain import amount, curve_text, measured, unit_of
from monitor.scoring.report import svg, texts
from monitor.scoring.report.improvements import Change, changes
from monitor.scoring.report.score_tables import noted
from monitor.scoring.results import Standing
from monitor.scoring.rubric import Basis
from monitor.scoring.texts import BASES, STANDINGS, VERDICTS

if TYPE_CHECKING:
    from markupsafe import Markup

    from monitor.scoring.report.report import Report
    from monitor.scoring.results import CriterionScore, Score
    from monitor.scoring.rubric import Criterion


class Tongue(Protocol):
    """A text of the pages by its key."""

    def __call__(self, key: str, **parts: object) -> str:
        """The text with ``parts`` put into it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """``facts`` are (label, text) pairs; ``percent`` is empty without a score, and ``note`` says why."""

    key: str
    title: str
    set: str
    percent: str
    verdict: str
    points: str
    note: str
    facts: tuple[tuple[str, str], ...]
    standing: Markup | None
    course: Markup | None
    earlier: str
    criteria: tuple[dict[str, Any], ...]
    changes: tuple[dict[str, str], ...]
    sentences: tuple[str, ...]
    scored: bool


def sheet(report: Report, score: Score, w: Tongue) -> Sheet:
    """The sheet of a score."""
    say, rubric = report.language, score.rubric
    key = score.portal, rubric.key
    past = report.past.get(key)
    return Sheet(
        key=rubric.key,
        title=rubric.title.say(say),
        set=rubric.set.say(say),
        percent=texts.shown(score.percent, say) if score.percent is not None else "",
        verdict=VERDICTS[score.verdict].say(say),
        points=_points(score, say, w),
        note=noted(report, score),
        facts=tuple(_facts(report, score, w)),
        standing=_standing(report, score, w),
        course=_course(report, score, w),
        earlier=report.earlier_name if past and past.ratio is not None else "",
        criteria=tuple(_criterion(one, say, w) for one in score.criteria),
        changes=tuple(_change(one, say, w) for one in changes(score)),
        sentences=tuple(one.sentence.say(say) for one in score.criteria),
        scored=score.ratio is not None,
    )


def _points(score: Score, say: str, w: Tongue) -> str:
    if score.shown is None:
        return ""
    told = w("of.measured", got=texts.figure(score.shown, say), of=texts.plain(score.measured, say))
    whole = texts.plain(score.rubric.points, say)
    return told if score.measured == score.rubric.points else f"{told}; {w('of.whole', whole=whole)}"


def _facts(report: Report, score: Score, w: Tongue) -> list[tuple[str, str]]:
    say, key = report.language, (score.portal, score.rubric.key)
    place, past = report.places[key], report.past.get(key)
    found = []
    if place.rank is not None:
        shared = f", {w('shared', n=place.shared)}" if place.shared > 1 else ""
        found.append((w("rank"), w("rank.said", rank=place.rank, of=place.of) + shared))
        moved = texts.movement(place, say)
        if past is not None and place.before is not None:
            moved += f" ({w('past', percent=texts.shown(past.percent, say), rank=place.before)})"
        found.append((w("movement"), moved))
    if score.interval is not None:
        low, high = (texts.percent(one, say) for one in (score.interval.low, score.interval.high))
        found.append((w("interval"), w("range", low=low, high=high)))
    if score.grade is not None:
        found.append((w("grade"), score.grade))
    if score.rubric.pillar is not None:
        points, whole = (texts.plain(one, say) for one in (score.rubric.points, score.rubric.pillar))
        found.append((w("pillar"), w("pillar.said", points=points, whole=whole)))
    if score.without_exclusions is not None:
        plain = texts.percent(score.without_exclusions.ratio, say)
        found.append((w("without"), f"{plain} ({', '.join(score.exclusions)})"))
    return found


def _standing(report: Report, score: Score, w: Tongue) -> Markup | None:
    if score.ratio is None:
        return None
    past = report.past.get((score.portal, score.rubric.key))
    label = f"{w('standing')}: {texts.percent(score.ratio, report.language)}"
    return svg.standing(score.ratio, score.interval, past.ratio if past else None, score.rubric.grades, label)


def _course(report: Report, score: Score, w: Tongue) -> Markup | None:
    key = score.portal, score.rubric.key
    parts, past = report.courses.get(key, ()), report.past.get(key)
    if score.ratio is None or not any(ratio is not None for _, ratio in parts):
        return None
    told = ", ".join(f"{name} {texts.percent(ratio, report.language)}" for name, ratio in parts)
    before = past.ratio if past else None
    return svg.course(parts, before, report.earlier_name, f"{w('trend')}: {told}")


def _criterion(one: CriterionScore, say: str, w: Tongue) -> dict[str, Any]:
    criterion = one.criterion
    scored = one.standing is Standing.SCORED
    interval = one.points_interval
    return {
        "title": criterion.title.say(say),
        "value": measured(one.value, criterion, say) if one.value is not None else texts.DASH,
        "asks": curve_text(criterion, say),
        "share": one.share if scored else None,
        "points": texts.plain(one.points, say) if scored else texts.DASH,
        "of": texts.plain(criterion.points, say),
        "interval": w("range", low=texts.plain(interval.low, say), high=texts.plain(interval.high, say))
        if interval
        else "",
        "earned": texts.earned(one.share, say) if scored else STANDINGS[one.standing].say(say),
        "tone": texts.tone(one.share) if scored and one.share is not None else "none",
        "coverage": texts.percent(one.coverage, say) if one.coverage is not None else texts.DASH,
        "basis": _basis(criterion, say, w),
    }


def _change(change: Change, say: str, w: Tongue) -> dict[str, str]:
    one, unit = change.one, unit_of(change.one.criterion)
    goal = amount(change.goal, unit, say)
    then = change.share * one.criterion.points
    return {
        "what": w(
            "change",
            title=one.criterion.title.say(say),
            value=measured(one.value or 0, one.criterion, say),
            goal=w("below", value=goal) if change.strict else goal,
        ),
        "gain": w(
            "change.gain",
            gain=texts.plain(change.gain, say),
            percent=texts.plain(change.percent, say),
            now=texts.plain(one.points, say),
            then=texts.plain(then, say),
            of=texts.plain(one.criterion.points, say),
        ),
    }


def _basis(criterion: Criterion, say: str, w: Tongue) -> list[tuple[str, str, str]]:
    """(how sure, which parts are, the kind), the surest first."""
    basis = criterion.basis
    parts = {"limit": basis.limit, "metric": basis.metric, "aggregate": basis.aggregate, "points": basis.points}
    found = []
    for kind in Basis:
        mine = [w(f"basis.{part}") for part, its in parts.items() if its is kind]
        if mine:
            found.append((BASES[kind].say(say), ", ".join(mine), kind.value))
    return found
