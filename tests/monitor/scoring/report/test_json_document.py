"""JSON: by its published schema to the last key, with every value of the scores unrounded."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from monitor.scoring import serialize
from monitor.scoring.report.json_document import document, json_files
from monitor.scoring.report.json_schema import schema
from monitor.scoring.report.report import Report, Seal
from tests.monitor.scoring.report import parts

SEAL = Seal(
    sealed_at="2026-10-02T01:00:00+00:00", by="Ai đó", scores="0" * 64, inputs={"code": "1"}, differing=("hue, a@1",)
)


def exported(report: Report) -> dict[str, Any]:
    ((name, body),) = json_files(report)
    assert name == "scores.json"
    found: dict[str, Any] = json.loads(body)
    return found


@pytest.mark.parametrize(
    "report",
    [parts.report(), parts.report("en"), parts.empty(), parts.report(seal=SEAL), parts.report(previous_results=None)],
    ids=["vi", "en", "empty", "sealed", "first"],
)
def test_it_is_valid_by_the_schema(report: Report):
    published = schema()
    jsonschema.Draft202012Validator.check_schema(published)
    jsonschema.validate(exported(report), published, jsonschema.Draft202012Validator)


def test_a_key_more_or_less_is_invalid():
    good = exported(parts.report())
    validator = jsonschema.Draft202012Validator(schema())
    for wrong in ({**good, "more": 1}, {key: value for key, value in good.items() if key != "seal"}):
        assert list(validator.iter_errors(wrong))
    wrong_value = json.loads(json.dumps(good))
    wrong_value["scores"][0]["criteria"][0]["share"] = 1.5
    assert list(validator.iter_errors(wrong_value))


def test_every_value_is_that_of_the_score_unrounded():
    report = parts.report()
    by = {(one["portal"], one["rubric"]): one for one in exported(report)["scores"]}
    for one in report.score_set.scores:
        found = by[one.portal, one.rubric.key]
        assert {key: found[key] for key in serialize.score(one)} == json.loads(json.dumps(serialize.score(one)))


def test_the_language_changes_nothing():
    assert document(parts.report("vi")) == document(parts.report("en"))
