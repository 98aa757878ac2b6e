"""State of the prober: whether its self-check fails, from the newest scheduled attempt of every portal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.model.records import PROBER_PORTAL, State, StateChange, UnknownReason

if TYPE_CHECKING:
    from monitor.model.records import Measurement
    from monitor.states.portal_memory import PortalMemory

SELF_CHECK_REASONS = {UnknownReason.SELF_CHECK, UnknownReason.INTERNAL_ERROR}
"""Reasons of probes that ran with an unknown result. Probes that never started prove nothing about the prober."""

MIN_FAILED_ATTEMPTS = 2
"""A single unknown result is not significant."""

MIN_FAILED_PORTALS = 5
"""Nor are a few portals of many: right after the start they may be all that were probed."""


@dataclass(slots=True)
class ProberState:
    """State of one location's prober.

    It fails when more than half of the portals last had an unknown result, and recovers at a quarter or less.
    ``failing_since`` and ``failed_attempts`` are the first slot and the number of self-check failures since most
    portals last had a known result; ``known_portals`` and ``failed_portals`` follow from the portal memories.
    """

    state: str = State.UP.value
    changed_at: int = -1
    failing_since: int = 0
    failed_attempts: int = 0
    known_portals: int = 0
    failed_portals: int = 0

    @property
    def is_failing(self) -> bool:
        """Return whether the prober fails."""
        return self.state == State.UNKNOWN.value

    def update(self, memory: PortalMemory, measurement: Measurement, portal_count: int) -> StateChange | None:
        """Record a scheduled attempt of a state check, one of *portal_count* portals; return the prober's change."""
        if measurement.unknown_reason is not None and measurement.unknown_reason not in SELF_CHECK_REASONS:
            return None
        failed = measurement.unknown_reason is not None
        self.known_portals += memory.self_check_failed is None
        self.failed_portals += int(failed) - int(bool(memory.self_check_failed))
        memory.self_check_failed = failed
        mostly_known = self.failed_portals * 4 <= self.known_portals
        if mostly_known:
            self.failed_attempts = 0
        elif failed:
            self.failing_since = self.failing_since if self.failed_attempts else measurement.slot
            self.failed_attempts += 1
        if self.is_failing:
            return self._change_state(measurement, State.UP, measurement.slot) if mostly_known else None
        min_portals = min(MIN_FAILED_PORTALS, portal_count)
        enough = self.failed_attempts >= MIN_FAILED_ATTEMPTS and self.failed_portals >= min_portals
        if self.failed_portals * 2 > self.known_portals and enough:
            return self._change_state(measurement, State.UNKNOWN, self.failing_since)
        return None

    def _change_state(self, measurement: Measurement, state: State, since_ms: int) -> StateChange:
        previous = State(self.state)
        self.state, self.changed_at = state.value, max(since_ms, self.changed_at + 1)
        failing = state is State.UNKNOWN
        return StateChange(
            portal=PROBER_PORTAL,
            location=measurement.location,
            at=self.changed_at,
            state=state,
            previous=previous,
            fault=measurement.fault if failing else None,
            detail=measurement.detail if failing else "",
            cause=measurement.seq,
        )
