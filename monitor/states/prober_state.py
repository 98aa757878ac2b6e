"""Whether we ourselves can see, from what became of the newest look of every portal: a state of the prober."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.model.records import PROBER_PORTAL, State, StateChange, UnknownReason

if TYPE_CHECKING:
    from monitor.model.records import Measurement
    from monitor.states.portal_memory import PortalMemory

SELF_CHECK_REASONS = {UnknownReason.BLIND, UnknownReason.PROBER}
"""Looks that took place and did not see. Those that never began say nothing of our sight."""

MIN_FAILED_ATTEMPTS = 2
"""A single look that did not see is no news."""

MIN_FAILED_PORTALS = 5
"""Nor are a few portals of many: right after the start they may be all that was looked at."""


@dataclass(slots=True)
class ProberState:
    """One location's sight. Blind when more than half of the portals were last not seen, until at most a quarter is.

    ``since`` and ``spell`` are the first slot and the number of blind looks since most portals were last seen; both
    counts are of portals and follow from their standings.
    """

    state: str = State.UP.value
    changed_at: int = -1
    failing_since: int = 0
    failed_attempts: int = 0
    known_portals: int = 0
    failed_portals: int = 0

    @property
    def is_failing(self) -> bool:
        """Whether we cannot see."""
        return self.state == State.UNKNOWN.value

    def update(self, memory: PortalMemory, measurement: Measurement, portal_count: int) -> StateChange | None:
        """Note a first look at a home page of one of ``fleet`` portals; a change of the prober when it tips."""
        if measurement.void is not None and measurement.void not in SELF_CHECK_REASONS:
            return None
        blind = measurement.void is not None
        self.known_portals += memory.self_check_failed is None
        self.failed_portals += int(blind) - int(bool(memory.self_check_failed))
        memory.self_check_failed = blind
        most_seen = self.failed_portals * 4 <= self.known_portals
        if most_seen:
            self.failed_attempts = 0
        elif blind:
            self.failing_since = self.failing_since if self.failed_attempts else measurement.slot
            self.failed_attempts += 1
        if self.is_failing:
            return self._change_state(measurement, State.UP, measurement.slot) if most_seen else None
        enough = self.failed_attempts >= MIN_FAILED_ATTEMPTS and self.failed_portals >= min(
            MIN_FAILED_PORTALS, portal_count
        )
        if self.failed_portals * 2 > self.known_portals and enough:
            return self._change_state(measurement, State.UNKNOWN, self.failing_since)
        return None

    def _change_state(self, measurement: Measurement, state: State, since_ms: int) -> StateChange:
        previous = State(self.state)
        self.state, self.changed_at = state.value, max(since_ms, self.changed_at + 1)
        blind = state is State.UNKNOWN
        return StateChange(
            portal=PROBER_PORTAL,
            location=measurement.location,
            at=self.changed_at,
            state=state,
            previous=previous,
            fault=measurement.fault if blind else None,
            detail=measurement.detail if blind else "",
            cause=measurement.seq,
        )
