"""What the web tests share: a played stage, and a client that meets it over a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer

from monitor.web import make_app
from tests.monitor.web.scene import Stage, staged

Open = Callable[..., Awaitable[TestClient[Any, Any]]]


@pytest_asyncio.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """Seven portals with their story, on a clock that stands still."""
    stage = await staged(tmp_path)
    yield stage
    await stage.journal.close()


@pytest_asyncio.fixture
async def open_client(stage: Stage) -> AsyncIterator[Open]:
    """Serve the stage with the wishes given, and give a client for it."""
    clients: list[TestClient[Any, Any]] = []

    async def open_one(**wishes: Any) -> TestClient[Any, Any]:  # noqa: ANN401 - whatever Stage.site takes
        client = TestClient(TestServer(make_app(stage.context(**wishes))))
        await client.start_server()
        clients.append(client)
        return client

    yield open_one
    for client in clients:
        await client.close()


@pytest_asyncio.fixture
async def client(open_client: Open) -> TestClient[Any, Any]:
    """The stage as it is served by default."""
    return await open_client()


async def text(client: TestClient[Any, Any], path: str, status: int = 200) -> str:
    """The body at ``path``, once its status is what it should be."""
    async with client.get(path) as answer:
        body = await answer.text()
        assert answer.status == status, body
        return body
