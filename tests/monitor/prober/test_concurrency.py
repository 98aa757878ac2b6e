"""Concurrency: one probe at a time for each host of a pool, a limit per pool, and no pool delays the other."""

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


async def test_a_host_is_probed_once_at_a_time(journal: Journal, resources: ProbeResources):
    """Eight portals on one host, permits for all of them: the server sees one connection at a time."""
    async with site() as one:
        runner = check_runner(journal, resources, HandClock(), limiter=ConcurrencyLimiter({Pool.HTTP: 8}))
        await asyncio.gather(*[runner.run_check(check(one.url, portal=f"p{number}"), SLOT) for number in range(8)])
        assert (one.visits, one.most) == (8, 1)


async def test_a_pool_holds_its_limit_and_hosts_do_not_wait_for_each_other(journal: Journal, resources: ProbeResources):
    async with site() as slow, site() as one, site() as two:
        slow.gate.clear()
        runner = check_runner(journal, resources, HandClock())
        held = [
            asyncio.create_task(runner.run_check(check(slow.url, portal=f"s{number}"), SLOT)) for number in range(4)
        ]
        await until(lambda: slow.inside)
        await runner.run_check(check(one.url, portal="one"), SLOT)
        await runner.run_check(check(two.url, portal="two"), SLOT)
        assert (one.visits, two.visits, slow.visits) == (1, 1, 1)
        slow.gate.set()
        await asyncio.gather(*held)
        assert slow.most == 1


async def test_many_checks_never_exceed_the_limit_of_their_pool(scripted: Journal, resources: ProbeResources):
    inside, most = 0, 0

    async def visit(_trace: Trace) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0.005)
        inside -= 1

    runner = check_runner(scripted, resources, HandClock(), limiter=ConcurrencyLimiter({Pool.HTTP: 3, Pool.BROWSER: 1}))
    checks = [acting(visit, f"p{number}") for number in range(20)]
    await asyncio.gather(*[runner.run_check(check, SLOT) for check in checks])
    assert most == 3
    assert {one.outcome for one in await all_of(scripted)} == {Outcome.UP}


@pytest.mark.parametrize("same_host", [True, False])
async def test_a_full_browser_pool_does_not_delay_an_http_probe(
    scripted: Journal,
    resources: ProbeResources,
    same_host: bool,  # noqa: FBT001
):
    """Renders that run, and renders that wait for a permit, of the same host or of another."""
    gate = asyncio.Event()

    async def render(_trace: Trace) -> None:
        await gate.wait()

    runner = check_runner(scripted, resources, HandClock(), limiter=ConcurrencyLimiter({Pool.HTTP: 2, Pool.BROWSER: 1}))
    renders = [acting(render, f"p{number}", ScriptedRender, timeout=60) for number in range(4)]
    going = [asyncio.create_task(runner.run_check(check, SLOT)) for check in renders]
    await asyncio.sleep(0.01)
    for number in range(4):
        Scripted.scripts.pop(f"https://p{number}.example.vn/", None)
        async with asyncio.timeout(1):
            await runner.run_check(acting(None, f"p{number}" if same_host else f"q{number}"), SLOT)
    assert {one.kind for one in await all_of(scripted)} == {"uptime"}
    gate.set()
    for task in going:
        task.cancel()
    await asyncio.wait(going)


async def test_permits_are_returned_whatever_happens(scripted: Journal, resources: ProbeResources):
    async def fail(_trace: Trace) -> None:
        raise ProbeFailed(Fault.RESET, "gone")

    async def hang(_trace: Trace) -> None:
        await asyncio.sleep(60)

    runner = check_runner(scripted, resources, HandClock(), limiter=ConcurrencyLimiter({Pool.HTTP: 1}))
    for number in range(5):
        await runner.run_check(acting(fail), SLOT + number)
        await runner.run_check(acting(hang, timeout=0.01), SLOT + 100 + number)
        task = asyncio.create_task(runner.run_check(acting(hang), SLOT + 200 + number))
        await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.wait([task])
    async with asyncio.timeout(1):
        await runner.run_check(acting(None), SLOT + 1000)
    assert len(await all_of(scripted)) == 16
