"""Places: among those measured alike, ties shared, movement only where it can be compared."""
# ruff: noqa: ANN401 - a factory takes whatever fields its record has

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.scoring import serialize
from monitor.scoring.report import texts
from monitor.scoring.report.ranking import (
    NoMovementReason,
    Place,
    RankingResult,
    UnrankedReason,
    parse_result,
    rank_results,
    ranking_result,
)
from probes.result import Fault
from tests.monitor.scoring.report import parts

WAY = (("speed", ("latency",)),)


def told(portal: str, percent: str | None = "50.0", **more: Any) -> RankingResult:
    fields: dict[str, Any] = {
        "portal": portal, "rubric": "r@1", "status": "complete", "measured_portal": portal,
        "ratio": float(percent) / 100 if percent else None, "percent": percent, "profile": WAY,
    }  # fmt: skip
    return RankingResult(**(fields | more))


def ranks(*results: RankingResult, before: list[RankingResult] | None = None) -> dict[str, Place]:
    return {portal: place for (portal, _), place in rank_results(results, before).items()}


def test_ties_share_a_place_and_the_next_one_is_left_out():
    found = ranks(told("a", "90.0"), told("b", "80.0"), told("c", "90.0"), told("d", "10.0"))
    assert {one: (place.rank, place.shared, place.of) for one, place in found.items()} == {
        "a": (1, 2, 4), "c": (1, 2, 4), "b": (3, 1, 4), "d": (4, 1, 4),
    }  # fmt: skip
    assert texts.rank_text(found["a"], "vi") == "1=/4"


def test_who_shows_the_same_figure_shares_the_place_whatever_was_rounded_away():
    found = ranks(told("a", "90.0", ratio=0.90004), told("b", "90.0", ratio=0.89996))
    assert (found["a"].rank, found["b"].rank) == (1, 1)


def test_only_those_measured_alike_are_compared():
    other = (("speed", ("latency", "latency-search")),)
    found = ranks(
        told("a"), told("b", "10.0"), told("c", "99.0", profile=other), told("d", "98.0", profile=other), told("e")
    )
    assert (found["a"].group, found["a"].rank, found["a"].of) == (1, 1, 3)
    assert (found["c"].group, found["c"].rank, found["d"].rank) == (2, 1, 2)


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (told("x", None, status="insufficient_data"), UnrankedReason.NO_SCORE),
        (told("x", None, status="not_scored"), UnrankedReason.NO_SCORE),
        (told("x", measured_portal="dvc-quoc-gia"), UnrankedReason.ELSEWHERE),
        (told("x", profile=(("other", ()),)), UnrankedReason.ALONE),
    ],
)
def test_who_has_no_place_is_told_why(one: RankingResult, why: UnrankedReason):
    place = ranks(told("a"), told("b"), one)["x"]
    assert (place.rank, place.unranked) == (None, why)
    assert texts.rank_text(place, "vi") != texts.rank_text(place, "en") != ""


def test_movement_counts_places_and_says_the_direction():
    before = [told("a", "10.0"), told("b", "20.0"), told("c", "30.0")]
    found = ranks(told("a", "90.0"), told("b", "20.0"), told("c", "15.0"), before=before)
    assert {one: place.rank_gain for one, place in found.items()} == {"a": 2, "b": 0, "c": -2}
    assert [texts.movement_text(found[one], "vi") for one in "abc"] == ["▲ tăng 2", "giữ nguyên", "▼ giảm 2"]


@pytest.mark.parametrize(
    ("before", "why"),
    [
        (None, NoMovementReason.NO_DATA),
        ([told("b")], NoMovementReason.NEW),
        ([told("a", rubric="r@0"), told("b", rubric="r@0")], NoMovementReason.RUBRIC),
        ([told(one, profile=(("other", ()),)) for one in "ab"], NoMovementReason.PROFILE),
    ],
)
def test_what_cannot_be_compared_has_no_movement_and_says_why(
    before: list[RankingResult] | None, why: NoMovementReason
):
    place = ranks(told("a"), told("b"), before=before)["a"]
    assert (place.rank_gain, place.unmoved) == (None, why)
    assert texts.movement_text(place, "en") == texts.NO_MOVEMENT_TEXTS[why].en


def test_a_fault_is_told_in_words_and_a_missing_one_with_its_reason():
    assert texts.fault_text("timeout", "en", began=True) == "timed out"
    assert texts.fault_text(None, "en", began=False) == "began before this period"
    assert texts.fault_text(None, "en", began=True) == "no fault was recorded"
    assert set(texts.FAULT_TEXTS) >= {fault.value for fault in Fault}


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=30))
def test_a_better_figure_never_stands_behind(figures: list[int]):
    found = ranks(*(told(f"p{number}", f"{one / 10:.1f}") for number, one in enumerate(figures)))
    for number, one in enumerate(figures):
        assert found[f"p{number}"].rank == 1 + sum(other > one for other in figures)


def test_a_sealed_score_read_back_is_the_same_result():
    for one in parts.book().scores:
        assert parse_result(serialize.score(one)) == ranking_result(one)
        assert parse_result(serialize.score(replace(one, criteria=()))).profile == ()
