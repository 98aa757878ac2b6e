"""Broken surroundings at length: each trouble of :mod:`tests.environment`, all cases, with times to recovery."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.chaos.promise import Promise
from tests.environment import run

TEST = "tests/test_environment.py"
SECONDS = 350.0

TEXTS = {
    "disk full": "a full disk loses no look, is said at once, and is recovered from alone",
    "fsync fails": "so does a disk whose fsync fails",
    "file system read-only": "so does a file system that turned read-only",
    "no file descriptors": "without file descriptors no portal is blamed, nothing dies, notes of people wait",
    "stopped for 60 s": "a minute in which the daemon stood still is told as late, slot for slot",
    "resolver replaced": "a name server that moves, or dies first, blames no portal",
    "clock set an hour forward": "skipped slots are void and say so, as after a suspended hour",
    "clock set an hour back, and forward again": "no slot gets a second outcome; looks wait and readiness says it",
    "clock set a year forward": "a leap of a year writes a day of slots, not a year of them",
    "clock set a year back": "a clock that was wrong by a year is followed back: looks, states, pages",
    "clock set ten years back": "the same by ten years",
    "clock set nine years forward": "and forth again, into a year of which nothing is known",
    "InfluxDB lies": "no lie of an InfluxDB but a false 204 is taken for a stored look, and all arrive afterwards",
    "webhook, mail server and Alertmanager lie": "an outage is told to everybody once they listen, whatever they said",
    "no memory for the browser": "without memory renderings are void, other looks go on, later there is one again",
    "no time-zone data": "without time-zone data the bundled ones serve; without both there is a clear message",
    "no disk at the start": "a data directory that cannot be used is one sentence and exit code 1",
}
"""What is promised in each trouble; the lives' own last words, and further cases, are said as they are."""


def promises() -> list[Promise]:
    """All lives at the same time."""
    if reason := run.missing():
        return [Promise(part="Surroundings", text="could not be tried", test=TEST, cases=0, broken=(reason,))]
    names = ["disk", "machine", "clock", "database", "people", "memory", "start"]
    with tempfile.TemporaryDirectory(prefix="portal-monitor-chaos-") as scratch:
        found = run.all_of(names, Path(scratch) / "lives", long=True, seconds=SECONDS)
    return [
        Promise(
            part="Surroundings",
            text=TEXTS.get(one.trouble, f"{one.trouble}: every committed record is there, every slot has one outcome"),
            test=TEST,
            cases=one.cases,
            broken=tuple(one.broken),
            measured=one.measured,
        )
        for one in found
    ]
