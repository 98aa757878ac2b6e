"""Middleware of every request: size limit, load shedding by loop lag, authentication."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web

from monitor.web.rendering import TooManyRequests
from monitor.web.server.auth import Authenticator, AuthResult
from monitor.web.server.connection_limit import client_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp.typedefs import Handler, Middleware

MAX_REQUEST_BYTES = 4096  # largest body of a request in bytes; no handler reads a body
HEALTH_PATHS = ("/-/healthy", "/-/ready")  # served without authentication and at any load
RELOAD_PATH = "/-/reload"  # has its own token
MAX_LOOP_LAG_SECONDS = 0.05  # average delay of timers above which requests wait, because they would delay probes
MAX_ACTIVE_REQUESTS = 64  # requests that are handled at the same time
MAX_WAIT_SECONDS = 2.0  # how long a request waits before it is refused
MAX_QUEUED_REQUESTS = 128  # requests that may wait; further ones are refused at once
RETRY_AFTER_SECONDS = 5
_TICK_SECONDS = 0.02
_SMOOTHING_FACTOR = 0.1  # weight of the newest tick: a single stall of the host refuses no request
_POLL_SECONDS = 0.05


class LoadShedder:
    """Measures the loop lag as the average of the last ticks, and limits the requests that are handled."""

    def __init__(self) -> None:
        self.loop_lag_seconds = 0.0
        self.active_requests = 0
        self.queued_requests = 0
        self._timer: asyncio.TimerHandle | None = None

    async def measure_lag(self, _app: web.Application) -> AsyncIterator[None]:
        """Measure while the application runs."""
        loop = asyncio.get_running_loop()
        self._tick(loop, loop.time())
        yield
        if self._timer is not None:
            self._timer.cancel()

    def _tick(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        now = loop.time()
        self.loop_lag_seconds += _SMOOTHING_FACTOR * (now - due - self.loop_lag_seconds)
        self._timer = loop.call_at(now + _TICK_SECONDS, self._tick, loop, now + _TICK_SECONDS)

    def is_overloaded(self) -> bool:
        """Return whether a request has to wait."""
        return self.loop_lag_seconds > MAX_LOOP_LAG_SECONDS or self.active_requests >= MAX_ACTIVE_REQUESTS

    async def acquire(self) -> bool:
        """Wait until one more request can be handled; return False when it is refused."""
        if not self.is_overloaded():
            return True
        if self.queued_requests >= MAX_QUEUED_REQUESTS:
            return False
        self.queued_requests += 1
        try:
            for _ in range(round(MAX_WAIT_SECONDS / _POLL_SECONDS)):
                await asyncio.sleep(_POLL_SECONDS)
                if not self.is_overloaded():
                    return True
            return False
        finally:
            self.queued_requests -= 1


def load_shedding_middleware(load_shedder: LoadShedder) -> Middleware:
    """Refuse request bodies, and refuse requests while they would delay probes."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.can_read_body and (request.content_length or MAX_REQUEST_BYTES + 1) > MAX_REQUEST_BYTES:
            response = web.Response(status=413, text="request body not accepted\n")
            response.force_close()
            return response
        if request.path in HEALTH_PATHS:
            return await handler(request)
        if not await load_shedder.acquire():
            return _overloaded_response()
        load_shedder.active_requests += 1
        try:
            return await handler(request)
        except TooManyRequests:
            return _overloaded_response()
        finally:
            load_shedder.active_requests -= 1

    return middleware


def _overloaded_response() -> web.Response:
    response = web.Response(status=503, text="overloaded; try again later\n")
    response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    response.force_close()
    return response


def auth_middleware(authenticator: Authenticator) -> Middleware:
    """Require authentication when accounts are configured, except for health and reload."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if authenticator.allows_anonymous or request.path in HEALTH_PATHS or request.path == RELOAD_PATH:
            return await handler(request)
        authorization, client = request.headers.get("Authorization", ""), client_key(request.remote or "")
        result = await authenticator.authenticate(authorization, client)
        if result is AuthResult.AUTHENTICATED:
            return await handler(request)
        if result is AuthResult.THROTTLED:
            response = web.Response(status=429, text="too many failed attempts; try again later\n")
            response.headers["Retry-After"] = "60"
            return response
        response = web.Response(status=401, text="unauthorized\n")
        for challenge in authenticator.www_authenticate:
            response.headers.add("WWW-Authenticate", challenge)
        return response

    return middleware
