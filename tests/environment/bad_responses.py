"""Whom the daemon tells, when they lie: one server for HTTP and one for mail, each in a mood that a test sets.

In the mood ``good`` they take what they are given and keep it, as the real ones do that other tests run.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket
import struct
from dataclasses import dataclass, field

LOGIN = b"<!DOCTYPE html><title>Wi-Fi</title><form>Please log in</form>"


def answer(status: str, body: bytes = b"", *headers: str) -> bytes:
    """A whole answer, after which the connection is closed."""
    lines = [f"HTTP/1.1 {status}", *headers, "Connection: close"]
    if not status.startswith("204"):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


ANSWERS = {
    "500": answer("500 Internal Server Error", b"{}", "Content-Type: application/json"),
    "429": answer("429 Too Many Requests", b"", "Retry-After: 2"),
    "a log-in page": answer("200 OK", LOGIN, "Content-Type: text/html"),
    "led to a log-in page": answer("302 Found", b"", "Location: /login"),
    "a log-in wanted": answer("511 Network Authentication Required", LOGIN, "Content-Type: text/html"),
    "garbage": b"\x00\xff\x13SSH-2.0-nonsense\r\n\r\n",
    "half an answer": b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\nContent-Type: application/json\r\n\r\n{",
    "nothing": b"",
}
"""What each mood says; beside them there are ``hangs``, ``reset``, ``drips`` and ``refuses``."""

MOODS = (*ANSWERS, "hangs", "reset", "drips", "refuses")


@dataclass
class Liar:
    """An HTTP server. ``good`` is the status of its good answer, ``kept`` the bodies that it took."""

    good: str
    mood: str = "good"
    tried: int = 0
    port: int = 0
    kept: list[bytes] = field(default_factory=list)
    _server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen, at the same port as before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, reuse_address=True)
        self.port = self._server.sockets[0].getsockname()[1]

    async def change(self, mood: str) -> None:
        """Into another mood; nobody listens while it refuses."""
        self.mood = mood
        if mood == "refuses" and self._server is not None:
            self._server.close()
            self._server = None
        elif mood != "refuses" and self._server is None:
            await self.open()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = next((int(line[15:]) for line in head.split("\r\n") if line.startswith("content-length:")), 0)
            body = await reader.readexactly(length)
            mood = "a log-in page" if head.startswith("get /login") else self.mood
            self.tried += 1
            if mood == "good":
                self.kept.append(gzip.decompress(body) if "content-encoding: gzip" in head else body)
                writer.write(answer(self.good))
            else:
                await _lie(mood, writer)
            await writer.drain()
        writer.close()


async def _lie(mood: str, writer: asyncio.StreamWriter) -> None:
    if mood == "hangs":
        await asyncio.sleep(30)
    elif mood == "drips":
        for letter in b"HTTP/1.1 204 No Content\r\nX-Slow: " + b"." * 100:
            if writer.is_closing():
                return
            writer.write(bytes([letter]))
            await asyncio.sleep(0.3)
    elif mood == "reset":
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    else:
        writer.write(ANSWERS.get(mood, b""))


MAIL_MOODS = ("451", "554", "a log-in page", "garbage", "hangs", "half", "reset", "refuses")


@dataclass
class Mailman(Liar):
    """A mail server; ``half`` takes the letter and goes away without a word."""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.tried += 1
        mood = self.mood
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            if mood in ANSWERS or mood in {"hangs", "reset"}:
                await _lie(mood, writer)
            else:
                await self._talk(mood, reader, writer)
            await writer.drain()
        writer.close()

    async def _talk(self, mood: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        while line := (await reader.readline()).upper():
            if not line.startswith(b"DATA"):
                writer.write(b"221 bye\r\n" if line.startswith(b"QUIT") else b"250 good\r\n")
                continue
            writer.write(b"354 go on\r\n")
            letter = await reader.readuntil(b"\r\n.\r\n")
            if mood == "half":
                return
            if mood == "good":
                self.kept.append(letter)
            writer.write({"451": b"451 later\r\n", "554": b"554 never\r\n"}.get(mood, b"250 taken\r\n"))
