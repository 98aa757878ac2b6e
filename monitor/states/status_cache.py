"""What is known right now, for pages and metrics: the newest measurement of every check, states and their last day."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from monitor.model.records import DECIDING, PROBER, STEP_BACK, Expect, Measurement, State, StateChange, Void
from monitor.states.availability import Span, timeline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from monitor.model.clock import Clock
    from monitor.model.records import Check, Portal
    from monitor.storage.journal.store import Reader, Record

DAY = 86_400_000


@dataclass(slots=True)
class Board:
    """Holds the newest record of everything that was seen from ``location``.

    Of a slot with confirming looks it shows the first one, which alone tells of latency and phases; ``attempts``
    counts them. ``prober`` is the newest change of our own sight. The board is rebuilt from the journal at the start
    and never asked for history.
    """

    clock: Clock
    location: str
    portals: Mapping[str, Portal] = field(default_factory=dict)
    checks: Mapping[str, Check] = field(default_factory=dict)
    latest: dict[str, Measurement] = field(default_factory=dict)
    states: dict[str, StateChange] = field(default_factory=dict)
    changes: dict[str, list[StateChange]] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=dict)
    prober: StateChange | None = None
    last_look: int = 0
    listeners: list[Callable[[Measurement], None]] = field(default_factory=list)

    def show(self, portals: Iterable[Portal], checks: Iterable[Check]) -> None:
        """Change to another inventory; what is gone from it is forgotten."""
        self.portals = {portal.id: portal for portal in portals}
        self.checks = {check.key: check for check in checks}
        for key in self.latest.keys() - self.checks.keys():
            del self.latest[key]
            self.attempts.pop(key, None)
        for portal in (self.states.keys() | self.changes.keys()) - self.portals.keys():
            self.states.pop(portal, None)
            self.changes.pop(portal, None)

    def recall(self, reader: Reader) -> None:
        """Fill the board from the journal: newest measurements, states, and the state changes of the last day."""
        since = self.clock.now() - DAY
        for check in self.checks.values():
            found = reader.latest(check.kind, check.portal, check.name, self.location)
            if found is not None:
                self.take(found)
        for portal in (*self.portals, PROBER):
            before = reader.state_at(portal, self.location, since)
            if before is not None:
                self.take(before)
        for change in reader.state_changes(since=since + 1):
            self.take(change)

    def take(self, record: Record) -> None:
        """Note one record; older than what is known, it changes nothing."""
        if isinstance(record, StateChange):
            self._take_change(record)
            return
        if not isinstance(record, Measurement):
            return
        if record.key not in self.checks or record.location != self.location:
            return
        probe = self.checks[record.key].probe
        speaks = probe.speaks(record.attempt, record.values)
        if probe.mark and not speaks:
            return
        known = self.latest.get(record.key)
        newest = (known.slot, self.attempts[record.key]) if known is not None else (-1, 0)
        set_back = speaks and record.slot < newest[0] - STEP_BACK  # the clock had shown a wrong hour
        late = (record.slot, record.attempt) <= newest or (not speaks and record.slot != newest[0])
        if late and not set_back:
            return
        self.attempts[record.key] = record.attempt
        if speaks:
            self.latest[record.key] = record
        if record.started is not None and not self.last_look - STEP_BACK <= record.started <= self.last_look:
            self.last_look = record.started
        for listener in self.listeners:
            listener(record)

    def _take_change(self, change: StateChange) -> None:
        if change.location != self.location:
            return
        if change.portal == PROBER and (self.prober is None or change.seq > self.prober.seq):
            self.prober = change
        if change.portal not in self.portals:
            return
        kept = self.changes.setdefault(change.portal, [])
        if kept and change.seq <= kept[-1].seq:
            return
        if kept and change.at < kept[-1].at - STEP_BACK:
            kept.clear()
        kept.append(change)
        self.states[change.portal] = change
        horizon = self.clock.now() - DAY
        while len(kept) > 1 and kept[1].at <= horizon:
            del kept[0]

    def state(self, portal: str) -> State:
        """The confirmed state; unknown before the first confirmation."""
        change = self.states.get(portal)
        return change.state if change else State.UNKNOWN

    def flapping(self, portal: str) -> bool:
        """Whether the portal changes all the time."""
        change = self.states.get(portal)
        return change is not None and change.flapping

    def since(self, portal: str) -> int | None:
        """When the state began (UTC ms), None when nothing is confirmed yet."""
        change = self.turned(portal)
        return change.at if change else None

    def turned(self, portal: str) -> StateChange | None:
        """The change that the state began with, which is not the one that tells that flapping ended."""
        found = None
        for found in reversed(self.changes.get(portal, ())):
            if found.previous is not found.state:
                break
        return found

    def blind_since(self) -> int | None:
        """When the prober lost its sight (UTC ms); None while it is not confirmed."""
        return self.prober.at if self.prober is not None and self.prober.state is State.UNKNOWN else None

    def deciding(self, portal: str) -> Measurement | None:
        """The newest measurement of the check that decides the portal's state."""
        return self.latest.get(f"{portal}/{DECIDING}")

    def strip(self, portal: str) -> tuple[Span, ...]:
        """The last 24 hours as spans of one state each, oldest first; time before the first change is unknown."""
        now = self.clock.now()
        return timeline(self.changes.get(portal, ()), now - DAY, now)

    def judged(self) -> list[str]:
        """The portals whose state is judged: all but the retired ones."""
        return [portal.id for portal in self.portals.values() if portal.expect is not Expect.RETIRED]

    def blind(self) -> bool:
        """Whether the prober cannot see: that is its state, or most newest looks were void for want of sight."""
        if self.prober is not None and self.prober.state is State.UNKNOWN:
            return True
        looks = [look for portal in self.judged() if (look := self.deciding(portal)) is not None]
        return bool(looks) and sum(look.void is Void.BLIND for look in looks) * 2 > len(looks)
