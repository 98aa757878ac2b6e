"""Names of periods, and their bounds in the report zone."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.scoring import periods
from monitor.scoring.periods import DAY_MS, PeriodError, parse

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = int(datetime(2026, 9, 14, 18, 30, tzinfo=UTC).timestamp() * 1000)
"""Already the fifteenth in the report zone."""

GOLDEN = {
    "2026Q3": ("2026Q3", "2026-07-01", "2026-09-30"),
    "2026-Q4": ("2026Q4", "2026-10-01", "2026-12-31"),
    "2026q1": ("2026Q1", "2026-01-01", "2026-03-31"),
    "2026-09": ("2026-09", "2026-09-01", "2026-09-30"),
    "2028-02": ("2028-02", "2028-02-01", "2028-02-29"),
    "2026-12": ("2026-12", "2026-12-01", "2026-12-31"),
    "2026-09-14": ("2026-09-14", "2026-09-14", "2026-09-14"),
    "2026-W37": ("2026-W37", "2026-09-07", "2026-09-13"),
    "2026W01": ("2026-W01", "2025-12-29", "2026-01-04"),
    "2026-W53": ("2026-W53", "2026-12-28", "2027-01-03"),
    "7d": ("2026-09-08..2026-09-14", "2026-09-08", "2026-09-14"),
    "1d": ("2026-09-14", "2026-09-14", "2026-09-14"),
    "2026-09-01..2026-09-14": ("2026-09-01..2026-09-14", "2026-09-01", "2026-09-14"),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_golden(name: str):
    found = parse(name, ZONE, NOW)
    assert (found.name, found.first.isoformat(), found.last.isoformat()) == GOLDEN[name]
    assert found.since_ms == int(datetime.fromisoformat(f"{found.first}T00:00+07:00").timestamp() * 1000)
    assert found.until_ms - found.since_ms == ((found.last - found.first).days + 1) * DAY_MS
    assert parse(found.name, ZONE, NOW) == found


@pytest.mark.parametrize(
    "name",
    ["", "2026", "2026Q5", "2026-13", "2026-02-30", "2026-W54", "2025-W53", "0d", "x", "2026-09-14..", "..", "9999d"],
)
def test_an_invalid_period_is_reported(name: str):
    if name == "9999d":
        assert parse(name, ZONE, NOW).first.year == 1999
        return
    with pytest.raises(PeriodError):
        parse(name, ZONE, NOW)


def test_a_period_has_an_order():
    with pytest.raises(PeriodError, match="ends before it begins"):
        parse("2026-09-14..2026-09-01", ZONE, NOW)


@pytest.mark.parametrize(
    ("name", "earlier"),
    [
        ("2026Q3", "2026Q2"), ("2026Q1", "2025Q4"), ("2026-01", "2025-12"), ("2026-09-14", "2026-09-13"),
        ("2026-W37", "2026-08-31..2026-09-06"), ("2026-09-08..2026-09-14", "2026-09-01..2026-09-07"),
    ],
)  # fmt: skip
def test_the_period_before(name: str, earlier: str):
    found = periods.previous(parse(name, ZONE, NOW), ZONE)
    assert found.name == earlier
    assert found.until_ms == parse(name, ZONE, NOW).since_ms


def test_the_quarter_of_a_moment_is_that_of_the_report_zone():
    last = int(datetime(2026, 9, 30, 18, tzinfo=UTC).timestamp() * 1000)
    assert periods.quarter_of(last, ZONE).name == "2026Q4"
    assert periods.quarter_of(last, ZoneInfo("UTC")).name == "2026Q3"


def test_the_elapsed_part_of_a_period():
    found = parse("2026-09", ZONE, NOW)
    assert found.elapsed_until(NOW) == NOW
    assert found.elapsed_until(0) == found.since_ms
    assert found.elapsed_until(2**60) == found.until_ms
    assert (found.days(), found.days(NOW), found.days(found.since_ms)) == (30, 15, 0)


def test_clocks_that_change_make_a_day_shorter_and_no_block():
    found = parse("2026-03-29", ZoneInfo("Europe/Berlin"), NOW)
    assert found.until_ms - found.since_ms == 23 * 3_600_000
    assert found.days() == 1


@given(text=st.text(alphabet="0123456789QWd-. ", max_size=24))
def test_any_text_is_a_period_or_is_rejected(text: str):
    try:
        found = parse(text, ZONE, NOW)
    except PeriodError:
        return
    assert found.since_ms < found.until_ms
    assert isinstance(found.first, date)
