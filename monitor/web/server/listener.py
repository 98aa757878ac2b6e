"""Accepts connections for the web server: counted before anything is read, over TLS if a certificate is configured."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import structlog
from aiohttp import web

from monitor.web.server.connection import TimedRequestHandler
from monitor.web.server.connection_limit import Connection, ConnectionLimiter, client_key

log = structlog.get_logger(__name__)

BACKLOG = 512
TLS_HANDSHAKE_TIMEOUT_SECONDS = 5.0
_TLS_TIMEOUTS = {"ssl_handshake_timeout": TLS_HANDSHAKE_TIMEOUT_SECONDS, "ssl_shutdown_timeout": 2.0}
_ACCEPT_RETRY_SECONDS = 0.5  # pause after a failed accept, such as without free file descriptors

_OVERLOADED_RESPONSE = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\nContent-Length: 11\r\n"
    b"Content-Type: text/plain\r\n\r\noverloaded\n"
)


class WebListener(web.BaseSite):
    """A site of aiohttp's runner that accepts connections itself."""

    def __init__(self, runner: web.AppRunner, limiter: ConnectionLimiter, tls: ssl.SSLContext | None) -> None:
        super().__init__(runner)
        self._app_runner = runner
        self._limiter = limiter
        self._tls = tls
        self._sockets: list[socket.socket] = []
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def name(self) -> str:
        """Return the URL to open."""
        host, port = self._sockets[0].getsockname()[:2]
        return f"{'https' if self._tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}/"

    async def bind(self, host: str, port: int) -> None:
        """Listen on every address of ``host``. Raises OSError."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        try:
            for family, _, _, _, address in dict.fromkeys(found):
                self._sockets.append(_bind_socket(family, (address[0], port, *address[2:])))
                port = port or self._sockets[0].getsockname()[1]
        except OSError:
            self._close_sockets()
            raise

    async def start(self) -> None:
        """Start to accept connections."""
        await super().start()
        for one in self._sockets:
            self._spawn(self._accept(one), f"web {one.getsockname()[1]}")

    async def stop(self) -> None:
        """Stop accepting; open connections are left to the runner."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._close_sockets()
        await super().stop()

    def _close_sockets(self) -> None:
        while self._sockets:
            self._sockets.pop().close()

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _accept(self, listening_socket: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                one, peer = await loop.sock_accept(listening_socket)
            except OSError as error:
                if error.errno not in {errno.ECONNABORTED, errno.EPROTO}:
                    log.warning("web_accept_failed", reason=error.strerror)
                    await asyncio.sleep(_ACCEPT_RETRY_SECONDS)
                continue
            self._start_connection(one, client_key(peer[0]))

    def _start_connection(self, client_socket: socket.socket, client: str) -> None:
        connection = self._limiter.acquire(client)
        if connection is not None:
            connection.close = self._spawn(self._serve(client_socket, connection), "web connection").cancel
            return
        if self._tls is None:
            with suppress(OSError):
                client_socket.send(_OVERLOADED_RESPONSE)
        client_socket.close()

    async def _serve(self, client_socket: socket.socket, connection: Connection) -> None:
        """Complete the TLS handshake and pass the socket to a request handler, which has its own timeouts."""
        server = self._app_runner.server
        assert server is not None  # noqa: S101 - the runner was set up before
        request_handler = TimedRequestHandler(server, lambda: self._limiter.release(connection))
        loop, limits = asyncio.get_running_loop(), _TLS_TIMEOUTS if self._tls else {}
        try:
            accepted = loop.connect_accepted_socket(lambda: request_handler, client_socket, ssl=self._tls, **limits)
            transport, _ = await accepted
        except OSError:  # no TLS, too old a version, too slow, or closed
            self._limiter.release(connection)
        except asyncio.CancelledError:
            self._limiter.release(connection)
            raise
        else:
            connection.close = transport.abort


def _bind_socket(family: int, address: tuple[Any, ...]) -> socket.socket:
    one = socket.socket(family, socket.SOCK_STREAM)
    try:
        one.setblocking(False)  # noqa: FBT003 - its only argument
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        one.bind(address)
        one.listen(BACKLOG)
    except OSError:
        one.close()
        raise
    return one
