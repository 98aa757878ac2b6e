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
from monitor.config.alerting import NotifyBlock, TargetBlock
from monitor.daemon.daemon import Daemon
from monitor.model.incidents import EventType, MessageStatus
from monitor.model.records import Check, Portal, PortalKind, State
from monitor.storage.journal.store import JOURNAL_FILE, JournalReader
from probes.registry import PROBE_KINDS
from probes.result import Outcome
from probes.uptime import Uptime

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from monitor.model.clock import Clock

PORTAL_ID = "drill"
POLL_SECONDS = 0.02
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n"


class DrillError(Exception):
    """The drill did not come to its end; the message says at which step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillStep:
    """One step on the way; ``at`` in UTC ms."""

    name: str
    at_ms: int


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
            writer.write(RESPONSE)
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


def drill_config(
    base: Config | None, port: int, interval_seconds: float, target: TargetBlock, directory: Path
) -> Config:
    """The daemon's configuration: ``base`` or the defaults, with the synthetic portal alone and one target."""
    settings = base.settings if base is not None else MonitorSettings()
    notify = (base.settings.notify if base is not None else NotifyBlock()).model_copy(
        update={"targets": (target,), "quiet_hours": None, "reminders": None}
    )
    changes = {"location": "drill", "listen": "127.0.0.1:0", "notify": notify, "heartbeat": None, "alertmanager": None}
    sinks = type(settings.sinks)()
    url = f"http://127.0.0.1:{port}/"
    portal = Portal(
        id=PORTAL_ID,
        name_vi="DIỄN TẬP (cổng giả)",
        name_en="DRILL (synthetic portal)",
        kind=PortalKind.NATIONAL,
        group=PORTAL_ID,
        url=url,
        pages={"home": url},
    )
    # Short enough that looks which confirm a failure find their time within the slot.
    probe = Uptime(url=url, timeout=min(2.0, interval_seconds / 5), family="4")
    check = Check(portal=PORTAL_ID, name="uptime", page="home", interval=interval_seconds, probe=probe)
    return Config(
        settings=settings.model_copy(update={**changes, "sinks": sinks}),
        portals=(portal,),
        checks=(check,),
        digest="drill",
        directory=directory,
    )


class Drill:
    """One drill in ``scratch``; :meth:`run` is all of it. ``patience`` is the longest time for one step in seconds."""

    def __init__(self, clock: Clock, temp_dir: Path, *, interval_seconds: float, step_timeout_seconds: float) -> None:
        self._clock = clock
        self._temp_dir = temp_dir
        self._interval_seconds = interval_seconds
        self._step_timeout_seconds = step_timeout_seconds
        self._on_step: Callable[[str], None] = lambda _step: None

    async def run(
        self, base: Config | None, target: TargetBlock | None, *, recovery: bool, on_step: Callable[[str], None]
    ) -> list[DrillStep]:
        """The stages, in order. ``told`` hears of each as it comes. Raises DrillError, DaemonError, JournalError."""
        self._on_step = on_step
        portal = SyntheticPortal()
        await portal.open()
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(portal.close)
            if target is None:
                url = await stack.enter_async_context(webhook())
                target = TargetBlock(name="drill", url=SecretStr(url))
            config = drill_config(base, portal.port, self._interval_seconds, target, self._temp_dir)
            daemon = Daemon(config, self._temp_dir / "data", clock=self._clock)
            life = asyncio.create_task(daemon.run(), name="drilled daemon")
            stack.push_async_callback(self._stop, daemon, life)
            return await self._run_steps(portal, daemon, life, recovery=recovery)

    @staticmethod
    async def _stop(daemon: Daemon, daemon_task: asyncio.Task[None]) -> None:
        daemon.stop()
        await daemon_task

    async def _run_steps(
        self, portal: SyntheticPortal, daemon: Daemon, daemon_task: asyncio.Task[None], *, recovery: bool
    ) -> list[DrillStep]:
        await self._wait_for("the daemon is up", daemon_task, lambda: daemon.url)
        reader = JournalReader(self._temp_dir / "data" / JOURNAL_FILE, PROBE_KINDS)
        try:
            await self._wait_for("the portal was seen up", daemon_task, lambda: _state(reader) is State.UP)
            stages = [DrillStep(name="server closed", at_ms=self._clock.now())]
            await portal.close()
            stages += await self._outage_steps(reader, daemon_task)
            if recovery:
                await portal.open()
                stages.append(DrillStep(name="server open again", at_ms=self._clock.now()))
                stages += await self._recovery_steps(reader, daemon_task)
            return stages
        finally:
            reader.close()

    async def _outage_steps(self, reader: JournalReader, daemon_task: asyncio.Task[None]) -> list[DrillStep]:
        committed = await self._wait_for(
            "the first failed look is in the journal", daemon_task, lambda: _has_failed(reader)
        )
        confirmed = await self._wait_for("the outage is confirmed", daemon_task, lambda: _state(reader) is State.DOWN)
        row = await self._wait_for(
            "the incident is in the journal", daemon_task, lambda: reader.incidents(open_only=True)
        )
        incident = reader.incidents(open_only=True)[0].incident.id
        written = await self._wait_for("the message is in the outbox", daemon_task, lambda: reader.messages(incident))
        await self._wait_for("the message is accepted", daemon_task, lambda: _accepted_at_ms(reader, incident, 1))
        look = reader.measurements(kind="uptime", portal=PORTAL_ID)
        first = next(one for one in look if one.outcome is Outcome.DOWN)
        refused = (first.started or first.slot) + round((first.duration or 0) * 1000)
        return [
            DrillStep(name="first refused connection", at_ms=refused),
            DrillStep(name="look committed", at_ms=committed),
            DrillStep(name="outage confirmed", at_ms=confirmed),
            DrillStep(name="incident row", at_ms=row),
            DrillStep(name="message in outbox", at_ms=written),
            DrillStep(name="message accepted", at_ms=_accepted_at_ms(reader, incident, 1)),
        ]

    async def _recovery_steps(self, reader: JournalReader, daemon_task: asyncio.Task[None]) -> list[DrillStep]:
        confirmed = await self._wait_for("the recovery is confirmed", daemon_task, lambda: _state(reader) is State.UP)
        incident = reader.incidents()[0].incident.id
        await self._wait_for(
            "the incident is resolved",
            daemon_task,
            lambda: reader.incident_events(incident)[-1].step is EventType.RESOLVED,
        )
        number = reader.incident_events(incident)[-1].number
        await self._wait_for(
            "the all-clear is accepted", daemon_task, lambda: _accepted_at_ms(reader, incident, number)
        )
        return [
            DrillStep(name="recovery confirmed", at_ms=confirmed),
            DrillStep(name="all-clear accepted", at_ms=_accepted_at_ms(reader, incident, number)),
        ]

    async def _wait_for(self, step: str, daemon_task: asyncio.Task[None], condition: Callable[[], object]) -> int:
        """Ask until the answer is yes; the hour of that. Raises what ended the daemon, or DrillError."""
        try:
            async with asyncio.timeout(self._step_timeout_seconds):
                while not await asyncio.to_thread(condition):
                    if daemon_task.done():
                        daemon_task.result()
                        raise DrillError(f"the daemon stopped before this: {step}")
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            raise DrillError(f"not within {self._step_timeout_seconds:g} s: {step}") from None
        self._on_step(step)
        return self._clock.now()


def _state(reader: JournalReader) -> State | None:
    change = reader.state_at(PORTAL_ID, "drill", 2**62)
    return change.state if change is not None else None


def _has_failed(reader: JournalReader) -> bool:
    found = reader.latest("uptime", PORTAL_ID, "uptime", "drill")
    return found is not None and found.outcome is Outcome.DOWN


def _accepted_at_ms(reader: JournalReader, incident: str, number: int) -> int:
    """When the message about that event was accepted (UTC ms); 0 when it was not."""
    found = [one for one in reader.messages(incident) if one.number == number and one.fate is MessageStatus.ACCEPTED]
    return (found[0].settled or 0) if found else 0


def step_durations(steps: list[DrillStep]) -> list[tuple[str, float, float]]:
    """(name, seconds since the first refused connection, seconds since the stage before) of every stage."""
    ordered = sorted(steps, key=lambda stage: stage.at_ms)
    zero = next((stage.at_ms for stage in ordered if stage.name == "first refused connection"), ordered[0].at_ms)
    before = [ordered[0], *ordered[:-1]]
    return [
        (stage.name, (stage.at_ms - zero) / 1000, (stage.at_ms - earlier.at_ms) / 1000)
        for stage, earlier in zip(ordered, before, strict=True)
    ]
