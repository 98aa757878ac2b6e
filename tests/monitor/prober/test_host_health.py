"""What this machine says of itself: asked only when a look failed or was slow, and only of what it can have caused."""

from __future__ import annotations

import asyncio
import time

import pytest

from monitor.model.records import UnknownReason
from monitor.prober.host_health import LAG_SAMPLE_SECONDS, HostHealth, HostLimits
from monitor.storage.journal.journal import Journal
from probes.resources import ProbeResources
from probes.result import Fault, Outcome, ProbeFailed, ProbeResult
from probes.trace import Trace
from tests import factories
from tests.factories import SLOT
from tests.monitor.parts import HandClock, acting, all_of, measurer

CHECK = factories.check()
UP = factories.result()
SLOW = factories.result(duration=6.0)
LATE = {Fault.DNS, Fault.CONNECT_TIMEOUT, Fault.TIMEOUT, Fault.RESET}
DATED = {Fault.TLS_EXPIRED, Fault.TLS_UNTRUSTED}


def down(fault: Fault = Fault.TIMEOUT, seconds: float = 10.0, address: str = "192.0.2.10") -> ProbeResult:
    return factories.result(outcome=Outcome.DOWN, fault=fault, duration=seconds, values={"address": address})


def machine(clock: HandClock | None = None, load: float = 1.0) -> HostHealth:
    return HostHealth(clock or HandClock(), HostLimits(), load_average=lambda: load, cpu_count=2)


def test_a_calm_machine_says_nothing():
    clock = HandClock()
    one = machine(clock)
    for _ in range(20):
        clock.pass_by(LAG_SAMPLE_SECONDS)
        one.record_lag(0.01)
    assert [one.problem(CHECK, result) for result in (UP, SLOW, down())] == [None] * 3


@pytest.mark.parametrize("fault", sorted(set(Fault) - {Fault.PROBER}))
def test_load_is_no_excuse_for_an_answer(fault: Fault):
    said = machine(load=20.0).problem(CHECK, down(fault))
    assert said == ("the load of this machine is 10.0 per processor" if fault in LATE else None)


def test_good_looks_never_ask():
    def refuse() -> float:
        raise AssertionError

    one = HostHealth(HandClock(), HostLimits(), load_average=refuse, cpu_count=2)
    assert one.problem(CHECK, UP) is None
    with pytest.raises(AssertionError):
        one.problem(CHECK, SLOW)


def test_a_slow_look_on_a_loaded_machine_is_ours():
    assert machine(load=20.0).problem(CHECK, SLOW) == "the load of this machine is 10.0 per processor"


def test_lag_counts_for_the_looks_that_it_met():
    clock = HandClock()
    one = machine(clock)
    one.record_lag(3.0)
    clock.pass_by(LAG_SAMPLE_SECONDS)
    one.record_lag(0.0)
    assert one.problem(CHECK, down(seconds=10.0)) == "the monitor itself was 3.0 s late"
    clock.pass_by(LAG_SAMPLE_SECONDS)
    one.record_lag(0.0)
    assert one.problem(CHECK, down(seconds=0.9)) is None
    assert one.problem(CHECK, down(Fault.HTTP_STATUS)) is None


def test_a_beat_that_is_overdue_is_lag_already():
    """The look may be judged before the timer that measures the lag has its turn."""
    clock = HandClock()
    one = machine(clock)
    one.record_lag(0.0)
    clock.pass_by(LAG_SAMPLE_SECONDS + 2.0)
    assert one.problem(CHECK, down()) == "the monitor itself was 2.0 s late"


@pytest.mark.parametrize("fault", sorted(set(Fault) - {Fault.PROBER}))
def test_a_clock_that_was_set_is_doubted_for_a_minute(fault: Fault):
    """Certificates hold by the hour, and timers may have leapt."""
    clock = HandClock()
    one = machine(clock)
    one.record_lag(0.0)
    clock.hour -= 3_600_000
    clock.pass_by(LAG_SAMPLE_SECONDS)
    one.record_lag(0.0)
    wanted = "the clock of this machine was set by -3600.0 s" if fault in LATE | DATED else None
    assert one.problem(CHECK, down(fault, 0.1)) == wanted
    for _ in range(125):
        clock.pass_by(LAG_SAMPLE_SECONDS)
        one.record_lag(0.0)
    assert one.problem(CHECK, down(fault, 0.1)) is None


def test_what_stays_on_this_machine_is_charged_directly():
    assert machine(load=20.0).problem(CHECK, down(address="127.0.0.1")) is None


async def test_a_look_in_trouble_is_void_with_the_reason_and_keeps_what_was_found(
    scripted: Journal, tools: ProbeResources
):
    async def fail(trace: Trace) -> None:
        trace.set_values(took=9.5)
        raise ProbeFailed(Fault.TIMEOUT, "no end after 10 s")

    clock = HandClock()
    await measurer(scripted, tools, clock, machine=machine(clock, 20.0)).run_check(acting(fail), SLOT)
    (found,) = await all_of(scripted)
    assert (found.outcome, found.void, found.fault) == (Outcome.VOID, UnknownReason.PROBER, Fault.TIMEOUT)
    assert found.detail == "the load of this machine is 10.0 per processor; no end after 10 s"
    assert found.values == {"took": 9.5}


async def test_a_loop_that_is_held_up_is_seen(tools: ProbeResources):
    """With the machine's own clock and loop: somebody blocks them for a while."""

    class Steady(HandClock):
        def monotonic(self) -> float:
            return time.monotonic()

    one = HostHealth(Steady(), HostLimits(lag=0.2, step=1e9), load_average=lambda: 0.0)
    loop = asyncio.get_running_loop()
    due = loop.time() + 0.01
    timer = asyncio.create_task(asyncio.sleep(0.01))
    await asyncio.sleep(0)
    time.sleep(0.5)  # noqa: ASYNC251 - this is the trouble
    await timer
    one.record_lag(loop.time() - due)
    assert one.problem(CHECK, down(seconds=1.0)) is not None


def test_the_load_of_this_very_machine_can_be_asked():
    assert HostHealth(HandClock()).load_average() >= 0.0
