"""The consumer of the journal that writes incidents and their messages."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from monitor.alerting import routing
from monitor.model.incidents import IncidentEvent, IncidentKind
from monitor.model.records import STATE_CHECK, Check, Measurement, State
from monitor.storage.journal.store import CheckpointUpdate, JournalReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from monitor.alerting.incidents import IncidentTracker
    from monitor.alerting.metrics import AlertingMetrics
    from monitor.config.alerting import NotifyBlock
    from monitor.model.clock import Clock
    from monitor.storage.journal.journal import Journal

log = structlog.get_logger(__name__)

INCIDENTS_CONSUMER = "incidents"  # name of the checkpoint
CHECKPOINT_SECONDS = 30.0
"""Interval of checkpoints without an event: reading the same records again after a crash changes nothing."""

RECORDS_PER_YIELD = 100  # records processed before other tasks run

REPLAY_RECORDS = 100
"""Records read before the change that began the oldest open problem, when there is no checkpoint yet."""


def initial_seq(reader: JournalReader, location: str, last_seq: int) -> int:
    """Return where a consumer without a checkpoint begins: before the oldest ongoing problem, else at the end."""
    newest = {change.portal: change for change in reader.state_changes() if change.location == location}
    ongoing = [one.cause or one.seq for one in newest.values() if one.state in {State.DOWN, State.DEGRADED}]
    return max(0, min(ongoing, default=last_seq + REPLAY_RECORDS) - REPLAY_RECORDS)


def latest_measurements(reader: JournalReader, checks: Iterable[Check], location: str) -> list[Measurement]:
    """Return the newest measurement of the state check of every portal."""
    state_checks = (check for check in checks if check.name == STATE_CHECK)
    latest = (reader.latest(check.kind, check.portal, check.name, location) for check in state_checks)
    return [measurement for measurement in latest if measurement is not None]


@dataclass(slots=True, kw_only=True, eq=False)
class IncidentConsumer:
    """Feeds the tracker with records past its checkpoint; events, messages and checkpoint are one transaction.

    ``on_change`` is called after each commit that changes an incident or the outbox.
    """

    journal: Journal
    tracker: IncidentTracker
    settings: NotifyBlock
    clock: Clock
    metrics: AlertingMetrics
    seq: int
    on_change: Callable[[], None]
    _committed_at: float | None = field(default=None, init=False)

    async def run(self) -> None:
        """Run until cancelled. Fails only when the journal does."""
        await self.commit(self.tracker.update_inventory(self.tracker.portals.values(), self.clock.now()))
        while True:
            records = await self.journal.records_after(self.seq)
            if not records:
                await self.journal.wait_past(self.seq)
                continue
            events: list[IncidentEvent] = []
            for number, record in enumerate(records, start=1):
                events += self.tracker.process(record)
                if number % RECORDS_PER_YIELD == 0:
                    await asyncio.sleep(0)
            self.seq = records[-1].seq
            await self.commit(events)

    async def commit(self, events: list[IncidentEvent]) -> None:
        """Commit the result of the records read: at once when there are events, else at the checkpoint interval."""
        now = self.clock.monotonic()
        if not events and self._committed_at is not None and now - self._committed_at < CHECKPOINT_SECONDS:
            return
        messages = routing.event_messages(events, self.settings, self.clock.now())
        update = CheckpointUpdate(
            consumer=INCIDENTS_CONSUMER,
            seq=self.seq,
            state=self.tracker.dump_state(),
            events=tuple(events),
            messages=messages,
        )
        await self.journal.commit(update)
        self._committed_at = self.clock.monotonic()
        for event in events:
            log.warning(
                "incident_changed",
                type=event.type.value,
                incident=event.incident.id,
                kind=event.incident.kind.value,
                portal=event.portal,
                portals=len(event.incident.portals),
            )
        if events:
            self._update_metrics()
            self.on_change()

    def _update_metrics(self) -> None:
        kinds = [one.kind for one in self.tracker.open_incidents]
        for kind in IncidentKind:
            self.metrics.open_incidents.labels(kind.value).set(kinds.count(kind))
