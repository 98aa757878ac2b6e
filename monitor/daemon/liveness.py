"""Liveness: whether probes complete, for readiness, the service manager's watchdog and its status line."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from monitor.model.records import State
from monitor.web.context import Readiness

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.model.clock import Clock
    from monitor.model.records import Check
    from monitor.states.status_cache import StatusCache


class Liveness:
    """Records when the last probe completed; the scheduled checks are passed to each method."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._started_at = clock.monotonic()
        self._last_completed_at: float | None = None

    def record_completed(self) -> None:
        """Record that a probe completed now."""
        self._last_completed_at = self._clock.monotonic()

    def readiness(self, checks: Sequence[Check]) -> Readiness:
        """Return the readiness: probes are completing, not just that a process exists."""
        if not checks:
            return Readiness(ok=False, reason="no checks are configured")
        if self._last_completed_at is None:
            return Readiness(ok=False, reason="no probe has completed yet")
        idle_seconds = self._clock.monotonic() - self._last_completed_at
        if idle_seconds > _max_idle_seconds(checks):
            return Readiness(ok=False, reason=f"no probe has completed for {idle_seconds:.0f} s")
        return Readiness(ok=True, reason="probes are completing")

    def is_alive(self, checks: Sequence[Check]) -> bool:
        """Return whether the watchdog is fed: probes complete, or the first one may still be running."""
        since = self._started_at if self._last_completed_at is None else self._last_completed_at
        return self._clock.monotonic() - since <= _max_idle_seconds(checks)


def _max_idle_seconds(checks: Sequence[Check]) -> float:
    """Return the longest time in seconds without a completed probe that is no failure."""
    return 2 * min((check.interval for check in checks), default=math.inf) + 30


def status_line(status_cache: StatusCache, in_flight: int) -> str:
    """Return the counts as one line; *in_flight* probes are running."""
    states = Counter(status_cache.state(portal) for portal in status_cache.evaluated_portals())
    portals = ", ".join(f"{states[state]} {state.value}" for state in State if states[state])
    return f"{len(status_cache.checks)} checks, {in_flight} probes in flight; portals: {portals or 'none'}"
