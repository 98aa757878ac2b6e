"""The consumer of the journal that writes incidents and their messages."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from monitor.alerting import routing
from monitor.model.incidents import IncidentKind
from monitor.model.records import DECIDING, State
from monitor.storage.journal.store import Advance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from monitor.alerting.incidents import IncidentFold
    from monitor.alerting.metrics import AlertingMetrics
    from monitor.config.alerting import Notify
    from monitor.model.clock import Clock
    from monitor.model.incidents import IncidentEvent
    from monitor.model.records import Check, Measurement
    from monitor.storage.journal.journal import Journal
    from monitor.storage.journal.store import Reader

log = structlog.get_logger(__name__)

INCIDENTS = "incidents"
"""The fold's bookmark."""

REMARK_SECONDS = 30.0
"""A step without an event is stored at most this often: reading it again after a crash changes nothing."""

BREATH = 100
"""Records folded before others get a turn."""

BEFORE = 100
"""Records read before the change that began the oldest trouble, when incidents are told for the first time."""


def first_seq(reader: Reader, location: str, last: int) -> int:
    """Where a fold begins that never read this journal: before the oldest trouble that goes on, else at its end."""
    newest = {change.portal: change for change in reader.state_changes() if change.location == location}
    going_on = [one.cause or one.seq for one in newest.values() if one.state in {State.DOWN, State.DEGRADED}]
    return max(0, min(going_on, default=last + BEFORE) - BEFORE)


def newest_looks(reader: Reader, checks: Iterable[Check], location: str) -> list[Measurement]:
    """The newest look of every deciding check."""
    wanted = (check for check in checks if check.name == DECIDING)
    found = (reader.latest(check.kind, check.portal, check.name, location) for check in wanted)
    return [one for one in found if one is not None]


class Follower:
    """Feeds the fold with what is committed past its bookmark; events, messages and bookmark are one transaction."""

    def __init__(  # noqa: PLR0913 - the parts of it, each named at the one call
        self,
        *,
        journal: Journal,
        fold: IncidentFold,
        notify: Notify,
        clock: Clock,
        metrics: AlertingMetrics,
        seq: int,
        told: Callable[[], None],
    ) -> None:
        """``told`` is called when something new is in the outbox, or an incident changed."""
        self.fold = fold
        self.notify = notify
        self._journal = journal
        self._clock = clock
        self._metrics = metrics
        self._seq = seq
        self._told = told
        self._stored: float | None = None

    async def run(self) -> None:
        """Until cancelled. Fails only when the journal does."""
        await self.step(self.fold.change(self.fold.portals.values(), self._clock.now()))
        while True:
            records = await self._journal.after(self._seq)
            if not records:
                await self._journal.news(self._seq)
                continue
            events: list[IncidentEvent] = []
            for number, record in enumerate(records, start=1):
                events += self.fold.feed(record)
                if number % BREATH == 0:
                    await asyncio.sleep(0)
            self._seq = records[-1].seq
            await self.step(events)

    async def step(self, events: list[IncidentEvent]) -> None:
        """Store what came of the records read, at once when it is an event, else now and then."""
        if not events and self._stored is not None and self._clock.monotonic() - self._stored < REMARK_SECONDS:
            return
        messages = routing.messages(events, self.notify, self._clock.now())
        await self._journal.commit(
            Advance(reader=INCIDENTS, seq=self._seq, memo=self.fold.memo(), events=tuple(events), messages=messages)
        )
        self._stored = self._clock.monotonic()
        for event in events:
            log.warning(
                "incident_changed",
                step=event.step.value,
                incident=event.incident.id,
                kind=event.incident.kind.value,
                portal=event.portal,
                portals=len(event.incident.members),
            )
        if events:
            self._count()
            self._told()

    def _count(self) -> None:
        kinds = [one.kind for one in self.fold.lasting]
        for kind in IncidentKind:
            self._metrics.open.labels(kind.value).set(kinds.count(kind))
