"""The house at work: the only place where the parts are joined; owns tasks, signals and the order of stopping."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import structlog

from monitor.alerting.incident_consumer import INCIDENTS
from monitor.alerting.service import Alerting
from monitor.config import Config, ConfigError, load
from monitor.config.loaded import secrets_of
from monitor.config.settings import needing_restart
from monitor.daemon.live_scores import start_scores
from monitor.daemon.liveness import Liveness, status_line
from monitor.daemon.logs import hide
from monitor.daemon.metrics import SelfMetrics
from monitor.daemon.self_monitoring import keep_watch, settle
from monitor.daemon.storage_tasks import Storage
from monitor.daemon.systemd import Manager
from monitor.model.clock import Clock, SystemClock
from monitor.model.records import Measurement
from monitor.prober.confirmation import Confirmation
from monitor.prober.gaps import fill_gaps, note_newcomers
from monitor.prober.host_health import Limits, Machine
from monitor.prober.runner import Measurer, Seats
from monitor.prober.schedule import Plan
from monitor.prober.scheduler import Pulse
from monitor.prober.self_check import Breaker, Reference, Sight
from monitor.sinks.base import Label
from monitor.states.consumers import STATES, fold_states, follow_board
from monitor.states.state_machine import Fold
from monitor.states.status_cache import Board
from monitor.storage.folders import EVIDENCE
from monitor.storage.journal.database import narrow
from monitor.storage.journal.journal import Journal
from monitor.storage.journal.store import Lock
from monitor.storage.screenshots import Evidence
from monitor.web import Door, Site, serve
from monitor.web.metrics.exposition import Exposition
from probes.probe import Lane
from probes.registry import KINDS
from probes.resources import Instruments

if TYPE_CHECKING:
    from pathlib import Path

    from aiohttp import web

log = structlog.get_logger(__name__)

DRAIN_SECONDS = 5.0
"""How long looks that are going on may still take when the daemon is told to stop."""

STOPPED_AT = "stopped_at"
"""Journal remark: when the daemon stopped in good order (UTC ms); empty while it runs and after it was killed."""


class DaemonError(Exception):
    """The daemon cannot start; the message is one sentence for the operator."""


class Daemon:
    """One prober: a configuration, a data directory, a web server, and the looks. :meth:`run` is its whole life."""

    def __init__(self, config: Config, data: Path, *, listen: str | None = None, clock: Clock | None = None) -> None:
        self.config = config
        self.data = data
        self.listen = listen or config.settings.listen
        self.clock = clock or SystemClock()
        self.metrics = SelfMetrics(list(KINDS))
        self.manager = Manager()
        self.address: str | None = None
        self._stop = asyncio.Event()
        self._looking = asyncio.Event()
        self._reloading = asyncio.Lock()
        self._reloads: set[asyncio.Task[str | None]] = set()
        self.life = Liveness(self.clock)

    async def run(self) -> None:
        """Open everything, look until told to stop, close everything. Raises DaemonError, JournalError."""
        lock = Lock(self.data)
        narrow(self.data)
        try:
            journal = Journal.open(self.data, KINDS, commit_every=self.config.settings.journal.commit_every)
            try:
                await self._live(journal)
            finally:
                await journal.close()
        finally:
            lock.release()
        log.info("stopped")

    async def _live(self, journal: Journal) -> None:
        async with Instruments(self.config.settings.http_settings, self.config.settings.render.settings) as tools:
            self._join(journal, tools)
            await asyncio.to_thread(self.evidence.recall)
            if any(check.probe.lane is Lane.RENDER for check in self.config.checks):
                tools.browsers.ready()  # says once what is missing; every such look then tells it again
            await journal.read(self.board.recall)
            self.board.listeners.append(self._count)
            start = journal.last
            runner = await self._open_web(journal)
            try:
                async with asyncio.TaskGroup() as group:
                    await self._work(journal, group, start)
            finally:
                await runner.cleanup()
                self.door.close()

    def _join(self, journal: Journal, tools: Instruments) -> None:
        config, settings = self.config, self.config.settings
        self.journal = journal
        self.board = Board(clock=self.clock, location=settings.location)
        self.board.show(config.portals, config.checks)
        self.exposition = Exposition(self.board, KINDS, self.metrics.registry)
        page = (settings.notify.page_url or f"http://{self.listen}").rstrip("/")
        self.metrics.page.info({"location": settings.location, "url": page})
        self.sight = Sight(tools, self.clock)
        self.machine = Machine(self.clock)
        self._set_sight(config)
        self.measurer = Measurer(
            tools=tools,
            journal=journal,
            sight=self.sight,
            seats=Seats({Lane.LIGHT: settings.lanes.light, Lane.RENDER: settings.lanes.render}),
            clock=self.clock,
            location=settings.location,
            grace=settings.lateness.grace,
            config=config.digest,
            confirmation=Confirmation(after=settings.confirm.after, unjudged=config.unjudged),
            machine=self.machine,
        )
        self.alerting = Alerting(config, journal, self.board, self.data, self.metrics.registry)
        self.evidence = Evidence(self.data / EVIDENCE, **settings.render.evidence.model_dump())
        self.measurer.keep = self.evidence.keep
        self.measurer.on_start = lambda _check, lateness: self.metrics.lateness.observe(lateness)
        journal.statistics.on_commit = self.metrics.commit.observe
        self._note_load(ok=True)

    def _set_sight(self, config: Config) -> None:
        sight, chosen = self.sight, config.settings.sight
        sight.references = [Reference(name=one.name, connect=one.connect, url=one.url) for one in chosen.references]
        breaker = chosen.breaker
        sight.breaker = Breaker(**breaker.model_dump())
        sight.portals = len(config.portals)
        self.machine.limits = Limits(**chosen.machine.model_dump(), slow=config.settings.states.degraded.latency)

    async def _work(self, journal: Journal, group: asyncio.TaskGroup, start: int) -> None:
        """The running part: catch up, then look until the stop, then let go in order."""
        bookmark, memo = await journal.read(lambda reader: reader.bookmark(STATES))
        chosen = self.config.settings
        self.fold = Fold(self.config.portals, chosen.states.rules(), chosen.calendar, memo=memo)
        clean = await journal.read(lambda reader: reader.meta(STOPPED_AT))
        await journal.remark(STOPPED_AT, "")
        settle()
        began = self.clock.now()  # slots from here on wait for the rest of the start, so it is short
        await fill_gaps(journal, self.measurer, self.config.checks, self.board.location, until=began, clean=bool(clean))
        await note_newcomers(journal, self.config.checks, self.board.location, began)
        self.plan = Plan(self.config.checks, began)
        self.pulse = Pulse(self.plan, self.measurer, self.clock, group)
        storage = self._storage(journal)
        watched = (self.metrics, self.machine, self.pulse, self.board, chosen.journal.limit)
        side = [
            *storage.start(group),
            *await self.alerting.start(group),
            *start_scores(self.config, self.data, self.clock, storage, self.exposition, self.metrics.registry, group),
            group.create_task(fold_states(journal, self.fold, self.clock, bookmark), name="states"),
            group.create_task(follow_board(journal, self.board, start), name="board"),
            group.create_task(keep_watch(journal, *watched), name="self"),
            group.create_task(
                self.manager.keep(lambda: self.life.alive(self.config.checks), self._status), name="systemd"
            ),
        ]
        self._listen_to_signals()
        self.pulse.start()
        self._looking.set()
        self.manager.ready(self._status())
        log.info("started", portals=len(self.config.portals), checks=len(self.config.checks), address=self.address)
        await self._stop.wait()
        self.manager.stopping()
        log.info("stopping", running_looks=self.pulse.running)
        await self.pulse.stop(DRAIN_SECONDS)
        for task in side:
            task.cancel()
        await journal.remark(STOPPED_AT, str(self.clock.now()))

    def _storage(self, journal: Journal) -> Storage:
        """Who carries stored rows on; both folds must have passed them as well before they leave."""
        return Storage(
            journal=journal,
            directory=self.data,
            clock=self.clock,
            settings=self.config.settings,
            registry=self.metrics.registry,
            labels=self._label,
            readers=(STATES, INCIDENTS),
        )

    def _label(self, portal: str) -> Label | None:
        known = self.board.portals.get(portal)
        return Label(known.kind.value, known.group) if known else None

    def stop(self) -> None:
        """Ask the daemon to stop in good order."""
        self._stop.set()

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        loop.add_signal_handler(signal.SIGHUP, self._hang_up)

    def _hang_up(self) -> None:
        task = asyncio.get_running_loop().create_task(self.reload(), name="reload")
        self._reloads.add(task)
        task.add_done_callback(self._reloads.discard)

    async def _open_web(self, journal: Journal) -> web.AppRunner:
        settings = self.config.settings
        self.door = Door(settings.web, self.clock)
        site = Site(
            board=self.board,
            exposition=self.exposition,
            journal=journal,
            evidence=self.evidence,
            clock=self.clock,
            language=settings.language,
            zone=ZoneInfo(settings.report_zone),
            ready=lambda: self.life.readiness(self.config.checks),
            reload=self.reload if settings.web.reload else None,
            reload_token=settings.web.reload_token,
            config=lambda: self.config,
            keeper=self.door.keeper,
        )
        try:
            runner, self.address = await serve(site, self.listen, self.door)
        except OSError as error:
            raise DaemonError(f"cannot listen on {self.listen}: {error.strerror or error}") from error
        return runner

    async def reload(self) -> str | None:
        """Load the configuration again; the old one stays when the new one has a fault. Returns the complaints."""
        await self._looking.wait()  # pages are served while the journal is still being read
        async with self._reloading:
            self.manager.reloading()
            try:
                config = await asyncio.to_thread(load, self.config.directory)
            except ConfigError as error:
                for complaint in error.complaints:
                    log.warning("config_complaint", complaint=str(complaint))
                self._note_load(ok=False)
                return "\n".join(str(complaint) for complaint in error.complaints)
            else:
                self._apply(config)
                await note_newcomers(self.journal, config.checks, self.board.location, self.clock.now())
                await self.alerting.change(config)
                return None
            finally:
                self.manager.ready(self._status())

    def _apply(self, config: Config) -> None:
        """Change over without dropping a look that is going on. What could fail comes before the first change."""
        rules, calendar = config.settings.states.rules(), config.settings.calendar
        before, after = ({check.key for check in one.checks} for one in (self.config, config))
        for fixed in needing_restart(self.config.settings, config.settings):
            log.warning("config_needs_restart", setting=fixed)
        self.config = config
        hide(secrets_of(config))
        self.door.change(config.settings.web)
        self.plan.replace(config.checks, self.clock.now())
        self.board.show(config.portals, config.checks)
        self.exposition.retain()
        self._set_sight(config)
        self.measurer.config = config.digest
        self.measurer.grace = config.settings.lateness.grace
        self.measurer.confirmation.after = config.settings.confirm.after
        self.measurer.confirmation.unjudged = config.unjudged
        self.fold.change(config.portals, rules, calendar)
        self._note_load(ok=True)
        log.info("config_loaded", added=len(after - before), removed=len(before - after), config=config.digest)

    def _note_load(self, *, ok: bool) -> None:
        self.metrics.reload_ok.set(int(ok))
        self.metrics.planned_checks.set(len(self.config.checks))
        if ok:
            self.metrics.reload_at.set(self.clock.now() / 1000)

    def _status(self) -> str:
        return status_line(self.board, self.pulse.running)

    def _count(self, one: Measurement) -> None:
        self.metrics.looks.labels(one.kind, one.outcome.value).inc()
        if one.void is not None:
            self.metrics.voids.labels(one.void.value).inc()
        if one.started is not None:
            self.life.note()
