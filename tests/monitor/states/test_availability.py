"""Time in states: spans have no gaps, unknown time is never counted, service hours split and never lose time."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.records import State
from monitor.model.wall_time import ServiceHours, WeekdayHours
from monitor.states.availability import Availability, StateSpan, availability, split_by_service_hours, timeline
from tests import factories
from tests.factories import DAY, MINUTE, SLOT

HOUR = 60 * MINUTE
OFFICE = ServiceHours(
    zone=ZoneInfo("Asia/Ho_Chi_Minh"),
    windows=(WeekdayHours(days=frozenset(range(5)), start_minutes=7 * 60 + 30, end_minutes=17 * 60),),
)

stories = st.lists(st.tuples(st.integers(0, 3 * DAY), st.sampled_from(State)), max_size=12)


def changes(*pairs: tuple[int, State]) -> list:
    return [factories.change(at=at, state=state) for at, state in pairs]


def test_a_day_with_an_outage_and_an_unknown_night():
    spans = timeline(
        changes(
            (SLOT + HOUR, State.DOWN),
            (SLOT + 2 * HOUR, State.DEGRADED),
            (SLOT + 3 * HOUR, State.UP),
            (SLOT + 10 * HOUR, State.MAINTENANCE),
            (SLOT + 12 * HOUR, State.UNKNOWN),
        ),
        SLOT,
        SLOT + DAY,
        State.UP,
    )
    assert spans[0] == StateSpan(start_ms=SLOT, end_ms=SLOT + HOUR, state=State.UP)
    found = availability(spans)
    assert found == Availability(up=8 * HOUR, down=HOUR, degraded=HOUR, maintenance=2 * HOUR, unknown=12 * HOUR)
    assert found.ratio == 9 / 10
    assert found.coverage == 0.5


def test_no_evaluated_time_is_neither_good_nor_bad():
    assert availability(timeline((), SLOT, SLOT + DAY)) == Availability(unknown=DAY)
    assert Availability(unknown=DAY).ratio is None
    assert Availability(unknown=DAY, maintenance=DAY).coverage == 0.5
    assert Availability(maintenance=DAY).ratio is None
    assert Availability().coverage is None
    assert timeline((), SLOT, SLOT) == ()


def test_changes_before_the_window_give_the_state_at_its_start():
    story_changes = changes((SLOT - DAY, State.UP), (SLOT - HOUR, State.DOWN), (SLOT + DAY + 1, State.UP))
    assert timeline(story_changes, SLOT, SLOT + DAY) == (StateSpan(start_ms=SLOT, end_ms=SLOT + DAY, state=State.DOWN),)


def test_the_end_of_flapping_makes_no_border():
    story_changes = changes((SLOT, State.UP), (SLOT + HOUR, State.UP))
    assert len(timeline(story_changes, SLOT, SLOT + DAY)) == 1


@given(stories, st.integers(0, 2 * DAY), st.integers(0, 2 * DAY))
def test_spans_cover_the_window_once_and_in_order(story: list[tuple[int, State]], since: int, length: int):
    spans = timeline(changes(*sorted(story, key=lambda one: one[0])), since, since + length, State.UP)
    assert sum(span.end_ms - span.start_ms for span in spans) == length
    for one, other in pairwise(spans):
        assert one.end_ms == other.start_ms
        assert one.state is not other.state
        assert one.start_ms < one.end_ms


@given(stories, st.integers(0, 2 * DAY))
def test_a_window_cut_in_two_adds_up(story: list[tuple[int, State]], cut: int):
    story_changes = changes(*sorted(story, key=lambda one: one[0]))
    whole = timeline(story_changes, 0, 2 * DAY, State.UP)
    middle = next((span.state for span in whole if span.start_ms <= cut < span.end_ms), None)
    earlier = [change for change in story_changes if change.at < cut]
    later = [change for change in story_changes if change.at >= cut]
    both = availability(timeline(earlier, 0, cut, State.UP)) + availability(timeline(later, cut, 2 * DAY, middle))
    assert both == availability(whole)


@given(stories)
def test_service_hours_split_and_never_lose_time(story: list[tuple[int, State]]):
    spans = timeline(changes(*sorted(story, key=lambda one: one[0])), 0, 3 * DAY)
    inside, outside = split_by_service_hours(spans, OFFICE)
    assert availability(inside) + availability(outside) == availability(spans)


def test_office_hours_of_a_week():
    monday = int(datetime(2026, 8, 3, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh")).timestamp() * 1000)
    spans = timeline(
        changes((monday + 16 * HOUR, State.DOWN), (monday + 18 * HOUR, State.UP)), monday, monday + 7 * DAY
    )
    inside, outside = split_by_service_hours(
        (StateSpan(start_ms=monday, end_ms=monday + 16 * HOUR, state=State.UP), *spans[1:]), OFFICE
    )
    assert availability(inside).total_ms == 5 * 9.5 * HOUR
    assert availability(inside).down == HOUR
    assert availability(outside).down == HOUR
    assert availability(outside).total_ms == 7 * DAY - 5 * 9.5 * HOUR


@pytest.mark.parametrize(
    ("day", "hours"),
    [("2026-03-28", 2.0), ("2026-03-29", 1.0), ("2026-10-25", 3.0), ("2026-10-26", 2.0)],
)
def test_service_hours_follow_the_clocks_of_their_zone(day: str, hours: float):
    """From 01:30 to 03:30 in Berlin is an hour shorter when clocks go forward, an hour longer when they go back."""
    zone = ZoneInfo("Europe/Berlin")
    night = ServiceHours(
        zone=zone, windows=(WeekdayHours(days=frozenset(range(7)), start_minutes=90, end_minutes=210),)
    )
    since = int(datetime.fromisoformat(day).replace(tzinfo=zone).timestamp() * 1000)
    assert sum(end - start for start, end in night.intervals(since, since + 12 * HOUR)) == hours * HOUR


def test_overlapping_windows_count_once():
    twice = ServiceHours(
        zone=ZoneInfo("UTC"),
        windows=tuple(
            WeekdayHours(days=frozenset(range(7)), start_minutes=start, end_minutes=end)
            for start, end in ((0, 600), (540, 1440))
        ),
    )
    assert sum(end - start for start, end in twice.intervals(SLOT, SLOT + DAY)) == DAY
