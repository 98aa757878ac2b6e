"""Joins the parts of alerting for the daemon: the fold of incidents, couriers, reminders, heartbeat, Alertmanagers."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from monitor.alerting.alertmanager import AlertmanagerSink
from monitor.alerting.channel import AppriseChannel
from monitor.alerting.dispatcher import TargetCourier
from monitor.alerting.heartbeat import Pacemaker
from monitor.alerting.incident_consumer import INCIDENTS, Follower, first_seq, newest_looks
from monitor.alerting.incidents import IncidentFold
from monitor.alerting.metrics import AlertingMetrics
from monitor.alerting.notes import NoteImporter
from monitor.alerting.notification import Writer
from monitor.alerting.reminders import ReminderScheduler
from monitor.i18n.translator import Tongue

if TYPE_CHECKING:
    import asyncio
    from pathlib import Path

    from prometheus_client import CollectorRegistry

    from monitor.config import Config
    from monitor.config.alerting import Target
    from monitor.states.status_cache import Board
    from monitor.storage.journal.journal import Journal


class Alerting:
    """Everything that tells people. :meth:`start` gives tasks to the daemon's group."""

    def __init__(self, config: Config, journal: Journal, board: Board, data: Path, registry: CollectorRegistry) -> None:
        settings = config.settings
        self._config = config
        self._journal = journal
        self._board = board
        self._clock = clock = board.clock
        self._notify = settings.notify
        self.metrics = AlertingMetrics(registry, [target.name for target in self._notify.targets])
        self._couriers = [self._courier(target) for target in self._notify.targets]
        self._notes = NoteImporter(journal=journal, data=data, clock=clock)
        self._reminders = ReminderScheduler(journal=journal, notify=self._notify, clock=clock, on_outbox=self._tell)
        self._pacemaker = Pacemaker(settings.heartbeat, self.metrics) if settings.heartbeat else None
        self._alertmanager = self._alertmanagers()

    def _tongue(self, language: str | None = None) -> Tongue:
        settings = self._config.settings
        spoken = language or self._notify.language or settings.language
        return Tongue(spoken, ZoneInfo(settings.report_zone))

    def _courier(self, target: Target) -> TargetCourier:
        return TargetCourier(
            name=target.name,
            channel=AppriseChannel(target.address, self._notify.timeout),
            writer=Writer(self._tongue(target.language), lambda: self._board.portals, self._notify.page_url or ""),
            notify=self._notify,
            journal=self._journal,
            clock=self._clock,
            metrics=self.metrics,
        )

    def _alertmanagers(self) -> AlertmanagerSink | None:
        settings = self._config.settings.alertmanager
        if settings is None:
            return None
        return AlertmanagerSink(
            settings=settings,
            journal=self._journal,
            clock=self._clock,
            tongue=self._tongue(),
            portals=lambda: self._board.portals,
            page_url=self._notify.page_url or "",
            metrics=self.metrics,
        )

    async def start(self, group: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        """Go on where the journal says we were; the tasks belong to ``group``."""
        location, last = self._board.location, self._journal.last
        seq, memo = await self._journal.read(lambda reader: reader.bookmark(INCIDENTS))
        if not memo:
            seq = await self._journal.read(lambda reader: first_seq(reader, location, last))
        fold = IncidentFold(self._config.portals, location, window=self._notify.shared_within, memo=memo)
        checks = self._config.checks
        fold.recall(await self._journal.read(lambda reader: newest_looks(reader, checks, location)))
        self._follower = Follower(
            journal=self._journal,
            fold=fold,
            notify=self._notify,
            clock=self._clock,
            metrics=self.metrics,
            seq=seq,
            told=self._tell,
        )
        tasks = [
            group.create_task(self._follower.run(), name="incidents"),
            group.create_task(self._notes.run(), name="notes"),
            group.create_task(self._reminders.run(), name="reminders"),
            *(group.create_task(one.run(), name=f"tell {one.name}") for one in self._couriers),
        ]
        if self._pacemaker is not None:
            self._board.listeners.append(self._pacemaker.note)
            tasks.append(group.create_task(self._pacemaker.run(), name="heartbeat"))
        if self._alertmanager is not None:
            tasks.append(group.create_task(self._alertmanager.run(), name="alertmanager"))
        return tasks

    async def change(self, config: Config) -> None:
        """Go on with another inventory; other targets need a restart."""
        await self._follower.step(self._follower.fold.change(config.portals, self._clock.now()))

    def _tell(self) -> None:
        for courier in self._couriers:
            courier.tell()
        if self._alertmanager is not None:
            self._alertmanager.tell()
