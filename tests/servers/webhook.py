"""A real webhook receiver on loopback: keeps what it is sent, and responds, refuses or hangs as configured."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@dataclass
class Webhook:
    """``status`` is what it answers; while ``gate`` is shut it holds the answer back."""

    port: int = 0
    status: int = 200
    got: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    tried: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def apprise(self) -> str:
        """Its URL in the form of Apprise."""
        return f"json://127.0.0.1:{self.port}/hook"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def take(self, request: web.Request) -> web.Response:
        self.tried += 1
        body = await request.json() if request.can_read_body else {}
        await self.gate.wait()
        if self.status < 400:
            self.got.append(body)
            self.headers.append(dict(request.headers))
        return web.Response(status=self.status)


@contextlib.asynccontextmanager
async def webhook(port: int = 0) -> AsyncIterator[Webhook]:
    one = Webhook()
    one.gate.set()
    app = web.Application()
    app.router.add_route("*", "/hook", one.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    one.port = runner.addresses[0][1]
    try:
        yield one
    finally:
        one.gate.set()
        await runner.cleanup()
