"""The JSON Schema (2020-12) of an exported ``scores.json``: every key, and no other."""

from __future__ import annotations

from typing import Any

from monitor.model.records import PortalKind, State
from monitor.scoring.report.json_document import SCHEMA
from monitor.scoring.report.ranking import Unmoved, Unranked
from monitor.scoring.results import SCHEMA as BOOK
from monitor.scoring.results import Left, Standing, Verdict
from monitor.scoring.rubric import Aggregate, Basis, Treatment
from probes.metric import Unit
from probes.result import Fault

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
DAY: Schema = {"type": "string", "format": "date"}
SHA: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
FLAG: Schema = {"type": "boolean"}
NUMBER: Schema = {"type": "number"}
COUNT: Schema = {"type": "integer", "minimum": 0}
MOMENT: Schema = {"type": "integer", "description": "UTC milliseconds"}
SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
SPENT: Schema = {"description": "milliseconds", **COUNT}
DIGESTS: Schema = {"type": "object", "additionalProperties": TEXT}
TEXTS: Schema = {"type": "array", "items": TEXT}
INTERVAL: Schema = {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2, "description": "low, high"}


def _one(properties: Schema, description: str = "") -> Schema:
    """An object with exactly these keys."""
    told = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return {"description": description, **told} if description else told


def _many(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _or_none(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _of(*members: str) -> Schema:
    return {"enum": list(members)}


WORDS = _one({"vi": TEXT, "en": TEXT})
BASIS = _of(*Basis)


def _curve() -> Schema:
    """By kind."""

    def kind(name: str, **properties: Schema) -> Schema:
        return _one({"kind": {"const": name}, **properties})

    step = _one({"limit": NUMBER, "share": SHARE})
    return {
        "oneOf": [
            kind("threshold", limit=NUMBER, lower=FLAG),
            kind("linear", full=NUMBER, zero=NUMBER),
            kind("steps", steps=_many(step), lower=FLAG),
            kind("share"),
            kind("lognormal", p10=NUMBER, median=NUMBER),
        ]
    }


def _criterion() -> Schema:
    selection = _one(
        {
            "kind": TEXT,
            "word": TEXT,
            "pages": _or_none(TEXTS),
            "where": {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}},
            "confirming": FLAG,
            "failed": FLAG,
            "checks": _or_none(TEXTS),
        },
        "which looks count",
    )
    return _one(
        {
            "id": TEXT,
            "title": WORDS,
            "points": NUMBER,
            "by_hand": FLAG,
            "selection": _or_none(selection),
            "metric": _or_none(TEXT),
            "profile": _or_none(TEXT),
            "unit": _of(*Unit),
            "aggregate": _or_none(_of(*Aggregate)),
            "limit": _or_none(NUMBER),
            "better": _of("lower", "higher"),
            "curve": _curve(),
            "floors": _one({"coverage": SHARE, "looks": COUNT}),
            "basis": _one(dict.fromkeys(("limit", "metric", "aggregate", "points"), BASIS)),
            "source": TEXT,
            "note": _or_none(WORDS),
        }
    )


def _rubric() -> Schema:
    grades = _one(
        {
            "bands": _many(_one({"grade": TEXT, "least": NUMBER})),
            "decimals": _or_none(COUNT),
            "basis": BASIS,
            "source": TEXT,
            "note": _or_none(WORDS),
        }
    )
    elsewhere = _one({"portal": TEXT, "pages": TEXTS})
    treatment = _of(*Treatment)
    return _one(
        {
            "id": TEXT,
            "version": COUNT,
            "digest": SHA,
            "title": WORDS,
            "set": WORDS,
            "points": NUMBER,
            "pillar": _or_none(NUMBER),
            "valid": _one({"since": DAY, "until": _or_none(DAY)}),
            "portals": _one({"redirects": treatment, "retired": treatment, "elsewhere": _or_none(elsewhere)}),
            "grades": _or_none(grades),
            "decimals": COUNT,
            "source": TEXT,
            "note": _or_none(WORDS),
            "criteria": _many(_criterion()),
        }
    )


def _criterion_score() -> Schema:
    entry = _one(
        {
            **dict.fromkeys(("rubric", "criterion", "portal", "author", "reason"), TEXT),
            "value": NUMBER,
            "made": DAY,
            "since": DAY,
            "until": _or_none(DAY),
        },
        "a value by hand",
    )
    return _one(
        {
            "criterion": TEXT,
            "standing": _of(*Standing),
            "value": {"description": "the aggregate in the criterion's unit", **_or_none(NUMBER)},
            "share": {"description": "the curve's answer", **_or_none(SHARE)},
            "points": _or_none(NUMBER),
            "coverage": _or_none(SHARE),
            **dict.fromkeys(("looks", "days"), COUNT),
            **dict.fromkeys(("up", "degraded", "down"), SPENT),
            "checks": TEXTS,
            "left_out": _many(_one({"why": _of(*Left), "looks": COUNT, "ms": COUNT, "id": TEXT})),
            "value_interval": _or_none(INTERVAL),
            "points_interval": _or_none(INTERVAL),
            "entry": _or_none(entry),
            "sentence": WORDS,
        }
    )


def _score() -> Schema:
    """The keys of a score alone; those that an export adds are in :func:`_exported`."""
    return {
        "portal": TEXT,
        "name": WORDS,
        "rubric": {"description": "id@version", **TEXT},
        "verdict": _of(*Verdict),
        "looked_at": TEXT,
        "reason": _or_none(WORDS),
        **dict.fromkeys(("points", "measured", "ratio"), _or_none(NUMBER)),
        **dict.fromkeys(("shown", "percent", "grade_if_all_pillars_were_like_this"), _or_none(TEXT)),
        "ratio_interval": _or_none(INTERVAL),
        "sentence": WORDS,
        "criteria": _many({"$ref": "#/$defs/criterion_score"}),
        "exclusions": TEXTS,
        "without_exclusions": _or_none({"$ref": "#/$defs/score"}),
    }


def _exported() -> Schema:
    """A score with its place, the period before, its trend, and what would raise it most."""
    place = _one(
        {
            **dict.fromkeys(("group", "rank", "of", "shared", "before"), _or_none(COUNT)),
            "unranked": _or_none(_of(*filter(None, Unranked))),
            "unmoved": _or_none(_of(*filter(None, Unmoved))),
        },
        "rank among the portals of the same group, which were measured alike",
    )
    change = _one(
        {
            "criterion": TEXT,
            **dict.fromkeys(("value", "goal"), NUMBER),
            "below_goal": FLAG,
            "share": SHARE,
            **dict.fromkeys(("gain", "percent"), NUMBER),
        },
        "what the curve gives at the goal, all other criteria left as they are",
    )
    return _one(
        {
            **_score(),
            "place": place,
            "earlier": _or_none(_one({"ratio": _or_none(NUMBER), "percent": _or_none(TEXT)})),
            "trend": _many(_one({"period": TEXT, "ratio": _or_none(NUMBER)})),
            "changes": _many(change),
        }
    )


def _beside() -> Schema:
    """What stands beside scores and rubrics."""
    portals = {"anyOf": [TEXTS, {"const": "all"}]}
    exclusion = {
        **dict.fromkeys(("id", "reason", "approver"), TEXT),
        "portals": portals,
        "since": MOMENT,
        "until": MOMENT,
        "state": _or_none(_of(*State)),
        "approved": DAY,
    }
    incident = {
        **dict.fromkeys(("portal", "location", "detail"), TEXT),
        **dict.fromkeys(("start", "end"), MOMENT),
        "fault": _or_none(_of(*Fault)),
        **dict.fromkeys(("began", "ended"), FLAG),
        "counted": {"description": "milliseconds that no exclusion covers", **COUNT},
        "excluded": TEXTS,
    }
    seal = {"sealed": TEXT, "by": TEXT, "scores": SHA, "inputs": DIGESTS, "differing": TEXTS}
    return {
        "exclusions": _many(_one(exclusion)),
        "portals": _many(_one({"id": TEXT, "name": WORDS, "kind": _of(*PortalKind), "url": TEXT})),
        "earlier": {"description": "the period before, where it was measured", **_or_none(TEXT)},
        "incidents": _many(_one(incident)),
        "inputs": DIGESTS,
        "seal": _or_none(_one(seal)),
    }


def schema() -> Schema:
    """The whole schema."""
    period = {"name": TEXT, "first": DAY, "last": DAY, "since": MOMENT, "until": MOMENT, "zone": TEXT, "ended": FLAG}
    bootstrap = {"seed": COUNT, "replicates": COUNT, "block": {"const": "day"}}
    content = {
        "export": {"const": SCHEMA},
        "code": TEXT,
        "schema": {"const": BOOK},
        "period": _one(period),
        "rubrics": _many(_rubric()),
        "bootstrap": _one(bootstrap),
        "scores": _many(_exported()),
        **_beside(),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Scores of a period, as portal-monitor export writes them",
        **_one(content),
        "$defs": {"criterion_score": _criterion_score(), "score": _one(_score())},
    }
