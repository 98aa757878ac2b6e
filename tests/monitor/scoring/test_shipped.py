"""The shipped rubrics declare what is known and what is assumed; the page about scores is correct."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from monitor.config import load
from monitor.model.records import State
from monitor.scoring.curves import LogNormal, Threshold
from monitor.scoring.rubric import Aggregate, Basis, Rubric
from tests.monitor.scoring.parts import DAY_MS, HOUR, Memory, attempt, change, rubric, score

ROOT = Path(__file__).parents[3]
RUBRICS = {one.id: one for one in load(ROOT / "config", {}).rules.rubrics}
PAGE = ROOT.joinpath("docs", "scoring.md").read_text("utf-8")


def test_three_rubrics_are_shipped_and_no_exclusion():
    assert RUBRICS.keys() == {"website-2025", "qd473-2024", "lighthouse-mobile"}
    rules = load(ROOT / "config", {}).rules
    assert (rules.exclusions, rules.entries) == ((), ())


def test_the_limits_of_2025_are_official_and_nothing_else_of_them_is():
    found = RUBRICS["website-2025"]
    limits = {one.metric: one.curve for one in found.criteria}
    assert limits == {
        name: Threshold(limit=limit, lower=True)
        for name, limit in (
            ("fcp_seconds", 3.0), ("lcp_seconds", 4.0), ("speed_index_seconds", 5.8), ("tbt_seconds", 0.6),
        )
    }  # fmt: skip
    assert {one.points for one in found.criteria} == {25.0}
    for one in found.criteria:
        assert (one.basis.limit, one.basis.metric, one.basis.points) == (Basis.OFFICIAL, Basis.DERIVED, Basis.ASSUMED)


def test_the_pillar_of_473_has_20_of_100_points_in_an_assumed_split():
    found = RUBRICS["qd473-2024"]
    assert (found.points, found.pillar) == (20.0, 100.0)
    assert found.grades is not None
    assert [(one.grade, one.min) for one in found.grades.bands] == [
        ("A", 90), ("B", 80), ("C", 65), ("D", 50), ("E", 0),
    ]  # fmt: skip
    assert {one.basis.points for one in found.criteria} == {Basis.ASSUMED}
    assert {one.basis.limit for one in found.criteria} == {Basis.ASSUMED}
    assert {one.id for one in found.criteria if one.manual} == {"server-load", "simultaneous-use"}


def test_lighthouse_has_its_weights_and_control_points():
    found = RUBRICS["lighthouse-mobile"]
    assert {one.metric: (one.points, one.curve) for one in found.criteria} == {
        "fcp_seconds": (10.0, LogNormal(p10=1.8, median=3.0)),
        "speed_index_seconds": (10.0, LogNormal(p10=3.387, median=5.8)),
        "lcp_seconds": (25.0, LogNormal(p10=2.5, median=4.0)),
        "tbt_seconds": (30.0, LogNormal(p10=0.2, median=0.6)),
        "cls": (25.0, LogNormal(p10=0.1, median=0.25)),
    }
    assert not [one for one in found.criteria if Basis.OFFICIAL in {one.basis.limit, one.basis.points}]


@pytest.mark.parametrize("one", RUBRICS.values(), ids=RUBRICS)
def test_every_criterion_names_its_source_and_its_minimums(one: Rubric):
    for line in one.criteria:
        assert line.source
        assert line.title.vi
        assert line.manual or (
            line.min_coverage >= 0.5 and (line.min_attempts > 1 or line.aggregate is Aggregate.AVAILABILITY)
        )


def test_the_worked_example_of_the_page():
    wanted = ("average-response", "slowest-response", "continuous-operation")
    lines = [
        replace(one, min_attempts=1, min_coverage=0.0) for one in RUBRICS["qd473-2024"].criteria if one.id in wanted
    ]
    rows = [attempt(day * DAY_MS, value) for day, value in enumerate((0.8, 1.0, 1.2, 2.0, 5.0))]
    changes = [
        change(DAY_MS + 5 * HOUR, State.DOWN), change(DAY_MS + 6 * HOUR, State.UP),
        change(8 * DAY_MS, State.MAINTENANCE), change(8 * DAY_MS + 2 * HOUR, State.UP),
    ]  # fmt: skip
    shown = rubric(*lines, grades=RUBRICS["qd473-2024"].grades)
    (found,) = score(Memory(rows, changes), shown).scores
    for line in found.criteria:
        assert line.share is not None
        assert f"= {line.share:.4f}" in PAGE
        assert f"= {line.points:.4f}" in PAGE
    assert [f"{line.value:.6g}" for line in found.criteria] == ["2", "4.88", "0.995798"]
    assert f"Together {found.points:.4f} of 10 measured points: shown as {found.shown}, ratio {found.percent} %" in PAGE
    assert f"like this one: {found.grade}." in PAGE
