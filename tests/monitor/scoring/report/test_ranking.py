"""Places: among those measured alike, ties shared, rank changes only where they can be compared."""
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

PROFILE = (("speed", ("latency",)),)


def result(portal: str, percent: str | None = "50.0", **more: Any) -> RankingResult:
    fields: dict[str, Any] = {
        "portal": portal, "rubric": "r@1", "status": "complete", "measured_portal": portal,
        "ratio": float(percent) / 100 if percent else None, "percent": percent, "profile": PROFILE,
    }  # fmt: skip
    return RankingResult(**(fields | more))


def ranks(*results: RankingResult, before: list[RankingResult] | None = None) -> dict[str, Place]:
    return {portal: place for (portal, _), place in rank_results(results, before).items()}


def test_ties_share_a_place_and_the_next_one_is_left_out():
    found = ranks(result("a", "90.0"), result("b", "80.0"), result("c", "90.0"), result("d", "10.0"))
    assert {one: (place.rank, place.shared, place.of) for one, place in found.items()} == {
        "a": (1, 2, 4), "c": (1, 2, 4), "b": (3, 1, 4), "d": (4, 1, 4),
    }  # fmt: skip
    assert texts.rank_text(found["a"], "vi") == "1=/4"


def test_equal_shown_percentages_share_the_place_whatever_was_rounded_away():
    found = ranks(result("a", "90.0", ratio=0.90004), result("b", "90.0", ratio=0.89996))
    assert (found["a"].rank, found["b"].rank) == (1, 1)


def test_only_those_measured_alike_are_compared():
    other = (("speed", ("latency", "latency-search")),)
    found = ranks(
        result("a"),
        result("b", "10.0"),
        result("c", "99.0", profile=other),
        result("d", "98.0", profile=other),
        result("e"),
    )
    assert (found["a"].group, found["a"].rank, found["a"].of) == (1, 1, 3)
    assert (found["c"].group, found["c"].rank, found["d"].rank) == (2, 1, 2)


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (result("x", None, status="insufficient_data"), UnrankedReason.NO_SCORE),
        (result("x", None, status="not_scored"), UnrankedReason.NO_SCORE),
        (result("x", measured_portal="dvc-quoc-gia"), UnrankedReason.SUBSTITUTE),
        (result("x", profile=(("other", ()),)), UnrankedReason.ALONE),
    ],
)
def test_a_result_without_a_place_has_a_reason(one: RankingResult, reason: UnrankedReason):
    place = ranks(result("a"), result("b"), one)["x"]
    assert (place.rank, place.unranked) == (None, reason)
    assert texts.rank_text(place, "vi") != texts.rank_text(place, "en") != ""


def test_a_rank_change_counts_places_and_shows_the_direction():
    before = [result("a", "10.0"), result("b", "20.0"), result("c", "30.0")]
    found = ranks(result("a", "90.0"), result("b", "20.0"), result("c", "15.0"), before=before)
    assert {one: place.rank_gain for one, place in found.items()} == {"a": 2, "b": 0, "c": -2}
    assert [texts.movement_text(found[one], "vi") for one in "abc"] == ["▲ tăng 2", "giữ nguyên", "▼ giảm 2"]


@pytest.mark.parametrize(
    ("before", "reason"),
    [
        (None, NoMovementReason.NO_DATA),
        ([result("b")], NoMovementReason.NEW),
        ([result("a", rubric="r@0"), result("b", rubric="r@0")], NoMovementReason.RUBRIC),
        ([result(one, profile=(("other", ()),)) for one in "ab"], NoMovementReason.PROFILE),
    ],
)
def test_what_cannot_be_compared_has_no_rank_change_but_a_reason(
    before: list[RankingResult] | None, reason: NoMovementReason
):
    place = ranks(result("a"), result("b"), before=before)["a"]
    assert (place.rank_gain, place.unmoved) == (None, reason)
    assert texts.movement_text(place, "en") == texts.NO_MOVEMENT_TEXTS[reason].en


def test_a_fault_has_a_text_and_a_missing_one_a_reason():
    assert texts.fault_text("timeout", "en", began=True) == "timed out"
    assert texts.fault_text(None, "en", began=False) == "began before this period"
    assert texts.fault_text(None, "en", began=True) == "no fault was recorded"
    assert set(texts.FAULT_TEXTS) >= {fault.value for fault in Fault}


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=30))
def test_a_better_percentage_never_ranks_lower(percents: list[int]):
    found = ranks(*(result(f"p{number}", f"{one / 10:.1f}") for number, one in enumerate(percents)))
    for number, one in enumerate(percents):
        assert found[f"p{number}"].rank == 1 + sum(other > one for other in percents)


def test_a_sealed_score_read_back_is_the_same_result():
    for one in parts.score_set().scores:
        assert parse_result(serialize.score(one)) == ranking_result(one)
        assert parse_result(serialize.score(replace(one, criteria=()))).profile == ()
