"""Three days of faults cause no false page and no missed outage; the changes follow from the measurements alone."""

from __future__ import annotations

import asyncio
import time

import pytest

from monitor.model.records import Measurement, UnknownReason
from monitor.prober.schedule import slots_between
from monitor.states.rules import StateRules
from monitor.states.state_machine import StateMachine
from tests.faults.loop import LoopClock, run_in_simulated_time
from tests.faults.report import Report, report
from tests.faults.scenario import FaultScenario
from tests.faults.simulation import Simulation

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def days() -> tuple[Report, Simulation]:
    return report(FaultScenario(days=3, count=8), keep=True)


def test_no_page_is_false_and_no_outage_is_missed(days: tuple[Report, Simulation]):
    found, _ = days
    assert found.false(found.pages) == {}
    assert found.missed(found.pages) == []
    assert found.false_self_check_alarms() == []
    assert found.max_alarms_per_fault() == 1
    assert sum(map(len, found.scenario.outages.values())) == 16
    assert sum(found.false(found.simple[1]).values()) > 100, "the faults have no effect"
    assert sum(found.false(found.simple[2]).values()) > 10


def test_a_page_comes_within_an_interval_and_the_confirmation_attempts(days: tuple[Report, Simulation]):
    """A failed probe takes 10 s at most, and two more of that kind fit into the slot."""
    found, _ = days
    assert found.delays()[-1] <= 60 + 3 * 10 + 2
    assert "| missed outages of two intervals or longer | 16 |" in found.table()


def test_every_slot_has_exactly_one_outcome_and_its_attempts_come_in_order(days: tuple[Report, Simulation]):
    _, simulation = days
    firsts: dict[str, list[Measurement]] = {}
    newest: dict[str, tuple[int, int]] = {}
    for one in simulation.journal.measurements:
        assert newest.get(one.key, (0, 0)) < (one.slot, one.attempt)
        if one.attempt > 1:
            assert newest[one.key] == (one.slot, one.attempt - 1)
        else:
            firsts.setdefault(one.key, []).append(one)
        newest[one.key] = (one.slot, one.attempt)
    for check in simulation.checks():
        slots = [one.slot for one in firsts[check.key]]
        assert slots == list(slots_between(check, slots[0] - 1, slots[-1] + 1))
    seen = {one.unknown_reason for one in simulation.journal.measurements}
    assert seen == {
        None,
        UnknownReason.SELF_CHECK,
        UnknownReason.INTERNAL_ERROR,
        UnknownReason.KILLED,
        UnknownReason.STOPPED,
    }


def test_the_changes_follow_from_the_measurements_alone_byte_for_byte(days: tuple[Report, Simulation]):
    """Independent of restarts and of the sizes of the batches that the state machine read."""
    _, simulation = days
    changes = [change for _, change in simulation.journal.changes]
    whole = StateMachine(simulation.scenario.portals, StateRules())
    assert repr(whole.process_all(simulation.journal.measurements)) == repr(changes)
    assert whole.serialize() == simulation.journal.state_machine.serialize()
    assert len(changes) > 100


def test_simulated_time_needs_no_waiting():
    async def sleep() -> tuple[float, int]:
        clock = LoopClock(0)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(86_400):
                await asyncio.sleep(90_000)
        return clock.monotonic(), clock.now()

    began = time.monotonic()
    assert run_in_simulated_time(sleep()) == (pytest.approx(86_400), pytest.approx(86_400_000))
    assert time.monotonic() - began < 60


def test_a_loop_in_which_nothing_can_happen_raises():
    async def wait() -> None:
        await asyncio.Event().wait()

    with pytest.raises(RuntimeError, match="deadlock"):
        run_in_simulated_time(wait())
