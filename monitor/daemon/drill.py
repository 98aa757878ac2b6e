"""Runs a drill: a synthetic portal on this host fails, and the real daemon shows how long each step took.

Every step is that of a real outage: probes, journal, states, incidents, outbox, dispatchers. Only the portal is
synthetic and, unless a configured target is tested, the receiving webhook.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web
from pydantic import SecretStr

from monitor.config import Config, MonitorSettings
from monitor.config.alerting import TargetBlock
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
    """The drill failed; the message names the step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillStep:
    """One step of the drill; ``at_ms`` in UTC ms."""

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
        """Stop listening."""
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
    """Run a receiver on loopback that accepts everything; yield its Apprise URL."""

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


def drill_config(base: Config | None, port: int, interval_seconds: float, target: TargetBlock, folder: Path) -> Config:
    """Return the daemon's configuration: *base* or the defaults, with only the synthetic portal and one target."""
    settings = base.settings if base is not None else MonitorSettings()
    notify = settings.notify.model_copy(update={"targets": (target,), "quiet_hours": None, "repeat_interval": None})
    changes = {"location": "drill", "listen": "127.0.0.1:0", "notify": notify, "heartbeat": None, "alertmanager": None}
    settings = settings.model_copy(update={**changes, "sinks": type(settings.sinks)()})
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
    # Short enough that confirmation attempts fit into the slot.
    probe = Uptime(url=url, timeout=min(2.0, interval_seconds / 5), family="4")
    check = Check(portal=PORTAL_ID, name="uptime", page="home", interval=interval_seconds, probe=probe)
    return Config(settings=settings, portals=(portal,), checks=(check,), digest="drill", directory=folder)


@dataclass(eq=False)
class Drill:
    """One drill in ``temp_dir``, by :meth:`run`. ``step_timeout_seconds`` is the timeout of each step."""

    clock: Clock
    temp_dir: Path
    interval_seconds: float
    step_timeout_seconds: float
    _on_step: Callable[[str], None] = lambda _step: None

    async def run(
        self, base: Config | None, target: TargetBlock | None, *, recovery: bool, on_step: Callable[[str], None]
    ) -> list[DrillStep]:
        """Return the steps, in order; call *on_step* after each. Raises DrillError, DaemonError, JournalError."""
        self._on_step = on_step
        portal = SyntheticPortal()
        await portal.open()
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(portal.close)
            if target is None:
                url = await stack.enter_async_context(webhook())
                target = TargetBlock(name="drill", url=SecretStr(url))
            config = drill_config(base, portal.port, self.interval_seconds, target, self.temp_dir)
            daemon = Daemon(config, self.temp_dir / "data", clock=self.clock)
            self._daemon_task = asyncio.create_task(daemon.run(), name="drill daemon")
            stack.push_async_callback(self._stop, daemon)
            return await self._run_steps(portal, daemon, recovery=recovery)

    async def _stop(self, daemon: Daemon) -> None:
        daemon.stop()
        await self._daemon_task

    async def _run_steps(self, portal: SyntheticPortal, daemon: Daemon, *, recovery: bool) -> list[DrillStep]:
        await self._wait_for("the daemon is up", lambda: daemon.url)
        reader = JournalReader(self.temp_dir / "data" / JOURNAL_FILE, PROBE_KINDS)
        try:
            await self._wait_for("the portal is up", lambda: _state(reader) is State.UP)
            steps = [DrillStep(name="server closed", at_ms=self.clock.now())]
            await portal.close()
            steps += await self._outage_steps(reader)
            if recovery:
                await portal.open()
                steps.append(DrillStep(name="server reopened", at_ms=self.clock.now()))
                steps += await self._recovery_steps(reader)
            return steps
        finally:
            reader.close()

    async def _outage_steps(self, reader: JournalReader) -> list[DrillStep]:
        committed = await self._wait_for("the first failed attempt is in the journal", lambda: _has_failed(reader))
        confirmed = await self._wait_for("the outage is confirmed", lambda: _state(reader) is State.DOWN)
        row = await self._wait_for("the incident is in the journal", lambda: reader.incidents(open_only=True))
        incident = reader.incidents(open_only=True)[0].incident.id
        written = await self._wait_for("the notification is in the outbox", lambda: reader.messages(incident))
        await self._wait_for("the notification is accepted", lambda: _accepted_at_ms(reader, incident, 1))
        measurements = reader.measurements(kind="uptime", portal=PORTAL_ID)
        first = next(one for one in measurements if one.outcome is Outcome.DOWN)
        refused = (first.started or first.slot) + round((first.duration or 0) * 1000)
        return [
            DrillStep(name="first refused connection", at_ms=refused),
            DrillStep(name="probe committed", at_ms=committed),
            DrillStep(name="outage confirmed", at_ms=confirmed),
            DrillStep(name="incident row", at_ms=row),
            DrillStep(name="notification in outbox", at_ms=written),
            DrillStep(name="notification accepted", at_ms=_accepted_at_ms(reader, incident, 1)),
        ]

    async def _recovery_steps(self, reader: JournalReader) -> list[DrillStep]:
        confirmed = await self._wait_for("the recovery is confirmed", lambda: _state(reader) is State.UP)
        incident = reader.incidents()[0].incident.id
        events = reader.incident_events
        await self._wait_for("the incident is resolved", lambda: events(incident)[-1].type is EventType.RESOLVED)
        number = events(incident)[-1].number
        await self._wait_for("the resolve notification is accepted", lambda: _accepted_at_ms(reader, incident, number))
        return [
            DrillStep(name="recovery confirmed", at_ms=confirmed),
            DrillStep(name="resolve notification accepted", at_ms=_accepted_at_ms(reader, incident, number)),
        ]

    async def _wait_for(self, step: str, condition: Callable[[], object]) -> int:
        """Poll until *condition* holds; return the time (UTC ms). Raises the error of the daemon, or DrillError."""
        try:
            async with asyncio.timeout(self.step_timeout_seconds):
                while not await asyncio.to_thread(condition):
                    if self._daemon_task.done():
                        self._daemon_task.result()
                        raise DrillError(f"the daemon stopped before this step: {step}")
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            raise DrillError(f"not within {self.step_timeout_seconds:g} s: {step}") from None
        self._on_step(step)
        return self.clock.now()


def _state(reader: JournalReader) -> State | None:
    change = reader.state_at(PORTAL_ID, "drill", 2**62)
    return change.state if change is not None else None


def _has_failed(reader: JournalReader) -> bool:
    found = reader.latest("uptime", PORTAL_ID, "uptime", "drill")
    return found is not None and found.outcome is Outcome.DOWN


def _accepted_at_ms(reader: JournalReader, incident: str, number: int) -> int:
    """Return when the message about that event was accepted (UTC ms); 0 when it was not."""
    found = [one for one in reader.messages(incident) if one.number == number and one.status is MessageStatus.ACCEPTED]
    return (found[0].completed_at or 0) if found else 0


def step_durations(steps: list[DrillStep]) -> list[tuple[str, float, float]]:
    """Return (name, seconds since the first refused connection, seconds since the previous step) of every step."""
    ordered = sorted(steps, key=lambda step: step.at_ms)
    start = next((step.at_ms for step in ordered if step.name == "first refused connection"), ordered[0].at_ms)
    pairs = zip(ordered, [ordered[0], *ordered[:-1]], strict=True)
    return [(step.name, (step.at_ms - start) / 1000, (step.at_ms - before.at_ms) / 1000) for step, before in pairs]
