"""Parts that the tests of the core share: a manual clock, probes that follow a script, an open journal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ClassVar

from monitor.model.clock import Clock
from monitor.model.records import Check
from monitor.prober.runner import CheckRunner, ConcurrencyLimiter
from monitor.prober.self_check import SelfCheck
from monitor.storage.journal.journal import Journal
from monitor.storage.journal.store import JournalReader
from probes.metric import Metric, Unit
from probes.probe import Pool, Probe
from probes.registry import PROBE_KINDS
from probes.resources import ProbeResources
from probes.trace import Trace
from tests import factories
from tests.factories import SLOT


class HandClock:
    """Shows the time that a test sets; the monotonic clock goes along, and never back."""

    def __init__(self, now: int = SLOT) -> None:
        self.hour = now
        self.steady = 0.0

    def now(self) -> int:
        return self.hour

    def monotonic(self) -> float:
        return self.steady

    def pass_by(self, seconds: float) -> None:
        self.hour += round(seconds * 1000)
        self.steady += seconds


Script = Callable[[Trace], Awaitable[None]]


class Scripted(Probe):
    """Runs the script of its URL; without one it succeeds at once."""

    kind: ClassVar[str] = "uptime"
    metrics: ClassVar[tuple[Metric, ...]] = (Metric(name="took", unit=Unit.SECONDS, help="As the script sets."),)
    scripts: ClassVar[dict[str, Script]] = {}

    @property
    def deadline(self) -> float:
        return self.timeout

    async def run(self, trace: Trace, resources: ProbeResources) -> None:
        script = self.scripts.get(self.url)
        if script is not None:
            await script(trace)


class ScriptedRender(Scripted):
    """The same in the pool of the browsers."""

    kind: ClassVar[str] = "render"
    pool: ClassVar[Pool] = Pool.BROWSER


def acting(script: Script | None, portal: str = "ha-noi", kind: type[Scripted] = Scripted, **changes: object) -> Check:
    """A check of a portal that runs *script*; *changes* are fields of its probe."""
    url = f"https://{portal}.example.vn/"
    if script is None:
        Scripted.scripts.pop(url, None)
    else:
        Scripted.scripts[url] = script
    name = {"name": kind.kind}
    return factories.check(portal=portal, probe=kind(url=url, **changes), **name)


SCRIPTED: dict[str, type[Probe]] = {"uptime": Scripted, "render": ScriptedRender}


@asynccontextmanager
async def opened(
    directory: Path, kinds: dict[str, type[Probe]] | None = None, *, commit_every: float = 0.005
) -> AsyncIterator[Journal]:
    """An open journal, closed at the end."""
    journal = Journal.open(directory, kinds or PROBE_KINDS, commit_interval_seconds=commit_every)
    try:
        yield journal
    finally:
        await journal.close()


def check_runner(journal: Journal, resources: ProbeResources, clock: Clock, **changes: object) -> CheckRunner:
    """A check runner with two permits in the HTTP pool and one in the browser pool."""
    fields: dict[str, object] = {
        "resources": resources,
        "journal": journal,
        "self_check": SelfCheck(resources, clock),
        "limiter": ConcurrencyLimiter({Pool.HTTP: 2, Pool.BROWSER: 1}),
        "clock": clock,
        "location": "hn-1",
        "misfire_grace_time": 30.0,
        "config_digest": "c0ffee12",
    }
    return CheckRunner(**(fields | changes))  # type: ignore[arg-type] # the fields that a test replaces are its own


async def all_of(journal: Journal, limit: int = 100_000) -> list:
    """Everything in the journal, from disk."""
    return await journal.read(lambda reader: reader.records_after(0, limit))


def on_disk(directory: Path, kinds: dict[str, type[Probe]] | None = None) -> list:
    """The same with a reader of our own, as another process would."""
    reader = JournalReader(directory / "journal.sqlite3", kinds or PROBE_KINDS)
    try:
        return reader.records_after(0, 10_000_000)
    finally:
        reader.close()


async def until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    """Yield to other tasks until *condition* holds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - the condition has no event
            await asyncio.sleep(0.001)


class Site:
    """A portal on loopback that counts its clients, and holds them while ``gate`` is shut."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.visits = self.inside = self.most = 0
        self.url = ""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits += 1
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            await reader.readuntil(b"\r\n\r\n")
            await self.gate.wait()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client left
        finally:
            self.inside -= 1
            writer.close()


@asynccontextmanager
async def site() -> AsyncIterator[Site]:
    """An open site."""
    one = Site()
    server = await asyncio.start_server(one._serve, "127.0.0.1", 0)  # noqa: SLF001 - its own module
    one.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    try:
        yield one
    finally:
        one.gate.set()
        server.close()
        await until(lambda: one.inside == 0)


async def refused_port() -> int:
    """A port of loopback without a listener."""
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = int(server.sockets[0].getsockname()[1])
    server.close()
    await server.wait_closed()
    return port
