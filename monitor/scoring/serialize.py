"""Serialize scores as plain data for JSON: numbers are unrounded, and equal input gives equal text."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from monitor.scoring.explain import unit_of
from monitor.scoring.results import SCORES_SCHEMA_VERSION

if TYPE_CHECKING:
    from monitor.scoring.curves import Curve
    from monitor.scoring.periods import Period
    from monitor.scoring.results import ConfidenceInterval, CriterionScore, Score, ScoreSet
    from monitor.scoring.rubric import Criterion, Exclusion, ManualEntry, Rubric, Selection, Text


def score_set(one: ScoreSet) -> dict[str, Any]:
    """Return a score set: ``period``, ``rubrics`` with their criteria, ``exclusions``, ``scores``, ``bootstrap``."""
    return {
        "schema": SCORES_SCHEMA_VERSION,
        "period": period(one.period) | {"ended": one.ended},
        "rubrics": [rubric(each) for each in one.rubrics],
        "exclusions": [exclusion(each) for each in one.exclusions],
        "bootstrap": {"seed": one.seed, "replicates": one.replicates, "block": "day"},
        "scores": [score(each) for each in one.scores],
    }


def score_set_json(one: ScoreSet) -> str:
    """Return a score set as JSON text, which is the text that a seal covers."""
    return json.dumps(score_set(one), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def period(one: Period) -> dict[str, Any]:
    """Return a period: its name, first and last day, and bounds in UTC ms."""
    return {
        "name": one.name,
        "first": one.first.isoformat(),
        "last": one.last.isoformat(),
        "since": one.since_ms,
        "until": one.until_ms,
        "zone": one.zone,
    }


def rubric(one: Rubric) -> dict[str, Any]:
    """Return a rubric with the basis of every part."""
    return {
        "id": one.id,
        "version": one.version,
        "digest": one.digest,
        "title": _localized(one.title),
        "set": _localized(one.set),
        "points": one.points,
        "pillar": one.pillar,
        "valid": {"since": one.since.isoformat(), "until": one.until and one.until.isoformat()},
        "portals": {
            "redirects": one.redirects.value,
            "retired": one.retired.value,
            "substitute": one.substitute and {"portal": one.substitute.portal, "pages": list(one.substitute.pages)},
        },
        "grades": one.grades
        and {
            "bands": [asdict(band) for band in one.grades.bands],
            "decimals": one.grades.decimals,
            "basis": one.grades.basis.value,
            "source": one.grades.source,
            "note": _localized(one.grades.note),
        },
        "decimals": one.decimals,
        "source": one.source,
        "note": _localized(one.note),
        "criteria": [criterion(each) for each in one.criteria],
    }


def criterion(one: Criterion) -> dict[str, Any]:
    """Return a criterion."""
    return {
        "id": one.id,
        "title": _localized(one.title),
        "points": one.points,
        "manual": one.manual,
        "selection": one.selection and _selection(one.selection),
        "metric": one.metric,
        "profile": one.profile,
        "unit": unit_of(one).value,
        "aggregate": one.aggregate and one.aggregate.value,
        "limit": one.limit,
        "better": "lower" if one.lower else "higher",
        "curve": _curve(one.curve),
        "minimums": {"coverage": one.min_coverage, "attempts": one.min_attempts},
        "basis": {part: kind.value for part, kind in asdict(one.basis).items()},
        "source": one.source,
        "note": _localized(one.note),
    }


def _curve(one: Curve) -> dict[str, Any]:
    return {"kind": one.kind, **asdict(one)}


def _selection(one: Selection) -> dict[str, Any]:
    return asdict(one) | {
        "pages": one.pages and list(one.pages),
        "checks": one.checks and list(one.checks),
        "where": dict(one.where),
    }


def exclusion(one: Exclusion) -> dict[str, Any]:
    """Return an exclusion or a correction."""
    return {
        "id": one.id,
        "portals": "all" if one.portals is None else sorted(one.portals),
        "since": one.since_ms,
        "until": one.until_ms,
        "state": one.state and one.state.value,
        "reason": one.reason,
        "approver": one.approver,
        "approved": one.approved.isoformat(),
    }


def score(one: Score) -> dict[str, Any]:
    """Return the score of one portal under one rubric, with the score that it would have without exclusions."""
    return {
        "portal": one.portal,
        "name": _localized(one.name),
        "rubric": one.rubric.key,
        "status": one.status.value,
        "measured_portal": one.measured_portal,
        "reason": _localized(one.reason),
        "points": one.points,
        "measured": one.measured,
        "ratio": one.ratio,
        "shown": one.shown,
        "percent": one.percent,
        "grade_if_all_pillars_were_like_this": one.grade,
        "ratio_interval": _interval(one.interval),
        "sentence": _localized(one.sentence),
        "criteria": [criterion_score(each) for each in one.criteria],
        "exclusions": list(one.exclusions),
        "without_exclusions": one.without_exclusions and score(one.without_exclusions),
    }


def criterion_score(one: CriterionScore) -> dict[str, Any]:
    """Return the result of one criterion; times in ms."""
    return {
        "criterion": one.criterion.id,
        "status": one.status.value,
        "value": one.value,
        "share": one.share,
        "points": one.points,
        "coverage": one.coverage,
        "attempts": one.attempts,
        "days": one.days,
        "up": one.up,
        "degraded": one.degraded,
        "down": one.down,
        "checks": list(one.checks),
        "excluded": [asdict(each) | {"reason": each.reason.value} for each in one.excluded],
        "value_interval": _interval(one.value_interval),
        "points_interval": _interval(one.points_interval),
        "entry": one.entry and entry(one.entry),
        "sentence": _localized(one.sentence),
    }


def entry(one: ManualEntry) -> dict[str, Any]:
    """Return a manual value."""
    days = {"made": one.made.isoformat(), "since": one.since.isoformat(), "until": one.until and one.until.isoformat()}
    return asdict(one) | days


def _interval(one: ConfidenceInterval | None) -> list[float] | None:
    return None if one is None else [one.low, one.high]


def _localized(one: Text | None) -> dict[str, str] | None:
    return None if one is None else {"vi": one.vi, "en": one.en}
