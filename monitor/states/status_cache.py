"""Caches the current status for pages and metrics: newest measurement of every check, states and their last day."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from monitor.model import records
from monitor.model.records import PROBER_PORTAL, STATE_CHECK, Expect, Measurement, State, StateChange, UnknownReason
from monitor.states.availability import StateSpan, timeline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from monitor.model.clock import Clock
    from monitor.model.records import Check, Portal
    from monitor.storage.journal.store import JournalReader, Record

DAY_MS = 86_400_000


@dataclass(slots=True)
class StatusCache:
    """Holds the newest records of ``location``.

    For a slot with confirmation attempts it holds the scheduled one, whose latency and phases are comparable;
    ``attempts`` counts them. ``prober_change`` is the newest state change of the prober. The cache is rebuilt from the
    journal at the start and holds no history.
    """

    clock: Clock
    location: str
    portals: Mapping[str, Portal] = field(default_factory=dict)
    checks: Mapping[str, Check] = field(default_factory=dict)
    latest: dict[str, Measurement] = field(default_factory=dict)
    states: dict[str, StateChange] = field(default_factory=dict)
    changes: dict[str, list[StateChange]] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=dict)
    prober_change: StateChange | None = None
    last_probe_ms: int = 0
    listeners: list[Callable[[Measurement], None]] = field(default_factory=list)

    def set_inventory(self, portals: Iterable[Portal], checks: Iterable[Check]) -> None:
        """Replace the inventory; drop the records of removed checks and portals."""
        self.portals = {portal.id: portal for portal in portals}
        self.checks = {check.key: check for check in checks}
        for key in self.latest.keys() - self.checks.keys():
            del self.latest[key]
            self.attempts.pop(key, None)
        for portal in (self.states.keys() | self.changes.keys()) - self.portals.keys():
            self.states.pop(portal, None)
            self.changes.pop(portal, None)

    def load(self, reader: JournalReader) -> None:
        """Load newest measurements, states, and the state changes of the last day from the journal."""
        since = self.clock.now() - DAY_MS
        newest = [reader.latest(one.kind, one.portal, one.name, self.location) for one in self.checks.values()]
        before = [reader.state_at(portal, self.location, since) for portal in (*self.portals, PROBER_PORTAL)]
        for record in (*newest, *before, *reader.state_changes(since_ms=since + 1)):
            if record is not None:
                self.update(record)

    def update(self, record: Record) -> None:
        """Add a record; a record older than the cached one changes nothing."""
        if isinstance(record, StateChange):
            self._update_state(record)
            return
        if not isinstance(record, Measurement) or record.key not in self.checks or record.location != self.location:
            return
        probe = self.checks[record.key].probe
        is_representative = probe.is_representative(record.attempt, record.values)
        if probe.representative_flag and not is_representative:
            return
        known = self.latest.get(record.key)
        newest = (known.slot, self.attempts[record.key]) if known is not None else (-1, 0)
        # A larger step back means that the clock was wrong before.
        clock_stepped_back = is_representative and record.slot < newest[0] - records.MAX_CLOCK_STEP_BACK_MS
        late = (record.slot, record.attempt) <= newest or (not is_representative and record.slot != newest[0])
        if late and not clock_stepped_back:
            return
        self.attempts[record.key] = record.attempt
        if is_representative:
            self.latest[record.key] = record
        oldest = self.last_probe_ms - records.MAX_CLOCK_STEP_BACK_MS
        if record.started is not None and not oldest <= record.started <= self.last_probe_ms:
            self.last_probe_ms = record.started
        for listener in self.listeners:
            listener(record)

    def _update_state(self, change: StateChange) -> None:
        if change.location != self.location:
            return
        if change.portal == PROBER_PORTAL and (self.prober_change is None or change.seq > self.prober_change.seq):
            self.prober_change = change
        if change.portal not in self.portals:
            return
        kept = self.changes.setdefault(change.portal, [])
        if kept and change.seq <= kept[-1].seq:
            return
        if kept and change.at < kept[-1].at - records.MAX_CLOCK_STEP_BACK_MS:
            kept.clear()
        kept.append(change)
        self.states[change.portal] = change
        horizon = self.clock.now() - DAY_MS
        while len(kept) > 1 and kept[1].at <= horizon:
            del kept[0]

    def state(self, portal: str) -> State:
        """Return the confirmed state; unknown before the first confirmation."""
        change = self.states.get(portal)
        return change.state if change else State.UNKNOWN

    def is_flapping(self, portal: str) -> bool:
        """Return whether the portal is flapping."""
        change = self.states.get(portal)
        return change is not None and change.flapping

    def state_since_ms(self, portal: str) -> int | None:
        """Return when the state began (UTC ms), None when no state is confirmed yet."""
        change = self.current_state_change(portal)
        return change.at if change else None

    def current_state_change(self, portal: str) -> StateChange | None:
        """Return the change with which the state began, which is not the change that ended flapping."""
        found = None
        for found in reversed(self.changes.get(portal, ())):
            if found.previous is not found.state:
                break
        return found

    def self_check_failing_since_ms(self) -> int | None:
        """Return since when the self-check fails (UTC ms); None while that is not confirmed."""
        change = self.prober_change
        return change.at if change is not None and change.state is State.UNKNOWN else None

    def latest_state_check(self, portal: str) -> Measurement | None:
        """Return the newest measurement of the portal's state check."""
        return self.latest.get(f"{portal}/{STATE_CHECK}")

    def last_day_timeline(self, portal: str) -> tuple[StateSpan, ...]:
        """Return the last 24 hours as spans of one state each, oldest first; unknown before the first change."""
        now = self.clock.now()
        return timeline(self.changes.get(portal, ()), now - DAY_MS, now)

    def evaluated_portals(self) -> list[str]:
        """Return the portals whose state is evaluated: all but the retired ones."""
        return [portal.id for portal in self.portals.values() if portal.expect is not Expect.RETIRED]

    def self_check_failing(self) -> bool:
        """Return whether the self-check fails: by the prober's state, or for most of the newest measurements."""
        if self.self_check_failing_since_ms() is not None:
            return True
        latest = [one for portal in self.evaluated_portals() if (one := self.latest_state_check(portal)) is not None]
        return bool(latest) and sum(one.unknown_reason is UnknownReason.SELF_CHECK for one in latest) * 2 > len(latest)
