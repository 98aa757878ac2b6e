"""The clock that is injected into all code that needs the time, so that a test can run a day in a second."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """The source of time."""

    def now(self) -> int:
        """Return UTC in milliseconds since the epoch: the time of slots and records."""

    def monotonic(self) -> float:
        """Return seconds that only move forward: for durations."""


class SystemClock:
    """The clocks of this machine."""

    def now(self) -> int:
        """Return UTC in milliseconds since the epoch."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Return the seconds of the monotonic clock."""
        return time.monotonic()
