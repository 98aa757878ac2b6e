"""Several runs make one slot: all are kept, one represents it, and every consumer takes that one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pytest
from prometheus_client import CollectorRegistry

from monitor.i18n.translator import Translator
from monitor.model.records import Check, Measurement, UnknownReason
from monitor.prober.gaps import record_missed_slots
from monitor.states.status_cache import StatusCache
from monitor.storage.journal.journal import Journal
from monitor.storage.rollups.compute import HOUR_MS, Tier, compute_rollups
from monitor.web.metrics.exposition import Exposition
from monitor.web.pages import charts
from probes.mobile import Mobile
from probes.registry import PROBE_KINDS
from probes.resources import ProbeResources
from probes.result import Fault, Outcome, ProbeFailed, Screenshot
from probes.trace import Trace
from tests import factories
from tests.factories import SLOT
from tests.monitor.parts import HandClock, all_of, check_runner, opened

Run = Callable[[Trace], Awaitable[None]]


class Played(Mobile):
    """Plays what the test put down for each run."""

    script: ClassVar[list[Run]] = []

    async def run(self, trace: Trace, resources: ProbeResources) -> None:
        await self.script.pop(0)(trace)


def paints(fcp: float, lcp: float | None = None) -> Run:
    async def run(trace: Trace) -> None:
        trace.set_values(fcp_seconds=fcp, lcp_seconds=lcp or fcp, profile="mobile")
        trace.screenshots.append(Screenshot(at_seconds=None, content_type="image/webp", body=str(fcp).encode()))

    return run


def fails(fault: Fault = Fault.TIMEOUT) -> Run:
    async def run(_trace: Trace) -> None:
        raise ProbeFailed(fault, "as scripted")

    return run


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    async with opened(tmp_path) as journal:
        yield journal
    Played.script.clear()


def check(runs: int = 3) -> Check:
    return factories.check("mobile", interval=21_600.0, probe=Played(url="http://127.0.0.1/", runs=runs))


async def measured(journal: Journal, resources: ProbeResources, *script: Run, runs: int = 3) -> list[Measurement]:
    Played.script[:] = script
    await check_runner(journal, resources, HandClock()).run_check(check(runs), SLOT)
    return await all_of(journal)


async def test_all_runs_are_kept_and_the_median_one_is_marked(journal: Journal, resources: ProbeResources):
    found = await measured(journal, resources, paints(3.0), paints(1.0), paints(2.0))
    assert [(one.slot, one.attempt, one.values["run"], one.values["median"]) for one in found] == [
        (SLOT, 1, 1, False),
        (SLOT, 2, 2, False),
        (SLOT, 3, 3, True),
    ]


UP, DOWN, UNKNOWN = Outcome.UP, Outcome.DOWN, Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("runs", "chosen"),
    [
        ([(UP, 1.0, 2.0)], 0),
        ([(UP, 3.0, 4.0), (UP, 1.0, 2.0), (UP, 2.0, 3.0)], 2),
        ([(UP, 1.0, 9.0), (UP, 1.1, 2.0), (UP, 1.2, 2.1)], 2),  # nearest to the medians of both, 1.1 and 2.1
        ([(UP, 1.0, 2.0), (UP, 1.0, 2.0)], 0),
        ([(DOWN, 0, 0), (UP, 1.0, 2.0), (UP, 3.0, 4.0)], 1),
        ([(UP, 1.0, 2.0), (DOWN, 0, 0), (DOWN, 0, 0)], 1),
        ([(UP, 1.0, 2.0), (DOWN, 0, 0)], 0),
        ([(UNKNOWN, 0, 0), (UP, 1.0, 2.0)], 1),
        ([(UNKNOWN, 0, 0), (DOWN, 0, 0)], 1),
        ([(UNKNOWN, 0, 0), (UNKNOWN, 0, 0)], 0),
    ],
)
def test_the_representative_run(runs: Sequence[tuple[Outcome, float, float]], chosen: int):
    results = [
        factories.result(outcome=outcome, values={"fcp_seconds": fcp, "lcp_seconds": lcp} if outcome is UP else {})
        for outcome, fcp, lcp in runs
    ]
    assert Mobile.select_representative(results) == chosen


@pytest.mark.parametrize(
    ("script", "outcomes"),
    [
        ([fails(), fails(), paints(1.0)], [DOWN, DOWN]),
        ([fails(), paints(1.0), paints(1.0)], [DOWN, UP, UP]),
        ([fails(Fault.INTERNAL_ERROR), paints(1.0), paints(1.0)], [UNKNOWN]),
        ([paints(1.0), fails(Fault.INTERNAL_ERROR), paints(1.0)], [UP, UNKNOWN, UP]),
    ],
)
async def test_no_more_runs_than_the_outcome_needs(
    journal: Journal, resources: ProbeResources, script: list[Run], outcomes: list[Outcome]
):
    found = await measured(journal, resources, *script)
    assert [one.outcome for one in found] == outcomes
    assert sum(bool(one.values["median"]) for one in found) == 1


async def test_stopped_between_two_runs_the_slot_has_one_outcome(journal: Journal, resources: ProbeResources):
    held = asyncio.Event()

    async def hold(_trace: Trace) -> None:
        held.set()
        await asyncio.sleep(3600)

    task = asyncio.create_task(measured(journal, resources, paints(1.0), hold))
    await held.wait()
    task.cancel()
    await asyncio.wait([task])
    await journal.close()
    (one,) = [record for record in on_disk(journal) if record.kind == "mobile"]
    assert (one.attempt, one.outcome, one.unknown_reason) == (1, UNKNOWN, UnknownReason.STOPPED)


def on_disk(journal: Journal) -> list[Any]:
    from tests.monitor.parts import on_disk as read  # noqa: PLC0415 - the same word means the journal's path here

    return read(journal._writer.path.parent)  # noqa: SLF001 - where the fixture put it


async def test_killed_between_two_runs_the_slot_is_filled_once(journal: Journal, resources: ProbeResources):
    """Nothing of a slot is handed in before its last run, so a kill leaves a gap like any other."""
    await measured(journal, resources, paints(1.0), runs=1)
    runner = check_runner(journal, resources, HandClock())
    one = check()
    interval = int(one.interval * 1000)
    await record_missed_slots(journal, runner, [one], "hn-1", until_ms=SLOT + 2 * interval, clean_shutdown=False)
    filled = [(found.attempt, found.unknown_reason) for found in await all_of(journal) if found.slot > SLOT]
    assert filled == [(1, UnknownReason.KILLED)] * 2


async def test_screenshots_of_the_representative_run_are_stored(journal: Journal, resources: ProbeResources):
    kept: list[tuple[int, list[bytes]]] = []

    async def keep(_check: Check, one: Measurement, screenshots: Sequence[Screenshot]) -> None:
        kept.append((one.attempt, [each.body for each in screenshots]))

    Played.script[:] = [paints(3.0), paints(1.0), paints(2.0)]
    runner = check_runner(journal, resources, HandClock())
    runner.store_screenshots = keep
    await runner.run_check(check(), SLOT)
    assert kept == [(3, [b"2.0"])]


async def test_a_page_load_waits_longer_for_its_permit_than_an_http_probe(journal: Journal, resources: ProbeResources):
    Played.script[:] = [paints(1.0)]
    runner = check_runner(journal, resources, HandClock(SLOT + 600_000))
    await runner.run_check(check(1), SLOT)
    await runner.run_check(factories.check("uptime", url="http://127.0.0.1:9/"), SLOT)
    assert [(one.kind, one.unknown_reason) for one in await all_of(journal)] == [
        ("mobile", None),
        ("uptime", UnknownReason.LATE),
    ]


async def test_every_consumer_takes_the_representative_run(journal: Journal, resources: ProbeResources, tmp_path: Path):
    runs = await measured(journal, resources, paints(3.0), paints(2.0), paints(1.0))
    one = check()
    cache = StatusCache(clock=HandClock(SLOT + 1000), location="hn-1")
    exposition = Exposition(cache, PROBE_KINDS, CollectorRegistry())
    cache.set_inventory([factories.portal()], [one])
    for run in runs:
        cache.update(run)
    assert cache.latest[one.key].attempt == 2
    text = b"".join(await exposition.render()).decode()
    assert "portal_monitor_render_first_contentful_paint_seconds{" in text
    assert 'check="mobile",kind="province",location="hn-1"} 2.0\n' in text
    again = StatusCache(clock=HandClock(SLOT + 1000), location="hn-1")
    again.set_inventory([factories.portal()], [one])
    await journal.read(again.load)
    assert again.latest == cache.latest
    start = SLOT - SLOT % HOUR_MS
    (rolled,) = compute_rollups(tmp_path, Tier.HOUR, start, start + HOUR_MS)
    assert (rolled.values["slots"], rolled.values["up"], rolled.values["confirmation_attempts"]) == (1, 1, 2)
    assert rolled.values["fcp_seconds_mean"] == 2.0
    chart = charts.chart(runs, Translator("en", ZoneInfo("UTC")), now_ms=SLOT + 1000, interval_seconds=one.interval)
    assert chart is not None
    assert chart.caption.startswith("1 successful attempts")
