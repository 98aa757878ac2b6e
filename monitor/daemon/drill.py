"""A drill: a synthetic portal on this machine fails, and the real daemon shows how long each step to the message took.

Everything on the way is what an outage meets: looks, journal, states, incidents, outbox, couriers. Made up are the
portal and, unless a configured target is to be tried, the webhook that receives.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web
from pydantic import SecretStr

from monitor.config import Config, MonitorSettings
from monitor.config.alerting import Notify, Target
from monitor.daemon.daemon import Daemon
from monitor.model.incidents import Fate, Step
from monitor.model.records import Check, Portal, PortalKind, State
from monitor.storage.journal.store import FILE, Reader
from probes.registry import KINDS
from probes.result import Outcome
from probes.uptime import Uptime

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from monitor.model.clock import Clock

PORTAL = "drill"
POLL_SECONDS = 0.02
PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n"


class DrillError(Exception):
    """The drill did not come to its end; the message says at which step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One step on the way; ``at`` in UTC ms."""

    name: str
    at: int


class SyntheticPortal:
    """Answers every request with a page until it is closed; then the system refuses connections."""

    def __init__(self) -> None:
        self.port = 0
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen, on the same port as before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    @staticmethod
    async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(PAGE)
            await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def webhook() -> AsyncIterator[str]:
    """A receiver on loopback that accepts everything; its address as Apprise says it."""

    async def accept(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(text="ok")

    app = web.Application()
    app.router.add_post("/", accept)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"json://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


def drill_config(base: Config | None, port: int, interval: float, target: Target, directory: Path) -> Config:
    """The daemon's configuration: ``base`` or the defaults, with the synthetic portal alone and one target."""
    settings = base.settings if base is not None else MonitorSettings()
    notify = (base.settings.notify if base is not None else Notify()).model_copy(
        update={"targets": (target,), "quiet_hours": None, "reminders": None}
    )
    changes = {"location": "drill", "listen": "127.0.0.1:0", "notify": notify, "heartbeat": None, "alertmanager": None}
    sinks = type(settings.sinks)()
    url = f"http://127.0.0.1:{port}/"
    portal = Portal(
        id=PORTAL,
        name_vi="DIỄN TẬP (cổng giả)",
        name_en="DRILL (synthetic portal)",
        kind=PortalKind.NATIONAL,
        group=PORTAL,
        url=url,
        pages={"home": url},
    )
    # Short enough that looks which confirm a failure find their time within the slot.
    probe = Uptime(url=url, timeout=min(2.0, interval / 5), family="4")
    check = Check(portal=PORTAL, name="uptime", page="home", interval=interval, probe=probe)
    return Config(
        settings=settings.model_copy(update={**changes, "sinks": sinks}),
        portals=(portal,),
        checks=(check,),
        digest="drill",
        directory=directory,
    )


class Drill:
    """One drill in ``scratch``; :meth:`run` is all of it. ``patience`` is the longest time for one step in seconds."""

    def __init__(self, clock: Clock, scratch: Path, *, interval: float, patience: float) -> None:
        self._clock = clock
        self._scratch = scratch
        self._interval = interval
        self._patience = patience
        self._told: Callable[[str], None] = lambda _step: None

    async def run(
        self, base: Config | None, target: Target | None, *, recovery: bool, told: Callable[[str], None]
    ) -> list[Stage]:
        """The stages, in order. ``told`` hears of each as it comes. Raises DrillError, DaemonError, JournalError."""
        self._told = told
        portal = SyntheticPortal()
        await portal.open()
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(portal.close)
            if target is None:
                url = await stack.enter_async_context(webhook())
                target = Target(name="drill", url=SecretStr(url))
            config = drill_config(base, portal.port, self._interval, target, self._scratch)
            daemon = Daemon(config, self._scratch / "data", clock=self._clock)
            life = asyncio.create_task(daemon.run(), name="drilled daemon")
            stack.push_async_callback(self._stop, daemon, life)
            return await self._watch(portal, daemon, life, recovery=recovery)

    @staticmethod
    async def _stop(daemon: Daemon, life: asyncio.Task[None]) -> None:
        daemon.stop()
        await life

    async def _watch(
        self, portal: SyntheticPortal, daemon: Daemon, life: asyncio.Task[None], *, recovery: bool
    ) -> list[Stage]:
        await self._until("the daemon is up", life, lambda: daemon.address)
        reader = Reader(self._scratch / "data" / FILE, KINDS)
        try:
            await self._until("the portal was seen up", life, lambda: _state(reader) is State.UP)
            stages = [Stage(name="server closed", at=self._clock.now())]
            await portal.close()
            stages += await self._down(reader, life)
            if recovery:
                await portal.open()
                stages.append(Stage(name="server open again", at=self._clock.now()))
                stages += await self._up(reader, life)
            return stages
        finally:
            reader.close()

    async def _down(self, reader: Reader, life: asyncio.Task[None]) -> list[Stage]:
        committed = await self._until("the first failed look is in the journal", life, lambda: _failed(reader))
        confirmed = await self._until("the outage is confirmed", life, lambda: _state(reader) is State.DOWN)
        row = await self._until("the incident is in the journal", life, lambda: reader.incidents(open_only=True))
        incident = reader.incidents(open_only=True)[0].incident.id
        written = await self._until("the message is in the outbox", life, lambda: reader.messages(incident))
        await self._until("the message is accepted", life, lambda: _accepted(reader, incident, 1))
        look = reader.measurements(kind="uptime", portal=PORTAL)
        first = next(one for one in look if one.outcome is Outcome.DOWN)
        refused = (first.started or first.slot) + round((first.duration or 0) * 1000)
        return [
            Stage(name="first refused connection", at=refused),
            Stage(name="look committed", at=committed),
            Stage(name="outage confirmed", at=confirmed),
            Stage(name="incident row", at=row),
            Stage(name="message in outbox", at=written),
            Stage(name="message accepted", at=_accepted(reader, incident, 1)),
        ]

    async def _up(self, reader: Reader, life: asyncio.Task[None]) -> list[Stage]:
        confirmed = await self._until("the recovery is confirmed", life, lambda: _state(reader) is State.UP)
        incident = reader.incidents()[0].incident.id
        await self._until("the incident is resolved", life, lambda: reader.incident(incident)[-1].step is Step.RESOLVED)
        number = reader.incident(incident)[-1].number
        await self._until("the all-clear is accepted", life, lambda: _accepted(reader, incident, number))
        return [
            Stage(name="recovery confirmed", at=confirmed),
            Stage(name="all-clear accepted", at=_accepted(reader, incident, number)),
        ]

    async def _until(self, step: str, life: asyncio.Task[None], question: Callable[[], object]) -> int:
        """Ask until the answer is yes; the hour of that. Raises what ended the daemon, or DrillError."""
        try:
            async with asyncio.timeout(self._patience):
                while not await asyncio.to_thread(question):
                    if life.done():
                        life.result()
                        raise DrillError(f"the daemon stopped before this: {step}")
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            raise DrillError(f"not within {self._patience:g} s: {step}") from None
        self._told(step)
        return self._clock.now()


def _state(reader: Reader) -> State | None:
    change = reader.state_at(PORTAL, "drill", 2**62)
    return change.state if change is not None else None


def _failed(reader: Reader) -> bool:
    found = reader.latest("uptime", PORTAL, "uptime", "drill")
    return found is not None and found.outcome is Outcome.DOWN


def _accepted(reader: Reader, incident: str, number: int) -> int:
    """When the message about that event was accepted (UTC ms); 0 when it was not."""
    found = [one for one in reader.messages(incident) if one.number == number and one.fate is Fate.ACCEPTED]
    return (found[0].settled or 0) if found else 0


def took(stages: list[Stage]) -> list[tuple[str, float, float]]:
    """(name, seconds since the first refused connection, seconds since the stage before) of every stage."""
    ordered = sorted(stages, key=lambda stage: stage.at)
    zero = next((stage.at for stage in ordered if stage.name == "first refused connection"), ordered[0].at)
    before = [ordered[0], *ordered[:-1]]
    return [
        (stage.name, (stage.at - zero) / 1000, (stage.at - earlier.at) / 1000)
        for stage, earlier in zip(ordered, before, strict=True)
    ]
