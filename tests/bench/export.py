"""A quarter of the whole fleet, scored and reported in all formats: time and memory of a separate process.

Uses the quarter of ``tests.bench.score``: 41 million probes, 115,000 renders, the state changes of 106 portals, three
rubrics. The scores are its first step, compared with DuckDB's bare scan. ``--short`` takes 11 days of it.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

from monitor.config import load
from monitor.scoring import periods
from monitor.scoring.report import collect
from monitor.scoring.report.output import write_report
from monitor.scoring.report.registry import REPORT_FORMATS
from monitor.storage.archive.layout import day_of
from tests.bench import quarter, score
from tests.bench.quarter import FIRST, ZONE
from tests.bench.row import Row, spread
from tests.bench.score import SHIPPED, RecordingSource, complete, portals
from tests.factories import DAY

ROUNDS = 5
GOAL_SECONDS, GOAL_MIB = 10.0, 700


def run(directory: Path, days: int) -> None:
    """Export once in this process; prints JSON."""
    loaded = load(SHIPPED)
    first, last = day_of(FIRST, ZONE), day_of(FIRST + (days - 1) * DAY, ZONE)
    request = collect.ReportRequest(
        rules=loaded.rules,
        previous_rules=loaded.rules,
        portals=tuple(portals()),
        period=periods.parse(f"{first.date}..{last.date}", ZONE, last.until_ms),
        language="vi",
        directory=directory,
        now_ms=last.until_ms,
    )
    began, cpu = time.perf_counter(), time.process_time()
    steps_done: list[tuple[float, float, int]] = []
    source = RecordingSource(directory)

    def step() -> None:
        steps_done.append((time.perf_counter(), _peak(), len(source.requests)))

    report = collect.collect_report(request, source, step)
    gathered = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        write_report(report, Path(folder) / "export", list(REPORT_FORMATS), step)
        written = time.perf_counter()
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    times = [began, *(at for at, _, _ in steps_done)]
    steps = [then - now for now, then in pairwise(times)]
    _, scores_peak, queries = steps_done[0]
    result = {
        "scores": steps[0],
        "scores_peak": scores_peak,
        "requests": source.requests[:queries],
        "beside": gathered - began - steps[0],
        "formats": dict(zip(REPORT_FORMATS, steps[-len(REPORT_FORMATS) :], strict=True)),
        "seconds": written - began,
        "cpu": time.process_time() - cpu,
        "peak": _peak(),
        "size": size / 2**20,
    }
    print(json.dumps(result))


def _peak() -> float:
    """Most memory that this process had so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


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
        *(f"{name} s" for name in REPORT_FORMATS),
        "in all s",
        "cpu s",
        "files MiB",
        "peak RSS MiB",
    )
    print(" ".join(f"{name:>12}" for name in columns))
    every: list[dict[str, float]] = []
    bare_scans: list[float] = []
    for _ in range(ROUNDS):
        command = [sys.executable, "-m", "tests.bench.export", "--run", str(directory)]
        command += ["--short"] if chosen.short else []
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        values = (
            found["scores"],
            found["beside"],
            *found["formats"].values(),
            found["seconds"],
            found["cpu"],
            found["size"],
        )
        print(" ".join(f"{one:>12.2f}" for one in values), f"{found['peak']:>12.0f}", flush=True)
        every.append(found)
        bare_scans.append(score.bare_scan(directory, found["requests"]))
    took, peak = [one["seconds"] for one in every], max(one["peak"] for one in every)
    return [
        *score.rows([one["scores"] for one in every], bare_scans, max(one["scores_peak"] for one in every)),
        Row(
            name="scores, trend and all four formats of a quarter",
            ours=f"{spread(took, 's')}, peak {peak:.0f} MiB",
            goal=f"<= {GOAL_SECONDS:g} s, {GOAL_MIB} MiB",
            met=max(took) <= GOAL_SECONDS and peak <= GOAL_MIB,
        ),
    ]


if __name__ == "__main__":
    main()
