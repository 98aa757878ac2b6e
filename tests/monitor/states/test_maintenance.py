"""Maintenance windows: clock changes, midnights, overlaps; lookups by time give what computing by hand gives."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.states.maintenance import LAST_DAY_OF_MONTH, MaintenanceCalendar, MaintenanceWindow, upcoming_occurrences
from tests import factories
from tests.factories import MINUTE

HOUR = 60 * MINUTE
HUE = factories.portal(id="hue", group="trung")
EVERY_DAY = frozenset(range(7))


def window(zone: str = "Asia/Ho_Chi_Minh", **changes: object) -> MaintenanceWindow:
    fields: dict[str, object] = {
        "zone": ZoneInfo(zone),
        "start_minute": 22 * 60,
        "duration_ms": 2 * HOUR,
        "reason": "new release",
        "approved_by": "Sở KH&CN",
        "all_portals": True,
    }
    return MaintenanceWindow(**(fields | changes))  # type: ignore[arg-type] # the fields that a test replaces are its own


def ms(text: str, zone: str = "UTC") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def utc_text(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M")


def next_of(one: MaintenanceWindow, since: str, count: int = 1) -> list[tuple[str, str]]:
    found = islice(one.occurrences(ms(since)), count)
    return [(utc_text(each.start_ms), utc_text(each.end_ms)) for each in found]


def test_once():
    one = window(dates=frozenset({date(2026, 8, 1)}))
    assert next_of(one, "2020-01-01", 5) == [("2026-08-01 15:00", "2026-08-01 17:00")]
    assert next_of(one, "2026-08-01 16:59") == next_of(one, "2020-01-01")
    assert next_of(one, "2026-08-01 17:00") == []


def test_every_saturday_over_midnight():
    one = window(weekdays=frozenset({5}), start_minute=23 * 60, duration_ms=3 * HOUR)
    assert next_of(one, "2026-08-01 18:30", 2) == [
        ("2026-08-01 16:00", "2026-08-01 19:00"),
        ("2026-08-08 16:00", "2026-08-08 19:00"),
    ]


def test_days_of_a_month():
    one = window("UTC", month_days=frozenset({31, LAST_DAY_OF_MONTH}))
    assert [start[:10] for start, _ in next_of(one, "2026-01-01", 4)] == [
        "2026-01-31",
        "2026-02-28",
        "2026-03-31",
        "2026-04-30",
    ]


@pytest.mark.parametrize(
    ("day", "at", "start"),
    [
        ("2026-03-28", "02:30", "2026-03-28 01:30"),
        ("2026-03-29", "01:59", "2026-03-29 00:59"),
        ("2026-03-29", "02:00", "2026-03-29 01:00"),  # clocks go from 02:00 to 03:00: there is no such hour
        ("2026-03-29", "02:30", "2026-03-29 01:00"),
        ("2026-03-29", "03:00", "2026-03-29 01:00"),
        ("2026-03-29", "03:30", "2026-03-29 01:30"),
        ("2026-10-25", "01:59", "2026-10-24 23:59"),
        ("2026-10-25", "02:30", "2026-10-25 00:30"),  # clocks go from 03:00 to 02:00: the first of the two
        ("2026-10-25", "03:00", "2026-10-25 02:00"),
    ],
)
def test_when_berlin_sets_its_clocks(day: str, at: str, start: str):
    hour, minute = map(int, at.split(":"))
    one = window("Europe/Berlin", dates=frozenset({date.fromisoformat(day)}), start_minute=hour * 60 + minute)
    (found,) = one.occurrences(ms("2026-01-01"))
    assert utc_text(found.start_ms) == start
    assert found.end_ms - found.start_ms == 2 * HOUR


def test_a_day_whose_midnight_does_not_exist():
    """Beirut goes from 00:00 to 01:00."""
    one = window("Asia/Beirut", dates=frozenset({date(2026, 3, 29)}), start_minute=0)
    assert next_of(one, "2026-01-01") == [("2026-03-28 22:00", "2026-03-29 00:00")]


def test_a_date_that_a_zone_left_out():
    """Samoa had no 30 December 2011."""
    one = window("Pacific/Apia", dates=frozenset({date(2011, 12, 30)}), start_minute=10 * 60)
    assert next_of(one, "2011-01-01") == [("2011-12-30 10:00", "2011-12-30 12:00")]


def test_recurring_windows_through_both_changes_keep_their_hour_and_length():
    one = window("Europe/Berlin", weekdays=EVERY_DAY, start_minute=4 * 60)
    found = list(islice(one.occurrences(ms("2026-01-01")), 365))
    assert {each.end_ms - each.start_ms for each in found} == {2 * HOUR}
    assert {datetime.fromtimestamp(each.start_ms / 1000, ZoneInfo("Europe/Berlin")).hour for each in found} == {4}
    assert sorted({later.start_ms - earlier.start_ms for earlier, later in pairwise(found)}) == [
        23 * HOUR,
        24 * HOUR,
        25 * HOUR,
    ]


def test_whom_a_window_is_about():
    other = factories.portal(id="da-nang", group="trung")
    by_group, by_name = (
        window(all_portals=False, groups=frozenset({"trung"})),
        window(portals=frozenset({"hue"}), all_portals=False),
    )
    assert [one.covers(HUE) for one in (window(), by_group, by_name)] == [True, True, True]
    assert [one.covers(other) for one in (window(), by_group, by_name)] == [True, True, False]
    assert not by_group.covers(factories.portal(id="hue-2", group="nam"))


def test_the_next_of_several_windows_in_order():
    one = window(weekdays=EVERY_DAY)
    two = window("Europe/Berlin", dates=frozenset({date(2026, 8, 2)}), start_minute=9 * 60)
    found = upcoming_occurrences([one, two], ms("2026-08-01 16:00"), 3)
    assert [(utc_text(each.start_ms), each.window) for each in found] == [
        ("2026-08-01 15:00", one),
        ("2026-08-02 07:00", two),
        ("2026-08-02 15:00", one),
    ]
    assert upcoming_occurrences([], 0, 5) == []


def test_overlapping_windows_hold_until_the_last_of_them_ends():
    calendar = MaintenanceCalendar(
        (
            window("UTC", dates=frozenset({date(2026, 8, 1)}), start_minute=600),
            window("UTC", dates=frozenset({date(2026, 8, 1)}), start_minute=660, reason="overrun"),
        )
    )
    answers = [
        calendar.occurrence_at(HUE, ms(f"2026-08-01 {hour}")) for hour in ("09:59", "10:00", "11:30", "12:59", "13:00")
    ]
    assert [one.window.reason if one else None for one in answers] == [None, "new release", "overrun", "overrun", None]


windows = st.lists(
    st.builds(
        window,
        zone=st.sampled_from(["Europe/Berlin", "Asia/Ho_Chi_Minh", "America/St_Johns", "Australia/Lord_Howe"]),
        start_minute=st.integers(0, 1439),
        duration_ms=st.integers(1, 60).map(lambda hours: hours * HOUR),
        weekdays=st.frozensets(st.integers(0, 6), max_size=3),
        month_days=st.frozensets(st.sampled_from([1, 25, 29, 31, LAST_DAY_OF_MONTH]), max_size=2),
        dates=st.frozensets(st.dates(date(2026, 3, 20), date(2026, 4, 10)), max_size=2),
        all_portals=st.booleans(),
        groups=st.sampled_from([frozenset(), frozenset({"trung"})]),
    ).map(
        lambda one: (
            window(dates=frozenset({date(2026, 3, 29)})) if one.dates and (one.weekdays or one.month_days) else one
        )
    ),
    max_size=3,
)


@given(windows, st.lists(st.integers(0, 21 * 24 * 60), min_size=1, max_size=8))
def test_lookups_in_any_order_are_the_same_as_computing(found: list[MaintenanceWindow], minutes: list[int]):
    calendar = MaintenanceCalendar(tuple(found))
    for minute in minutes:
        at = ms("2026-03-20") + minute * MINUTE
        ends = [
            min(one.end_ms for one in covering)
            for each in found
            if each.covers(HUE)
            if (
                covering := [
                    one for one in islice(each.occurrences(at - 60 * HOUR), 6) if one.start_ms <= at < one.end_ms
                ]
            )
        ]
        answer = calendar.occurrence_at(HUE, at)
        assert (answer.end_ms if answer else None) == max(ends, default=None)


def test_a_window_far_away_is_found_at_once():
    one = window(dates=frozenset({date(2096, 1, 1)}))
    assert next_of(one, "2026-01-01")[0][0] == "2096-01-01 15:00"
    assert timedelta(milliseconds=next(one.occurrences(0)).start_ms).days > 40_000
