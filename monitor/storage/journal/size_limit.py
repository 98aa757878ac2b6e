"""The size limit of the journal: a warning at half of it, and an error at the limit instead of lost data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from monitor.storage.journal.store import JournalError

if TYPE_CHECKING:
    from monitor.storage.journal.journal import JournalStatistics

log = structlog.get_logger(__name__)

WARNING_RATIO = 0.5
"""Share of the limit at which to warn: rows do not leave the journal, most often because a sink is unavailable."""


@dataclass(frozen=True, slots=True)
class JournalUsage:
    """Bytes used and allowed."""

    used_bytes: int
    max_bytes: int

    @property
    def ratio(self) -> float:
        """Used share of the limit; 1 and more is full."""
        return self.used_bytes / self.max_bytes

    @property
    def near_limit(self) -> bool:
        """Whether the warning threshold is reached."""
        return self.ratio >= WARNING_RATIO

    @property
    def limit_reached(self) -> bool:
        """Whether the limit is reached."""
        return self.ratio >= 1.0


def journal_usage(statistics: JournalStatistics, max_bytes: int) -> JournalUsage:
    """Return the usage of the journal."""
    return JournalUsage(used_bytes=statistics.size_bytes, max_bytes=max_bytes)


class JournalSizeLimit:
    """Checks the size of the journal; logs when the warning threshold is crossed, in both directions."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._near_limit = False

    def check(self, statistics: JournalStatistics) -> JournalUsage:
        """Return the current usage. Raises :class:`JournalError` at the limit: stop rather than lose data."""
        usage = journal_usage(statistics, self._max_bytes)
        if usage.limit_reached:
            raise JournalError(
                f"the journal has reached its maximum size of {self._max_bytes} bytes: check that every sink accepts "
                "its records, or raise journal.max_size; nothing is deleted to free space"
            )
        if usage.near_limit != self._near_limit:
            self._near_limit = usage.near_limit
            write = log.warning if usage.near_limit else log.info
            sizes = {"used_bytes": usage.used_bytes, "limit_bytes": usage.max_bytes}
            write("journal_size_limit", near_limit=usage.near_limit, **sizes)
        return usage
