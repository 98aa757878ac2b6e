"""Probes come first: while timers are late or too many requests are active, requests wait and are then refused."""

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
    """The loop lag that the test sets."""
    lag = [0.0]
    monkeypatch.setattr(middleware, "MAX_WAIT_SECONDS", 0.2)
    monkeypatch.setattr(LoadShedder, "is_overloaded", lambda _self: lag[0] > middleware.MAX_LOOP_LAG_SECONDS)
    return lag


async def test_while_probes_are_late_only_health_is_served(stage: Stage, late: list[float]):
    async with opened(stage) as server, aiohttp.ClientSession(server.url) as client:
        late[0] = 1.0
        for path in ("/", "/metrics", "/api/v1/measurements", "/static/app.js", "/config"):
            async with client.get(path) as answer:
                assert answer.status == 503
                assert int(answer.headers["Retry-After"]) > 0
                assert answer.headers["Connection"] == "close"
        for path in ("/-/healthy", "/-/ready"):
            async with client.get(path) as answer:
                assert answer.status == 200
        late[0] = 0.0
        async with client.get("/") as answer:
            assert answer.status == 200


async def test_too_many_pages_at_once_are_no_internal_error(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """Also where the page would only have been an error page."""

    async def refuse(*_: object) -> bytes:
        raise TooManyRequests

    monkeypatch.setattr(ResponseCache, "get", refuse)
    async with opened(stage) as server, aiohttp.ClientSession(server.url) as client:
        for path in ("/", "/metrics", "/no-such-page", "/incidents/none"):
            async with client.get(path) as answer:
                assert answer.status == 503
                assert answer.headers["Retry-After"]
    assert "web_request_failed" not in caplog.text


async def test_waiting_requests_are_served_when_the_load_falls():
    load_shedder = LoadShedder()
    load_shedder.loop_lag_seconds = 10 * middleware.MAX_LOOP_LAG_SECONDS
    waiting = [asyncio.create_task(load_shedder.acquire()) for _ in range(middleware.MAX_QUEUED_REQUESTS)]
    await asyncio.sleep(0)
    assert not await load_shedder.acquire(), "no more than so many wait"
    load_shedder.loop_lag_seconds = 0.0
    assert all(await asyncio.gather(*waiting))
    assert load_shedder.queued_requests == 0


async def test_a_blocked_loop_is_detected_and_recovers():
    """A single stall refuses no request; a lasting lag does, and stops when it ends."""
    load_shedder = LoadShedder()
    loop = asyncio.get_running_loop()
    load_shedder._tick(loop, loop.time() - 0.2)  # noqa: SLF001 - one tick, 0.2 s late
    assert not load_shedder.is_overloaded()
    for _ in range(30):
        load_shedder._tick(loop, loop.time() - 0.2)  # noqa: SLF001 - and many of them
    assert load_shedder.is_overloaded()
    for _ in range(30):
        load_shedder._tick(loop, loop.time())  # noqa: SLF001 - in time again
    assert not load_shedder.is_overloaded()


async def test_a_response_cache_renders_one_at_a_time_and_queues_few():
    """Pages that are all different would add their slices of time up."""
    cache, rendering, most = ResponseCache(Clock(), 1.0), 0, 0
    go = asyncio.Event()

    async def make() -> bytes:
        nonlocal rendering, most
        rendering += 1
        most = max(most, rendering)
        await go.wait()
        rendering -= 1
        return b"made"

    requests = [asyncio.create_task(cache.get(number, make)) for number in range(MAX_QUEUED_RENDERS)]
    await asyncio.sleep(0)
    with pytest.raises(TooManyRequests):
        await cache.get("one more", make)
    go.set()
    assert await asyncio.gather(*requests) == [b"made"] * MAX_QUEUED_RENDERS
    assert most == 1
