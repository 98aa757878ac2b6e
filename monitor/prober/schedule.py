"""Which slot of which check is due: pure arithmetic on an absolute UTC grid, and the plan that hands slots out once."""

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
"""Of a longer absence (ms) only the first slot and the last day count; what lies between is absent, so unknown.

Without it a machine that begins in 1970 and is then told the year would have millions of slots to write for each check.
"""


def slot_offset_ms(key: str, period_ms: int) -> int:
    """Where in its interval (both in ms) a check has its slots: spread over all of it, the same tomorrow."""
    digest = hashlib.blake2b(key.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % period_ms


def interval_ms(check: Check) -> int:
    """The interval in whole milliseconds."""
    return max(1, round(check.interval * 1000))


def slot_after(check: Check, at_ms: int) -> int:
    """The first slot of ``check`` later than ``at``, in UTC milliseconds."""
    interval = interval_ms(check)
    first = slot_offset_ms(check.key, interval)
    return at_ms - (at_ms - first) % interval + interval


def slots_between(check: Check, after_ms: int, before_ms: int) -> range:
    """The slots of ``check`` with ``after < slot < before``."""
    return range(slot_after(check, after_ms), before_ms, interval_ms(check))


def missed_slots(check: Check, after_ms: int, until_ms: int) -> Iterator[int]:
    """The slots of an absence, ``after < slot <= until``, that get an outcome: all of them up to :data:`LONGEST`."""
    first = slots_between(check, after_ms, until_ms + 1)[:1]
    return chain(first, slots_between(check, max(first[0], until_ms - MAX_GAP_MS), until_ms + 1) if first else ())


class Schedule:
    """Hands out every slot of every check exactly once, in order of time."""

    def __init__(self, checks: Iterable[Check], now_ms: int) -> None:
        """Plan the slots later than ``now`` (UTC ms)."""
        self._checks: dict[str, Check] = {}
        self._queue: list[tuple[int, str]] = []
        self._next_slots: dict[str, int] = {}
        self._dispatched_until_ms = now_ms
        self.replace(checks, now_ms)

    @property
    def checks(self) -> Mapping[str, Check]:
        """The planned checks by key."""
        return self._checks

    def replace(self, checks: Iterable[Check], now_ms: int) -> None:
        """Change to other checks: those that stay on the same grid keep their next slot, also one that is due.

        Those that are new, or on a new grid, begin after everything that was handed out, since a removed check may come
        back and a new grid may share slots with the old one.
        """
        before = self._checks
        self._checks = {check.key: check for check in checks}
        coming: dict[str, int] = {}
        for key, check in self._checks.items():
            stays = key in before and interval_ms(before[key]) == interval_ms(check)
            coming[key] = self._next_slots[key] if stays else slot_after(check, max(now_ms, self._dispatched_until_ms))
        self._next_slots = coming
        self._queue = [(slot, key) for key, slot in coming.items()]
        heapq.heapify(self._queue)

    def due(self, until_ms: int, limit: int | None = None) -> list[tuple[Check, int]]:
        """The slots up to ``until`` (UTC ms) that were not handed out before, oldest first, at most ``most`` of them.

        After a leap of the clock of more than :data:`LONGEST` they are those that :func:`missed` names. A clock that is
        set back by less is waited for; by more, it showed a wrong hour before, and the grid begins anew at ``until``.
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
        self._queue = [(slot, key) for key, slot in self._next_slots.items()]
        heapq.heapify(self._queue)
