"""Slots that nobody looked at because the daemon was away: each gets its outcome when the daemon is back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from monitor.model import Void
from monitor.schedule import missed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.journal import Journal
    from monitor.measure import Measurer
    from monitor.model import Check
    from monitor.store import Entry, Reader

log = structlog.get_logger(__name__)

CHUNK = 5000


async def fill_gaps(  # noqa: PLR0913 - named at the one call; a record for them would be read nowhere else
    journal: Journal, measurer: Measurer, checks: Sequence[Check], location: str, *, until: int, clean: bool
) -> int:
    """Record a void outcome for every slot of ``checks`` between its newest outcome and ``until`` (UTC ms).

    The outcomes of a check are committed in order of their slots, so nothing is missing before its newest one. A check
    that has none yet begins now; what a clock wrote that was ahead of this hour is passed over. Of an absence of more
    than a day its first slot and its last day are written.
    """

    def newest(reader: Reader) -> list[int | None]:
        return [reader.last_slot(check.kind, check.portal, check.name, location, until) for check in checks]

    reason = Void.STOPPED if clean else Void.KILLED
    detail = "the daemon was not running" if clean else "the daemon ended without a word"
    filled = 0
    chunk: list[Entry] = []
    for check, last in zip(checks, await journal.read(newest), strict=True):
        for slot in missed(check, last, until) if last is not None else ():
            chunk.append(measurer.void(check, slot, reason, detail))
            filled += 1
            if len(chunk) == CHUNK:
                await journal.commit_all(chunk)
                chunk = []
    await journal.commit_all(chunk)
    if filled:
        log.warning("absence_recorded", slots=filled, reason=reason.value)
    return filled
