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
    from monitor.states.status_cache import Board


class Liveness:
    """Remembers when the last look was completed; what is planned is handed in with each question."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = clock.monotonic()
        self._completed: float | None = None

    def note(self) -> None:
        """A look was completed just now."""
        self._completed = self._clock.monotonic()

    def readiness(self, checks: Sequence[Check]) -> Readiness:
        """Ready means that looks are being completed, not that a process exists."""
        if not checks:
            return Readiness(ok=False, reason="no checks are configured")
        if self._completed is None:
            return Readiness(ok=False, reason="no look has been completed yet")
        quiet = self._clock.monotonic() - self._completed
        if quiet > _patience(checks):
            return Readiness(ok=False, reason=f"no look has been completed for {quiet:.0f} s")
        return Readiness(ok=True, reason="looks are being completed")

    def alive(self, checks: Sequence[Check]) -> bool:
        """Whether a service manager may leave us alone: looks complete, or the first one may still be on its way."""
        since = self._began if self._completed is None else self._completed
        return self._clock.monotonic() - since <= _patience(checks)


def _patience(checks: Sequence[Check]) -> float:
    """Longest time in seconds without a completed look that means nothing."""
    return 2 * min((check.interval for check in checks), default=math.inf) + 30


def status_line(board: Board, running: int) -> str:
    """Counts in a line; ``running`` looks are going on."""
    states = Counter(board.state(portal) for portal in board.judged())
    told = ", ".join(f"{states[state]} {state.value}" for state in State if states[state])
    return f"{len(board.checks)} checks, {running} looks going on; portals: {told or 'none'}"
