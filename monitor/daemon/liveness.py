"""Whether looks are being completed: what readiness, a service manager's watchdog and its status line are told."""

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
    """Remembers when the last look was completed; what is planned is handed in with each question."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._started_at = clock.monotonic()
        self._last_completed_at: float | None = None

    def record_completed(self) -> None:
        """A look was completed just now."""
        self._last_completed_at = self._clock.monotonic()

    def readiness(self, checks: Sequence[Check]) -> Readiness:
        """Ready means that looks are being completed, not that a process exists."""
        if not checks:
            return Readiness(ok=False, reason="no checks are configured")
        if self._last_completed_at is None:
            return Readiness(ok=False, reason="no look has been completed yet")
        quiet = self._clock.monotonic() - self._last_completed_at
        if quiet > _max_idle_seconds(checks):
            return Readiness(ok=False, reason=f"no look has been completed for {quiet:.0f} s")
        return Readiness(ok=True, reason="looks are being completed")

    def is_alive(self, checks: Sequence[Check]) -> bool:
        """Whether a service manager may leave us alone: looks complete, or the first one may still be on its way."""
        since = self._started_at if self._last_completed_at is None else self._last_completed_at
        return self._clock.monotonic() - since <= _max_idle_seconds(checks)


def _max_idle_seconds(checks: Sequence[Check]) -> float:
    """Longest time in seconds without a completed look that means nothing."""
    return 2 * min((check.interval for check in checks), default=math.inf) + 30


def status_line(status_cache: StatusCache, in_flight: int) -> str:
    """Counts in a line; ``running`` looks are going on."""
    states = Counter(status_cache.state(portal) for portal in status_cache.evaluated_portals())
    told = ", ".join(f"{states[state]} {state.value}" for state in State if states[state])
    return f"{len(status_cache.checks)} checks, {in_flight} looks going on; portals: {told or 'none'}"
