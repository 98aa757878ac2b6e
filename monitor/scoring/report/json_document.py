"""Write JSON: everything that the other formats show, unrounded and in both languages, with a published schema."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from monitor.scoring import serialize
from monitor.scoring.report.improvements import best_improvements
from probes.http.urls import strip_credentials

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.model.records import Portal
    from monitor.scoring.report.improvements import Improvement
    from monitor.scoring.report.outages import Outage
    from monitor.scoring.report.ranking import Place
    from monitor.scoring.report.report import Report, Seal
    from monitor.scoring.results import Score

REPORT_SCHEMA_VERSION = 1
"""Version of this document; :mod:`monitor.scoring.report.json_schema` describes it."""


def json_files(report: Report) -> Iterator[tuple[str, bytes]]:
    """Yield the one file of the format."""
    yield "scores.json", (json.dumps(document(report), ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()


def document(report: Report) -> dict[str, Any]:
    """Return the document as plain data: the score set of ``score --json`` and the additions of an export."""
    return {
        "export": REPORT_SCHEMA_VERSION,
        "code": report.code,
        **serialize.score_set(report.score_set),
        "scores": [_score(report, one) for one in report.score_set.scores],
        "portals": [_portal(one) for one in report.portals],
        "earlier": report.previous_period_name or None,
        "incidents": [_incident(one) for one in report.outages],
        "inputs": dict(report.inputs),
        "seal": seal_json(report.seal),
    }


def seal_json(seal: Seal | None) -> dict[str, Any] | None:
    """Return a seal as plain data."""
    if seal is None:
        return None
    facts = {"sealed": seal.sealed_at, "by": seal.by, "scores": seal.scores}
    return facts | {"inputs": dict(seal.inputs), "differing": list(seal.differing)}


def _portal(one: Portal) -> dict[str, Any]:
    name = {"vi": one.name_vi, "en": one.name_en}
    return {"id": one.id, "name": name, "kind": one.kind.value, "url": strip_credentials(one.url)}


def _incident(one: Outage) -> dict[str, Any]:
    return {
        "portal": one.portal,
        "location": one.location,
        "start": one.start_ms,
        "end": one.end_ms,
        "fault": one.fault,
        "detail": one.detail,
        "began": one.began,
        "ended": one.ended,
        "counted": one.counted_ms,
        "excluded": list(one.excluded),
    }


def _score(report: Report, one: Score) -> dict[str, Any]:
    key = one.portal, one.rubric.key
    previous = report.previous_by_key.get(key)
    return {
        **serialize.score(one),
        "place": _place(report.places[key]),
        "earlier": previous and {"ratio": previous.ratio, "percent": previous.percent},
        "trend": [{"period": name, "ratio": ratio} for name, ratio in report.trends.get(key, ())],
        "changes": [_improvement(each) for each in best_improvements(one)],
    }


def _improvement(one: Improvement) -> dict[str, Any]:
    goal = {"goal": one.goal, "below_goal": one.below_goal, "share": one.share}
    reached = {"gain": one.gain, "percent": one.percent}
    return {"criterion": one.criterion_score.criterion.id, "value": one.criterion_score.value, **goal, **reached}


def _place(one: Place) -> dict[str, Any]:
    return {
        "group": one.group or None,
        "rank": one.rank,
        "of": one.of or None,
        "shared": one.shared or None,
        "before": one.previous_rank,
        "unranked": one.unranked.value or None,
        "unmoved": one.unmoved.value or None,
    }
