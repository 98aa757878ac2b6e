"""Bounded crowd: one look at a time for each host of a lane, so many in a lane, and no lane delays the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from monitor.model.records import Check
from monitor.prober.runner import ConcurrencyLimiter
from monitor.storage.journal.journal import Journal
from probes.probe import Pool
from probes.registry import PROBE_KINDS
from probes.resources import ProbeResources
from probes.result import Fault, Outcome, ProbeFailed
from probes.trace import Trace
from tests import factories
from tests.factories import SLOT
from tests.monitor.parts import (
    HandClock,
    Scripted,
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


async def test_a_host_is_looked_at_once_at_a_time(journal: Journal, tools: ProbeResources):
    """Eight portals on one host, seats for all of them: the server sees one connection at a time."""
    async with site() as one:
        room = measurer(journal, tools, HandClock(), limiter=ConcurrencyLimiter({Pool.LIGHT: 8}))
        await asyncio.gather(*[room.run_check(check(one.url, portal=f"p{number}"), SLOT) for number in range(8)])
        assert (one.visits, one.most) == (8, 1)


async def test_a_lane_holds_so_many_and_hosts_do_not_wait_for_each_other(journal: Journal, tools: ProbeResources):
    async with site() as slow, site() as one, site() as two:
        slow.gate.clear()
        room = measurer(journal, tools, HandClock())
        held = [asyncio.create_task(room.run_check(check(slow.url, portal=f"s{number}"), SLOT)) for number in range(4)]
        await until(lambda: slow.inside)
        await room.run_check(check(one.url, portal="one"), SLOT)
        await room.run_check(check(two.url, portal="two"), SLOT)
        assert (one.visits, two.visits, slow.visits) == (1, 1, 1)
        slow.gate.set()
        await asyncio.gather(*held)
        assert slow.most == 1


async def test_a_crowd_never_has_more_seats_than_its_lane(scripted: Journal, tools: ProbeResources):
    inside, most = 0, 0

    async def visit(_trace: Trace) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0.005)
        inside -= 1

    room = measurer(scripted, tools, HandClock(), limiter=ConcurrencyLimiter({Pool.LIGHT: 3, Pool.RENDER: 1}))
    checks = [acting(visit, f"p{number}") for number in range(20)]
    await asyncio.gather(*[room.run_check(check, SLOT) for check in checks])
    assert most == 3
    assert {look.outcome for look in await all_of(scripted)} == {Outcome.UP}


@pytest.mark.parametrize("same_host", [True, False])
async def test_a_full_render_lane_does_not_delay_a_light_look(
    scripted: Journal, tools: ProbeResources, same_host: bool
):
    """Renders that run, and renders that wait for a seat, of the same host or of another."""
    gate = asyncio.Event()

    async def render(_trace: Trace) -> None:
        await gate.wait()

    room = measurer(scripted, tools, HandClock(), limiter=ConcurrencyLimiter({Pool.LIGHT: 2, Pool.RENDER: 1}))
    renders = [acting(render, f"p{number}", ScriptedRender, timeout=60) for number in range(4)]
    going = [asyncio.create_task(room.run_check(check, SLOT)) for check in renders]
    await asyncio.sleep(0.01)
    for number in range(4):
        Scripted.scripts.pop(f"https://p{number}.example.vn/", None)
        async with asyncio.timeout(1):
            await room.run_check(acting(None, f"p{number}" if same_host else f"q{number}"), SLOT)
    assert {look.kind for look in await all_of(scripted)} == {"uptime"}
    gate.set()
    for task in going:
        task.cancel()
    await asyncio.wait(going)


async def test_seats_are_given_back_whatever_happens(scripted: Journal, tools: ProbeResources):
    async def fail(_trace: Trace) -> None:
        raise ProbeFailed(Fault.RESET, "gone")

    async def hang(_trace: Trace) -> None:
        await asyncio.sleep(60)

    room = measurer(scripted, tools, HandClock(), limiter=ConcurrencyLimiter({Pool.LIGHT: 1}))
    for number in range(5):
        await room.run_check(acting(fail), SLOT + number)
        await room.run_check(acting(hang, timeout=0.01), SLOT + 100 + number)
        task = asyncio.create_task(room.run_check(acting(hang), SLOT + 200 + number))
        await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.wait([task])
    async with asyncio.timeout(1):
        await room.run_check(acting(None), SLOT + 1000)
    assert len(await all_of(scripted)) == 16
