"""The stage behind its real door, on a real socket; and a visitor who writes whatever bytes he likes."""

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
class Opened:
    """A door that is open; ``url`` is its address."""

    door: WebSecurity
    url: str

    @property
    def where(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        assert parts.hostname is not None
        assert parts.port is not None
        return parts.hostname, parts.port


@asynccontextmanager
async def opened(stage: Stage, *, token: str | None = None, **web: Any) -> AsyncIterator[Opened]:  # noqa: ANN401 - keys
    """Serve the stage with the block ``web`` as given."""
    door = WebSecurity(WebBlock(**web), stage.clock)
    site = stage.site(keeper=door.authenticator, reload=token is not None, token=token)
    runner, url = await serve(site, "127.0.0.1:0", door)
    try:
        yield Opened(door, url)
    finally:
        await runner.cleanup()
        door.close()


async def say(where: tuple[str, int], *parts: bytes, patience: float = 20.0) -> bytes:
    """Send the parts, a moment between them, and return all that comes until the other side ends it."""
    reader, writer = await asyncio.open_connection(*where)
    try:
        for part in parts:
            writer.write(part)
            with suppress(ConnectionError):
                await writer.drain()
            await asyncio.sleep(0.02 if len(parts) > 1 else 0)
        async with asyncio.timeout(patience):
            with suppress(ConnectionError):
                return await reader.read()
        return b""
    finally:
        writer.close()


def statuses(said: bytes) -> list[int]:
    """The status of every answer in it."""
    return [int(found) for found in re.findall(rb"HTTP/1\.[01] (\d{3}) ", said)]
