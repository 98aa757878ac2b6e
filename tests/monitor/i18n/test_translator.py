"""Times, durations and numbers are formatted as usual in each language."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.i18n.translator import Translator, iso
from tests.factories import DAY, SLOT

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
VI, EN = Translator("vi", HANOI), Translator("en", HANOI)


@pytest.mark.parametrize(
    ("seconds", "vietnamese", "english"),
    [
        (0, "0 giây", "0 s"),
        (45.9, "45 giây", "45 s"),
        (200, "3 phút 20 giây", "3 min 20 s"),
        (180, "3 phút", "3 min"),
        (3600, "1 giờ", "1 h"),
        (3605, "1 giờ", "1 h"),
        (93_784, "1 ngày 2 giờ", "1 d 2 h"),
        (-5, "0 giây", "0 s"),
    ],
)
def test_a_duration_is_formatted_in_its_two_largest_units(seconds: float, vietnamese: str, english: str):
    assert (VI.duration(seconds), EN.duration(seconds)) == (vietnamese, english)


@given(st.integers(0, 10_000_000))
def test_a_longer_duration_is_never_formatted_as_a_shorter_one(seconds: int):
    sizes = {"d": 86400, "h": 3600, "min": 60, "s": 1}
    parts = EN.duration(seconds).split()
    total = sum(int(n) * sizes[unit] for n, unit in zip(parts[::2], parts[1::2], strict=True))
    assert total <= seconds < total + sizes[parts[-1]] * 60


@pytest.mark.parametrize(
    ("seconds", "vietnamese", "english"),
    [
        (0.00831, "8,3 ms", "8.3 ms"),
        (0.342, "342 ms", "342 ms"),
        (1.236, "1,24 s", "1.24 s"),
        (None, "\N{EN DASH}", "\N{EN DASH}"),
    ],
)
def test_a_short_duration_has_the_decimal_mark_of_the_language(seconds: float, vietnamese: str, english: str):
    assert (VI.short_duration(seconds), EN.short_duration(seconds)) == (vietnamese, english)


def test_sizes_are_decimal():
    assert [EN.byte_size(n) for n in (0, 999, 1_000, 18_731, 734_000, 2_500_000, 3_000_000_000)] == [
        "0 B", "999 B", "1.0 kB", "18.7 kB", "734 kB", "2.5 MB", "3.0 GB",
    ]  # fmt: skip


def test_moments_are_in_the_zone_and_the_order_of_the_language():
    assert VI.date_time(SLOT) == "01/08/2026 07:00:00"
    assert EN.date_time(SLOT) == "2026-08-01 07:00:00"
    assert VI.date(SLOT + DAY) == "02/08/2026"
    assert VI.hour(SLOT) == "07:00"


def test_an_age_is_formatted_in_one_unit():
    assert VI.ago(500) == "vừa xong"
    assert VI.ago(75_000) == "1 phút trước"
    assert EN.ago(12_000) == "12 s ago"


def test_one_thing_is_counted_as_one():
    assert EN.plural("down", 1) == "1 portal is down"
    assert EN.plural("down", 2) == "2 portals are down"
    assert VI.plural("down", 2) == "2 cổng đang gián đoạn"


def test_machine_times_are_utc_with_z():
    assert iso(SLOT + 7) == "2026-08-01T00:00:00.007Z"
    assert iso(None) is None
