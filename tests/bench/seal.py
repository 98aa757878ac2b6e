"""A day of the whole fleet is sealed while probes go on: how long it takes, what it holds, what it delays.

``python -m tests.bench.seal`` makes a journal with 458,000 rows once (106 portals, 3 checks a minute, a day), keeps it
below the temporary directory, and seals a copy. Meanwhile 106 portals' probes start on their grid and are committed.
"""

from __future__ import annotations

import asyncio
import os
import random
import resource
import shutil
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.model.clock import SystemClock
from monitor.storage.archive import catalog, job
from monitor.storage.archive.job import ArchiveJob, ArchivePolicy
from monitor.storage.journal.journal import Journal
from monitor.storage.journal.store import JOURNAL_FILE, JournalWriter
from probes.registry import PROBE_KINDS
from probes.result import Outcome
from tests import factories
from tests.bench.row import Row, percentile, spread
from tests.factories import DAY, MINUTE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.model.records import Measurement

FIRST = 1_785_517_200_000
PORTALS = 106
ALONE, TRIMMED = 5.0, 8.0
"""Seconds of probes alone, and of those beside the trimming, which takes minutes."""

GOAL_SECONDS, GOAL_MIB, GOAL_LATE = 5.0, 300, 0.050
CHECKS = (("uptime", "uptime"), ("uptime-search", "uptime"), ("latency", "latency"))
PHASES = ("resolve_seconds", "connect_seconds", "tls_seconds", "send_seconds", "wait_seconds", "transfer_seconds")


def day() -> Iterator[Measurement]:
    """Every probe has its own numbers, as long as measured ones are; one in fifty fails."""
    draw = random.Random(1)  # noqa: S311 - no secret
    for slot in range(FIRST, FIRST + DAY, MINUTE):
        for portal in range(PORTALS):
            for check, kind in CHECKS:
                one = factories.measurement(
                    portal=f"portal-{portal:03d}", check=check, kind=kind, slot=slot + portal * 500,
                    outcome=Outcome.DOWN if draw.random() < 0.02 else Outcome.UP,
                )  # fmt: skip
                if one.outcome is Outcome.UP:
                    spent = {name: draw.random() for name in PHASES}
                    values = one.values | spent | {"address": f"192.0.2.{portal}", "ipv4_seconds": sum(spent.values())}
                    one = replace(one, values=values, duration=sum(spent.values()), start_delay=draw.random() / 100)
                yield one


def prepared() -> Path:
    directory = Path(tempfile.gettempdir()) / "portal-monitor-day"
    if not (directory / "done").exists():
        print("making a day of rows, once ...", file=sys.stderr)
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        writer = JournalWriter(directory / JOURNAL_FILE, PROBE_KINDS)
        writer._db.execute("PRAGMA synchronous = OFF")  # noqa: SLF001 - this journal is not needed after a crash
        batch: list[Measurement] = []
        for one in day():
            batch.append(one)
            if len(batch) == 10_000:
                writer.write(batch)
                batch.clear()
        writer.write(batch)
        writer.close()
        (directory / "done").touch()
    return directory


class Later(SystemClock):
    """The day after, so that the day is due."""

    def now(self) -> int:
        return FIRST + 5 * DAY


class FleetLoad:
    """Probes of the fleet on a grid: each records how late it starts, and how long its commit takes."""

    def __init__(self, journal: Journal, per_minute: int) -> None:
        self.late: list[float] = []
        self.commits: list[float] = []
        self.locked: list[float] = []
        self._journal, self._step = journal, 60 / per_minute
        journal.statistics.on_commit = self.locked.append

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        began, number = loop.time(), 0
        async with asyncio.TaskGroup() as group:
            while True:
                number += 1
                due = began + number * self._step
                await asyncio.sleep(due - loop.time())
                self.late.append(loop.time() - due)
                group.create_task(self._commit(number))

    async def _commit(self, number: int) -> None:
        began = time.perf_counter()
        await self._journal.commit(factories.measurement(portal="now", slot=FIRST + 5 * DAY + number))
        self.commits.append(time.perf_counter() - began)

    def line(self, title: str) -> str:
        series = [self.late, self.locked, self.commits]
        cells = [f"{percentile(one, 0.99) * 1e3:>9.1f} {max(one) * 1e3:>7.1f}" for one in series]
        self.late, self.commits = [], []
        self.locked.clear()
        return f"{title:<22} {' '.join(cells)}"


@dataclass(frozen=True, slots=True)
class Sealing:
    """A sealed day: ``seconds`` with the start of the process, its peak in MiB, p99 of the start delay in seconds."""

    rows: int
    seconds: float
    peak: float
    late: float


async def measure(directory: Path, per_minute: int) -> Sealing:
    job.MIN_SEALED_AGE_MS, job.TRIM_PAUSE_SECONDS = 0, 0.05
    journal = Journal.open(directory, PROBE_KINDS)
    load = FleetLoad(journal, per_minute)
    task = asyncio.create_task(load.run())
    kept = ArchiveJob(directory, journal, Later(), ArchivePolicy(zone="Asia/Ho_Chi_Minh"))
    await asyncio.sleep(ALONE)
    heads = ("late p99", "max", "write p99", "max", "done p99", "max")
    print(f"\n{f'{per_minute} probes/min, ms':<22} " + " ".join(f"{head:>{9 - 2 * (head == 'max')}}" for head in heads))
    print(load.line("alone"))
    began = time.perf_counter()
    await kept.sweep()
    seconds = time.perf_counter() - began
    late = percentile(load.late, 0.99)
    print(load.line("while a day is sealed"))
    began = time.perf_counter()
    gone = asyncio.create_task(kept.trim())
    await asyncio.wait([gone], timeout=TRIMMED)
    done = gone.result() if gone.done() else None
    print(load.line("while rows leave"))
    gone.cancel()
    task.cancel()
    await asyncio.gather(gone, task, return_exceptions=True)
    await journal.close()
    listed = catalog.load(directory)
    rows, size = sum(one.rows for one in listed), sum(one.size for one in listed)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(
        f"sealed {rows:,} rows in {seconds:.2f} s, process start included, {size / 2**20:.0f} MiB; "
        f"peak of the sealing process {peak:.0f} MiB; "
        f"trimmed {f'for {TRIMMED:g} s' if done is None else done}"
    )
    return Sealing(rows, seconds, peak, late)


def main() -> list[Row]:
    source = prepared()
    found: list[Sealing] = []
    for per_minute in (318, 1000):
        with tempfile.TemporaryDirectory(prefix="portal-monitor-seal-") as scratch:
            shutil.copy(source / JOURNAL_FILE, Path(scratch) / JOURNAL_FILE)
            os.sync()  # or the first commits wait for the copy to reach the disk
            found.append(asyncio.run(measure(Path(scratch), per_minute)))
            with closing(sqlite3.connect(Path(scratch) / JOURNAL_FILE)) as db:
                left = db.execute("SELECT COUNT(*) FROM measurement_uptime").fetchone()[0]
            print(f"{left:,} uptime rows left in the journal")
    seconds, peak, late = (max(getattr(one, name) for one in found) for name in ("seconds", "peak", "late"))
    return [
        Row(
            name=f"a day of {found[0].rows:,} rows sealed, process start included",
            ours=f"{spread([one.seconds for one in found], 's')}, peak {peak:.0f} MiB",
            goal=f"<= {GOAL_SECONDS:g} s, {GOAL_MIB} MiB",
            met=seconds <= GOAL_SECONDS and peak <= GOAL_MIB,
        ),
        Row(
            name="start delay p99 meanwhile, at 318 and 1,000 probes/min",
            ours=spread([one.late * 1e3 for one in found], "ms"),
            goal=f"<= {GOAL_LATE * 1e3:g} ms",
            met=late <= GOAL_LATE,
        ),
    ]


if __name__ == "__main__":
    main()
