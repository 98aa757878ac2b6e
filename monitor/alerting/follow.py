"""The two that write about incidents: the reader that folds the journal, and the clerk for notes and reminders."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING

import structlog

from monitor import inbox
from monitor.alerting import plan
from monitor.incident import IncidentKind, Post
from monitor.model import DECIDING, State
from monitor.store import Advance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from monitor.alerting.metrics import AlertingMetrics
    from monitor.clock import Clock
    from monitor.config.notify import Notify
    from monitor.incident import IncidentEvent, Message
    from monitor.incidents import IncidentFold
    from monitor.journal import Journal
    from monitor.model import Check, Measurement
    from monitor.store import Reader

log = structlog.get_logger(__name__)

INCIDENTS = "incidents"
"""The fold's bookmark."""

REMARK_SECONDS = 30.0
"""A step without an event is stored at most this often: reading it again after a crash changes nothing."""

BREATH = 100
"""Records folded before others get a turn."""

CLERK_SECONDS = 0.5
REMIND_EVERY = 10
"""Rounds of the clerk between looks for reminders that are due."""

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
        messages = plan.messages(events, self.notify, self._clock.now())
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


class Clerk:
    """Takes the notes of people in, every half second, and writes reminders."""

    def __init__(self, *, journal: Journal, data: Path, notify: Notify, clock: Clock, told: Callable[[], None]) -> None:
        self.notify = notify
        self._journal = journal
        self._data = data
        self._clock = clock
        self._told = told
        self._taken: set[str] = set()
        self._trouble = False

    async def run(self) -> None:
        """Until cancelled. Fails only when the journal does."""
        for round_ in itertools.count():
            seldom = round_ % REMIND_EVERY == 0
            await self.take_in(tidy=seldom)
            if seldom:
                await self.remind()
            await asyncio.sleep(CLERK_SECONDS)

    async def take_in(self, *, tidy: bool = False) -> None:
        """Notes go into the journal, then their files go. A folder that cannot be used is said once."""
        try:
            await self._take_in()
            if tidy:
                await asyncio.to_thread(inbox.tidy, self._data, self._clock.now())
        except OSError as error:
            if not self._trouble:
                log.warning("inbox_cannot_be_used", reason=error.strerror or str(error))
            self._trouble = True
        else:
            self._trouble = False

    async def _take_in(self) -> None:
        notes = await asyncio.to_thread(inbox.found, self._data)
        fresh = [note for _, note in notes if note.id not in self._taken]
        if fresh:
            await self._journal.commit(Post(notes=tuple(fresh)))
        for note in fresh:
            self._taken.add(note.id)
            log.info("incident_noted", incident=note.incident, kind=note.kind.value, by=note.by)
        for path, _ in notes:
            await asyncio.to_thread(path.unlink, missing_ok=True)
        self._taken.clear()

    async def remind(self) -> None:
        """Write the reminders that are due; one that is written already changes nothing."""
        if self.notify.reminders is None:
            return
        now = self._clock.now()

        def due(reader: Reader) -> list[Post]:
            lasting = reader.incidents(open_only=True)
            known = reader.acknowledged(one.incident.id for one in lasting)
            wanted = plan.reminders(lasting, known, self.notify, now)
            there = {
                (one.incident, one.target, one.reminder)
                for event in lasting
                for one in reader.messages(event.incident.id)
            }
            fresh = tuple(one for one in wanted if (one.incident, one.target, one.reminder) not in there)
            return [Post(messages=fresh)] if fresh else []

        for post in await self._journal.read(due):
            await self._journal.commit(post)
            self._told()


def _name(message: Message) -> tuple[str, str, int]:
    return (message.incident, message.target, message.reminder)
