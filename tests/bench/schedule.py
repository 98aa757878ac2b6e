"""Start delay, memory, CPU and `/metrics` at 100, 1,000 and 10,000 checks a minute, beside the usual programs.

No slot may be lost and no probe may fail meanwhile: otherwise there is no result.
"""

from __future__ import annotations

import contextlib
import sqlite3
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from monitor.storage.journal.store import JOURNAL_FILE
from tests.bench.metrics import scraped
from tests.bench.peers import Peers
from tests.bench.row import CannotRun, Row, compared, percentile, spread, table
from tests.bench.subject import Daemon, nginx, urls

SIZES = (100, 1000, 10_000)
BESIDE = (1000,)
"""With so many checks the other side is measured as well: the goal compares there."""

GOALS = {100: 0.010, 1000: 0.050, 10_000: 0.250}
"""p99 of start delay in seconds, by checks a minute."""

INTERVAL, SECONDS, WINDOWS = 60.0, 64.0, 5


def growth() -> list[Row]:
    """The same, with the other side at the greatest number as well: too slow for the whole table."""
    return main(beside=SIZES[1:])


def main(sizes: tuple[int, ...] = SIZES, seconds: float = SECONDS, *, beside: tuple[int, ...] = BESIDE) -> list[Row]:
    rows: list[Row] = []
    growth: dict[int, tuple[float, float]] = {}
    for size in sizes:
        with tempfile.TemporaryDirectory() as scratch, nginx(Path(scratch)) as (port, ca):
            daemon = Daemon(Path(scratch) / "daemon", size, INTERVAL, port, ca)
            with daemon:
                ours = _watched(daemon, seconds)
                pages = scraped(daemon)
            late = _start_delays(daemon)
            theirs = None
            if size in beside:
                with Peers(Path(scratch) / "peers", urls(size, port), INTERVAL, ca) as peers:
                    theirs = _watched(peers, seconds)
        p50, p99, most = (percentile(late, share) for share in (0.5, 0.99, 1.0))
        rows.append(
            Row(
                name=f"start delay at {size:,} checks/min",
                ours=f"p50 {p50 * 1e3:.1f} ms, p99 {p99 * 1e3:.1f} ms, most {most * 1e3:.1f} ms",
                goal=f"p99 <= {GOALS[size] * 1e3:g} ms",
                met=p99 <= GOALS[size],
                why=_full(statistics.median(ours.cpu)),
            )
        )
        rows += _beside(size, ours, theirs)
        growth[size] = statistics.median(ours.cpu), statistics.median(ours.resident)
        rows += pages
        print(table(rows[-5:]), flush=True)
    return [*rows, *_linear(growth)]


FULL = 54.0
"""Seconds of CPU in a minute from which on probes queue for the core, and their delay has no other cause."""


def _full(cpu: float) -> str:
    return "" if cpu < FULL else f"the probes take the whole core, {cpu:.1f} s of CPU a minute, and wait for each other"


def _beside(size: int, ours: _Watched, theirs: _Watched | None) -> list[Row]:
    cpu, memory = f"CPU a minute at {size:,} checks/min", f"resident memory at {size:,} checks"
    if theirs is None:
        return [Row(name=cpu, ours=spread(ours.cpu, "s")), Row(name=memory, ours=spread(ours.resident, "MiB"))]
    most = 1.0 if size in BESIDE else None
    return [
        compared(cpu, ours.cpu, theirs.cpu, unit="s"),
        compared(memory, ours.resident, theirs.resident, unit="MiB", most=most),
    ]


@dataclass(slots=True)
class _Watched:
    """CPU seconds a minute and resident MiB, of each of several windows."""

    cpu: list[float]
    resident: list[float]


def _watched(side: Daemon | Peers, seconds: float) -> _Watched:
    """Measure a side while it works, after a moment to start in; memory once every check was probed."""
    time.sleep(seconds * 0.1)
    found = _Watched([], [])
    before = side.usage()
    for _ in range(WINDOWS):
        time.sleep(seconds * 0.9 / WINDOWS)
        after = side.usage()
        found.cpu.append((after.cpu - before.cpu) / (seconds * 0.9 / WINDOWS) * 60)
        before = after
    found.resident = [before.resident / 2**20] * WINDOWS
    return found


def _start_delays(daemon: Daemon) -> list[float]:
    """Seconds by which each probe began after its slot; raises when probes failed or slots are missing."""
    with contextlib.closing(sqlite3.connect(daemon.data / JOURNAL_FILE)) as db:
        columns = "portal, slot, outcome, start_delay"
        rows = db.execute(f"SELECT {columns} FROM measurement_uptime WHERE unknown_reason IS NOT 'stopped'").fetchall()
    bad, missing = sum(row[2] != "up" for row in rows), lost(rows, INTERVAL)
    if bad or missing or not rows:
        raise CannotRun(f"of {len(rows)} probes {bad} failed, and {missing} are missing")
    return [row[3] for row in rows]


def _linear(growth: dict[int, tuple[float, float]]) -> list[Row]:
    """What one more check costs between the sizes: linear growth has one slope, and never a steeper one later."""
    (a, first), (b, second), (c, third) = sorted(growth.items())[:3]
    rows = []
    for number, (name, unit) in enumerate((("CPU s a minute", "s"), ("memory", "MiB"))):
        low, high = (second[number] - first[number]) / (b - a), (third[number] - second[number]) / (c - b)
        rows.append(
            Row(
                name=f"{name}, for 1,000 checks more: from {a:,} to {b:,}, from {b:,} to {c:,}",
                ours=f"{low * 1000:.3g} {unit}, {high * 1000:.3g} {unit}",
                goal="linear: the second at most 1.25 times the first",
                met=high <= 1.25 * low,
            )
        )
    return rows


def lost(rows: list[tuple[str, int, str, float]], interval: float) -> int:
    """Slots missing between a check's first and last outcome; a slot is there once, the journal sees to that."""
    step = int(interval * 1000)
    spans: dict[str, list[int]] = {}
    for portal, slot, _, _ in rows:
        spans.setdefault(portal, []).append(slot)
    return sum((max(slots) - min(slots)) // step + 1 - len(slots) for slots in spans.values())
