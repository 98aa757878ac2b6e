"""Health of this host: read only when a probe failed or was slow, and only for faults that it can have caused."""

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
from tests.monitor.parts import HandClock, acting, all_of, check_runner

CHECK = factories.check()
UP = factories.result()
SLOW = factories.result(duration=6.0)
LATE = {Fault.DNS, Fault.CONNECT_TIMEOUT, Fault.TIMEOUT, Fault.RESET}
DATED = {Fault.TLS_EXPIRED, Fault.TLS_UNTRUSTED}


def down(fault: Fault = Fault.TIMEOUT, seconds: float = 10.0, address: str = "192.0.2.10") -> ProbeResult:
    return factories.result(outcome=Outcome.DOWN, fault=fault, duration=seconds, values={"address": address})


def host(clock: HandClock | None = None, load: float = 1.0) -> HostHealth:
    return HostHealth(clock or HandClock(), HostLimits(), load_average=lambda: load, cpu_count=2)


def test_a_healthy_host_reports_no_problem():
    clock = HandClock()
    one = host(clock)
    for _ in range(20):
        clock.pass_by(LAG_SAMPLE_SECONDS)
        one.record_lag(0.01)
    assert [one.problem(CHECK, result) for result in (UP, SLOW, down())] == [None] * 3


@pytest.mark.parametrize("fault", sorted(set(Fault) - {Fault.INTERNAL_ERROR}))
def test_load_is_no_excuse_for_an_answer(fault: Fault):
    problem = host(load=20.0).problem(CHECK, down(fault))
    assert problem == ("the load of the host is 10.0 per CPU" if fault in LATE else None)


def test_fast_successes_never_read_the_load():
    def refuse() -> float:
        raise AssertionError

    one = HostHealth(HandClock(), HostLimits(), load_average=refuse, cpu_count=2)
    assert one.problem(CHECK, UP) is None
    with pytest.raises(AssertionError):
        one.problem(CHECK, SLOW)


def test_a_slow_probe_on_a_loaded_host_is_ours():
    assert host(load=20.0).problem(CHECK, SLOW) == "the load of the host is 10.0 per CPU"


def test_lag_counts_for_the_probes_that_it_met():
    clock = HandClock()
    one = host(clock)
    one.record_lag(3.0)
    clock.pass_by(LAG_SAMPLE_SECONDS)
    one.record_lag(0.0)
    assert one.problem(CHECK, down(seconds=10.0)) == "the event loop was 3.0 s late"
    clock.pass_by(LAG_SAMPLE_SECONDS)
    one.record_lag(0.0)
    assert one.problem(CHECK, down(seconds=0.9)) is None
    assert one.problem(CHECK, down(Fault.HTTP_STATUS)) is None


def test_an_overdue_sample_is_lag_already():
    """The result may be evaluated before the timer that measures the lag has its turn."""
    clock = HandClock()
    one = host(clock)
    one.record_lag(0.0)
    clock.pass_by(LAG_SAMPLE_SECONDS + 2.0)
    assert one.problem(CHECK, down()) == "the event loop was 2.0 s late"


@pytest.mark.parametrize("fault", sorted(set(Fault) - {Fault.INTERNAL_ERROR}))
def test_a_clock_that_was_set_is_doubted_for_a_minute(fault: Fault):
    """Certificates hold by the time, and timers may have leapt."""
    clock = HandClock()
    one = host(clock)
    one.record_lag(0.0)
    clock.hour -= 3_600_000
    clock.pass_by(LAG_SAMPLE_SECONDS)
    one.record_lag(0.0)
    wanted = "the host's clock was stepped by -3600.0 s" if fault in LATE | DATED else None
    assert one.problem(CHECK, down(fault, 0.1)) == wanted
    for _ in range(125):
        clock.pass_by(LAG_SAMPLE_SECONDS)
        one.record_lag(0.0)
    assert one.problem(CHECK, down(fault, 0.1)) is None


def test_what_stays_on_this_machine_is_charged_directly():
    assert host(load=20.0).problem(CHECK, down(address="127.0.0.1")) is None


async def test_a_probe_on_an_overloaded_host_is_unknown_with_the_reason_and_keeps_its_values(
    scripted: Journal, resources: ProbeResources
):
    async def fail(trace: Trace) -> None:
        trace.set_values(took=9.5)
        raise ProbeFailed(Fault.TIMEOUT, "no end after 10 s")

    clock = HandClock()
    await check_runner(scripted, resources, clock, host_health=host(clock, 20.0)).run_check(acting(fail), SLOT)
    (found,) = await all_of(scripted)
    assert (found.outcome, found.unknown_reason, found.fault) == (
        Outcome.UNKNOWN,
        UnknownReason.INTERNAL_ERROR,
        Fault.TIMEOUT,
    )
    assert found.detail == "the load of the host is 10.0 per CPU; no end after 10 s"
    assert found.values == {"took": 9.5}


async def test_a_loop_that_is_held_up_is_seen(resources: ProbeResources):
    """With the host's own clock and loop: the test blocks them for a while."""

    class Steady(HandClock):
        def monotonic(self) -> float:
            return time.monotonic()

    one = HostHealth(Steady(), HostLimits(max_loop_lag=0.2, max_clock_step=1e9), load_average=lambda: 0.0)
    loop = asyncio.get_running_loop()
    due = loop.time() + 0.01
    timer = asyncio.create_task(asyncio.sleep(0.01))
    await asyncio.sleep(0)
    time.sleep(0.5)  # noqa: ASYNC251 - this is the problem
    await timer
    one.record_lag(loop.time() - due)
    assert one.problem(CHECK, down(seconds=1.0)) is not None


def test_the_load_of_this_host_can_be_read():
    assert HostHealth(HandClock()).load_average() >= 0.0
