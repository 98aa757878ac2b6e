"""The scheduler, with the real APScheduler: checks start on the grid, the stop records each, none starts after it."""

from __future__ import annotations

import asyncio
import statistics
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from monitor.model.clock import SystemClock
from monitor.model.records import Check, UnknownReason
from monitor.prober.runner import CheckRunner, ConcurrencyLimiter
from monitor.prober.schedule import MAX_GAP_MS, Schedule, slots_between
from monitor.prober.scheduler import Scheduler
from monitor.storage.journal.journal import Journal
from probes.probe import Pool
from probes.resources import ProbeResources
from probes.result import Outcome
from probes.trace import Trace
from tests import factories
from tests.monitor.parts import SCRIPTED, Scripted, all_of, check_runner, opened, until


class SetClock(SystemClock):
    """The host's clock, shifted by a test."""

    shift = 0

    def now(self) -> int:
        return super().now() + self.shift


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    async with opened(tmp_path, SCRIPTED) as journal:
        yield journal
    Scripted.scripts.clear()


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
async def runner(journal: Journal, clock: SetClock) -> AsyncIterator[CheckRunner]:
    async with ProbeResources() as resources:
        yield check_runner(
            journal, resources, clock, limiter=ConcurrencyLimiter({Pool.HTTP: 1000}), misfire_grace_time=2.0
        )


def fleet(count: int, interval: float = 1.0) -> list[Check]:
    return [
        factories.check(portal=f"p{n}", interval=interval, probe=Scripted(url=f"https://p{n}.example.vn/"))
        for n in range(count)
    ]


async def hang(_trace: Trace) -> None:
    await asyncio.sleep(60)


async def test_checks_start_on_the_grid(journal: Journal, runner: CheckRunner, clock: SetClock):
    """Start delay of two hundred checks a second for three seconds; printed with -s."""
    late: list[float] = []
    runner.on_start = lambda _check, start_delay: late.append(start_delay)
    checks = fleet(200)
    began = clock.now()
    async with asyncio.TaskGroup() as group:
        scheduler = Scheduler(Schedule(checks, began), runner, clock, group)
        scheduler.start()
        await asyncio.sleep(3.2)
        await scheduler.stop(1.0)
        ended = clock.now()
    late.sort()
    median, p99 = statistics.median(late), late[int(len(late) * 0.99)]
    sys.stdout.write(f"\npulse: {len(late)} starts, {median * 1e3:.1f} ms late at the median, p99 {p99 * 1e3:.1f} ms\n")
    assert median < 0.1
    found = Counter((one.key, one.slot) for one in await all_of(journal))
    assert set(found.values()) == {1}
    for check in checks:
        wanted = set(slots_between(check, began, ended - 300))
        assert wanted <= {slot for key, slot in found if key == check.key}


async def test_the_stop_records_every_run_and_nothing_starts_after_it(
    journal: Journal, runner: CheckRunner, clock: SetClock
):
    checks = fleet(20)
    for check in checks:
        Scripted.scripts[check.probe.url] = hang
    started: list[str] = []
    runner.on_start = lambda check, _start_delay: started.append(check.key)
    async with asyncio.TaskGroup() as group:
        scheduler = Scheduler(Schedule(checks, clock.now()), runner, clock, group)
        scheduler.start()
        await until(lambda: len(started) == 20)
        await scheduler.stop(0.05)
        assert scheduler.in_flight == 0
        await asyncio.sleep(1.6)
        assert len(started) == 20
    found = await all_of(journal)
    assert Counter(one.unknown_reason for one in found if one.unknown_reason is not UnknownReason.OVERLAPPED) == {
        UnknownReason.STOPPED: 20
    }
    assert {one.key for one in found} == {check.key for check in checks}


async def test_runs_that_end_in_time_are_not_cancelled(journal: Journal, runner: CheckRunner, clock: SetClock):
    async def short(_trace: Trace) -> None:
        await asyncio.sleep(0.3)

    check = fleet(1)[0]
    Scripted.scripts[check.probe.url] = short
    async with asyncio.TaskGroup() as group:
        scheduler = Scheduler(Schedule([check], clock.now()), runner, clock, group)
        scheduler.start()
        await until(lambda: scheduler.in_flight)
        await scheduler.stop(5.0)
    assert [one.outcome for one in await all_of(journal)] == [Outcome.UP]


async def test_a_removed_check_is_not_run_any_more(journal: Journal, runner: CheckRunner, clock: SetClock):
    """Also when its next slot has its timer already."""
    checks = fleet(30)
    async with asyncio.TaskGroup() as group:
        schedule = Schedule(checks, clock.now())
        scheduler = Scheduler(schedule, runner, clock, group)
        scheduler.start()
        await asyncio.sleep(0.05)
        schedule.replace([], clock.now())
        await asyncio.sleep(0.02)
        before = journal.statistics.records
        await asyncio.sleep(1.5)
        await scheduler.stop(1.0)
    assert journal.statistics.records <= before + 2


async def test_a_leap_of_the_clock_records_every_slot_as_late(journal: Journal, runner: CheckRunner, clock: SetClock):
    """A host that slept three hours: 10,800 slots, none of them probed, and checks go on."""
    checks = fleet(1)
    began = clock.now()
    async with asyncio.TaskGroup() as group:
        scheduler = Scheduler(Schedule(checks, began), runner, clock, group)
        scheduler.start()
        await asyncio.sleep(0.1)
        before = clock.now()
        clock.shift = 3 * 3_600_000
        leapt = clock.now()
        await until(lambda: journal.last_seq >= 10_800, 10)
        await scheduler.stop(1.0)
    found = await all_of(journal)
    slots = [one.slot for one in found]
    assert slots == list(slots_between(checks[0], began, slots[-1] + 1))
    assert {one.unknown_reason for one in found if before < one.slot < leapt - 2000} == {UnknownReason.LATE}
    assert found[-1].outcome is Outcome.UP


async def test_a_leap_of_years_is_bounded(journal: Journal, runner: CheckRunner, clock: SetClock):
    checks = fleet(2, interval=60.0)
    clock.shift = -50 * 365 * MAX_GAP_MS
    async with asyncio.TaskGroup() as group:
        scheduler = Scheduler(Schedule(checks, clock.now()), runner, clock, group)
        scheduler.start()
        await asyncio.sleep(0.1)
        clock.shift = 0
        await until(lambda: journal.last_seq >= 2 * 1440, 10)
        await asyncio.sleep(0.1)
        await scheduler.stop(1.0)
    assert journal.last_seq <= 2 * 1442


async def test_a_clock_step_back_is_logged_and_no_slot_is_probed_twice(
    journal: Journal, runner: CheckRunner, clock: SetClock, capsys: pytest.CaptureFixture[str]
):
    checks = fleet(20)
    async with asyncio.TaskGroup() as group:
        scheduler = Scheduler(Schedule(checks, clock.now()), runner, clock, group)
        scheduler.start()
        await asyncio.sleep(1.2)
        clock.shift = -10_000
        await asyncio.sleep(2.2)
        clock.shift = 0
        await asyncio.sleep(1.2)
        await scheduler.stop(1.0)
    found = Counter((one.key, one.slot) for one in await all_of(journal))
    assert set(found.values()) == {1}
    assert len(found) >= 60
    assert capsys.readouterr().out.count("clock_stepped") == 2


@pytest.mark.parametrize("where", ["tick", "another task"])
async def test_a_bug_in_a_task_ends_the_daemon(
    runner: CheckRunner, clock: SetClock, monkeypatch: pytest.MonkeyPatch, where: str
):
    """A tick that fails must not be only a log line of a monitor that probes nothing from then on."""

    def stumble(*_: object) -> None:
        raise ZeroDivisionError

    async def fail() -> None:
        raise ZeroDivisionError

    async def live() -> None:
        schedule = Schedule(fleet(50), clock.now())
        async with asyncio.TaskGroup() as group:
            scheduler = Scheduler(schedule, runner, clock, group)
            scheduler.start()
            await asyncio.sleep(0.3)
            if where == "tick":
                monkeypatch.setattr(schedule, "due", stumble)
            else:
                group.create_task(fail())
            await asyncio.sleep(10)

    with pytest.raises(ExceptionGroup) as caught:
        await asyncio.wait_for(live(), 5)
    assert caught.group_contains(ZeroDivisionError)
    await asyncio.sleep(1.6)  # pending timers and the next ticks find the task group gone
