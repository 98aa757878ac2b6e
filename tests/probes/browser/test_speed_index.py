"""The Speed Index is the area above the curve of progress, of a filmstrip."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.browser.speed_index import (
    WHITE_HISTOGRAM,
    InvalidScreenshot,
    histogram,
    speed_index,
    speed_index_of_progress,
    visual_progress,
)
from probes.browser.trace_events import TraceScreenshot
from tests.probes.browser.traces import jpeg

SHARES = st.lists(st.tuples(st.floats(0.01, 60.0), st.floats(0.0, 1.0)), min_size=1, max_size=20)


def filmstrip(*frames: tuple[float, bytes]) -> list[TraceScreenshot]:
    return [TraceScreenshot(at_seconds=at, jpeg=jpeg_bytes) for at, jpeg_bytes in frames]


def test_a_page_that_is_complete_at_once_has_the_time_of_its_only_frame():
    assert speed_index(filmstrip((1.5, jpeg(filled=0.5)))) == pytest.approx(1.5)


def test_half_a_screen_counts_half_until_the_rest_is_there():
    shots = filmstrip((1.0, jpeg(filled=0.25)), (3.0, jpeg(filled=0.5)))
    assert speed_index(shots) == pytest.approx(2.0, abs=0.05)


def test_white_is_not_progress():
    assert speed_index(filmstrip((0.5, jpeg()), (2.0, jpeg(filled=0.5)))) == pytest.approx(2.0)


@pytest.mark.parametrize("shots", [[], filmstrip((1.0, jpeg())), filmstrip((1.0, jpeg(filled=0.5)), (2.0, jpeg()))])
def test_a_page_that_ends_white_has_none(shots: list[TraceScreenshot]):
    assert speed_index(shots) is None


@pytest.mark.parametrize("jpeg_bytes", [b"", b"\xff\xd8\xff", jpeg()[:40], b"GIF89a"])
def test_what_is_no_image_is_refused(jpeg_bytes: bytes):
    with pytest.raises(InvalidScreenshot, match="cannot be decoded"):
        histogram(jpeg_bytes)


def test_a_white_frame_has_an_empty_histogram():
    assert histogram(jpeg()) == WHITE_HISTOGRAM
    assert sum(histogram(jpeg(filled=0.5))) == 3 * 64 * 32


def test_the_last_frame_is_complete_by_definition():
    shares = visual_progress([(at, histogram(jpeg(filled=at / 4))) for at in (1.0, 2.0, 3.0)])
    assert shares[-1] == (3.0, 1.0)
    assert [share for _, share in shares] == sorted(share for _, share in shares)


@given(SHARES)
def test_it_lies_between_the_first_frame_that_is_not_white_and_the_last(steps: list[tuple[float, float]]):
    curve = sorted(steps)
    curve[-1] = (curve[-1][0], 1.0)
    first = next(at for at, share in curve if share > 0)
    found = speed_index_of_progress(curve)
    assert found is not None
    assert first - 1e-9 <= found <= curve[-1][0] + 1e-9


@given(SHARES, st.integers(0, 19), st.floats(0.0, 1.0))
def test_more_on_the_screen_at_any_time_never_makes_it_larger(
    steps: list[tuple[float, float]], which: int, more: float
):
    curve = sorted(steps)
    at, share = curve[which % len(curve)]
    better = [*curve]
    better[which % len(curve)] = (at, max(share, more))
    found, before = speed_index_of_progress(better), speed_index_of_progress(curve)
    assert found is not None
    assert before is not None
    assert found <= before + 1e-9
