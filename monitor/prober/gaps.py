"""Slots that nobody looked at because the daemon was away: each gets its outcome when the daemon is back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import structlog

from monitor.model.records import UnknownReason
from monitor.prober.schedule import missed_slots

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.model.records import Check
    from monitor.prober.runner import CheckRunner
    from monitor.storage.journal.journal import Journal
    from monitor.storage.journal.store import JournalEntry, JournalReader

log = structlog.get_logger(__name__)

BATCH_SIZE = 5000

FIRST_SCHEDULED_KEY = "planned_since"
"""Journal remark: the checks that have no outcome yet, and since when (UTC ms) their slots count, as JSON."""


async def record_missed_slots(  # noqa: PLR0913 - named at the one call; a record for them would be read nowhere else
    journal: Journal,
    runner: CheckRunner,
    checks: Sequence[Check],
    location: str,
    *,
    until_ms: int,
    clean_shutdown: bool,
) -> int:
    """Record a void outcome for every slot of ``checks`` between its newest outcome and ``until`` (UTC ms).

    The outcomes of a check are committed in order of their slots, so nothing is missing before its newest one. A check
    that has none yet counts from where it was first planned (:func:`note_newcomers`), or begins now; what a clock wrote
    that was ahead of this hour is passed over. Of an absence of more than a day its first slot and its last day are
    written.
    """
    reason = UnknownReason.STOPPED if clean_shutdown else UnknownReason.KILLED
    detail = "the daemon was not running" if clean_shutdown else "the daemon ended without a word"
    filled = 0
    chunk: list[JournalEntry] = []
    newest, begun = await journal.read(
        lambda reader: (_newest_slots(reader, checks, location, until_ms), _first_scheduled(reader))
    )
    for check, last in zip(checks, newest, strict=True):
        since = begun.get(f"{check.key}@{location}") if last is None else last
        for slot in missed_slots(check, since, until_ms) if since is not None else ():
            chunk.append(runner.unknown_measurement(check, slot, reason, detail))
            filled += 1
            if len(chunk) == BATCH_SIZE:
                await journal.commit_all(chunk)
                chunk = []
    await journal.commit_all(chunk)
    if filled:
        log.warning("absence_recorded", slots=filled, reason=reason.value)
    return filled


async def record_first_scheduled(journal: Journal, checks: Sequence[Check], location: str, now_ms: int) -> None:
    """Remember that the slots of checks without any outcome count from ``now`` (UTC ms), or from where they did before.

    Without that a daemon that is killed during the first look of a check would not know of its slot.
    """
    newest, begun = await journal.read(
        lambda reader: (_newest_slots(reader, checks, location, now_ms), _first_scheduled(reader))
    )
    fresh = [f"{check.key}@{location}" for check, last in zip(checks, newest, strict=True) if last is None]
    if begun or fresh:
        await journal.set_meta(FIRST_SCHEDULED_KEY, json.dumps({key: begun.get(key, now_ms) for key in fresh}))


def _newest_slots(reader: JournalReader, checks: Sequence[Check], location: str, until_ms: int) -> list[int | None]:
    return [reader.last_slot(check.kind, check.portal, check.name, location, until_ms) for check in checks]


def _first_scheduled(reader: JournalReader) -> dict[str, int]:
    return dict(json.loads(reader.meta(FIRST_SCHEDULED_KEY) or "{}"))
