"""Receivers that answer wrongly: one server for HTTP and one for mail, each with a behaviour set by a test.

With the behaviour ``good`` they accept and keep what they receive, as the real ones do that other tests run.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket
import struct
from dataclasses import dataclass, field

LOGIN = b"<!DOCTYPE html><title>Wi-Fi</title><form>Please log in</form>"


def response(status: str, body: bytes = b"", *headers: str) -> bytes:
    """Return a complete response, after which the connection is closed."""
    lines = [f"HTTP/1.1 {status}", *headers, "Connection: close"]
    if not status.startswith("204"):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


RESPONSES = {
    "500": response("500 Internal Server Error", b"{}", "Content-Type: application/json"),
    "429": response("429 Too Many Requests", b"", "Retry-After: 2"),
    "a log-in page": response("200 OK", LOGIN, "Content-Type: text/html"),
    "redirected to a log-in page": response("302 Found", b"", "Location: /login"),
    "log-in required": response("511 Network Authentication Required", LOGIN, "Content-Type: text/html"),
    "garbage": b"\x00\xff\x13SSH-2.0-nonsense\r\n\r\n",
    "half a response": b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\nContent-Type: application/json\r\n\r\n{",
    "nothing": b"",
}
"""The response of each behaviour; besides them there are ``hangs``, ``reset``, ``drips`` and ``refuses``."""

BEHAVIOURS = (*RESPONSES, "hangs", "reset", "drips", "refuses")


@dataclass
class FaultyServer:
    """An HTTP server. ``good`` is the status of its good response, ``kept`` the bodies that it accepted."""

    good: str
    behaviour: str = "good"
    attempts: int = 0
    port: int = 0
    kept: list[bytes] = field(default_factory=list)
    _server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen, at the same port as before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, reuse_address=True)
        self.port = self._server.sockets[0].getsockname()[1]

    async def change(self, behaviour: str) -> None:
        """Switch to another behaviour; nothing listens while it refuses."""
        self.behaviour = behaviour
        if behaviour == "refuses" and self._server is not None:
            self._server.close()
            self._server = None
        elif behaviour != "refuses" and self._server is None:
            await self.open()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = next((int(line[15:]) for line in head.split("\r\n") if line.startswith("content-length:")), 0)
            body = await reader.readexactly(length)
            behaviour = "a log-in page" if head.startswith("get /login") else self.behaviour
            self.attempts += 1
            if behaviour == "good":
                self.kept.append(gzip.decompress(body) if "content-encoding: gzip" in head else body)
                writer.write(response(self.good))
            else:
                await _misbehave(behaviour, writer)
            await writer.drain()
        writer.close()


async def _misbehave(behaviour: str, writer: asyncio.StreamWriter) -> None:
    if behaviour == "hangs":
        await asyncio.sleep(30)
    elif behaviour == "drips":
        for byte in b"HTTP/1.1 204 No Content\r\nX-Slow: " + b"." * 100:
            if writer.is_closing():
                return
            writer.write(bytes([byte]))
            await asyncio.sleep(0.3)
    elif behaviour == "reset":
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    else:
        writer.write(RESPONSES.get(behaviour, b""))


MAIL_BEHAVIOURS = ("451", "554", "a log-in page", "garbage", "hangs", "half", "reset", "refuses")


@dataclass
class FaultyMailServer(FaultyServer):
    """A mail server; ``half`` accepts the message and closes without a reply."""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.attempts += 1
        behaviour = self.behaviour
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            if behaviour in RESPONSES or behaviour in {"hangs", "reset"}:
                await _misbehave(behaviour, writer)
            else:
                await self._converse(behaviour, reader, writer)
            await writer.drain()
        writer.close()

    async def _converse(self, behaviour: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        while line := (await reader.readline()).upper():
            if not line.startswith(b"DATA"):
                writer.write(b"221 bye\r\n" if line.startswith(b"QUIT") else b"250 good\r\n")
                continue
            writer.write(b"354 go on\r\n")
            message = await reader.readuntil(b"\r\n.\r\n")
            if behaviour == "half":
                return
            if behaviour == "good":
                self.kept.append(message)
            writer.write({"451": b"451 later\r\n", "554": b"554 never\r\n"}.get(behaviour, b"250 taken\r\n"))
