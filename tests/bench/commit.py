"""How long a group commit takes while probes trickle in, and how many rows a second a flood of them reaches."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.storage.journal.journal import Journal
from probes.registry import PROBE_KINDS
from tests import factories
from tests.bench.fleet import measurements
from tests.bench.row import Row, percentile, spread

if TYPE_CHECKING:
    from monitor.model.records import Measurement

RATE, SECONDS = 100, 15.0
FLOOD, FLOODS = 10_000, 5


def main() -> list[Row]:
    return asyncio.run(_measure())


async def _measure() -> list[Row]:
    with tempfile.TemporaryDirectory() as scratch:
        journal = Journal.open(Path(scratch), PROBE_KINDS)
        taken: list[float] = []
        journal.statistics.on_commit = taken.append
        for number in range(int(RATE * SECONDS)):
            journal.submit(factories.measurement(portal="now", slot=factories.SLOT - 1 - number))
            await asyncio.sleep(1 / RATE)
        trickle = sorted(taken)
        rates = [await _flood(journal, batch) for batch in _batches()]
        await journal.close()
    p99 = percentile(trickle, 0.99)
    print(f"{len(trickle)} commits: p50 {statistics.median(trickle) * 1e3:.1f} ms, p99 {p99 * 1e3:.1f} ms")
    return [
        Row(name=f"journal commit p99, {RATE} probes/s", ours=f"{p99 * 1e3:.1f} ms"),
        Row(name="journal rows a second, flood", ours=spread(rates, "rows/s")),
    ]


def _batches() -> list[list[Measurement]]:
    every = measurements(3.0)
    return [[next(every) for _ in range(FLOOD)] for _ in range(FLOODS)]


async def _flood(journal: Journal, batch: list[Measurement]) -> float:
    began = time.perf_counter()
    await journal.commit_all(batch)
    return len(batch) / (time.perf_counter() - began)
