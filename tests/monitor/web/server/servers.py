"""The stage with its security settings on a real socket, and a client that sends any bytes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from monitor.config.web import WebBlock
from monitor.web import WebSecurity, serve
from tests.monitor.web.scene import Stage


@dataclass(frozen=True)
class RunningServer:
    """A server that listens at ``url``."""

    security: WebSecurity
    url: str

    @property
    def where(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        assert parts.hostname is not None
        assert parts.port is not None
        return parts.hostname, parts.port


@asynccontextmanager
async def opened(stage: Stage, *, token: str | None = None, **web: Any) -> AsyncIterator[RunningServer]:  # noqa: ANN401 - keys
    """Serve the stage with the block ``web`` as given."""
    security = WebSecurity(WebBlock(**web), stage.clock)
    context = stage.context(authenticator=security.authenticator, reload=token is not None, token=token)
    runner, url = await serve(context, "127.0.0.1:0", security)
    try:
        yield RunningServer(security, url)
    finally:
        await runner.cleanup()
        security.close()


async def send(where: tuple[str, int], *parts: bytes, timeout_seconds: float = 20.0) -> bytes:
    """Send the parts, a moment between them, and return all that comes until the other side ends it."""
    reader, writer = await asyncio.open_connection(*where)
    try:
        for part in parts:
            writer.write(part)
            with suppress(ConnectionError):
                await writer.drain()
            await asyncio.sleep(0.02 if len(parts) > 1 else 0)
        async with asyncio.timeout(timeout_seconds):
            with suppress(ConnectionError):
                return await reader.read()
        return b""
    finally:
        writer.close()


def statuses(received: bytes) -> list[int]:
    """The status of every answer in it."""
    return [int(found) for found in re.findall(rb"HTTP/1\.[01] (\d{3}) ", received)]
