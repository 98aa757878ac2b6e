"""Clients of a web server, in a separate process: many at a steady rate, and slow ones that never finish.

``python -m tests.servers.bad_clients HOST:PORT SECONDS RATE SLOW`` requests ``/`` and ``/metrics`` in turn, and prints
the results as JSON. Rates are kept by the clock: a late response does not delay the other clients.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import sys
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

CLIENTS = 48
"""Connections that the steady clients keep open; below the limit of one client address."""

PATHS = ("/", "/metrics")
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)
_SIP_SECONDS = 1.0


@dataclass
class Tally:
    """What came of it; ``took`` in seconds from when a request was due to the last byte of its answer."""

    statuses: Counter[int] = field(default_factory=Counter)
    took: list[float] = field(default_factory=list)
    lost: int = 0
    slow_opened: int = 0
    slow_ended: int = 0
    bytes: int = 0

    def share(self, quantile: float) -> float:
        ranked = sorted(self.took) or [0.0]
        return ranked[min(len(ranked) - 1, int(quantile * len(ranked)))]


class Answer(asyncio.Protocol):
    """Counts the bytes of one answer after the other."""

    def __init__(self) -> None:
        self.done: asyncio.Future[int] | None = None
        self.transport: asyncio.Transport | None = None
        self.received = 0
        self._head = b""
        self._left = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += len(data)
        if self._left < 0:
            self._head += data
            head, found, rest = self._head.partition(b"\r\n\r\n")
            if not found:
                return
            length = _LENGTH.search(head)
            self._left = int(length[1]) if length else 0
            data = rest
        self._left -= len(data)
        if self._left <= 0 and self.done is not None and not self.done.done():
            self.done.set_result(int(self._head.split(b" ", 2)[1]))

    def connection_lost(self, _exc: BaseException | None) -> None:
        self.transport = None
        if self.done is not None and not self.done.done():
            self.done.set_exception(ConnectionResetError())

    async def request(self, path: str) -> int:
        assert self.transport is not None
        self._head, self._left = b"", -1
        self.done = asyncio.get_running_loop().create_future()
        self.transport.write(f"GET {path} HTTP/1.1\r\nHost: monitor\r\n\r\n".encode())
        return await self.done


async def steady(where: tuple[str, int], seconds: float, rate: float, tally: Tally) -> None:
    """``rate`` requests a second over :data:`CLIENTS` connections."""
    loop = asyncio.get_running_loop()
    start = loop.time() + 0.5
    turns = iter(range(int(seconds * rate)))

    async def one() -> None:
        mine = None
        for turn in turns:
            due = start + turn / rate
            await asyncio.sleep(due - loop.time())
            try:
                if mine is None or mine.transport is None or mine.transport.is_closing():
                    _, mine = await loop.create_connection(Answer, *where)
                async with asyncio.timeout(20):
                    tally.statuses[await mine.request(PATHS[turn % len(PATHS)])] += 1
                tally.took.append(loop.time() - due)
            except (OSError, TimeoutError):
                tally.lost += 1
                mine = None
            else:
                tally.bytes += mine.received
                mine.received = 0

    await asyncio.gather(*(one() for _ in range(CLIENTS)))


async def slow(where: tuple[str, int], number: int, tally: Tally) -> None:
    """Half of them send their request a byte a second, half read their answer so; who is cut off comes again."""
    source = f"127.0.{1 + number // 20}.{10 + number % 20}" if where[0].startswith("127.") else None
    while True:
        with contextlib.suppress(OSError), socket.socket() as one:
            one.setblocking(False)  # noqa: FBT003 - its only argument
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            if source is not None:
                one.bind((source, 0))
            await asyncio.get_running_loop().sock_connect(one, where)
            tally.slow_opened += 1
            await (_drip if number % 2 else _sip)(one)
        tally.slow_ended += 1
        await asyncio.sleep(_SIP_SECONDS)


async def _drip(one: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    for byte in b"GET /metrics HTTP/1.1\r\nX-Slow: " + b"x" * 4000:
        await loop.sock_sendall(one, bytes((byte,)))
        await asyncio.sleep(_SIP_SECONDS)


async def _sip(one: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(one, b"GET /metrics HTTP/1.1\r\nHost: monitor\r\n\r\n")
    while await loop.sock_recv(one, 1):  # noqa: ASYNC110 - slowness is the point
        await asyncio.sleep(_SIP_SECONDS)


@contextlib.asynccontextmanager
async def slow_clients(where: tuple[str, int], many: int, tally: Tally) -> AsyncIterator[None]:
    """So many slow clients as long as the block lasts."""
    tasks = [asyncio.create_task(slow(where, number, tally)) for number in range(many)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def run_clients(listen: str, seconds: float, rate: float, many: int) -> Tally:
    """All of it at the same time."""
    host, _, port = listen.rpartition(":")
    where, tally = (host, int(port)), Tally()
    async with slow_clients(where, many, tally):
        await steady(where, seconds, rate, tally)
    return tally


def main() -> None:
    listen, seconds, rate, many = sys.argv[1:]
    tally = asyncio.run(run_clients(listen, float(seconds), float(rate), int(many)))
    quantiles = {f"p{round(100 * one)}": tally.share(one) for one in (0.5, 0.99)}
    summary = vars(tally) | {"statuses": dict(tally.statuses), "took": quantiles}
    print(json.dumps(summary))  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
