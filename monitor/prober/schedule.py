"""Which slot of which check is due: pure arithmetic on an absolute UTC grid, and the plan that hands slots out once."""

from __future__ import annotations

import hashlib
import heapq
from itertools import chain
from typing import TYPE_CHECKING

from monitor.model.records import STEP_BACK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from monitor.model.records import Check

LONGEST = 24 * 3_600_000
"""Of a longer absence (ms) only the first slot and the last day count; what lies between is absent, so unknown.

Without it a machine that begins in 1970 and is then told the year would have millions of slots to write for each check.
"""


def offset(key: str, interval: int) -> int:
    """Where in its interval (both in ms) a check has its slots: spread over all of it, the same tomorrow."""
    digest = hashlib.blake2b(key.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % interval


def interval_ms(check: Check) -> int:
    """The interval in whole milliseconds."""
    return max(1, round(check.interval * 1000))


def slot_after(check: Check, at: int) -> int:
    """The first slot of ``check`` later than ``at``, in UTC milliseconds."""
    interval = interval_ms(check)
    first = offset(check.key, interval)
    return at - (at - first) % interval + interval


def slots_between(check: Check, after: int, before: int) -> range:
    """The slots of ``check`` with ``after < slot < before``."""
    return range(slot_after(check, after), before, interval_ms(check))


def missed(check: Check, after: int, until: int) -> Iterator[int]:
    """The slots of an absence, ``after < slot <= until``, that get an outcome: all of them up to :data:`LONGEST`."""
    first = slots_between(check, after, until + 1)[:1]
    return chain(first, slots_between(check, max(first[0], until - LONGEST), until + 1) if first else ())


class Plan:
    """Hands out every slot of every check exactly once, in order of time."""

    def __init__(self, checks: Iterable[Check], now: int) -> None:
        """Plan the slots later than ``now`` (UTC ms)."""
        self._checks: dict[str, Check] = {}
        self._queue: list[tuple[int, str]] = []
        self._next: dict[str, int] = {}
        self._until = now
        self.replace(checks, now)

    @property
    def checks(self) -> Mapping[str, Check]:
        """The planned checks by key."""
        return self._checks

    def replace(self, checks: Iterable[Check], now: int) -> None:
        """Change to other checks: those that stay on the same grid keep their next slot, also one that is due.

        Those that are new, or on a new grid, begin after everything that was handed out, since a removed check may come
        back and a new grid may share slots with the old one.
        """
        before = self._checks
        self._checks = {check.key: check for check in checks}
        coming: dict[str, int] = {}
        for key, check in self._checks.items():
            stays = key in before and interval_ms(before[key]) == interval_ms(check)
            coming[key] = self._next[key] if stays else slot_after(check, max(now, self._until))
        self._next = coming
        self._queue = [(slot, key) for key, slot in coming.items()]
        heapq.heapify(self._queue)

    def due(self, until: int, most: int | None = None) -> list[tuple[Check, int]]:
        """The slots up to ``until`` (UTC ms) that were not handed out before, oldest first, at most ``most`` of them.

        After a leap of the clock of more than :data:`LONGEST` they are those that :func:`missed` names. A clock that is
        set back by less is waited for; by more, it showed a wrong hour before, and the grid begins anew at ``until``.
        """
        if until < self._until - STEP_BACK:
            self._begin(until)
        found: list[tuple[Check, int]] = []
        while self._queue and self._queue[0][0] <= until and (most is None or len(found) < most):
            slot, key = self._queue[0]
            check = self._checks[key]
            found.append((check, slot))
            self._until = max(self._until, slot)
            self._next[key] = slot_after(check, max(slot, until - LONGEST))
            heapq.heapreplace(self._queue, (self._next[key], key))
        return found

    def _begin(self, at: int) -> None:
        self._until = at
        self._next = {key: slot_after(check, at) for key, check in self._checks.items()}
        self._queue = [(slot, key) for key, slot in self._next.items()]
        heapq.heapify(self._queue)
