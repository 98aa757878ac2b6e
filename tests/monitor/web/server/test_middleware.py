"""Looks come first: while timers are late or too many are worked for, visitors wait and are then sent away."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from monitor.web.rendering import MAX_QUEUED_RENDERS, ResponseCache, TooManyRequests
from monitor.web.server import middleware
from monitor.web.server.middleware import LoadShedder
from tests.monitor.web.scene import Clock, Stage
from tests.monitor.web.server.servers import opened


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How late timers are said to be; one number, which the test turns."""
    told = [0.0]
    monkeypatch.setattr(middleware, "MAX_WAIT_SECONDS", 0.2)
    monkeypatch.setattr(LoadShedder, "is_overloaded", lambda _ease: told[0] > middleware.MAX_LOOP_LAG_SECONDS)
    return told


async def test_while_looks_are_late_only_health_is_answered(stage: Stage, late: list[float]):
    async with opened(stage) as door, aiohttp.ClientSession(door.url) as visitor:
        late[0] = 1.0
        for path in ("/", "/metrics", "/api/v1/measurements", "/static/app.js", "/config"):
            async with visitor.get(path) as answer:
                assert answer.status == 503
                assert int(answer.headers["Retry-After"]) > 0
                assert answer.headers["Connection"] == "close"
        for path in ("/-/healthy", "/-/ready"):
            async with visitor.get(path) as answer:
                assert answer.status == 200
        late[0] = 0.0
        async with visitor.get("/") as answer:
            assert answer.status == 200


async def test_too_many_pages_at_once_are_no_fault_of_ours(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """Also where the page would only have said that there is none."""

    async def crowded(*_: object) -> bytes:
        raise TooManyRequests

    monkeypatch.setattr(ResponseCache, "get", crowded)
    async with opened(stage) as door, aiohttp.ClientSession(door.url) as visitor:
        for path in ("/", "/metrics", "/no-such-page", "/incidents/none"):
            async with visitor.get(path) as answer:
                assert answer.status == 503
                assert answer.headers["Retry-After"]
    assert "web_request_failed" not in caplog.text


async def test_who_waits_is_served_when_there_is_time_again():
    ease = LoadShedder()
    ease.loop_lag_seconds = 10 * middleware.MAX_LOOP_LAG_SECONDS
    waiting = [asyncio.create_task(ease.acquire()) for _ in range(middleware.MAX_QUEUED_REQUESTS)]
    await asyncio.sleep(0)
    assert not await ease.acquire(), "no more than so many wait"
    ease.loop_lag_seconds = 0.0
    assert all(await asyncio.gather(*waiting))
    assert ease.queued_requests == 0


async def test_a_loop_that_is_held_up_is_noticed_and_forgiven():
    """A single stumble sends nobody away; being late all the time does, and ends when that ends."""
    ease = LoadShedder()
    loop = asyncio.get_running_loop()
    ease._tick(loop, loop.time() - 0.2)  # noqa: SLF001 - one tick, 0.2 s late
    assert not ease.is_overloaded()
    for _ in range(30):
        ease._tick(loop, loop.time() - 0.2)  # noqa: SLF001 - and many of them
    assert ease.is_overloaded()
    for _ in range(30):
        ease._tick(loop, loop.time())  # noqa: SLF001 - in time again
    assert not ease.is_overloaded()


async def test_a_shelf_makes_one_at_a_time_and_keeps_few_waiting():
    """Pages that are all different would add their slices of time up."""
    shelf, making, most = ResponseCache(Clock(), 1.0), 0, 0
    go = asyncio.Event()

    async def make() -> bytes:
        nonlocal making, most
        making += 1
        most = max(most, making)
        await go.wait()
        making -= 1
        return b"made"

    asked = [asyncio.create_task(shelf.get(number, make)) for number in range(MAX_QUEUED_RENDERS)]
    await asyncio.sleep(0)
    with pytest.raises(TooManyRequests):
        await shelf.get("one more", make)
    go.set()
    assert await asyncio.gather(*asked) == [b"made"] * MAX_QUEUED_RENDERS
    assert most == 1
