"""One connection of a client: aiohttp's handler with a timeout for each step and a short response to bad requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus

from aiohttp import web

from monitor.web.server.headers import SECURITY_HEADERS

FIRST_BYTE_TIMEOUT_SECONDS = 10.0  # timeout for the first byte of the first request

REQUEST_TIMEOUT_SECONDS = 30.0
"""Timeout for a request and its response, from the first byte of the request to the last byte of the response."""

IDLE_TIMEOUT_SECONDS = 75.0
"""Timeout between two requests; longer than Prometheus' longest usual interval, so that it need not reconnect."""

MAX_LINE_BYTES, MAX_HEADER_BYTES, MAX_HEADERS = 8190, 8190, 64
"""Bytes of the request line and of one header, and how many headers; more is a bad request."""

_LINGER_SECONDS = 0.5  # how long an unread body is still received, so that the client gets the response


class TimedRequestHandler(web.RequestHandler):
    """Serves one connection for ``server`` and calls ``on_close`` when it is closed."""

    __slots__ = ("_is_idle", "_on_close", "_timer")

    def __init__(self, server: web.Server, on_close: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(
            server,
            loop=loop,
            access_log=None,  # type: ignore[arg-type] # aiohttp's own runner passes it like this
            keepalive_timeout=IDLE_TIMEOUT_SECONDS,
            lingering_time=_LINGER_SECONDS,
            max_line_size=MAX_LINE_BYTES,
            max_field_size=MAX_HEADER_BYTES,
            max_headers=MAX_HEADERS,
        )
        self._on_close = on_close
        self._is_idle = True
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the timeout for the first byte."""
        super().connection_made(transport)
        self._set_timeout(FIRST_BYTE_TIMEOUT_SECONDS)

    def data_received(self, data: bytes) -> None:
        """Start the timeout of a request at its first byte; further bytes do not extend it."""
        if self._is_idle and data:
            self._is_idle = False
            self._set_timeout(REQUEST_TIMEOUT_SECONDS)
        super().data_received(data)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Start the idle timeout after the last byte of a response."""
        result = await super().finish_response(request, resp, start_time)
        self._is_idle = True
        if self._timer is not None:
            self._set_timeout(IDLE_TIMEOUT_SECONDS)
        return result

    def connection_lost(self, exc: BaseException | None) -> None:
        """Stop the timeout; the connection was closed by either side."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        super().connection_lost(exc)
        self._on_close()

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """Respond to malformed requests with 400 and no log line: unauthenticated clients must not fill the log."""
        if status != HTTPStatus.BAD_REQUEST or request.writer.output_size > 0:
            return super().handle_error(request, status, exc, message)
        response = web.Response(status=status, text="bad request\n", headers=SECURITY_HEADERS)
        response.force_close()
        return response

    def _set_timeout(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, self._abort)

    def _abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()
