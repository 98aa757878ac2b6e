"""Wires alerting for the daemon: incident consumer, dispatchers, notes, reminders, heartbeat, Alertmanagers."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from monitor.alerting.alertmanager import AlertmanagerNotifier
from monitor.alerting.channel import AppriseChannel
from monitor.alerting.dispatcher import NotificationDispatcher
from monitor.alerting.heartbeat import Heartbeat
from monitor.alerting.incident_consumer import INCIDENTS_CONSUMER, IncidentConsumer, initial_seq, latest_measurements
from monitor.alerting.incidents import IncidentTracker
from monitor.alerting.metrics import AlertingMetrics
from monitor.alerting.notes import NoteImporter
from monitor.alerting.notification import NotificationRenderer
from monitor.alerting.reminders import ReminderScheduler
from monitor.i18n.translator import Translator

if TYPE_CHECKING:
    import asyncio
    from pathlib import Path

    from prometheus_client import CollectorRegistry

    from monitor.config import Config
    from monitor.config.alerting import TargetBlock
    from monitor.states.status_cache import StatusCache
    from monitor.storage.journal.journal import Journal


class AlertingService:
    """All tasks of alerting; :meth:`start` creates them in the daemon's task group."""

    def __init__(
        self, config: Config, journal: Journal, status_cache: StatusCache, data_dir: Path, registry: CollectorRegistry
    ) -> None:
        settings = config.settings
        self._config = config
        self._journal = journal
        self._status_cache = status_cache
        self._clock = clock = status_cache.clock
        self._settings = settings.notify
        self.metrics = AlertingMetrics(registry, [target.name for target in self._settings.targets])
        self._dispatchers = [self._create_dispatcher(target) for target in self._settings.targets]
        self._notes = NoteImporter(journal=journal, data=data_dir, clock=clock)
        wake = self._wake_dispatchers
        self._reminders = ReminderScheduler(journal=journal, settings=self._settings, clock=clock, on_outbox=wake)
        self._heartbeat = Heartbeat(settings.heartbeat, self.metrics) if settings.heartbeat else None
        self._alertmanager_notifier = self._create_alertmanager_notifier()

    def _translator(self, language: str | None = None) -> Translator:
        settings = self._config.settings
        return Translator(language or self._settings.language or settings.language, ZoneInfo(settings.report_zone))

    def _create_dispatcher(self, target: TargetBlock) -> NotificationDispatcher:
        translator, external_url = self._translator(target.language), self._settings.external_url or ""
        return NotificationDispatcher(
            name=target.name,
            channel=AppriseChannel(target.apprise_url, self._settings.timeout),
            renderer=NotificationRenderer(translator, lambda: self._status_cache.portals, external_url),
            settings=self._settings,
            journal=self._journal,
            clock=self._clock,
            metrics=self.metrics,
        )

    def _create_alertmanager_notifier(self) -> AlertmanagerNotifier | None:
        settings = self._config.settings.alertmanager
        if settings is None:
            return None
        return AlertmanagerNotifier(
            settings=settings,
            journal=self._journal,
            clock=self._clock,
            translator=self._translator(),
            portals=lambda: self._status_cache.portals,
            external_url=self._settings.external_url or "",
            metrics=self.metrics,
        )

    async def start(self, group: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        """Continue from the checkpoint in the journal; return the tasks, which belong to ``group``."""
        location, last_seq = self._status_cache.location, self._journal.last_seq
        seq, state = await self._journal.read(lambda reader: reader.checkpoint(INCIDENTS_CONSUMER))
        if not state:
            seq = await self._journal.read(lambda reader: initial_seq(reader, location, last_seq))
        window = self._settings.correlation_window
        tracker = IncidentTracker(self._config.portals, location, correlation_window_seconds=window, state=state)
        checks = self._config.checks
        tracker.restore_latest(await self._journal.read(lambda reader: latest_measurements(reader, checks, location)))
        self._incident_consumer = IncidentConsumer(
            journal=self._journal,
            tracker=tracker,
            settings=self._settings,
            clock=self._clock,
            metrics=self.metrics,
            seq=seq,
            on_change=self._wake_dispatchers,
        )
        tasks = [
            group.create_task(self._incident_consumer.run(), name="incidents"),
            group.create_task(self._notes.run(), name="notes"),
            group.create_task(self._reminders.run(), name="reminders"),
            *(group.create_task(one.run(), name=f"notify {one.name}") for one in self._dispatchers),
        ]
        if self._heartbeat is not None:
            self._status_cache.listeners.append(self._heartbeat.record)
            tasks.append(group.create_task(self._heartbeat.run(), name="heartbeat"))
        if self._alertmanager_notifier is not None:
            tasks.append(group.create_task(self._alertmanager_notifier.run(), name="alertmanager"))
        return tasks

    async def reload(self, config: Config) -> None:
        """Take over a changed inventory; changed targets need a restart."""
        consumer = self._incident_consumer
        await consumer.commit(consumer.tracker.update_inventory(config.portals, self._clock.now()))

    def _wake_dispatchers(self) -> None:
        for dispatcher in self._dispatchers:
            dispatcher.wake()
        if self._alertmanager_notifier is not None:
            self._alertmanager_notifier.wake()
