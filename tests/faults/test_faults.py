"""Three days of troubles wake nobody for nothing, and miss no outage; what is told follows from the looks alone."""

from __future__ import annotations

import asyncio
import time

import pytest

from monitor.model.records import Measurement, UnknownReason
from monitor.prober.schedule import slots_between
from monitor.states.rules import StateRules
from monitor.states.state_machine import StateMachine
from tests.faults.loop import LoopClock, leap
from tests.faults.month import Month
from tests.faults.report import Report, report
from tests.faults.world import World

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def days() -> tuple[Report, Month]:
    return report(World(days=3, count=8), keep=True)


def test_nobody_is_woken_for_nothing_and_no_outage_is_missed(days: tuple[Report, Month]):
    found, _ = days
    assert found.false(found.pages) == {}
    assert found.missed(found.pages) == []
    assert found.false_alarms_of_blindness() == []
    assert found.most_alarms_of_one_trouble() == 1
    assert sum(map(len, found.world.outages.values())) == 16
    assert sum(found.false(found.plain[1]).values()) > 100, "the troubles are no troubles"
    assert sum(found.false(found.plain[2]).values()) > 10


def test_a_page_comes_within_an_interval_and_the_looks_that_confirm(days: tuple[Report, Month]):
    """A failed look takes 10 s at most, and two more of that kind fit into the slot."""
    found, _ = days
    assert found.delays()[-1] <= 60 + 3 * 10 + 2
    assert "| missed outages of two intervals or longer | 16 |" in found.table()


def test_every_slot_has_exactly_one_outcome_and_its_looks_come_in_order(days: tuple[Report, Month]):
    _, month = days
    firsts: dict[str, list[Measurement]] = {}
    newest: dict[str, tuple[int, int]] = {}
    for one in month.memory.looks:
        assert newest.get(one.key, (0, 0)) < (one.slot, one.attempt)
        if one.attempt > 1:
            assert newest[one.key] == (one.slot, one.attempt - 1)
        else:
            firsts.setdefault(one.key, []).append(one)
        newest[one.key] = (one.slot, one.attempt)
    for check in month.checks():
        slots = [one.slot for one in firsts[check.key]]
        assert slots == list(slots_between(check, slots[0] - 1, slots[-1] + 1))
    seen = {one.void for one in month.memory.looks}
    assert seen == {None, UnknownReason.BLIND, UnknownReason.PROBER, UnknownReason.KILLED, UnknownReason.STOPPED}


def test_the_changes_follow_from_the_looks_alone_byte_for_byte(days: tuple[Report, Month]):
    """Whatever was restarted when, and in however many pieces the fold read."""
    _, month = days
    told = [change for _, change in month.memory.changes]
    whole = StateMachine(month.world.portals, StateRules())
    assert repr(whole.process_all(month.memory.looks)) == repr(told)
    assert whole.serialize() == month.memory.fold.serialize()
    assert len(told) > 100


def test_the_leaping_loop_waits_for_nobody():
    async def sleep() -> tuple[float, int]:
        clock = LoopClock(0)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(86_400):
                await asyncio.sleep(90_000)
        return clock.monotonic(), clock.now()

    began = time.monotonic()
    assert leap(sleep()) == (pytest.approx(86_400), pytest.approx(86_400_000))
    assert time.monotonic() - began < 60


def test_a_loop_in_which_nothing_can_happen_says_so():
    async def wait() -> None:
        await asyncio.Event().wait()

    with pytest.raises(RuntimeError, match="everybody waits"):
        leap(wait())
