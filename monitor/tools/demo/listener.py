"""One loopback port that stays reserved while its listener starts and stops; the handler makes the responses."""

import asyncio
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

HOST: Final = "127.0.0.1"
RequestHandler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

_BACKLOG: Final = 128
_HANDSHAKE_TIMEOUT_SECONDS: Final = 10.0
_SHUTDOWN_TIMEOUT_SECONDS: Final = 1.0
_NO_LINGER: Final = struct.pack("ii", 1, 0)


class PortListener:
    """A port that the kernel chose.

    A socket that is bound but never listens reserves the port while the listener is stopped: clients are refused, and
    no other socket, not even of an outgoing connection, gets the port.
    """

    def __init__(self, handler: RequestHandler, ssl_context: ssl.SSLContext | None) -> None:
        """Reserve a free port without listening; needs a running event loop."""
        self._reserved_socket = _bound_socket(0)
        self._ssl_context = ssl_context
        self._server: asyncio.Server | None = None
        # A client that disconnects from a stalled portal must not leave a task behind.
        self._http = web.Server(handler, handler_cancellation=True, access_log=None)
        self.port: int = self._reserved_socket.getsockname()[1]

    @property
    def url(self) -> str:
        """Return scheme, host and port."""
        return f"{'https' if self._ssl_context else 'http'}://{HOST}:{self.port}"

    async def start_listening(self) -> None:
        """Start to listen, if not done already."""
        if self._server is None:
            self._server = await asyncio.get_running_loop().create_server(
                self._http,
                sock=_bound_socket(self.port),
                backlog=_BACKLOG,
                ssl=self._ssl_context,
                ssl_handshake_timeout=_HANDSHAKE_TIMEOUT_SECONDS if self._ssl_context else None,
            )

    def stop_listening(self) -> None:
        """Refuse new connections and abort open ones."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        for connection in self._http.connections:
            if connection.transport is not None:
                connection.transport.abort()

    async def close(self) -> None:
        """Stop listening, release the port, and wait for the last handler."""
        self.stop_listening()
        self._reserved_socket.close()
        await self._http.shutdown(_SHUTDOWN_TIMEOUT_SECONDS)


async def reset_connection(request: web.BaseRequest) -> web.StreamResponse:
    """Reset the connection of a request instead of responding; never returns."""
    if request.transport is not None:
        # Closing a socket that may not linger sends RST instead of FIN.
        request.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        request.transport.abort()
    await asyncio.get_running_loop().create_future()  # the lost connection cancels the handler here
    raise AssertionError


def _bound_socket(port: int) -> socket.socket:
    """Bind without listening; two such sockets may share a port as long as at most one of them listens."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((HOST, port))
        sock.setblocking(False)  # noqa: FBT003 - the standard library takes it by position only
    except BaseException:
        sock.close()
        raise
    return sock
