"""How much room the journal may take: a word when half of it is gone, and a loud stop before anything is forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from monitor.storage.journal.store import JournalError

if TYPE_CHECKING:
    from monitor.storage.journal.journal import JournalStatistics

log = structlog.get_logger(__name__)

WARN_AT = 0.5
"""Share of the limit from which on an operator should look why nothing leaves: most often a sink that is away."""


@dataclass(frozen=True, slots=True)
class Space:
    """Bytes taken and allowed."""

    used: int
    limit: int

    @property
    def share(self) -> float:
        """The part of the limit that is taken; 1 and more is full."""
        return self.used / self.limit

    @property
    def tight(self) -> bool:
        """Whether it is time to look."""
        return self.share >= WARN_AT

    @property
    def full(self) -> bool:
        """Whether nothing more may be written."""
        return self.share >= 1.0


def journal_space(statistics: JournalStatistics, limit: int) -> Space:
    """The journal's room; ``limit`` in bytes."""
    return Space(used=statistics.bytes, limit=limit)


class SpaceGuard:
    """Looks at the journal's room again and again; warns when it becomes tight, says when it is wide again."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._tight = False

    def look(self, statistics: JournalStatistics) -> Space:
        """The room as it is now. Raises :class:`JournalError` when it is full: better no daemon than lost evidence."""
        space = journal_space(statistics, self._limit)
        if space.full:
            raise JournalError(
                f"the journal has reached its limit of {self._limit} bytes; see whether every sink takes what it is "
                "given, or raise the limit: nothing is thrown away to make room"
            )
        if space.tight != self._tight:
            self._tight = space.tight
            tell = log.warning if space.tight else log.info
            tell("journal_space", tight=space.tight, used_bytes=space.used, limit_bytes=space.limit)
        return space
