"""Prepare the section of one rubric on a portal's page: formatted values, charts, criteria, improvements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from monitor.scoring.explain import amount, curve_text, unit_of, value_text
from monitor.scoring.report import svg, texts
from monitor.scoring.report.improvements import Improvement, best_improvements
from monitor.scoring.report.score_tables import score_note
from monitor.scoring.results import CriterionStatus
from monitor.scoring.rubric import Basis
from monitor.scoring.texts import BASIS_TEXTS, CRITERION_STATUS_TEXTS, SCORE_STATUS_TEXTS

if TYPE_CHECKING:
    from markupsafe import Markup

    from monitor.scoring.report.report import Report
    from monitor.scoring.results import CriterionScore, Score
    from monitor.scoring.rubric import Criterion


class TextLookup(Protocol):
    """Look up a text of the pages by its key."""

    def __call__(self, key: str, **parts: object) -> str:
        """Return the text with *parts* inserted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RubricSection:
    """A section; ``facts`` are (label, text) pairs; ``percent`` is empty without a score, and ``note`` explains why."""

    key: str
    title: str
    set: str
    percent: str
    status: str
    points: str
    note: str
    facts: tuple[tuple[str, str], ...]
    score_bar: Markup | None
    trend_line: Markup | None
    previous_period_name: str
    criteria: tuple[dict[str, Any], ...]
    improvements: tuple[dict[str, str], ...]
    sentences: tuple[str, ...]
    scored: bool


def rubric_section(report: Report, score: Score, text: TextLookup) -> RubricSection:
    """Return the section of a score."""
    language, rubric = report.language, score.rubric
    key = score.portal, rubric.key
    previous = report.previous_by_key.get(key)
    return RubricSection(
        key=rubric.key,
        title=rubric.title.localize(language),
        set=rubric.set.localize(language),
        percent=texts.percent_text(score.percent, language) if score.percent is not None else "",
        status=SCORE_STATUS_TEXTS[score.status].localize(language),
        points=_points(score, language, text),
        note=score_note(report, score),
        facts=tuple(_facts(report, score, text)),
        score_bar=_score_bar(report, score, text),
        trend_line=_trend_line(report, score, text),
        previous_period_name=report.previous_period_name if previous and previous.ratio is not None else "",
        criteria=tuple(_criterion(one, language, text) for one in score.criteria),
        improvements=tuple(_improvement(one, language, text) for one in best_improvements(score)),
        sentences=tuple(one.sentence.localize(language) for one in score.criteria),
        scored=score.ratio is not None,
    )


def _points(score: Score, language: str, text: TextLookup) -> str:
    if score.shown is None:
        return ""
    got, of = texts.localized_number(score.shown, language), texts.plain_number(score.measured, language)
    measured = text("of.measured", got=got, of=of)
    whole = texts.plain_number(score.rubric.points, language)
    return measured if score.measured == score.rubric.points else f"{measured}; {text('of.whole', whole=whole)}"


def _facts(report: Report, score: Score, text: TextLookup) -> list[tuple[str, str]]:
    language, key = report.language, (score.portal, score.rubric.key)
    place, previous = report.places[key], report.previous_by_key.get(key)
    found = []
    if place.rank is not None:
        shared = f", {text('shared', n=place.shared)}" if place.shared > 1 else ""
        found.append((text("rank"), text("rank.of", rank=place.rank, of=place.of) + shared))
        rank_change = texts.movement_text(place, language)
        if previous is not None and place.previous_rank is not None:
            percent = texts.percent_text(previous.percent, language)
            rank_change += f" ({text('previous', percent=percent, rank=place.previous_rank)})"
        found.append((text("movement"), rank_change))
    if score.interval is not None:
        low, high = (texts.ratio_text(one, language) for one in (score.interval.low, score.interval.high))
        found.append((text("interval"), text("range", low=low, high=high)))
    if score.grade is not None:
        found.append((text("grade"), score.grade))
    if score.rubric.pillar is not None:
        points, whole = (texts.plain_number(one, language) for one in (score.rubric.points, score.rubric.pillar))
        found.append((text("pillar"), text("pillar.of", points=points, whole=whole)))
    if score.without_exclusions is not None:
        plain = texts.ratio_text(score.without_exclusions.ratio, language)
        found.append((text("without"), f"{plain} ({', '.join(score.exclusions)})"))
    return found


def _score_bar(report: Report, score: Score, text: TextLookup) -> Markup | None:
    if score.ratio is None:
        return None
    previous = report.previous_by_key.get((score.portal, score.rubric.key))
    label = f"{text('score_bar')}: {texts.ratio_text(score.ratio, report.language)}"
    return svg.score_bar(score.ratio, score.interval, previous.ratio if previous else None, score.rubric.grades, label)


def _trend_line(report: Report, score: Score, text: TextLookup) -> Markup | None:
    key = score.portal, score.rubric.key
    parts, previous = report.trends.get(key, ()), report.previous_by_key.get(key)
    if score.ratio is None or not any(ratio is not None for _, ratio in parts):
        return None
    listed = ", ".join(f"{name} {texts.ratio_text(ratio, report.language)}" for name, ratio in parts)
    previous_ratio = previous.ratio if previous else None
    return svg.trend_line(parts, previous_ratio, report.previous_period_name, f"{text('trend')}: {listed}")


def _criterion(one: CriterionScore, language: str, text: TextLookup) -> dict[str, Any]:
    criterion = one.criterion
    scored = one.status is CriterionStatus.SCORED
    interval = ""
    if one.points_interval is not None:
        low, high = (texts.plain_number(at, language) for at in (one.points_interval.low, one.points_interval.high))
        interval = text("range", low=low, high=high)
    status = CRITERION_STATUS_TEXTS[one.status].localize(language)
    return {
        "title": criterion.title.localize(language),
        "value": value_text(one.value, criterion, language) if one.value is not None else texts.DASH,
        "requirement": curve_text(criterion, language),
        "share": one.share if scored else None,
        "points": texts.plain_number(one.points, language) if scored else texts.DASH,
        "of": texts.plain_number(criterion.points, language),
        "interval": interval,
        "earned": texts.earned_text(one.share, language) if scored else status,
        "tone": texts.points_level(one.share) if scored and one.share is not None else "none",
        "coverage": texts.ratio_text(one.coverage, language) if one.coverage is not None else texts.DASH,
        "basis": _basis(criterion, language, text),
    }


def _improvement(improvement: Improvement, language: str, text: TextLookup) -> dict[str, str]:
    one, criterion = improvement.criterion_score, improvement.criterion_score.criterion
    goal = amount(improvement.goal, unit_of(criterion), language)
    points = {
        "gain": improvement.gain,
        "percent": improvement.percent,
        "now": one.points,
        "then": improvement.share * criterion.points,
        "of": criterion.points,
    }
    what = text(
        "change",
        title=criterion.title.localize(language),
        value=value_text(one.value or 0, criterion, language),
        goal=text("below", value=goal) if improvement.below_goal else goal,
    )
    shown = {name: texts.plain_number(number, language) for name, number in points.items()}
    return {"what": what, "gain": text("change.gain", **shown)}


def _basis(criterion: Criterion, language: str, text: TextLookup) -> list[tuple[str, str, str]]:
    """Return (basis, parts, kind), the surest basis first."""
    basis = criterion.basis
    parts = {"limit": basis.limit, "metric": basis.metric, "aggregate": basis.aggregate, "points": basis.points}
    found = []
    for kind in Basis:
        mine = [text(f"basis.{part}") for part, part_basis in parts.items() if part_basis is kind]
        if mine:
            found.append((BASIS_TEXTS[kind].localize(language), ", ".join(mine), kind.value))
    return found
