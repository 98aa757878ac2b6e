"""The base of the TCP servers here: accept, own one task per connection, close all; subclasses define what is sent."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self


class Wire:
    """One accepted connection, still plain; :meth:`secure` begins TLS when the server decides to."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def open(self, tls: ssl.SSLContext | None = None) -> None:
        """Begin to talk; with ``tls`` the handshake is done on return. Raises ssl.SSLError and OSError."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        transport, _ = await loop.connect_accepted_socket(lambda: protocol, self.sock, ssl=tls)
        self._reader, self._writer = reader, asyncio.StreamWriter(transport, protocol, reader, loop)

    async def request(self) -> bytes:
        """The next request up to its empty line; empty when the client went away."""
        assert self._reader is not None
        try:
            return await self._reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            return error.partial

    async def send(self, data: bytes) -> None:
        assert self._writer is not None
        if self._writer.transport.is_closing():
            raise ConnectionResetError("the client is gone")
        self._writer.write(data)
        await self._writer.drain()

    def reset(self) -> None:
        """Close so that the other side gets an RST: linger for zero seconds."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if self._writer is None:
            self.sock.close()
        else:
            self._writer.transport.abort()

    async def close(self) -> None:
        if self._writer is None:
            self.sock.close()
            return
        self._writer.close()
        with contextlib.suppress(OSError, ssl.SSLError):
            await self._writer.wait_closed()


class Listener:
    """A TCP server as an async context manager. Subclasses implement :meth:`serve`."""

    scheme = "http"

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0, backlog: int = 1024) -> None:
        self._address = (host, port)
        self._backlog = backlog
        self.connections = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    def url(self, path: str = "/", *, host: str | None = None, scheme: str | None = None) -> str:
        """The address of a page, by default of the bound address; IPv6 is bracketed."""
        name = host or self._address[0]
        name = f"[{name}]" if ":" in name else name
        return f"{scheme or self.scheme}://{name}:{self.port}{path}"

    async def serve(self, wire: Wire) -> None:
        """Answer on one connection. The listener closes it afterwards."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
        self._socket = socket.create_server(self._address, family=family, backlog=self._backlog)
        self._socket.settimeout(0.0)
        self._accepting = asyncio.create_task(self._accept())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        tasks = [self._accepting, *self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._socket.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            sock, _ = await loop.sock_accept(self._socket)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            task = asyncio.create_task(self._guard(Wire(sock)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _guard(self, wire: Wire) -> None:
        """A client that breaks off is a normal end for these servers."""
        try:
            with contextlib.suppress(OSError, ssl.SSLError, asyncio.LimitOverrunError):
                await self.serve(wire)
        finally:
            await wire.close()
