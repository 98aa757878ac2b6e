"""A tiny name server with scripted records, delays and failures; it logs when each question came and left."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import ipaddress
import socket
import struct
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

NOERROR, SERVFAIL, NXDOMAIN, REFUSED = 0, 2, 3, 5
TYPES = {1: "A", 28: "AAAA"}
CODES = {name: code for code, name in TYPES.items()}


class Twist(enum.Enum):
    """Ways of answering wrongly: another query's id or question, truncated, not a DNS message, an endless name."""

    ID = "id"
    QUESTION = "question"
    TRUNCATED = "truncated"
    POINTER = "pointer"
    FLOOD = "flood"
    SPOOFED = "spoofed"


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What to answer: ``rcode`` 0 without addresses is NODATA; ``silent`` gives none, ``junk`` an unreadable one.

    ``aliases`` come before the addresses, each leading to the next. A truncated answer comes whole over TCP, if
    ``tcp`` is set, else nothing ever comes there. ``then`` is the answer from the second time on.
    """

    addresses: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    rcode: int = NOERROR
    delay: float = 0.0
    silent: bool = False
    junk: bool = False
    twist: Twist | None = None
    tcp: bool = False
    then: Reply | None = None


@dataclass(frozen=True, kw_only=True)
class Question:
    """One line of the log; times are ``time.perf_counter()``, which processes of one Linux host share."""

    name: str
    type: str
    came: float
    answered: float | None


NOTHING = Reply(rcode=NXDOMAIN)


class NameServer:
    """Answers from ``records``: (name, "A" or "AAAA") to Reply; ``fallback`` may make up the rest."""

    def __init__(
        self,
        records: dict[tuple[str, str], Reply] | None = None,
        *,
        fallback: Callable[[str, str], Reply] = lambda _name, _type: NOTHING,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self._place = (host, port)
        self.records = dict(records or {})
        self._fallback = fallback
        self.log: list[Question] = []
        self._streams: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()

    def add(self, name: str, *, a: str | Reply | None = None, aaaa: str | Reply | None = None) -> None:
        """Give a name its records; a family that is not given has none (NODATA)."""
        for kind, given in (("A", a), ("AAAA", aaaa)):
            reply = given if isinstance(given, Reply) else Reply(addresses=(given,) if given else ())
            self.records[name, kind] = reply

    def queried_types(self, name: str) -> list[str]:
        """The types that were queried for a name, in order."""
        return [question.type for question in self.log if question.name == name]

    @property
    def address(self) -> str:
        """As a name server is written in the configuration."""
        host, port = self._transport.get_extra_info("sockname")
        return f"{host}:{port}"

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)  # a thousand questions at once are a test too
        sock.bind(self._place)
        self._transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), sock=sock)
        with contextlib.suppress(OSError):  # the port is in use: then there is no TCP, as on many a name server
            self._streams = await asyncio.start_server(self._stream, *sock.getsockname())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._transport.close()
        for talk in self._talks:
            talk.cancel()
        if self._streams is not None:
            self._streams.close()
            await self._streams.wait_closed()
        await asyncio.gather(*self._talks, return_exceptions=True)

    def take(self, data: bytes, peer: tuple[str, int]) -> None:
        """One question arrived."""
        came = time.perf_counter()
        name, kind, end = _question(data)
        reply = self.records.get((name, kind)) or self._fallback(name, kind)
        if reply.then is not None:
            self.records[name, kind] = reply.then
        if reply.silent:
            self.log.append(Question(name=name, type=kind, came=came, answered=None))
            return
        message = b"\x00" * 7 if reply.junk else _message(data, end, CODES.get(kind, 0), reply)
        if reply.twist is Twist.SPOOFED:  # an attacker was faster, and guessed the id wrong
            self._transport.sendto(_twisted(message, end, Twist.ID), peer)
        elif reply.twist is not None:
            message = _twisted(message, end, reply.twist)
        if reply.delay:
            asyncio.get_running_loop().call_later(reply.delay, self._answer, message, peer, (name, kind, came))
        else:
            self._answer(message, peer, (name, kind, came))

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A question over TCP, after a truncated answer."""
        talk = asyncio.current_task()
        assert talk is not None
        self._talks.add(talk)
        talk.add_done_callback(self._talks.discard)
        with contextlib.closing(writer), contextlib.suppress(OSError, asyncio.IncompleteReadError):
            data = await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
            name, kind, end = _question(data)
            reply = self.records.get((name, kind), NOTHING)
            if not reply.tcp:
                await reader.read()  # until the client has enough
                return
            message = _message(data, end, CODES.get(kind, 0), reply)
            writer.write(len(message).to_bytes(2) + message)
            await writer.drain()

    def _answer(self, message: bytes, peer: tuple[str, int], about: tuple[str, str, float]) -> None:
        name, kind, came = about
        if not self._transport.is_closing():
            self._transport.sendto(message, peer)
            self.log.append(Question(name=name, type=kind, came=came, answered=time.perf_counter()))


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: NameServer) -> None:
        self._server = server

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._server.take(data, addr)


def _question(data: bytes) -> tuple[str, str, int]:
    """Name (lower case, no final dot), type and end of the first question."""
    labels, at = [], 12
    while size := data[at]:
        labels.append(data[at + 1 : at + 1 + size].decode("ascii", "replace").lower())
        at += size + 1
    (kind,) = struct.unpack_from("!H", data, at + 1)
    return ".".join(labels), TYPES.get(kind, str(kind)), at + 5


def _message(data: bytes, end: int, kind: int, reply: Reply) -> bytes:
    count = len(reply.aliases) + len(reply.addresses)
    header = data[:2] + struct.pack("!HHHHH", 0x8180 | reply.rcode, 1, count, 0, 0)
    records, owner = b"", b"\xc0\x0c"
    for alias in reply.aliases:
        target = b"".join(bytes([len(label)]) + label.encode() for label in alias.split(".")) + b"\0"
        records += owner + struct.pack("!HHIH", 5, 1, 60, len(target)) + target
        owner = target
    for address in reply.addresses:
        packed = ipaddress.ip_address(address).packed
        records += owner + struct.pack("!HHIH", kind, 1, 60, len(packed)) + packed
    return header + data[12:end] + records


def _twisted(message: bytes, end: int, twist: Twist) -> bytes:
    match twist:
        case Twist.ID:
            return bytes(byte ^ 0xFF for byte in message[:2]) + message[2:]
        case Twist.QUESTION:  # of another name, as long as the one that was asked for
            return message[:13] + bytes(byte ^ 1 for byte in message[13:17]) + message[17:]
        case Twist.TRUNCATED:
            return message[:2] + b"\x83\x80" + message[4:6] + bytes(6) + message[12:end]
        case Twist.POINTER:  # a name that goes on at its own beginning
            return message[:6] + b"\0\1" + message[8:end] + struct.pack("!H", 0xC000 | end) + bytes(10)
        case _:
            return message[:12] + b"\xff" * 60_000
