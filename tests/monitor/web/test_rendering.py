"""Renderings are shared, survive clients that disconnect, and never block the loop for long."""

from __future__ import annotations

import asyncio
import itertools
import time
from dataclasses import replace
from typing import Any

import pytest
from aiohttp.test_utils import TestClient
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.records import Expect, State
from monitor.states.availability import StateSpan
from monitor.states.status_cache import DAY_MS
from monitor.web.pages import charts
from monitor.web.rendering import ResponseCache
from tests.factories import MINUTE, SLOT, measurement
from tests.monitor.i18n.test_translator import EN
from tests.monitor.web.conftest import text
from tests.monitor.web.scene import Clock, Stage, changed, checks

HOLD_SECONDS = 0.02
"""No rendering may keep the loop from its other work for longer."""


async def test_requests_at_the_same_time_share_one_rendering():
    made = 0

    async def make() -> bytes:
        nonlocal made
        made += 1
        await asyncio.sleep(0)
        return b"page"

    cache = ResponseCache(Clock(), 1.0)
    assert await asyncio.gather(*[cache.get("key", make) for _ in range(20)]) == [b"page"] * 20
    assert made == 1


async def test_a_client_that_disconnects_does_not_cancel_the_others():
    begun, go = asyncio.Event(), asyncio.Event()

    async def make() -> bytes:
        begun.set()
        await go.wait()
        return b"page"

    cache = ResponseCache(Clock(), 1.0)
    first = asyncio.create_task(cache.get("key", make))
    await begun.wait()
    second = asyncio.create_task(cache.get("key", make))
    first.cancel()
    go.set()
    assert await second == b"page"
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_a_rendering_that_failed_is_tried_again():
    cache = ResponseCache(Clock(), 1.0)

    async def fail() -> bytes:
        raise ValueError("no page today")

    async def make() -> bytes:
        return b"page"

    with pytest.raises(ValueError, match="no page today"):
        await cache.get("key", fail)
    assert await cache.get("key", make) == b"page"


async def test_the_response_cache_is_bounded():
    made: list[int] = []
    cache = ResponseCache(Clock(), 1.0, max_entries=2)

    async def request(key: int) -> None:
        async def make() -> bytes:
            made.append(key)
            return b""

        await cache.get(key, make)

    for key in (1, 2, 1, 3, 1, 2):
        await request(key)
    assert made == [1, 2, 3, 2]


async def longest_block(client: TestClient[Any, Any], path: str) -> float:
    """The longest time that anything kept the loop while a page was made, in seconds."""
    longest, done = 0.0, False

    async def watch() -> None:
        nonlocal longest
        before = time.perf_counter()
        while not done:
            await asyncio.sleep(0)
            now = time.perf_counter()
            longest, before = max(longest, now - before), now

    watcher = asyncio.create_task(watch())
    await text(client, path)
    done = True
    await watcher
    return longest


@pytest.mark.parametrize("path", ["/", "/?lang=en&q=n", "/api/v1/portals"])
async def test_a_thousand_portals_do_not_block_the_loop(client: TestClient[Any, Any], stage: Stage, path: str):
    one = stage.cache.portals["da-nang"]
    many = [replace(one, id=f"p{number}", name_vi=f"Cổng {number}", expect=Expect.ANSWERS) for number in range(1000)]
    stage.cache.set_inventory(many, checks(many))
    for number, portal in enumerate(many):
        stage.cache.update(measurement(portal=portal.id))
        stage.cache.update(replace(changed(portal.id, State.UP, State.UNKNOWN, SLOT - DAY_MS), seq=2 * number + 1))
    best = 1.0
    for _ in range(3):  # a busy machine may hold the loop by itself now and then
        stage.clock.turn(2)
        best = min(best, await longest_block(client, path))
    assert best < HOLD_SECONDS


@given(st.lists(st.sampled_from(State), min_size=1, max_size=40), st.data())
def test_a_timeline_covers_the_day_and_lists_every_state_as_text(states: list[State], data: st.DataObject):
    cuts = data.draw(st.sets(st.integers(1, DAY_MS - 1), min_size=len(states) - 1, max_size=len(states) - 1))
    edges = [SLOT - DAY_MS + edge for edge in (0, *sorted(cuts), DAY_MS)]
    spans = [
        StateSpan(start_ms=start, end_ms=end, state=state)
        for (start, end), state in zip(itertools.pairwise(edges), states, strict=True)
    ]
    svg = charts.timeline(spans, EN)
    assert svg.count("<rect") == len(states)
    assert all(EN(f"state.{state.value}").lower() in svg for state in states)
    assert 'x="-' not in svg


@given(st.dictionaries(st.sampled_from(["resolve", "connect", "tls", "wait", "<b>"]), st.floats(0, 100), min_size=1))
def test_a_bar_has_a_part_and_a_legend_for_each_phase(phases: dict[str, float]):
    bar = charts.phase_bar(phases, EN, start_seconds=0.0, scale_seconds=sum(phases.values()) or 1.0)
    assert bar.svg.count("<rect") == len(bar.phases) == len(phases)
    assert "<b>" not in bar.svg


def test_a_chart_has_gaps_where_attempts_are_missing():
    slots = [*range(SLOT - 90 * MINUTE, SLOT - 60 * MINUTE, MINUTE), *range(SLOT - 30 * MINUTE, SLOT, MINUTE)]
    chart = charts.chart([measurement(slot=slot) for slot in slots], EN, now_ms=SLOT, interval_seconds=60.0)
    assert chart is not None
    assert chart.svg.count("<polyline") == 2
    assert chart.y_labels == ("0", "250 ms", "500 ms")
    assert chart.caption == "60 successful attempts, median 332 ms, longest 332 ms; 0 failed"


def test_a_chart_of_nothing_is_none():
    assert charts.chart([], EN, now_ms=SLOT, interval_seconds=60.0) is None
