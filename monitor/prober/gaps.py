"""Slots that nobody looked at because the daemon was away: each gets its outcome when the daemon is back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import structlog

from monitor.model.records import Void
from monitor.prober.schedule import missed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.model.records import Check
    from monitor.prober.runner import Measurer
    from monitor.storage.journal.journal import Journal
    from monitor.storage.journal.store import Entry, Reader

log = structlog.get_logger(__name__)

CHUNK = 5000

BEGUN = "planned_since"
"""Journal remark: the checks that have no outcome yet, and since when (UTC ms) their slots count, as JSON."""


async def fill_gaps(  # noqa: PLR0913 - named at the one call; a record for them would be read nowhere else
    journal: Journal, measurer: Measurer, checks: Sequence[Check], location: str, *, until: int, clean: bool
) -> int:
    """Record a void outcome for every slot of ``checks`` between its newest outcome and ``until`` (UTC ms).

    The outcomes of a check are committed in order of their slots, so nothing is missing before its newest one. A check
    that has none yet counts from where it was first planned (:func:`note_newcomers`), or begins now; what a clock wrote
    that was ahead of this hour is passed over. Of an absence of more than a day its first slot and its last day are
    written.
    """
    reason = Void.STOPPED if clean else Void.KILLED
    detail = "the daemon was not running" if clean else "the daemon ended without a word"
    filled = 0
    chunk: list[Entry] = []
    newest, begun = await journal.read(lambda reader: (_newest(reader, checks, location, until), _begun(reader)))
    for check, last in zip(checks, newest, strict=True):
        since = begun.get(f"{check.key}@{location}") if last is None else last
        for slot in missed(check, since, until) if since is not None else ():
            chunk.append(measurer.void(check, slot, reason, detail))
            filled += 1
            if len(chunk) == CHUNK:
                await journal.commit_all(chunk)
                chunk = []
    await journal.commit_all(chunk)
    if filled:
        log.warning("absence_recorded", slots=filled, reason=reason.value)
    return filled


async def note_newcomers(journal: Journal, checks: Sequence[Check], location: str, now: int) -> None:
    """Remember that the slots of checks without any outcome count from ``now`` (UTC ms), or from where they did before.

    Without that a daemon that is killed during the first look of a check would not know of its slot.
    """
    newest, begun = await journal.read(lambda reader: (_newest(reader, checks, location, now), _begun(reader)))
    fresh = [f"{check.key}@{location}" for check, last in zip(checks, newest, strict=True) if last is None]
    if begun or fresh:
        await journal.remark(BEGUN, json.dumps({key: begun.get(key, now) for key in fresh}))


def _newest(reader: Reader, checks: Sequence[Check], location: str, until: int) -> list[int | None]:
    return [reader.last_slot(check.kind, check.portal, check.name, location, until) for check in checks]


def _begun(reader: Reader) -> dict[str, int]:
    return dict(json.loads(reader.meta(BEGUN) or "{}"))
