"""A quarter of the whole fleet, scored and handed over in all formats: time and memory of a process of its own.

Uses the quarter of ``tests.bench.score``: 41 million looks, 115,000 renders, the state changes of 106 portals, three
rubrics. ``--short`` takes 11 days of it.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from monitor import handover
from monitor.archive.layout import day_of
from monitor.config import load
from monitor.export.kinds import FORMATS
from monitor.export.writing import write
from monitor.score_source import ArchiveSource
from monitor.scoring import periods
from tests.bench import quarter
from tests.bench.quarter import FIRST, ZONE
from tests.bench.row import Row, spread
from tests.bench.score import SHIPPED, complete, portals
from tests.factories import DAY

ROUNDS = 5
GOAL_SECONDS, GOAL_MIB = 10.0, 700


def run(directory: Path, days: int) -> None:
    """Export once in this process; prints JSON."""
    loaded = load(SHIPPED)
    first, last = day_of(FIRST, ZONE), day_of(FIRST + (days - 1) * DAY, ZONE)
    asked = handover.Asked(
        rules=loaded.rules,
        every=loaded.rules,
        portals=tuple(portals()),
        period=periods.parse(f"{first.label}..{last.label}", ZONE, last.until),
        language="vi",
        directory=directory,
        now=last.until,
    )
    began, cpu = time.perf_counter(), time.process_time()
    told: list[float] = []
    report = handover.gather(asked, ArchiveSource(directory), lambda: told.append(time.perf_counter()))
    gathered = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        write(report, Path(folder) / "export", list(FORMATS), lambda: told.append(time.perf_counter()))
        written = time.perf_counter()
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    steps = [then - now for now, then in zip([began, *told], told, strict=False)]
    answer = {
        "scores": steps[0],
        "beside": gathered - began - steps[0],
        "formats": dict(zip(FORMATS, steps[-len(FORMATS) :], strict=True)),
        "seconds": written - began,
        "cpu": time.process_time() - cpu,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "size": size / 2**20,
    }
    print(json.dumps(answer))


def main() -> list[Row]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="11 days")
    parser.add_argument("--run", type=Path, help=argparse.SUPPRESS)
    chosen, _ = parser.parse_known_args()
    days = 11 if chosen.short else 90
    if chosen.run:
        run(chosen.run, days)
        return []
    directory = quarter.place(days)
    if not directory.exists():
        quarter.make(directory, days)
    complete(directory, days)
    columns = (
        "scores s",
        "trend s",
        *(f"{name} s" for name in FORMATS),
        "in all s",
        "cpu s",
        "files MiB",
        "peak RSS MiB",
    )
    print(" ".join(f"{name:>12}" for name in columns))
    every: list[dict[str, float]] = []
    for _ in range(ROUNDS):
        command = [sys.executable, "-m", "tests.bench.export", "--run", str(directory)]
        command += ["--short"] if chosen.short else []
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        figures = (
            found["scores"],
            found["beside"],
            *found["formats"].values(),
            found["seconds"],
            found["cpu"],
            found["size"],
        )
        print(" ".join(f"{one:>12.2f}" for one in figures), f"{found['peak']:>12.0f}", flush=True)
        every.append(found)
    took, peak = [one["seconds"] for one in every], max(one["peak"] for one in every)
    return [
        Row(
            name="scores, trend and all four formats of a quarter",
            ours=f"{spread(took, 's')}, peak {peak:.0f} MiB",
            goal=f"<= {GOAL_SECONDS:g} s, {GOAL_MIB} MiB",
            met=max(took) <= GOAL_SECONDS and peak <= GOAL_MIB,
        )
    ]


if __name__ == "__main__":
    main()
