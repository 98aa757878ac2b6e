"""The grid: every slot of every check once, in order, evenly spread, the same in every process and on every day."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from monitor.model.records import Check
from monitor.prober.schedule import (
    MAX_GAP_MS,
    Schedule,
    interval_ms,
    missed_slots,
    slot_after,
    slot_offset_ms,
    slots_between,
)
from tests import factories
from tests.factories import DAY, SLOT

ROOT = Path(__file__).parents[3]

INTERVALS = (1.0, 2.5, 7.0, 30.0, 60.0, 300.0)
names = st.sampled_from([f"p{number}" for number in range(8)])
fleets = st.dictionaries(names, st.sampled_from(INTERVALS), max_size=6)
steps = st.lists(st.integers(0, 200_000), min_size=1, max_size=8)


def checks(fleet: dict[str, float]) -> list[Check]:
    return [factories.check(portal=name, interval=interval) for name, interval in fleet.items()]


@given(fleets, steps)
def test_every_slot_is_handed_out_once_and_in_order(fleet: dict[str, float], moves: list[int]):
    now = SLOT
    schedule = Schedule(checks(fleet), now)
    found: list[tuple[int, str]] = []
    for move in moves:
        now += move
        due = schedule.due(now)
        assert [slot for _, slot in due] == sorted(slot for _, slot in due)
        found += [(slot, check.key) for check, slot in due]
    wanted = [(slot, check.key) for check in checks(fleet) for slot in slots_between(check, SLOT, now + 1)]
    assert sorted(found) == sorted(wanted)
    assert [slot for slot, _ in found] == sorted(slot for slot, _ in found)


@given(fleets, st.lists(st.integers(-3_600_000, 200_000), min_size=1, max_size=8))
def test_a_clock_that_is_set_back_never_hands_a_slot_out_twice(fleet: dict[str, float], moves: list[int]):
    now, newest = SLOT, SLOT
    schedule = Schedule(checks(fleet), now)
    found: list[tuple[int, str]] = []
    for move in moves:
        now += move
        newest = max(newest, now)
        found += [(slot, check.key) for check, slot in schedule.due(now)]
    wanted = [(slot, check.key) for check in checks(fleet) for slot in slots_between(check, SLOT, newest + 1)]
    assert sorted(found) == sorted(wanted)


@given(st.lists(st.tuples(fleets, st.integers(-3000, 120_000)), min_size=1, max_size=8))
def test_a_replacement_hands_nothing_out_twice_and_keeps_grids_that_stay(story: list[tuple[dict[str, float], int]]):
    """Checks go, come back and change their interval, also while slots of the next moment are handed out already."""
    now = SLOT
    schedule = Schedule([], now)
    found: list[tuple[int, str]] = []
    newest: dict[str, int] = {}
    intervals: dict[str, float] = {}
    for fleet, move in story:
        schedule.replace(checks(fleet), now)
        newest = {key: slot for key, slot in newest.items() if intervals[key] == fleet.get(key.partition("/")[0])}
        intervals = {check.key: check.interval for check in checks(fleet)}
        now += move
        for check, slot in schedule.due(now + 1500):
            assert newest.get(check.key, slot - interval_ms(check)) == slot - interval_ms(check)
            newest[check.key] = slot
            found.append((slot, check.key))
    assert max(Counter(found).values(), default=1) == 1


def test_a_replacement_keeps_a_slot_that_is_due():
    check = factories.check()
    schedule = Schedule([check], SLOT)
    due = slot_after(check, SLOT)
    schedule.replace([check, factories.check(portal="hue")], due + 10)
    assert (check, due) in schedule.due(due + 10)


def test_the_replaced_check_is_the_one_handed_out():
    old, new = factories.check(url="https://old.example.vn/"), factories.check(url="https://new.example.vn/")
    schedule = Schedule([old], SLOT)
    schedule.replace([new], SLOT)
    assert [check for check, _ in schedule.due(SLOT + 60_000)] == [new]


def test_offsets_are_uniform():
    """10,000 keys over 100 bins: chi-square with 99 degrees of freedom, below its 99.99 % quantile of 161."""
    interval = 60_000
    bins = Counter(slot_offset_ms(f"portal-{number}/uptime", interval) * 100 // interval for number in range(10_000))
    square = sum((bins[number] - 100) ** 2 / 100 for number in range(100))
    assert square < 161
    assert set(bins) == set(range(100))


def test_the_same_key_has_the_same_slots_in_every_process():
    script = (
        "from monitor.prober.schedule import slot_offset_ms as offset; "
        "print([offset(f'p{n}/uptime', 60_000) for n in range(50)])"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert seen == {f"{[slot_offset_ms(f'p{number}/uptime', 60_000) for number in range(50)]}\n"}


def test_the_grid_of_a_key_is_written_down():
    """Another hash would move every slot of every installation."""
    assert [slot_offset_ms("ha-noi/uptime", 60_000), slot_offset_ms("ha-noi/latency", 300_000)] == [57_097, 1_536]


def test_no_drift_over_a_year():
    """Whatever the ticks do, a slot of next year is where arithmetic says, not a sum of delays."""
    check = factories.check()
    schedule = Schedule([check], SLOT)
    first = schedule.due(SLOT + 60_000)[0][1]
    now, last, count = SLOT + 60_000, first, 1
    for tick in range(366):
        now += DAY - (tick * 7919 % 60_000)
        for _, slot in schedule.due(now):
            assert slot - last == 60_000
            last, count = slot, count + 1
    assert last == first + (count - 1) * 60_000
    assert last % 60_000 == slot_offset_ms(check.key, 60_000)


def test_a_leap_of_up_to_a_day_produces_all_slots():
    check = factories.check(interval=1.0)
    slots = [slot for _, slot in Schedule([check], SLOT).due(SLOT + MAX_GAP_MS)]
    assert slots == list(slots_between(check, SLOT, SLOT + MAX_GAP_MS + 1))


@given(st.sampled_from((60.0, 300.0, 7000.0)), st.integers(0, 30 * DAY))
def test_a_longer_leap_produces_the_first_slot_and_the_last_day(interval: float, leap: int):
    """A host that boots in 1970 and then sets its clock must not write fifty years."""
    check = factories.check(interval=interval)
    now = SLOT + leap
    slots = [slot for _, slot in Schedule([check], SLOT).due(now)]
    assert slots == list(missed_slots(check, SLOT, now))
    everything = slots_between(check, SLOT, now + 1)
    assert slots == [slot for slot in everything if slot == everything[0] or slot > now - MAX_GAP_MS]


def test_a_leap_of_fifty_years_costs_no_time():
    fleet = [factories.check(portal=f"p{number}") for number in range(100)]
    schedule = Schedule(fleet, 0)
    assert len(schedule.due(SLOT, limit=5000)) == 5000
    assert len(schedule.due(SLOT)) == 100 + 100 * 1440 - 5000


@given(fleets, st.integers(1, 7))
def test_a_bounded_bite_loses_nothing(fleet: dict[str, float], most: int):
    bites, whole = Schedule(checks(fleet), SLOT), Schedule(checks(fleet), SLOT)
    now = SLOT + 20_000
    found = []
    while bite := bites.due(now, most):
        assert len(bite) <= most
        found += bite
    assert found == whole.due(now)


@given(st.integers(0, 4_000_000_000_000), st.floats(0.001, 86_400, allow_nan=False))
def test_slot_after_is_the_first_one_later(at: int, interval: float):
    check = factories.check(interval=interval)
    slot = slot_after(check, at)
    assert at < slot <= at + interval_ms(check)
    assert slot_after(check, slot - 1) == slot


@given(fleets, st.integers(2 * MAX_GAP_MS, 400 * DAY))
def test_a_clock_that_was_wrong_by_more_than_a_day_is_followed_back(fleet: dict[str, float], leap: int):
    """What it showed meanwhile is no reason to wait until that hour has come."""
    schedule = Schedule(checks(fleet), SLOT)
    schedule.due(SLOT + leap)
    assert schedule.due(SLOT + 1000) == []
    found = [(slot, check.key) for check, slot in schedule.due(SLOT + 3_600_000)]
    wanted = [
        (slot, check.key) for check in checks(fleet) for slot in slots_between(check, SLOT + 1000, SLOT + 3_600_001)
    ]
    assert sorted(found) == sorted(wanted)
