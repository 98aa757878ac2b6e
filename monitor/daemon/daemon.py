"""The daemon: the only place where packages are wired; owns tasks, signals and the order of shutdown."""

from __future__ import annotations

import asyncio
import signal
from contextlib import AsyncExitStack
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
from monitor.daemon.prober_setup import configure_runner, create_runner
from monitor.daemon.self_monitoring import run_self_monitoring, tune_runtime
from monitor.daemon.storage_tasks import StorageTasks
from monitor.daemon.systemd import ServiceManager
from monitor.model.clock import Clock, SystemClock
from monitor.model.records import Measurement
from monitor.prober.gaps import record_first_scheduled, record_missed_slots
from monitor.prober.host_health import HostHealth
from monitor.prober.schedule import Schedule
from monitor.prober.scheduler import Scheduler
from monitor.sinks.base import PortalLabels
from monitor.states.consumers import STATES_CONSUMER, run_state_machine, update_status_cache
from monitor.states.state_machine import StateMachine
from monitor.states.status_cache import StatusCache
from monitor.storage.folders import SCREENSHOTS
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
"""Seconds that running probes may still take when the daemon stops."""

STOPPED_AT_KEY = "stopped_at"
"""Meta key of the journal: when the daemon stopped cleanly (UTC ms); empty while it runs and after a kill."""


class DaemonError(Exception):
    """The daemon cannot start; the message is one sentence for the operator."""


class Daemon:
    """One prober: a configuration, a data directory, a web server, and the probes. :meth:`run` runs all of it."""

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
        """Open everything, run until :meth:`stop`, close everything. Raises DaemonError, JournalError."""
        async with AsyncExitStack() as stack:
            stack.callback(DirectoryLock(self.data_dir).release)
            restrict_permissions(self.data_dir)
            interval = self.config.settings.journal.commit_interval
            journal = Journal.open(self.data_dir, PROBE_KINDS, commit_interval_seconds=interval)
            stack.push_async_callback(journal.close)
            await self._run_with_journal(journal)
        log.info("stopped")

    async def _run_with_journal(self, journal: Journal) -> None:
        settings = self.config.settings
        async with ProbeResources(settings.http_settings, settings.browser.settings) as resources:
            self._wire(journal, resources)
            await asyncio.to_thread(self.screenshots.load)
            if any(check.probe.pool is Pool.BROWSER for check in self.config.checks):
                resources.browser_pool.unavailable_reason()  # logs once what is missing; every such result has it too
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
        page = (settings.notify.external_url or f"http://{self.listen}").rstrip("/")
        self.metrics.status_page.info({"location": settings.location, "url": page})
        self.host_health = HostHealth(self.clock)
        self.runner = create_runner(config, resources, journal, self.clock, self.host_health)
        self.alerting = AlertingService(config, journal, self.status_cache, self.data_dir, self.metrics.registry)
        folder, block = self.data_dir / SCREENSHOTS, settings.browser.screenshots
        self.screenshots = ScreenshotStore(folder, max_bytes=block.max_bytes, retention_days=block.retention_days)
        self.runner.store_screenshots = self.screenshots.save
        self.runner.on_start = lambda _check, start_delay: self.metrics.start_delay.observe(start_delay)
        journal.statistics.on_commit = self.metrics.commit_duration.observe
        self._record_config_load(ok=True)

    async def _run_tasks(self, journal: Journal, group: asyncio.TaskGroup, start_seq: int) -> None:
        """Record missed slots, run all tasks until the stop, then shut down in order."""
        seq, saved = await journal.read(lambda reader: reader.checkpoint(STATES_CONSUMER))
        config, settings = self.config, self.config.settings
        self.state_machine = StateMachine(config.portals, settings.states.rules(), settings.calendar, saved_state=saved)
        clean = bool(await journal.read(lambda reader: reader.meta(STOPPED_AT_KEY)))
        await journal.set_meta(STOPPED_AT_KEY, "")
        tune_runtime()
        started_at = self.clock.now()  # slots from here on wait for the rest of the start, so it is short
        checks, location = config.checks, settings.location
        await record_missed_slots(journal, self.runner, checks, location, until_ms=started_at, clean_shutdown=clean)
        await record_first_scheduled(journal, checks, location, started_at)
        self.schedule = Schedule(checks, started_at)
        self.scheduler = Scheduler(self.schedule, self.runner, self.clock, group)
        storage = self._create_storage_tasks(journal)
        monitored = (self.metrics, self.host_health, self.scheduler, self.status_cache, settings.journal.max_size)
        tasks = [
            *storage.start(group),
            *await self.alerting.start(group),
            *start_scores(config, self.data_dir, self.clock, storage, self.exposition, self.metrics.registry, group),
            group.create_task(run_state_machine(journal, self.state_machine, self.clock, seq), name="states"),
            group.create_task(update_status_cache(journal, self.status_cache, start_seq), name="status cache"),
            group.create_task(run_self_monitoring(journal, *monitored), name="self-monitoring"),
            group.create_task(self._run_watchdog(), name="systemd"),
        ]
        self._install_signal_handlers()
        self.scheduler.start()
        self._started.set()
        self.service_manager.ready(self._status_text())
        log.info("started", portals=len(self.config.portals), checks=len(self.config.checks), url=self.url)
        await self._stop_requested.wait()
        self.service_manager.stopping()
        log.info("stopping", probes_in_flight=self.scheduler.in_flight)
        await self.scheduler.stop(DRAIN_SECONDS)
        for task in tasks:
            task.cancel()
        await journal.set_meta(STOPPED_AT_KEY, str(self.clock.now()))

    async def _run_watchdog(self) -> None:
        await self.service_manager.run_watchdog(lambda: self.liveness.is_alive(self.config.checks), self._status_text)

    def _create_storage_tasks(self, journal: Journal) -> StorageTasks:
        """Create the storage tasks; states and incidents must have passed rows before they leave the journal."""
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
        """Request a clean stop."""
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
        """Reload the configuration; keep the old one when the new one has errors. Return the errors, or None."""
        await self._started.wait()  # pages are served while the journal is still being read
        async with self._reload_lock:
            self.service_manager.reloading()
            try:
                config = await asyncio.to_thread(load, self.config.directory)
            except ConfigError as error:
                for one in error.errors:
                    log.warning("config_error", error=str(one))
                self._record_config_load(ok=False)
                return "\n".join(map(str, error.errors))
            else:
                self._apply_config(config)
                await record_first_scheduled(self.journal, config.checks, self.status_cache.location, self.clock.now())
                await self.alerting.reload(config)
                return None
            finally:
                self.service_manager.ready(self._status_text())

    def _apply_config(self, config: Config) -> None:
        """Apply *config* without dropping a running probe. Steps that can fail come before the first change."""
        rules, calendar = config.settings.states.rules(), config.settings.calendar
        before, after = ({check.key for check in one.checks} for one in (self.config, config))
        for setting in settings_requiring_restart(self.config.settings, config.settings):
            log.warning("config_needs_restart", setting=setting)
        self.config = config
        set_redacted_texts(secrets_of(config))
        self.web_security.reload(config.settings.web)
        self.schedule.replace(config.checks, self.clock.now())
        self.status_cache.set_inventory(config.portals, config.checks)
        self.exposition.retain()
        configure_runner(self.runner, config)
        self.state_machine.reconfigure(config.portals, rules, calendar)
        self._record_config_load(ok=True)
        log.info("config_loaded", added=len(after - before), removed=len(before - after), config=config.digest)

    def _record_config_load(self, *, ok: bool) -> None:
        self.metrics.reload_ok.set(int(ok))
        self.metrics.scheduled_checks.set(len(self.config.checks))
        if ok:
            self.metrics.reload_at.set(self.clock.now() / 1000)

    def _status_text(self) -> str:
        return status_line(self.status_cache, self.scheduler.in_flight)

    def _count_measurement(self, measurement: Measurement) -> None:
        self.metrics.probes.labels(measurement.kind, measurement.outcome.value).inc()
        if measurement.unknown_reason is not None:
            self.metrics.unknown_results.labels(measurement.unknown_reason.value).inc()
        if measurement.started is not None:
            self.liveness.record_completed()
