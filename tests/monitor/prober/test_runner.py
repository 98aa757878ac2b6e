"""Every slot that comes in leaves exactly one recorded outcome, whatever becomes of its look; seats are bounded."""

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
    measurer,
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


class Told(SelfCheck):
    """Says what it is told, and stumbles when it is told nothing."""

    says: str | None = None

    async def problem(self, check: Check, result: ProbeResult) -> str | None:
        if self.says is None:
            raise LookupError
        return self.says


async def only(journal: Journal) -> Measurement:
    (one,) = await all_of(journal)
    return one


async def test_a_good_look_is_a_complete_record(journal: Journal, tools: ProbeResources):
    async with site() as one:
        clock = HandClock(SLOT + 40)
        seen: list[tuple[str, float]] = []
        room = measurer(journal, tools, clock)
        room.on_start = lambda check, lateness: seen.append((check.key, lateness))
        await room.run_check(check(one.url), SLOT)
        found = await only(journal)
        identity = (found.portal, found.check, found.location, found.slot, found.attempt)
        assert identity == ("ha-noi", "uptime", "hn-1", SLOT, 1)
        assert (found.outcome, found.fault, found.void, found.detail) == (Outcome.UP, None, None, "")
        assert (found.started, found.lateness, found.config) == (SLOT + 40, 0.04, "c0ffee12")
        assert found.duration is not None
        assert found.values["status"] == 200
        assert found.hops == ()
        assert seen == [("ha-noi/uptime", 0.04)]
        assert one.visits == 1


async def test_a_failure_keeps_its_hops(journal: Journal, tools: ProbeResources):
    async with site() as one:
        one.gate.clear()
        await measurer(journal, tools, HandClock()).run_check(check(one.url, timeout=0.2), SLOT)
        found = await only(journal)
        assert (found.outcome, found.fault, found.phase) == (Outcome.DOWN, Fault.TIMEOUT, "wait")
        assert [hop.url for hop in found.hops] == [one.url]


async def test_a_slot_whose_predecessor_is_still_running_is_overlapped(journal: Journal, tools: ProbeResources):
    """Its outcome comes after that of its predecessor, so a fold meets them in order, and a crash cuts off the end."""
    async with site() as one:
        one.gate.clear()
        room = measurer(journal, tools, HandClock())
        slow = asyncio.create_task(room.run_check(check(one.url), SLOT))
        await until(lambda: one.inside)
        await room.run_check(check(one.url), SLOT + MINUTE)
        await room.run_check(check(one.url), SLOT + 2 * MINUTE)
        assert await all_of(journal) == []
        one.gate.set()
        await slow
        found = await all_of(journal)
        assert [(look.slot - SLOT, look.void) for look in found] == [
            (0, None),
            (MINUTE, UnknownReason.OVERLAPPED),
            (2 * MINUTE, UnknownReason.OVERLAPPED),
        ]
        await room.run_check(check(one.url), SLOT + 3 * MINUTE)
        assert (await all_of(journal))[3].outcome is Outcome.UP
        assert one.most == 1


async def test_no_seat_within_the_grace_is_late(journal: Journal, tools: ProbeResources):
    async with site() as one:
        one.gate.clear()
        room = measurer(
            journal, tools, HandClock(), misfire_grace_time=0.1, limiter=ConcurrencyLimiter({Pool.LIGHT: 1})
        )
        first = asyncio.create_task(room.run_check(check(one.url), SLOT))
        await until(lambda: one.inside)
        await room.run_check(check(one.url, portal="hue"), SLOT)
        one.gate.set()
        await first
        found = {look.portal: look for look in await all_of(journal)}
        assert (found["hue"].void, found["hue"].started, found["hue"].detail) == (
            UnknownReason.LATE,
            None,
            "no seat within 0.1 s",
        )
        assert found["ha-noi"].outcome is Outcome.UP
        assert one.visits == 1


async def test_a_moment_long_gone_is_not_looked_at(scripted: Journal, tools: ProbeResources):
    """After a leap of the clock there are seats enough, but a look would tell of another time than its slot."""
    room = measurer(scripted, tools, HandClock(SLOT + 3_600_000))
    await room.run_check(acting(None), SLOT)
    found = await only(scripted)
    assert (found.void, found.detail) == (UnknownReason.LATE, "3600 s late, more than 30 s")
    missed = room.record_late(acting(None), SLOT + MINUTE)
    assert missed is not None
    await missed
    assert [look.void for look in await all_of(scripted)] == [UnknownReason.LATE, UnknownReason.LATE]


async def test_a_slot_missed_behind_a_running_look_waits_its_turn(scripted: Journal, tools: ProbeResources):
    gate = asyncio.Event()

    async def wait(_trace: Trace) -> None:
        await gate.wait()

    room = measurer(scripted, tools, HandClock())
    slow = asyncio.create_task(room.run_check(acting(wait), SLOT))
    await asyncio.sleep(0)
    assert room.record_late(acting(wait), SLOT + MINUTE) is None
    gate.set()
    await slow
    assert [look.slot for look in await all_of(scripted)] == [SLOT, SLOT + MINUTE]


@pytest.mark.parametrize("waiting_for", ["answer", "seat"])
async def test_cancelling_records_the_slot_as_stopped(journal: Journal, tools: ProbeResources, waiting_for: str):
    async with site() as one:
        one.gate.clear()
        room = measurer(journal, tools, HandClock(), limiter=ConcurrencyLimiter({Pool.LIGHT: 1}))
        first = asyncio.create_task(room.run_check(check(one.url), SLOT))
        await until(lambda: one.inside)
        second = asyncio.create_task(room.run_check(check(one.url, portal="hue"), SLOT))
        await room.run_check(check(one.url), SLOT + MINUTE)
        await asyncio.sleep(0)
        (first if waiting_for == "answer" else second).cancel()
        await asyncio.wait([first, second], return_when=asyncio.FIRST_COMPLETED)
        one.gate.set()
        await asyncio.wait([first, second])
        found = {(look.portal, look.slot): look.void for look in await all_of(journal)}
        stopped = "ha-noi" if waiting_for == "answer" else "hue"
        assert found == {
            ("ha-noi", SLOT): UnknownReason.STOPPED if stopped == "ha-noi" else None,
            ("ha-noi", SLOT + MINUTE): UnknownReason.OVERLAPPED,
            ("hue", SLOT): UnknownReason.STOPPED if stopped == "hue" else None,
        }


async def test_a_bug_in_a_probe_is_our_trouble(scripted: Journal, tools: ProbeResources):
    async def stumble(_trace: Trace) -> None:
        raise ZeroDivisionError

    await measurer(scripted, tools, HandClock()).run_check(acting(stumble), SLOT)
    found = await only(scripted)
    assert (found.outcome, found.void, found.fault) == (Outcome.VOID, UnknownReason.PROBER, Fault.PROBER)
    assert found.detail == "ZeroDivisionError in the probe itself"


@pytest.mark.parametrize("where", ["sight", "on_start"])
async def test_a_bug_in_the_monitor_is_our_trouble_too(scripted: Journal, tools: ProbeResources, where: str):
    """It must neither end the daemon nor leave a slot without an outcome."""

    def stumble(_check: Check, _lateness: float) -> None:
        raise LookupError

    room = measurer(scripted, tools, HandClock())
    if where == "sight":
        room.self_check = Told(tools, HandClock())
    else:
        room.on_start = stumble
    await room.run_check(acting(None), SLOT)
    found = await only(scripted)
    assert (found.outcome, found.void) == (Outcome.VOID, UnknownReason.PROBER)
    assert found.detail == "LookupError in the monitor itself"


async def test_a_failure_that_we_could_not_see_is_void_and_keeps_what_was_found(
    scripted: Journal, tools: ProbeResources
):
    async def fail(trace: Trace) -> None:
        trace.set_values(took=1.5)
        raise ProbeFailed(Fault.DNS, "no such name")

    sight = Told(tools, HandClock())
    sight.says = "none of 3 references answers"
    room = measurer(scripted, tools, HandClock(), self_check=sight)
    await room.run_check(acting(fail), SLOT)
    found = await only(scripted)
    assert (found.outcome, found.void, found.fault) == (Outcome.VOID, UnknownReason.BLIND, Fault.DNS)
    assert found.detail == "none of 3 references answers; no such name"
    assert found.values == {"took": 1.5}
