"""Computes which slot of which check is due, on an absolute UTC grid; the schedule dispatches each slot once."""

from __future__ import annotations

import hashlib
import heapq
from itertools import chain
from typing import TYPE_CHECKING

from monitor.model.records import MAX_CLOCK_STEP_BACK_MS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from monitor.model.records import Check

MAX_GAP_MS = 24 * 3_600_000
"""For a longer gap (ms) only the first slot and the last day are recorded; the time between is absent, so unknown.

Without it, a host that boots in 1970 and then sets its clock would have millions of slots to write for each check.
"""


def slot_offset_ms(key: str, period_ms: int) -> int:
    """Return the offset of a check in its interval (both in ms): evenly spread over checks, and stable."""
    digest = hashlib.blake2b(key.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % period_ms


def interval_ms(check: Check) -> int:
    """Return the interval in whole milliseconds."""
    return max(1, round(check.interval * 1000))


def slot_after(check: Check, at_ms: int) -> int:
    """Return the next slot of *check* after *at_ms* (UTC ms)."""
    interval = interval_ms(check)
    first = slot_offset_ms(check.key, interval)
    return at_ms - (at_ms - first) % interval + interval


def slots_between(check: Check, after_ms: int, before_ms: int) -> range:
    """Return the slots of *check* with ``after_ms < slot < before_ms``."""
    return range(slot_after(check, after_ms), before_ms, interval_ms(check))


def missed_slots(check: Check, after_ms: int, until_ms: int) -> Iterator[int]:
    """Yield the slots of a gap (``after_ms < slot <= until_ms``) to record: all of them up to :data:`MAX_GAP_MS`."""
    first = slots_between(check, after_ms, until_ms + 1)[:1]
    return chain(first, slots_between(check, max(first[0], until_ms - MAX_GAP_MS), until_ms + 1) if first else ())


class Schedule:
    """Dispatches every slot of every check exactly once, in order of time."""

    def __init__(self, checks: Iterable[Check], now_ms: int) -> None:
        """Schedule the slots after *now_ms* (UTC ms)."""
        self._checks: dict[str, Check] = {}
        self._queue: list[tuple[int, str]] = []  # a heap, as every sorted list is
        self._next_slots: dict[str, int] = {}
        self._dispatched_until_ms = now_ms
        self.replace(checks, now_ms)

    @property
    def checks(self) -> Mapping[str, Check]:
        """Return the scheduled checks by key."""
        return self._checks

    def replace(self, checks: Iterable[Check], now_ms: int) -> None:
        """Replace the checks; a check that stays on the same grid keeps its next slot, even if it is due.

        New checks, and checks on a new grid, begin after everything dispatched so far: a removed check may come back,
        and a new grid may share slots with the old one.
        """
        before = self._checks
        self._checks = {check.key: check for check in checks}
        next_slots, start = dict[str, int](), max(now_ms, self._dispatched_until_ms)
        for key, check in self._checks.items():
            stays = key in before and interval_ms(before[key]) == interval_ms(check)
            next_slots[key] = self._next_slots[key] if stays else slot_after(check, start)
        self._next_slots = next_slots
        self._queue = sorted((slot, key) for key, slot in next_slots.items())

    def due(self, until_ms: int, limit: int | None = None) -> list[tuple[Check, int]]:
        """Dispatch the slots up to *until_ms* (UTC ms) not dispatched before, oldest first, at most *limit* of them.

        After a clock step forward of more than :data:`MAX_GAP_MS` they are those of :func:`missed_slots`. After a step
        back, slots wait until the clock catches up; a larger step than :data:`MAX_CLOCK_STEP_BACK_MS` means that the
        clock was wrong before, and the grid restarts at *until_ms*.
        """
        if until_ms < self._dispatched_until_ms - MAX_CLOCK_STEP_BACK_MS:
            self._restart_grid(until_ms)
        found: list[tuple[Check, int]] = []
        while self._queue and self._queue[0][0] <= until_ms and (limit is None or len(found) < limit):
            slot, key = self._queue[0]
            check = self._checks[key]
            found.append((check, slot))
            self._dispatched_until_ms = max(self._dispatched_until_ms, slot)
            self._next_slots[key] = slot_after(check, max(slot, until_ms - MAX_GAP_MS))
            heapq.heapreplace(self._queue, (self._next_slots[key], key))
        return found

    def _restart_grid(self, at_ms: int) -> None:
        self._dispatched_until_ms = at_ms
        self._next_slots = {key: slot_after(check, at_ms) for key, check in self._checks.items()}
        self._queue = sorted((slot, key) for key, slot in self._next_slots.items())
