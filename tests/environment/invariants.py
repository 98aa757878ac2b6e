"""Invariants after any fault, checked on the rows that a daemon committed and on its messages."""

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

    from tests.environment.harness import DaemonHarness

BUSY = (
    "the event loop was|the load of the host|was still in progress|"
    "exceeds misfire_grace_time|no concurrency permit within"
)
"""Reasons of probes that were not made, or not charged, because the host is busy: allowed at any time."""


@dataclass(kw_only=True)
class Result:
    """The result of one fault: how many cases were tried, what broke, and the values as text."""

    fault: str
    cases: int = 0
    broken: list[str] = field(default_factory=list)
    measured: str = ""

    def check(self, good: object, text: str) -> None:
        """Record ``text`` as broken unless ``good``."""
        if not good:
            self.broken.append(text)


def check_rows(
    result: Result, harness: DaemonHarness, since: int, reasons: str, *, broken: Collection[str] = ()
) -> None:
    """No portal but the ``broken`` ones was charged, and unknown outcomes have one of ``reasons`` (a pattern)."""
    charged = [one for one in harness.measurements(since) if one.outcome is Outcome.DOWN and one.portal not in broken]
    result.check(not charged, f"{len(charged)} failures charged to a healthy portal, first {charged[:1]}")
    fallen = [one for one in harness.changes(since) if one.state is State.DOWN and one.portal not in broken]
    result.check(not fallen, f"reported as down: {fallen[:1]}")
    unknown = [one for one in harness.measurements(since) if one.outcome is Outcome.UNKNOWN]
    wrong = [one for one in unknown if not re.search(f"{reasons}|{BUSY}" if reasons else BUSY, one.detail)]
    result.check(not wrong, f"{len(wrong)} unknown outcomes with another reason, first {wrong[:1]}")
    notified = [
        one for one in harness.messages() if "prober" not in one.incident and one.incident.split("-")[0] not in broken
    ]
    result.check(not notified, f"a message was sent: {notified[:1]}")


def check_slots(result: Result, harness: DaemonHarness, since: int = 0) -> int:
    """Every slot of every check from its first to its newest has exactly one outcome; return how many there are."""
    found: dict[str, Counter[int]] = defaultdict(Counter)
    for one in harness.measurements(since):
        found[one.key][one.slot] += 1
    for check in harness.checks:
        slots = found[check.key]
        step = interval_ms(check)
        gone = [one for one in range(min(slots), max(slots), step) if one not in slots] if slots else []
        result.check(not gone, f"{check.key}: {len(gone)} slots without an outcome, first {gone[:1]}")
        twice = [slot for slot, count in slots.items() if count > 1]
        result.check(not twice, f"{check.key}: {len(twice)} slots with two outcomes")
        result.check(slots, f"{check.key}: no slot at all")
    return sum(map(len, found.values()))


def check_journal(result: Result, harness: DaemonHarness) -> int:
    """After a kill everything that could ever be read is still there, unchanged; return the number of records."""
    harness.read_journal()
    harness.kill()
    reader = JournalReader(harness.data / JOURNAL_FILE, PROBE_KINDS)
    try:
        now = {one.seq: one for one in reader.records_after(0, 10_000_000)}
    finally:
        reader.close()
    lost = [number for number, one in harness.seen.items() if now.get(number) != one]
    result.check(not lost, f"{len(lost)} committed records are gone or changed")
    return len(now)
