"""One connection of a visitor: aiohttp's, with a time limit for whatever it does, and small words for nonsense."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from monitor.web.server.headers import HEADERS

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST_SECONDS = 10.0
"""For the first byte of the first request."""

EXCHANGE_SECONDS = 30.0
"""For a request, from its first byte, and its answer, until the last byte of it was taken."""

REST_SECONDS = 75.0
"""Between two requests; longer than Prometheus' longest usual interval, so that it need not connect each time."""

LONGEST_LINE, LONGEST_HEADER, MOST_HEADERS = 8190, 8190, 64
"""Bytes of the request line and of one header, and how many headers; more is a bad request."""

_LINGER_SECONDS = 0.5
"""How long a body that nobody wants is still listened to, so that the visitor hears the answer."""


class Visitor(web.RequestHandler):
    """Serves one connection for ``server`` and tells ``left`` when it is over."""

    __slots__ = ("_left", "_resting", "_timer")

    def __init__(self, server: web.Server, left: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(
            server,
            loop=loop,
            access_log=None,  # type: ignore[arg-type] # aiohttp's own runner hands it in like this
            keepalive_timeout=REST_SECONDS,
            lingering_time=_LINGER_SECONDS,
            max_line_size=LONGEST_LINE,
            max_field_size=LONGEST_HEADER,
            max_headers=MOST_HEADERS,
        )
        self._left = left
        self._resting = True
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The clock runs from the first moment."""
        super().connection_made(transport)
        self._allow(FIRST_SECONDS)

    def data_received(self, data: bytes) -> None:
        """The first byte of a request starts its time, which further bytes do not prolong."""
        if self._resting and data:
            self._resting = False
            self._allow(EXCHANGE_SECONDS)
        super().data_received(data)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """With the last byte of an answer the time until the next request begins."""
        done = await super().finish_response(request, resp, start_time)
        self._resting = True
        if self._timer is not None:
            self._allow(REST_SECONDS)
        return done

    def connection_lost(self, exc: BaseException | None) -> None:
        """Over, from whichever side."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        super().connection_lost(exc)
        self._left()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What is no HTTP gets a bad request and no line in the log: strangers must not fill it."""
        if status != HTTPStatus.BAD_REQUEST or request.writer.output_size > 0:
            return super().handle_error(request, status, exc, message)
        response = web.Response(status=status, text="bad request\n", headers=HEADERS)
        response.force_close()
        return response

    def _allow(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, self._end)

    def _end(self) -> None:
        if self.transport is not None:
            self.transport.abort()
