"""How much room the journal may take: a word when half of it is gone, and a loud stop before anything is forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from monitor.storage.journal.store import JournalError

if TYPE_CHECKING:
    from monitor.storage.journal.journal import JournalStatistics

log = structlog.get_logger(__name__)

WARNING_RATIO = 0.5
"""Share of the limit from which on an operator should look why nothing leaves: most often a sink that is away."""


@dataclass(frozen=True, slots=True)
class JournalUsage:
    """Bytes taken and allowed."""

    used_bytes: int
    max_bytes: int

    @property
    def ratio(self) -> float:
        """The part of the limit that is taken; 1 and more is full."""
        return self.used_bytes / self.max_bytes

    @property
    def near_limit(self) -> bool:
        """Whether it is time to look."""
        return self.ratio >= WARNING_RATIO

    @property
    def limit_reached(self) -> bool:
        """Whether nothing more may be written."""
        return self.ratio >= 1.0


def journal_usage(statistics: JournalStatistics, max_bytes: int) -> JournalUsage:
    """The journal's room; ``limit`` in bytes."""
    return JournalUsage(used_bytes=statistics.size_bytes, max_bytes=max_bytes)


class JournalSizeLimit:
    """Looks at the journal's room again and again; warns when it becomes tight, says when it is wide again."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._near_limit = False

    def check(self, statistics: JournalStatistics) -> JournalUsage:
        """The room as it is now. Raises :class:`JournalError` when it is full: better no daemon than lost evidence."""
        space = journal_usage(statistics, self._max_bytes)
        if space.limit_reached:
            raise JournalError(
                f"the journal has reached its limit of {self._max_bytes} bytes; see whether every sink takes what it is "
                "given, or raise the limit: nothing is thrown away to make room"
            )
        if space.near_limit != self._near_limit:
            self._near_limit = space.near_limit
            tell = log.warning if space.near_limit else log.info
            tell("journal_space", tight=space.near_limit, used_bytes=space.used_bytes, limit_bytes=space.max_bytes)
        return space
