"""Time, handed in: who needs the hour asks a clock that it was given, so that a test can run a day in a second."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Where the hour comes from."""

    def now(self) -> int:
        """UTC in milliseconds since the epoch: the time of slots and records."""

    def monotonic(self) -> float:
        """Seconds that only move forward: for durations."""


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> int:
        """UTC in milliseconds since the epoch."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Seconds of the monotonic clock."""
        return time.monotonic()
