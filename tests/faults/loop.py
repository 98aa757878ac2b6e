"""An event loop whose time leaps to the next timer when nobody has anything to do: a month in minutes, no waiting."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Leaping(selectors.DefaultSelector):
    """Waits for nobody: when nothing is ready, the time that it should have waited has passed."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if not found:
            if timeout is None:
                raise RuntimeError("everybody waits, and nobody for a time")
            self.now += max(0.0, timeout)
        return found


class LeapingLoop(asyncio.SelectorEventLoop):
    """Its time begins at 0 and is nobody's but its own."""

    def __init__(self) -> None:
        self._leaping = _Leaping()
        super().__init__(self._leaping)

    def time(self) -> float:
        return self._leaping.now


def leap(work: Coroutine[Any, Any, T]) -> T:
    """Run ``work`` on a loop of its own."""
    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        return runner.run(work)


class LoopClock:
    """The clock of a leaping loop; its hour 0 is ``start`` (UTC ms)."""

    def __init__(self, start: int) -> None:
        self._start = start

    def now(self) -> int:
        return self._start + round(self.monotonic() * 1000)

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()
