"""The JSON Schema (2020-12) of an exported ``scores.json``: additional keys are not allowed."""

from __future__ import annotations

from typing import Any

from monitor.model.records import PortalKind, State
from monitor.scoring.report.json_document import REPORT_SCHEMA_VERSION
from monitor.scoring.report.ranking import NoMovementReason, UnrankedReason
from monitor.scoring.results import SCORES_SCHEMA_VERSION, CriterionStatus, ExclusionReason, ScoreStatus
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
TIME_MS: Schema = {"type": "integer", "description": "UTC milliseconds"}
SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
DURATION_MS: Schema = {"description": "milliseconds", **COUNT}
DIGESTS: Schema = {"type": "object", "additionalProperties": TEXT}
TEXTS: Schema = {"type": "array", "items": TEXT}
INTERVAL: Schema = {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2, "description": "low, high"}


def _object(description: str = "", /, **properties: Schema) -> Schema:
    """Return the schema of an object with exactly these keys."""
    found = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return {"description": description, **found} if description else found


def _array(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _nullable(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _enum(*members: str) -> Schema:
    return {"enum": list(members)}


LOCALIZED = _object(vi=TEXT, en=TEXT)
BASIS = _enum(*Basis)


def _curve() -> Schema:
    """Return the schema of a curve, by kind."""

    def kind(name: str, **properties: Schema) -> Schema:
        return _object(kind={"const": name}, **properties)

    step = _object(limit=NUMBER, share=SHARE)
    return {
        "oneOf": [
            kind("threshold", limit=NUMBER, lower=FLAG),
            kind("linear", full=NUMBER, zero=NUMBER),
            kind("steps", steps=_array(step), lower=FLAG),
            kind("share"),
            kind("lognormal", p10=NUMBER, median=NUMBER),
        ]
    }


def _criterion() -> Schema:
    selection = _object(
        "which attempts count",
        kind=TEXT,
        check_prefix=TEXT,
        pages=_nullable(TEXTS),
        where={"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}},
        confirming=FLAG,
        failed=FLAG,
        checks=_nullable(TEXTS),
    )
    return _object(
        id=TEXT,
        title=LOCALIZED,
        points=NUMBER,
        manual=FLAG,
        selection=_nullable(selection),
        **dict.fromkeys(("metric", "profile"), _nullable(TEXT)),
        unit=_enum(*Unit),
        aggregate=_nullable(_enum(*Aggregate)),
        limit=_nullable(NUMBER),
        better=_enum("lower", "higher"),
        curve=_curve(),
        minimums=_object(coverage=SHARE, attempts=COUNT),
        basis=_object(**dict.fromkeys(("limit", "metric", "aggregate", "points"), BASIS)),
        source=TEXT,
        note=_nullable(LOCALIZED),
    )


def _rubric() -> Schema:
    grades = _object(
        bands=_array(_object(grade=TEXT, min=NUMBER)),
        decimals=_nullable(COUNT),
        basis=BASIS,
        source=TEXT,
        note=_nullable(LOCALIZED),
    )
    substitute = _object(portal=TEXT, pages=TEXTS)
    treatment = _enum(*Treatment)
    return _object(
        id=TEXT,
        version=COUNT,
        digest=SHA,
        title=LOCALIZED,
        set=LOCALIZED,
        points=NUMBER,
        pillar=_nullable(NUMBER),
        valid=_object(since=DAY, until=_nullable(DAY)),
        portals=_object(redirects=treatment, retired=treatment, substitute=_nullable(substitute)),
        grades=_nullable(grades),
        decimals=COUNT,
        source=TEXT,
        note=_nullable(LOCALIZED),
        criteria=_array(_criterion()),
    )


def _criterion_score() -> Schema:
    entry = _object(
        "a manual value",
        **dict.fromkeys(("rubric", "criterion", "portal", "author", "reason"), TEXT),
        value=NUMBER,
        made=DAY,
        since=DAY,
        until=_nullable(DAY),
    )
    return _object(
        criterion=TEXT,
        status=_enum(*CriterionStatus),
        value={"description": "the aggregate in the criterion's unit", **_nullable(NUMBER)},
        share={"description": "the share that the curve gives", **_nullable(SHARE)},
        points=_nullable(NUMBER),
        coverage=_nullable(SHARE),
        **dict.fromkeys(("attempts", "days"), COUNT),
        **dict.fromkeys(("up", "degraded", "down"), DURATION_MS),
        checks=TEXTS,
        excluded=_array(_object(reason=_enum(*ExclusionReason), attempts=COUNT, ms=COUNT, id=TEXT)),
        **dict.fromkeys(("value_interval", "points_interval"), _nullable(INTERVAL)),
        entry=_nullable(entry),
        sentence=LOCALIZED,
    )


def _score() -> Schema:
    """Return the keys of a score; :func:`_exported_score` has those that an export adds."""
    return {
        "portal": TEXT,
        "name": LOCALIZED,
        "rubric": {"description": "id@version", **TEXT},
        "status": _enum(*ScoreStatus),
        "measured_portal": TEXT,
        "reason": _nullable(LOCALIZED),
        **dict.fromkeys(("points", "measured", "ratio"), _nullable(NUMBER)),
        **dict.fromkeys(("shown", "percent", "grade_if_all_pillars_were_like_this"), _nullable(TEXT)),
        "ratio_interval": _nullable(INTERVAL),
        "sentence": LOCALIZED,
        "criteria": _array({"$ref": "#/$defs/criterion_score"}),
        "exclusions": TEXTS,
        "without_exclusions": _nullable({"$ref": "#/$defs/score"}),
    }


def _exported_score() -> Schema:
    """Return the schema of a score with its place, the previous period, its trend and improvements."""
    place = _object(
        "rank among the portals of the same group, which were measured alike",
        **dict.fromkeys(("group", "rank", "of", "shared", "before"), _nullable(COUNT)),
        unranked=_nullable(_enum(*filter(None, UnrankedReason))),
        unmoved=_nullable(_enum(*filter(None, NoMovementReason))),
    )
    change = _object(
        "what the curve gives at the goal, with all other criteria unchanged",
        criterion=TEXT,
        **dict.fromkeys(("value", "goal"), NUMBER),
        below_goal=FLAG,
        share=SHARE,
        **dict.fromkeys(("gain", "percent"), NUMBER),
    )
    return _object(
        **_score(),
        place=place,
        earlier=_nullable(_object(ratio=_nullable(NUMBER), percent=_nullable(TEXT))),
        trend=_array(_object(period=TEXT, ratio=_nullable(NUMBER))),
        changes=_array(change),
    )


def _context_properties() -> Schema:
    """Return the keys beside scores and rubrics."""
    exclusion = _object(
        **dict.fromkeys(("id", "reason", "approver"), TEXT),
        portals={"anyOf": [TEXTS, {"const": "all"}]},
        **dict.fromkeys(("since", "until"), TIME_MS),
        state=_nullable(_enum(*State)),
        approved=DAY,
    )
    incident = _object(
        **dict.fromkeys(("portal", "location", "detail"), TEXT),
        **dict.fromkeys(("start", "end"), TIME_MS),
        fault=_nullable(_enum(*Fault)),
        **dict.fromkeys(("began", "ended"), FLAG),
        counted={"description": "milliseconds that no exclusion covers", **COUNT},
        excluded=TEXTS,
    )
    seal = _object(sealed=TEXT, by=TEXT, scores=SHA, inputs=DIGESTS, differing=TEXTS)
    return {
        "exclusions": _array(exclusion),
        "portals": _array(_object(id=TEXT, name=LOCALIZED, kind=_enum(*PortalKind), url=TEXT)),
        "earlier": {"description": "the previous period, where it was measured", **_nullable(TEXT)},
        "incidents": _array(incident),
        "inputs": DIGESTS,
        "seal": _nullable(seal),
    }


def schema() -> Schema:
    """Return the whole schema."""
    period = {"name": TEXT, "first": DAY, "last": DAY, "since": TIME_MS, "until": TIME_MS, "zone": TEXT, "ended": FLAG}
    bootstrap = {"seed": COUNT, "replicates": COUNT, "block": {"const": "day"}}
    content = {
        "export": {"const": REPORT_SCHEMA_VERSION},
        "code": TEXT,
        "schema": {"const": SCORES_SCHEMA_VERSION},
        "period": _object(**period),
        "rubrics": _array(_rubric()),
        "bootstrap": _object(**bootstrap),
        "scores": _array(_exported_score()),
        **_context_properties(),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Scores of a period, as portal-monitor export writes them",
        **_object(**content),
        "$defs": {"criterion_score": _criterion_score(), "score": _object(**_score())},
    }
