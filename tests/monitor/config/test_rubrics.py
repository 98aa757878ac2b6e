"""Rubrics, exclusions and entries: their records, and their JSON Schema."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from monitor.config import load, schema
from monitor.config.rubric_models import measurable_metrics
from monitor.model.records import State
from monitor.scoring.rubric import Aggregate, Selection, Treatment
from tests.monitor.scoring import quarter


def test_exclusions_and_entries_become_records(tmp_path: Path):
    rules = load(quarter.write_config(tmp_path / "config"), {}).rules
    cut, wrong = rules.exclusions
    assert (cut.id, cut.portals, cut.state, cut.approver) == ("power-cut", frozenset({"hue"}), None, "Approver")
    assert cut.since_ms == int(datetime(2026, 7, 2, 23, tzinfo=UTC).timestamp() * 1000), "a time of the report zone"
    assert (wrong.state, cut.approved) == (State.UP, date(2026, 7, 20))
    (entry,) = rules.entries
    assert (entry.criterion, entry.value, entry.since, entry.until) == (
        "simultaneous-use", 0.8, date(2026, 7, 1), None,
    )  # fmt: skip


def test_a_zone_in_the_file_counts(tmp_path: Path):
    config = quarter.write_config(tmp_path / "config")
    path = config / "exclusions" / "2026.yaml"
    path.write_text(path.read_text().replace("2026-07-03 06:00", "2026-07-03T06:00:00Z"))
    assert load(config, {}).rules.exclusions[0].since_ms == int(datetime(2026, 7, 3, 6, tzinfo=UTC).timestamp() * 1000)


def test_selections_name_their_checks(tmp_path: Path):
    rubrics = {one.id: one for one in load(quarter.write_config(tmp_path / "config"), {}).rules.rubrics}
    lines = {one.id: one for one in rubrics["qd473-2024"].criteria}
    assert lines["average-response"].selection == Selection(kind="latency", check_prefix="latency", pages=None)
    chosen = lines["lcp"].selection
    assert chosen is not None
    assert chosen.checks == ("mobile",)
    assert dict(chosen.where) == {"median": True, "profile": "mobile"}
    assert replace(chosen, check_prefix="desktop", pages=("home", "search")).checks == ("desktop", "desktop-search")
    assert (lines["continuous-operation"].selection, lines["continuous-operation"].aggregate) == (
        None, Aggregate.AVAILABILITY,
    )  # fmt: skip
    assert rubrics["qd473-2024"].retired is Treatment.SKIP


def test_the_digest_is_that_of_the_meaning(tmp_path: Path):
    config = quarter.write_config(tmp_path / "config")
    before = load(config, {})
    path = config / "rubrics" / "website-2025.yaml"
    path.write_text("# comment\n" + path.read_text("utf-8"), "utf-8")
    assert load(config, {}).rules.digests == before.rules.digests
    path.write_text(path.read_text("utf-8").replace("limit: 5.8", "limit: 5.9"), "utf-8")
    after = load(config, {})
    changed = {name for name, digest in after.rules.digests.items() if before.rules.digests[name] != digest}
    assert changed == {"rubric website-2025@1"}
    assert after.digest == before.digest, "measurements are marked with what they were taken by, and this is not it"


@pytest.mark.parametrize("which", ["rubric", "exclusions", "entries"])
def test_the_schema_has_the_keys(which: str):
    found = schema(which)
    assert found["additionalProperties"] is False
    assert "checks" not in found.get("$defs", {})


def test_the_schema_has_the_known_metrics():
    metric = schema("rubric")["$defs"]["CriterionBlock"]["properties"]["metric"]
    assert metric["anyOf"][0]["enum"] == list(measurable_metrics())
    assert "latency.duration" in measurable_metrics()
    assert "mobile.lcp_seconds" in measurable_metrics()
    assert "uptime.cert_issuer" not in measurable_metrics(), "a text is no number"
