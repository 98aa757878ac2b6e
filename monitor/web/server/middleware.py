"""What every request passes before anybody works for it: is it of a size, is there time for it, may it come in."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web

from monitor.web.rendering import Crowded
from monitor.web.server.auth import Verdict
from monitor.web.server.connection_limit import neighbourhood

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp.typedefs import Handler, Middleware

    from monitor.web.server.auth import Keeper

LARGEST_REQUEST = 4096
"""Bytes of a request's body: nothing that is sent here is read."""

HEALTH = ("/-/healthy", "/-/ready")
"""Open to everybody, and answered however busy we are."""

RELOAD = "/-/reload"
"""Asks for a token of its own."""

LATE_SECONDS = 0.05
"""A loop whose timers come so late on the average of a moment has no time for visitors: looks would wait."""

AT_ONCE = 64
"""Requests that are worked for at the same time."""

PATIENCE_SECONDS = 2.0
"""So long a visitor is kept waiting before he is sent away."""

HELD = 128
"""So many are kept waiting; more are sent away at once."""

RETRY_SECONDS = 5

_TICK = 0.02
_FRESH = 0.1
"""Weight of the newest tick: a single stumble of the machine sends nobody away."""

_GLANCE = 0.05


class Ease:
    """How late timers come just now, in seconds, on the average of the last ticks; and who is being worked for."""

    def __init__(self) -> None:
        self.late = 0.0
        self.working = 0
        self.held = 0
        self._timer: asyncio.TimerHandle | None = None

    async def keep(self, _app: web.Application) -> AsyncIterator[None]:
        """Measure as long as the application lives."""
        loop = asyncio.get_running_loop()
        self._tick(loop, loop.time())
        yield
        if self._timer is not None:
            self._timer.cancel()

    def _tick(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        now = loop.time()
        self.late += _FRESH * (now - due - self.late)
        self._timer = loop.call_at(now + _TICK, self._tick, loop, now + _TICK)

    def busy(self) -> bool:
        """Whether a visitor has to wait."""
        return self.late > LATE_SECONDS or self.working >= AT_ONCE

    async def room(self) -> bool:
        """Wait until there is time for one more; False when there is none."""
        if not self.busy():
            return True
        if self.held >= HELD:
            return False
        self.held += 1
        try:
            for _ in range(round(PATIENCE_SECONDS / _GLANCE)):
                await asyncio.sleep(_GLANCE)
                if not self.busy():
                    return True
            return False
        finally:
            self.held -= 1


def limits(ease: Ease) -> Middleware:
    """Refuse bodies, and send visitors away while looks would wait for them."""

    @web.middleware
    async def limit(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.can_read_body and (request.content_length or LARGEST_REQUEST + 1) > LARGEST_REQUEST:
            response = web.Response(status=413, text="nothing that is sent here is read\n")
            response.force_close()
            return response
        if request.path in HEALTH:
            return await handler(request)
        if not await ease.room():
            return _later()
        ease.working += 1
        try:
            return await handler(request)
        except Crowded:
            return _later()
        finally:
            ease.working -= 1

    return limit


def _later() -> web.Response:
    response = web.Response(status=503, text="busy looking at portals; try again\n")
    response.headers["Retry-After"] = str(RETRY_SECONDS)
    response.force_close()
    return response


def accounts(keeper: Keeper) -> Middleware:
    """Let in who may enter, where anybody has an account; health is for everybody."""

    @web.middleware
    async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
        if keeper.open or request.path in HEALTH or request.path == RELOAD:
            return await handler(request)
        verdict = await keeper.admit(request.headers.get("Authorization", ""), neighbourhood(request.remote or ""))
        if verdict is Verdict.WELCOME:
            return await handler(request)
        if verdict is Verdict.LATER:
            response = web.Response(status=429, text="too many wrong guesses; try again later\n")
            response.headers["Retry-After"] = "60"
            return response
        response = web.Response(status=401, text="who are you?\n")
        for one in keeper.challenges:
            response.headers.add("WWW-Authenticate", one)
        return response

    return admit
