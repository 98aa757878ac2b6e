"""Every slot leaves exactly one recorded outcome, whatever its probe does; permits are bounded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from monitor.model.records import Check, Measurement, UnknownReason
from monitor.prober.runner import ConcurrencyLimiter
from monitor.prober.self_check import SelfCheck
from monitor.storage.journal.journal import Journal
from probes.probe import Pool
from probes.registry import PROBE_KINDS
from probes.resources import ProbeResources
from probes.result import Fault, Outcome, ProbeFailed, ProbeResult
from probes.trace import Trace
from tests import factories
from tests.factories import MINUTE, SLOT
from tests.monitor.parts import (
    HandClock,
    ScriptedRender,
    acting,
    all_of,
    check_runner,
    opened,
    site,
    until,
)


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    async with opened(tmp_path, {**PROBE_KINDS, "render": ScriptedRender}) as journal:
        yield journal


def check(url: str, portal: str = "ha-noi", timeout: float = 5.0) -> Check:
    return factories.check(portal=portal, probe=PROBE_KINDS["uptime"](url=url, family="4", timeout=timeout))


class ScriptedSelfCheck(SelfCheck):
    """Returns a fixed problem, and raises without one."""

    reason: str | None = None

    async def problem(self, check: Check, result: ProbeResult) -> str | None:
        if self.reason is None:
            raise LookupError
        return self.reason


async def only(journal: Journal) -> Measurement:
    (one,) = await all_of(journal)
    return one


async def test_a_successful_probe_is_a_complete_record(journal: Journal, resources: ProbeResources):
    async with site() as one:
        clock = HandClock(SLOT + 40)
        seen: list[tuple[str, float]] = []
        runner = check_runner(journal, resources, clock)
        runner.on_start = lambda check, start_delay: seen.append((check.key, start_delay))
        await runner.run_check(check(one.url), SLOT)
        found = await only(journal)
        identity = (found.portal, found.check, found.location, found.slot, found.attempt)
        assert identity == ("ha-noi", "uptime", "hn-1", SLOT, 1)
        assert (found.outcome, found.fault, found.unknown_reason, found.detail) == (Outcome.UP, None, None, "")
        assert (found.started, found.start_delay, found.config) == (SLOT + 40, 0.04, "c0ffee12")
        assert found.duration is not None
        assert found.values["status"] == 200
        assert found.hops == ()
        assert seen == [("ha-noi/uptime", 0.04)]
        assert one.visits == 1


async def test_a_failure_keeps_its_hops(journal: Journal, resources: ProbeResources):
    async with site() as one:
        one.gate.clear()
        await check_runner(journal, resources, HandClock()).run_check(check(one.url, timeout=0.2), SLOT)
        found = await only(journal)
        assert (found.outcome, found.fault, found.phase) == (Outcome.DOWN, Fault.TIMEOUT, "wait")
        assert [hop.url for hop in found.hops] == [one.url]


async def test_a_slot_whose_predecessor_is_still_running_is_overlapped(journal: Journal, resources: ProbeResources):
    """Its outcome comes after that of its predecessor, so consumers meet them in order; a crash cuts off the end."""
    async with site() as one:
        one.gate.clear()
        runner = check_runner(journal, resources, HandClock())
        slow = asyncio.create_task(runner.run_check(check(one.url), SLOT))
        await until(lambda: one.inside)
        await runner.run_check(check(one.url), SLOT + MINUTE)
        await runner.run_check(check(one.url), SLOT + 2 * MINUTE)
        assert await all_of(journal) == []
        one.gate.set()
        await slow
        found = await all_of(journal)
        assert [(one.slot - SLOT, one.unknown_reason) for one in found] == [
            (0, None),
            (MINUTE, UnknownReason.OVERLAPPED),
            (2 * MINUTE, UnknownReason.OVERLAPPED),
        ]
        await runner.run_check(check(one.url), SLOT + 3 * MINUTE)
        assert (await all_of(journal))[3].outcome is Outcome.UP
        assert one.most == 1


async def test_no_permit_within_the_grace_time_is_late(journal: Journal, resources: ProbeResources):
    async with site() as one:
        one.gate.clear()
        runner = check_runner(
            journal, resources, HandClock(), misfire_grace_time=0.1, limiter=ConcurrencyLimiter({Pool.HTTP: 1})
        )
        first = asyncio.create_task(runner.run_check(check(one.url), SLOT))
        await until(lambda: one.inside)
        await runner.run_check(check(one.url, portal="hue"), SLOT)
        one.gate.set()
        await first
        found = {one.portal: one for one in await all_of(journal)}
        assert (found["hue"].unknown_reason, found["hue"].started, found["hue"].detail) == (
            UnknownReason.LATE,
            None,
            "no concurrency permit within 0.1 s",
        )
        assert found["ha-noi"].outcome is Outcome.UP
        assert one.visits == 1


async def test_a_slot_long_past_is_not_probed(scripted: Journal, resources: ProbeResources):
    """After a clock step there are permits enough, but a probe would measure another time than its slot."""
    runner = check_runner(scripted, resources, HandClock(SLOT + 3_600_000))
    await runner.run_check(acting(None), SLOT)
    found = await only(scripted)
    assert (found.unknown_reason, found.detail) == (
        UnknownReason.LATE,
        "start delay 3600 s exceeds misfire_grace_time 30 s",
    )
    missed = runner.record_late(acting(None), SLOT + MINUTE)
    assert missed is not None
    await missed
    assert [one.unknown_reason for one in await all_of(scripted)] == [UnknownReason.LATE, UnknownReason.LATE]


async def test_a_slot_missed_behind_a_running_probe_waits_its_turn(scripted: Journal, resources: ProbeResources):
    gate = asyncio.Event()

    async def wait(_trace: Trace) -> None:
        await gate.wait()

    runner = check_runner(scripted, resources, HandClock())
    slow = asyncio.create_task(runner.run_check(acting(wait), SLOT))
    await asyncio.sleep(0)
    assert runner.record_late(acting(wait), SLOT + MINUTE) is None
    gate.set()
    await slow
    assert [one.slot for one in await all_of(scripted)] == [SLOT, SLOT + MINUTE]


@pytest.mark.parametrize("waiting_for", ["answer", "permit"])
async def test_cancelling_records_the_slot_as_stopped(journal: Journal, resources: ProbeResources, waiting_for: str):
    async with site() as one:
        one.gate.clear()
        runner = check_runner(journal, resources, HandClock(), limiter=ConcurrencyLimiter({Pool.HTTP: 1}))
        first = asyncio.create_task(runner.run_check(check(one.url), SLOT))
        await until(lambda: one.inside)
        second = asyncio.create_task(runner.run_check(check(one.url, portal="hue"), SLOT))
        await runner.run_check(check(one.url), SLOT + MINUTE)
        await asyncio.sleep(0)
        (first if waiting_for == "answer" else second).cancel()
        await asyncio.wait([first, second], return_when=asyncio.FIRST_COMPLETED)
        one.gate.set()
        await asyncio.wait([first, second])
        found = {(one.portal, one.slot): one.unknown_reason for one in await all_of(journal)}
        stopped = "ha-noi" if waiting_for == "answer" else "hue"
        assert found == {
            ("ha-noi", SLOT): UnknownReason.STOPPED if stopped == "ha-noi" else None,
            ("ha-noi", SLOT + MINUTE): UnknownReason.OVERLAPPED,
            ("hue", SLOT): UnknownReason.STOPPED if stopped == "hue" else None,
        }


async def test_a_bug_in_a_probe_is_an_internal_error(scripted: Journal, resources: ProbeResources):
    async def stumble(_trace: Trace) -> None:
        raise ZeroDivisionError

    await check_runner(scripted, resources, HandClock()).run_check(acting(stumble), SLOT)
    found = await only(scripted)
    assert (found.outcome, found.unknown_reason, found.fault) == (
        Outcome.UNKNOWN,
        UnknownReason.INTERNAL_ERROR,
        Fault.INTERNAL_ERROR,
    )
    assert found.detail == "internal error in the probe: ZeroDivisionError"


@pytest.mark.parametrize("where", ["self_check", "on_start"])
async def test_a_bug_in_the_monitor_is_an_internal_error_too(scripted: Journal, resources: ProbeResources, where: str):
    """It must neither end the daemon nor leave a slot without an outcome."""

    def stumble(_check: Check, _start_delay: float) -> None:
        raise LookupError

    runner = check_runner(scripted, resources, HandClock())
    if where == "self_check":
        runner.self_check = ScriptedSelfCheck(resources, HandClock())
    else:
        runner.on_start = stumble
    await runner.run_check(acting(None), SLOT)
    found = await only(scripted)
    assert (found.outcome, found.unknown_reason) == (Outcome.UNKNOWN, UnknownReason.INTERNAL_ERROR)
    assert found.detail == "internal error: LookupError"


async def test_a_failure_with_a_failing_self_check_is_unknown_and_keeps_its_values(
    scripted: Journal, resources: ProbeResources
):
    async def fail(trace: Trace) -> None:
        trace.set_values(took=1.5)
        raise ProbeFailed(Fault.DNS, "no such name")

    self_check = ScriptedSelfCheck(resources, HandClock())
    self_check.reason = "none of 3 references responds"
    runner = check_runner(scripted, resources, HandClock(), self_check=self_check)
    await runner.run_check(acting(fail), SLOT)
    found = await only(scripted)
    assert (found.outcome, found.unknown_reason, found.fault) == (Outcome.UNKNOWN, UnknownReason.SELF_CHECK, Fault.DNS)
    assert found.detail == "none of 3 references responds; no such name"
    assert found.values == {"took": 1.5}
