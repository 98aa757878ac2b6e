"""What must hold after any trouble, asked of the rows that a daemon committed and of those whom it told."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from monitor.model.records import State
from monitor.prober.schedule import interval_ms
from monitor.storage.journal.store import JOURNAL_FILE, JournalReader
from probes.registry import PROBE_KINDS
from probes.result import Outcome

if TYPE_CHECKING:
    from collections.abc import Collection

    from tests.environment.stage import Stage

BUSY = r"the monitor itself was|the load of this machine|was still running|s late, more than|no seat within"
"""Reasons of looks that were not taken, or not believed, because others keep this machine busy: true at any time."""


@dataclass(kw_only=True)
class Result:
    """What was found of one trouble: how many cases were tried, what broke, and figures in words."""

    trouble: str
    cases: int = 0
    broken: list[str] = field(default_factory=list)
    measured: str = ""

    def check(self, good: object, words: str) -> None:
        """Note ``words`` unless ``good``."""
        if not good:
            self.broken.append(words)


def judge_rows(result: Result, stage: Stage, since: int, reasons: str, *, broken: Collection[str] = ()) -> None:
    """No portal but the ``broken`` ones was charged with anything, and voids say one of ``reasons`` (a pattern)."""
    charged = [one for one in stage.looks(since) if one.outcome is Outcome.DOWN and one.portal not in broken]
    result.check(not charged, f"{len(charged)} looks charged to a portal that was well, first {charged[:1]}")
    fallen = [one for one in stage.changes(since) if one.state is State.DOWN and one.portal not in broken]
    result.check(not fallen, f"said to be down: {fallen[:1]}")
    voids = [one for one in stage.looks(since) if one.outcome is Outcome.VOID]
    wrong = [one for one in voids if not re.search(f"{reasons}|{BUSY}" if reasons else BUSY, one.detail)]
    result.check(not wrong, f"{len(wrong)} voids with another reason, first {wrong[:1]}")
    told = [
        one for one in stage.messages() if "prober" not in one.incident and one.incident.split("-")[0] not in broken
    ]
    result.check(not told, f"somebody was told: {told[:1]}")


def judge_slots(result: Result, stage: Stage, since: int = 0) -> int:
    """Every slot of every check from its first to its newest has exactly one outcome; how many there are."""
    found: dict[str, Counter[int]] = defaultdict(Counter)
    for one in stage.looks(since):
        found[one.key][one.slot] += 1
    for check in stage.checks:
        slots = found[check.key]
        step = interval_ms(check)
        gone = [one for one in range(min(slots), max(slots), step) if one not in slots] if slots else []
        result.check(not gone, f"{check.key}: {len(gone)} slots without an outcome, first {gone[:1]}")
        twice = [slot for slot, count in slots.items() if count > 1]
        result.check(not twice, f"{check.key}: {len(twice)} slots with two outcomes")
        result.check(slots, f"{check.key}: no slot at all")
    return sum(map(len, found.values()))


def judge_memory(result: Result, stage: Stage) -> int:
    """After the daemon was killed: everything that could ever be read is still there, unchanged; how many records."""
    stage.look()
    stage.kill()
    reader = JournalReader(stage.data / JOURNAL_FILE, PROBE_KINDS)
    try:
        now = {one.seq: one for one in reader.records_after(0, 10_000_000)}
    finally:
        reader.close()
    lost = [number for number, one in stage.seen.items() if now.get(number) != one]
    result.check(not lost, f"{len(lost)} committed records are gone or changed")
    return len(now)
