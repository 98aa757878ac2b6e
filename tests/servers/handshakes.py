"""Servers for TLS that goes wrong before or right after the handshake: other than TLS, or with real alerts."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from typing import TYPE_CHECKING

from tests.servers.listener import Listener, Wire

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from tests.servers.raw import Step


class HandshakeServer(Listener):
    """Accepts and then does ``what`` instead of a handshake: stall, reset, close, http, an alert, or steps.

    Of steps it sends the bytes, waits the seconds, and ends at anything else or stays when there are none left.
    """

    scheme = "https"

    def __init__(self, what: str | Sequence[Step]) -> None:
        super().__init__()
        self._what = what

    async def serve(self, wire: Wire) -> None:
        await wire.open()
        match self._what:
            case "stall":
                await wire.request()
            case "reset":
                wire.reset()
            case "http":
                await wire.send(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
            case str():
                await wire.send(ALERTS[self._what])
            case _:
                await self._play(self._what, wire)

    async def _play(self, steps: Sequence[Step], wire: Wire) -> None:
        for step in steps:
            if isinstance(step, bytes):
                await wire.send(step)
            elif isinstance(step, float):
                await asyncio.sleep(step)
            else:
                return
        await wire.request()


ALERTS = {"tls10": b"\x15\x03\x01\x00\x02\x02\x46", "no cipher": b"\x15\x03\x03\x00\x02\x02\x28"}
"""What real servers send after a modern hello: 70, protocol version, when they know nothing newer than TLS 1.0; 40,
handshake failure, when there is no common cipher (RFC 5246, 7.2). As bytes, since OpenSSL 3 refuses to be the first
kind of server at its default security level, and asyncio closes before the alert of the second is out.
"""


class BlockingTls:
    """Runs the handshake on a thread, with OpenSSL's own socket: it sends alerts, where asyncio would only close.

    To an accepted client it sends 200.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self._ended = threading.Event()

    def url(self, host: str) -> str:
        return f"https://{host}:{self._socket.getsockname()[1]}/"

    def __enter__(self) -> Self:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(0.05)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                plain, _ = self._socket.accept()
            except TimeoutError:
                continue
            plain.settimeout(5.0)
            with self._context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False) as secure:
                self._talk(secure)

    def _talk(self, secure: ssl.SSLSocket) -> None:
        with contextlib.suppress(OSError):
            try:
                secure.do_handshake()
                secure.recv(65536)
                secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
            except ssl.SSLError:
                secure.shutdown(
                    socket.SHUT_WR
                )  # and let the client read the alert, which a plain close might take away
                while secure.recv(65536):
                    pass
