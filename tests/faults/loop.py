"""An event loop whose time jumps to the next timer when no callback is ready: a month in minutes, no waiting."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _SimulatedTimeSelector(selectors.DefaultSelector):
    """Never wait: when nothing is ready, advance the time by the timeout."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if not found:
            if timeout is None:
                raise RuntimeError("deadlock: all tasks wait, and none of them for a timer")
            self.now += max(0.0, timeout)
        return found


class SimulatedTimeLoop(asyncio.SelectorEventLoop):
    """An event loop in simulated time, which begins at 0."""

    def __init__(self) -> None:
        self._simulated = _SimulatedTimeSelector()
        super().__init__(self._simulated)

    def time(self) -> float:
        return self._simulated.now


def run_in_simulated_time(work: Coroutine[Any, Any, T]) -> T:
    """Run ``work`` on a new loop in simulated time."""
    with asyncio.Runner(loop_factory=SimulatedTimeLoop) as runner:
        return runner.run(work)


class LoopClock:
    """The clock of a loop in simulated time; its time 0 is ``start`` (UTC ms)."""

    def __init__(self, start: int) -> None:
        self._start = start

    def now(self) -> int:
        return self._start + round(self.monotonic() * 1000)

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()
