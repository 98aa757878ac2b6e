"""A TCP, TLS and HTTP server with configured delays, which reports how slow it was; in its own process if wanted.

The delay before a connection is accepted is not in a server's hands: the kernel answers SYN for it. What can be done
without touching the network is a full accept queue: the kernel then drops the SYN, and the client's kernel repeats it
after one second, so such connects take 1 s, 3 s, 7 s (:class:`FullBacklog`). For any other time see ``lag.py``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import random
import re
import socket
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.servers.dns import NameServer, Reply
from tests.servers.listener import Listener, Wire
from tests.servers.raw import RawServer
from tests.servers.tls import Authority

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection
    from types import TracebackType
    from typing import Self


@dataclass(frozen=True, kw_only=True)
class Delays:
    """Seconds to wait before the TLS answer, before the first byte of the HTTP answer, and within its body."""

    hello: float = 0.0
    first: float = 0.0
    body: float = 0.0


class DelayServer(Listener):
    """Answers every request slowly; the body is JSON with the seconds that each phase really took at this end.

    ``pages`` holds the same by the requested host.
    """

    def __init__(
        self, plan: Delays | Callable[[], Delays], *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
    ) -> None:
        super().__init__(host=host)
        self._plan = plan
        self._tls = tls
        self.scheme = "https" if tls else "http"
        self.pages: dict[str, dict[str, float]] = {}

    async def serve(self, wire: Wire) -> None:
        delays = self._plan() if callable(self._plan) else self._plan
        peer = wire.sock.getpeername()[1]
        accepted = time.perf_counter()
        await asyncio.sleep(delays.hello)
        await wire.open(self._tls)
        secured = time.perf_counter()
        if not (request := await wire.request()):
            return
        requested_at = time.perf_counter()
        await asyncio.sleep(delays.first)
        begun = time.perf_counter()
        await wire.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n")
        await asyncio.sleep(delays.body)
        ended = time.perf_counter()
        truth = {"tls": secured - accepted, "wait": begun - requested_at, "transfer": ended - begun}
        truth |= {"port": peer, "accepted": accepted}
        if (host := re.search(rb"\r\nHost: ([^:\r]+)", request)) is not None:
            self.pages[host[1].decode()] = truth
        body = json.dumps(truth).encode()
        await wire.send(b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))


class FullBacklog(RawServer):
    """Accepts nothing for ``seconds`` while its accept queue is full; then it is a plain server again."""

    def __init__(self, script: list[bytes], *, seconds: float) -> None:
        super().__init__(script)
        self._seconds = seconds
        self._fillers: list[socket.socket] = []

    async def __aenter__(self) -> Self:
        self._backlog = 0
        return await super().__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for sock in self._fillers:
            sock.close()
        await super().__aexit__(kind, error, traceback)

    async def fill(self) -> None:
        """Occupy the queue. Linux takes one connection more than the backlog."""
        for _ in range(2):
            sock = socket.socket()
            sock.settimeout(0.0)
            self._fillers.append(sock)
            with contextlib.suppress(BlockingIOError):
                sock.connect(("127.0.0.1", self.port))
        await asyncio.sleep(0.05)

    async def _accept(self) -> None:
        await asyncio.sleep(self._seconds)
        await super()._accept()


@dataclass(frozen=True, kw_only=True)
class Slow:
    """What to run apart: where to listen, as which address to be found, and the longest delays to draw, in seconds."""

    directory: Path
    longest: Delays
    resolve: float
    listen: str = "127.0.0.1"
    address: str = "127.0.0.1"
    seed: int = 1
    name_port: int = 0


@dataclass(frozen=True, kw_only=True)
class Apart:
    """Servers in another process: where they are, and the log of the name server when asked for."""

    url: str
    name_server: str
    ca_file: Path
    pipe: Connection

    def questions(self) -> list[dict[str, Any]]:
        """The name server's log so far, oldest first."""
        self.pipe.send("log")
        log: list[dict[str, Any]] = self.pipe.recv()
        return log

    def pages(self) -> dict[str, dict[str, float]]:
        """The seconds of each phase as the server measured them, by host."""
        self.pipe.send("pages")
        pages: dict[str, dict[str, float]] = self.pipe.recv()
        return pages


@contextlib.contextmanager
def apart(slow: Slow) -> Iterator[Apart]:
    """Run a :class:`DelayServer` with TLS, and a name server that knows every name, in a process of their own."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, slow), daemon=True)
    process.start()
    try:
        port, name_server, ca_file = ours.recv()
        yield Apart(url=f"https://%s:{port}/", name_server=name_server, ca_file=ca_file, pipe=ours)
    finally:
        with contextlib.suppress(OSError):
            ours.send("stop")
        process.join(5)
        if process.is_alive():
            process.kill()
            process.join()


def _serve(pipe: Connection, slow: Slow) -> None:
    asyncio.run(_serve_until_stopped(pipe, slow))


async def _serve_until_stopped(pipe: Connection, slow: Slow) -> None:
    draw = random.Random(slow.seed)  # noqa: S311 - delays, no secrets

    def plan() -> Delays:
        return Delays(**{name: draw.uniform(0.0, most) for name, most in asdict(slow.longest).items()})

    def reply(_name: str, kind: str) -> Reply:
        return Reply(addresses=(slow.address,) if kind == "A" else (), delay=draw.uniform(0.0, slow.resolve))

    authority = Authority(slow.directory)
    tls = authority.context(authority.leaf(names=("*.slow.test",)))
    stopped = asyncio.Event()
    async with (
        DelayServer(plan, tls=tls, host=slow.listen) as server,
        NameServer(fallback=reply, port=slow.name_port) as names,
    ):

        def take() -> None:
            match pipe.recv():
                case "log":
                    pipe.send([asdict(question) for question in names.log])
                case "pages":
                    pipe.send(server.pages)
                case _:
                    stopped.set()

        asyncio.get_running_loop().add_reader(pipe.fileno(), take)
        pipe.send((server.port, names.address, authority.ca_file))
        await stopped.wait()
