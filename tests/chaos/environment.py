"""Faults of the environment at length: each fault of :mod:`tests.environment`, all cases, with times to recovery."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.chaos.guarantee import Guarantee
from tests.environment import run

TEST = "tests/test_environment.py"
SECONDS = 350.0

TEXTS = {
    "disk full": "a full disk loses no result, is reported at once, and needs no restart afterwards",
    "fsync fails": "the same for a disk whose fsync fails",
    "file system read-only": "the same for a file system that turned read-only",
    "no file descriptors": "without file descriptors no portal is charged, nothing dies, notes of operators wait",
    "stopped for 60 s": "a minute in which the daemon was stopped is recorded as late, slot for slot",
    "resolver replaced": "a name server that moves, or dies first, charges no portal",
    "clock set an hour forward": "skipped slots are unknown with their reason, as after a suspended hour",
    "clock set an hour back, and forward again": "no slot gets a second outcome; probes wait and readiness reports it",
    "clock set a year forward": "a leap of a year writes a day of slots, not a year of them",
    "clock set a year back": "a clock that was wrong by a year is followed back: probes, states, pages",
    "clock set ten years back": "the same by ten years",
    "clock set nine years forward": "and forward again, into a year without records",
    "InfluxDB answers wrongly": "no wrong answer but a false 204 counts as stored, and all results arrive later",
    "webhook, mail server and Alertmanager answer wrongly": "every target gets each outage once it accepts",
    "no memory for the browser": "without memory page loads are unknown, other probes go on, later pages load again",
    "no time-zone data": "without time-zone data the bundled data are used; without both there is a clear message",
    "no disk at the start": "an unusable data directory gives one sentence and exit code 1",
}
"""Fault to guarantee. The last result of a scenario, about all its faults, has a text of its own below."""


def guarantees() -> list[Guarantee]:
    """Run all scenarios at the same time."""
    if reason := run.missing():
        return [Guarantee(part="Environment faults", text="could not be tried", test=TEST, cases=0, broken=(reason,))]
    names = ["disk", "machine", "clock", "database", "targets", "memory", "start"]
    with tempfile.TemporaryDirectory(prefix="portal-monitor-chaos-") as scratch:
        found = run.all_of(names, Path(scratch) / "scenarios", long=True, seconds=SECONDS)
    return [
        Guarantee(
            part="Environment faults",
            text=TEXTS.get(one.fault, f"{one.fault}: every committed record is there, every slot has one outcome"),
            test=TEST,
            cases=one.cases,
            broken=tuple(one.broken),
            measured=one.measured,
        )
        for one in found
    ]
