"""The house at work: the only place where the parts are joined; owns tasks, signals and the order of stopping."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import structlog

from monitor.alerting.incident_consumer import INCIDENTS_CONSUMER
from monitor.alerting.service import AlertingService
from monitor.config import Config, ConfigError, load
from monitor.config.loaded import secrets_of
from monitor.config.settings import settings_requiring_restart
from monitor.daemon.live_scores import start_scores
from monitor.daemon.liveness import Liveness, status_line
from monitor.daemon.logs import set_redacted_texts
from monitor.daemon.metrics import SelfMetrics
from monitor.daemon.self_monitoring import run_self_monitoring, tune_runtime
from monitor.daemon.storage_tasks import StorageTasks
from monitor.daemon.systemd import ServiceManager
from monitor.model.clock import Clock, SystemClock
from monitor.model.records import Measurement
from monitor.prober.confirmation import Confirmation
from monitor.prober.gaps import record_first_scheduled, record_missed_slots
from monitor.prober.host_health import HostHealth, HostLimits
from monitor.prober.runner import CheckRunner, ConcurrencyLimiter
from monitor.prober.schedule import Schedule
from monitor.prober.scheduler import Scheduler
from monitor.prober.self_check import FleetBreaker, ReferenceEndpoint, SelfCheck
from monitor.sinks.base import PortalLabels
from monitor.states.consumers import STATES_CONSUMER, run_state_machine, update_status_cache
from monitor.states.state_machine import StateMachine
from monitor.states.status_cache import StatusCache
from monitor.storage.folders import EVIDENCE
from monitor.storage.journal.database import restrict_permissions
from monitor.storage.journal.journal import Journal
from monitor.storage.journal.store import DirectoryLock
from monitor.storage.screenshots import ScreenshotStore
from monitor.web import WebContext, WebSecurity, serve
from monitor.web.metrics.exposition import Exposition
from probes.probe import Pool
from probes.registry import PROBE_KINDS
from probes.resources import ProbeResources

if TYPE_CHECKING:
    from pathlib import Path

    from aiohttp import web

log = structlog.get_logger(__name__)

DRAIN_SECONDS = 5.0
"""How long looks that are going on may still take when the daemon is told to stop."""

STOPPED_AT_KEY = "stopped_at"
"""Journal remark: when the daemon stopped in good order (UTC ms); empty while it runs and after it was killed."""


class DaemonError(Exception):
    """The daemon cannot start; the message is one sentence for the operator."""


class Daemon:
    """One prober: a configuration, a data directory, a web server, and the looks. :meth:`run` is its whole life."""

    def __init__(
        self, config: Config, data_dir: Path, *, listen: str | None = None, clock: Clock | None = None
    ) -> None:
        self.config = config
        self.data_dir = data_dir
        self.listen = listen or config.settings.listen
        self.clock = clock or SystemClock()
        self.metrics = SelfMetrics(list(PROBE_KINDS))
        self.service_manager = ServiceManager()
        self.url: str | None = None
        self._stop_requested = asyncio.Event()
        self._started = asyncio.Event()
        self._reload_lock = asyncio.Lock()
        self._reload_tasks: set[asyncio.Task[str | None]] = set()
        self.liveness = Liveness(self.clock)

    async def run(self) -> None:
        """Open everything, look until told to stop, close everything. Raises DaemonError, JournalError."""
        lock = DirectoryLock(self.data_dir)
        restrict_permissions(self.data_dir)
        try:
            journal = Journal.open(
                self.data_dir, PROBE_KINDS, commit_interval_seconds=self.config.settings.journal.commit_every
            )
            try:
                await self._run_with_journal(journal)
            finally:
                await journal.close()
        finally:
            lock.release()
        log.info("stopped")

    async def _run_with_journal(self, journal: Journal) -> None:
        async with ProbeResources(self.config.settings.http_settings, self.config.settings.render.settings) as tools:
            self._wire(journal, tools)
            await asyncio.to_thread(self.screenshots.load)
            if any(check.probe.pool is Pool.RENDER for check in self.config.checks):
                tools.browser_pool.unavailable_reason()  # says once what is missing; every such look then tells it again
            await journal.read(self.status_cache.load)
            self.status_cache.listeners.append(self._count_measurement)
            start = journal.last_seq
            runner = await self._start_web(journal)
            try:
                async with asyncio.TaskGroup() as group:
                    await self._run_tasks(journal, group, start)
            finally:
                await runner.cleanup()
                self.web_security.close()

    def _wire(self, journal: Journal, resources: ProbeResources) -> None:
        config, settings = self.config, self.config.settings
        self.journal = journal
        self.status_cache = StatusCache(clock=self.clock, location=settings.location)
        self.status_cache.set_inventory(config.portals, config.checks)
        self.exposition = Exposition(self.status_cache, PROBE_KINDS, self.metrics.registry)
        page = (settings.notify.page_url or f"http://{self.listen}").rstrip("/")
        self.metrics.status_page.info({"location": settings.location, "url": page})
        self.self_check = SelfCheck(resources, self.clock)
        self.host_health = HostHealth(self.clock)
        self._configure_self_check(config)
        self.runner = CheckRunner(
            resources=resources,
            journal=journal,
            self_check=self.self_check,
            limiter=ConcurrencyLimiter({Pool.LIGHT: settings.lanes.light, Pool.RENDER: settings.lanes.render}),
            clock=self.clock,
            location=settings.location,
            misfire_grace_time=settings.lateness.grace,
            config_digest=config.digest,
            confirmation=Confirmation(
                delays_seconds=settings.confirm.after, excluded_from_evaluation=config.excluded_from_evaluation
            ),
            host_health=self.host_health,
        )
        self.alerting = AlertingService(config, journal, self.status_cache, self.data_dir, self.metrics.registry)
        self.screenshots = ScreenshotStore(self.data_dir / EVIDENCE, **settings.render.evidence.model_dump())
        self.runner.store_screenshots = self.screenshots.save
        self.runner.on_start = lambda _check, lateness: self.metrics.lateness.observe(lateness)
        journal.statistics.on_commit = self.metrics.commit_duration.observe
        self._record_config_load(ok=True)

    def _configure_self_check(self, config: Config) -> None:
        sight, chosen = self.self_check, config.settings.sight
        sight.references = [
            ReferenceEndpoint(name=one.name, connect=one.connect, url=one.url) for one in chosen.references
        ]
        breaker = chosen.breaker
        sight.fleet_breaker = FleetBreaker(**breaker.model_dump())
        sight.portal_count = len(config.portals)
        self.host_health.limits = HostLimits(
            **chosen.machine.model_dump(), slow_probe_seconds=config.settings.states.degraded.latency
        )

    async def _run_tasks(self, journal: Journal, group: asyncio.TaskGroup, start_seq: int) -> None:
        """The running part: catch up, then look until the stop, then let go in order."""
        bookmark, memo = await journal.read(lambda reader: reader.checkpoint(STATES_CONSUMER))
        chosen = self.config.settings
        self.state_machine = StateMachine(self.config.portals, chosen.states.rules(), chosen.calendar, saved_state=memo)
        clean = await journal.read(lambda reader: reader.meta(STOPPED_AT_KEY))
        await journal.set_meta(STOPPED_AT_KEY, "")
        tune_runtime()
        began = self.clock.now()  # slots from here on wait for the rest of the start, so it is short
        await record_missed_slots(
            journal,
            self.runner,
            self.config.checks,
            self.status_cache.location,
            until_ms=began,
            clean_shutdown=bool(clean),
        )
        await record_first_scheduled(journal, self.config.checks, self.status_cache.location, began)
        self.schedule = Schedule(self.config.checks, began)
        self.scheduler = Scheduler(self.schedule, self.runner, self.clock, group)
        storage = self._create_storage_tasks(journal)
        watched = (self.metrics, self.host_health, self.scheduler, self.status_cache, chosen.journal.limit)
        side = [
            *storage.start(group),
            *await self.alerting.start(group),
            *start_scores(
                self.config, self.data_dir, self.clock, storage, self.exposition, self.metrics.registry, group
            ),
            group.create_task(run_state_machine(journal, self.state_machine, self.clock, bookmark), name="states"),
            group.create_task(update_status_cache(journal, self.status_cache, start_seq), name="board"),
            group.create_task(run_self_monitoring(journal, *watched), name="self"),
            group.create_task(
                self.service_manager.run_watchdog(
                    lambda: self.liveness.is_alive(self.config.checks), self._status_text
                ),
                name="systemd",
            ),
        ]
        self._install_signal_handlers()
        self.scheduler.start()
        self._started.set()
        self.service_manager.ready(self._status_text())
        log.info("started", portals=len(self.config.portals), checks=len(self.config.checks), address=self.url)
        await self._stop_requested.wait()
        self.service_manager.stopping()
        log.info("stopping", running_looks=self.scheduler.in_flight)
        await self.scheduler.stop(DRAIN_SECONDS)
        for task in side:
            task.cancel()
        await journal.set_meta(STOPPED_AT_KEY, str(self.clock.now()))

    def _create_storage_tasks(self, journal: Journal) -> StorageTasks:
        """Who carries stored rows on; both folds must have passed them as well before they leave."""
        return StorageTasks(
            journal=journal,
            directory=self.data_dir,
            clock=self.clock,
            settings=self.config.settings,
            registry=self.metrics.registry,
            label_lookup=self._portal_labels,
            consumers=(STATES_CONSUMER, INCIDENTS_CONSUMER),
        )

    def _portal_labels(self, portal: str) -> PortalLabels | None:
        known = self.status_cache.portals.get(portal)
        return PortalLabels(known.kind.value, known.group) if known else None

    def stop(self) -> None:
        """Ask the daemon to stop in good order."""
        self._stop_requested.set()

    def _install_signal_handlers(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        loop.add_signal_handler(signal.SIGHUP, self._on_sighup)

    def _on_sighup(self) -> None:
        task = asyncio.get_running_loop().create_task(self.reload(), name="reload")
        self._reload_tasks.add(task)
        task.add_done_callback(self._reload_tasks.discard)

    async def _start_web(self, journal: Journal) -> web.AppRunner:
        settings = self.config.settings
        self.web_security = WebSecurity(settings.web, self.clock)
        site = WebContext(
            status_cache=self.status_cache,
            exposition=self.exposition,
            journal=journal,
            screenshots=self.screenshots,
            clock=self.clock,
            language=settings.language,
            zone=ZoneInfo(settings.report_zone),
            readiness=lambda: self.liveness.readiness(self.config.checks),
            reload=self.reload if settings.web.reload else None,
            reload_token=settings.web.reload_token,
            config=lambda: self.config,
            authenticator=self.web_security.authenticator,
        )
        try:
            runner, self.url = await serve(site, self.listen, self.web_security)
        except OSError as error:
            raise DaemonError(f"cannot listen on {self.listen}: {error.strerror or error}") from error
        return runner

    async def reload(self) -> str | None:
        """Load the configuration again; the old one stays when the new one has a fault. Returns the complaints."""
        await self._started.wait()  # pages are served while the journal is still being read
        async with self._reload_lock:
            self.service_manager.reloading()
            try:
                config = await asyncio.to_thread(load, self.config.directory)
            except ConfigError as error:
                for complaint in error.errors:
                    log.warning("config_complaint", complaint=str(complaint))
                self._record_config_load(ok=False)
                return "\n".join(str(complaint) for complaint in error.errors)
            else:
                self._apply_config(config)
                await record_first_scheduled(self.journal, config.checks, self.status_cache.location, self.clock.now())
                await self.alerting.reload(config)
                return None
            finally:
                self.service_manager.ready(self._status_text())

    def _apply_config(self, config: Config) -> None:
        """Change over without dropping a look that is going on. What could fail comes before the first change."""
        rules, calendar = config.settings.states.rules(), config.settings.calendar
        before, after = ({check.key for check in one.checks} for one in (self.config, config))
        for fixed in settings_requiring_restart(self.config.settings, config.settings):
            log.warning("config_needs_restart", setting=fixed)
        self.config = config
        set_redacted_texts(secrets_of(config))
        self.web_security.reload(config.settings.web)
        self.schedule.replace(config.checks, self.clock.now())
        self.status_cache.set_inventory(config.portals, config.checks)
        self.exposition.retain()
        self._configure_self_check(config)
        self.runner.config_digest = config.digest
        self.runner.misfire_grace_time = config.settings.lateness.grace
        self.runner.confirmation.delays_seconds = config.settings.confirm.after
        self.runner.confirmation.excluded_from_evaluation = config.excluded_from_evaluation
        self.state_machine.reconfigure(config.portals, rules, calendar)
        self._record_config_load(ok=True)
        log.info("config_loaded", added=len(after - before), removed=len(before - after), config=config.digest)

    def _record_config_load(self, *, ok: bool) -> None:
        self.metrics.reload_ok.set(int(ok))
        self.metrics.planned_checks.set(len(self.config.checks))
        if ok:
            self.metrics.reload_at.set(self.clock.now() / 1000)

    def _status_text(self) -> str:
        return status_line(self.status_cache, self.scheduler.in_flight)

    def _count_measurement(self, measurement: Measurement) -> None:
        self.metrics.looks.labels(measurement.kind, measurement.outcome.value).inc()
        if measurement.void is not None:
            self.metrics.voids.labels(measurement.void.value).inc()
        if measurement.started is not None:
            self.liveness.record_completed()
