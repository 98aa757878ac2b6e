"""Mobile friendliness: computed from a report, and reported by real pages."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.browser.mobile_friendliness import (
    TapTarget,
    legible_text_ratio,
    parse_viewport,
    read_mobile_friendliness,
    tap_target_ratio,
)

GOOD: dict[str, Any] = {
    "viewport": "width=device-width, initial-scale=1",
    "language": "vi",
    "layoutWidth": 412,
    "contentWidth": 412,
    "sizes": {"16.0": 90, "11.0": 10},
    "targets": [{"x": 0, "y": 0, "width": 48, "height": 48, "inline": False}],
}
TARGETS = st.lists(
    st.builds(TapTarget, x=st.floats(0, 400), y=st.floats(0, 800), width=st.floats(1, 200), height=st.floats(1, 100)),
    max_size=12,
)


def test_a_page_made_for_phones():
    found = read_mobile_friendliness(GOOD, GOOD | {"layoutWidth": 360, "contentWidth": 380})
    assert found.viewport_ok
    assert found.zoom_ok
    assert found.lang_ok
    assert (found.overflow_412_px, found.overflow_360_px) == (0.0, 20.0)
    assert found.text_legible_ratio == pytest.approx(0.9)
    assert (found.tap_24_ratio, found.tap_48_ratio) == (1.0, 1.0)


def test_a_page_without_text_or_targets_has_no_share_of_them():
    found = read_mobile_friendliness(GOOD | {"sizes": {}, "targets": []}, GOOD)
    assert found.text_legible_ratio is found.tap_24_ratio is found.tap_48_ratio is None


@pytest.mark.parametrize(
    ("viewport", "fits", "zooms"),
    [
        (None, False, True),
        ("", False, True),
        ("width=device-width", True, True),
        ("WIDTH = device-width ; initial-scale=1.0", True, True),
        ("initial-scale=1", True, True),
        ("width=1024", False, True),
        ("width=device-width, user-scalable=no", True, False),
        ("width=device-width, user-scalable=0", True, False),
        ("width=device-width, maximum-scale=1", True, False),
        ("width=device-width, maximum-scale=5", True, True),
        ("width=device-width, maximum-scale=many", True, True),
    ],
)
def test_the_viewport_tag_is_parsed(viewport: str | None, fits: bool, zooms: bool):  # noqa: FBT001 - a table
    found = read_mobile_friendliness(GOOD | {"viewport": viewport}, GOOD)
    assert (found.viewport_ok, found.zoom_ok) == (fits, zooms)


@pytest.mark.parametrize(
    ("language", "good"), [("vi", True), ("vi-VN", True), (None, False), ("", False), ("tiếng Việt", False)]
)
def test_a_language_is_a_language_tag(language: str | None, good: bool):  # noqa: FBT001 - a table
    assert read_mobile_friendliness(GOOD | {"language": language}, GOOD).lang_ok is good


def box(x: float, y: float, width: float, height: float) -> TapTarget:
    return TapTarget(x=x, y=y, width=width, height=height)


def test_small_targets_pass_when_they_stand_alone():
    assert tap_target_ratio([box(0, 0, 20, 20), box(100, 0, 20, 20)], 24) == 1.0
    assert tap_target_ratio([box(0, 0, 20, 20), box(21, 0, 20, 20)], 24) == 0.0
    assert tap_target_ratio([box(0, 0, 20, 20), box(20, 0, 60, 60)], 24) == 0.5  # the large one is good in any company


def test_what_stands_in_a_sentence_is_excepted():
    small = {"x": 0, "y": 0, "width": 20, "height": 10, "inline": True}
    close = [small, small | {"x": 21}]
    assert read_mobile_friendliness(GOOD | {"targets": [*GOOD["targets"], *close]}, GOOD).tap_48_ratio == 1.0


@given(TARGETS)
def test_a_target_of_48_px_is_also_one_of_24_px(targets: list[TapTarget]):
    thin, thick = tap_target_ratio(targets, 24), tap_target_ratio(targets, 48)
    assert (thin is None) == (thick is None) == (not targets)
    assert thin is None or thick is None or 0.0 <= thick <= thin <= 1.0


@given(st.dictionaries(st.floats(1, 40).map(str), st.integers(1, 1000), max_size=6))
def test_the_legible_share_is_one_of_all_text(sizes: dict[str, int]):
    found = legible_text_ratio(sizes)
    assert (found is None) == (not sizes)
    assert found is None or 0.0 <= found <= 1.0


def test_rules_are_read_in_small_letters():
    assert parse_viewport("Width=Device-Width;maximum-scale=2,, x") == {
        "width": "device-width",
        "maximum-scale": "2",
        "x": "",
    }
