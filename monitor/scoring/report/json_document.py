"""JSON: everything that the other formats show, unrounded and in both languages, by a published schema."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from monitor.scoring import serialize
from monitor.scoring.report.improvements import best_improvements
from probes.http.urls import strip_credentials

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.scoring.report.ranking import Place
    from monitor.scoring.report.report import Report
    from monitor.scoring.results import Score

REPORT_SCHEMA_VERSION = 1
"""Version of this form; :mod:`monitor.scoring.report.json_schema` describes it."""


def json_files(report: Report) -> Iterator[tuple[str, bytes]]:
    """One file with all of it."""
    yield "scores.json", (json.dumps(document(report), ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()


def document(report: Report) -> dict[str, Any]:
    """The document as plain data: a book as ``score --json`` prints it, and what an export adds."""
    told = serialize.score_set(report.score_set)
    return {
        "export": REPORT_SCHEMA_VERSION,
        "code": report.code,
        **told,
        "scores": [_score(report, one) for one in report.score_set.scores],
        "portals": [
            {
                "id": one.id,
                "name": {"vi": one.name_vi, "en": one.name_en},
                "kind": one.kind.value,
                "url": strip_credentials(one.url),
            }
            for one in report.portals
        ],
        "earlier": report.previous_period_name or None,
        "incidents": [asdict(one) | {"excluded": list(one.excluded)} for one in report.outages],
        "inputs": dict(report.inputs),
        "seal": report.seal
        and {
            "sealed": report.seal.sealed_at,
            "by": report.seal.by,
            "scores": report.seal.scores,
            "inputs": dict(report.seal.inputs),
            "differing": list(report.seal.differing),
        },
    }


def _score(report: Report, one: Score) -> dict[str, Any]:
    key = one.portal, one.rubric.key
    past = report.previous_by_key.get(key)
    return {
        **serialize.score(one),
        "place": _place(report.places[key]),
        "earlier": past and {"ratio": past.ratio, "percent": past.percent},
        "trend": [{"period": name, "ratio": ratio} for name, ratio in report.trends.get(key, ())],
        "changes": [
            {
                "criterion": each.criterion_score.criterion.id,
                "value": each.criterion_score.value,
                "goal": each.goal,
                "below_goal": each.below_goal,
                "share": each.share,
                "gain": each.gain,
                "percent": each.percent,
            }
            for each in best_improvements(one)
        ],
    }


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
