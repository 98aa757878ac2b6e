"""Records an outcome for every slot that passed while the daemon was not running."""

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

    Checks = Sequence[Check]
    Progress = tuple[list[int | None], dict[str, int]]

log = structlog.get_logger(__name__)

BATCH_SIZE = 5000

FIRST_SCHEDULED_KEY = "first_scheduled"
"""Meta key of the journal: checks without an outcome, and from when (UTC ms) their slots count, as JSON."""


async def record_missed_slots(  # noqa: PLR0913 - named at the one call; a record for them would be read nowhere else
    journal: Journal, runner: CheckRunner, checks: Checks, location: str, *, until_ms: int, clean_shutdown: bool
) -> int:
    """Record outcome unknown for every slot of *checks* between its newest outcome and *until_ms* (UTC ms).

    The outcomes of a check are committed in order of their slots, so nothing is missing before its newest one. A check
    without an outcome counts from when it was first scheduled (:func:`record_first_scheduled`), or begins now. Rows in
    the future, which a wrong clock wrote, are ignored. Of a gap over a day, its first slot and last day are recorded.
    """
    reason = UnknownReason.STOPPED if clean_shutdown else UnknownReason.KILLED
    detail = "the daemon was not running" if clean_shutdown else "the daemon was killed"
    recorded = 0
    batch: list[JournalEntry] = []
    newest, first_scheduled = await journal.read(lambda reader: _progress(reader, checks, location, until_ms))
    for check, last in zip(checks, newest, strict=True):
        since = first_scheduled.get(f"{check.key}@{location}") if last is None else last
        for slot in missed_slots(check, since, until_ms) if since is not None else ():
            batch.append(runner.unknown_measurement(check, slot, reason, detail))
            recorded += 1
            if len(batch) == BATCH_SIZE:
                await journal.commit_all(batch)
                batch = []
    await journal.commit_all(batch)
    if recorded:
        log.warning("missed_slots_recorded", slots=recorded, reason=reason.value)
    return recorded


async def record_first_scheduled(journal: Journal, checks: Checks, location: str, now_ms: int) -> None:
    """Store from when the slots of checks without an outcome count: *now_ms* (UTC ms), or the time stored before.

    Without this, a daemon that is killed during the first probe of a check would lose that slot.
    """
    newest, first_scheduled = await journal.read(lambda reader: _progress(reader, checks, location, now_ms))
    fresh = [f"{check.key}@{location}" for check, last in zip(checks, newest, strict=True) if last is None]
    if first_scheduled or fresh:
        since = {key: first_scheduled.get(key, now_ms) for key in fresh}
        await journal.set_meta(FIRST_SCHEDULED_KEY, json.dumps(since))


def _progress(reader: JournalReader, checks: Checks, location: str, until_ms: int) -> Progress:
    newest = [reader.last_slot(check.kind, check.portal, check.name, location, until_ms) for check in checks]
    return newest, dict(json.loads(reader.meta(FIRST_SCHEDULED_KEY) or "{}"))
