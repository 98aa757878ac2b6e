"""``make bench`` runs every benchmark with a goal, ``make bench-cost`` one; ``--write FILE`` keeps the table."""

from __future__ import annotations

import argparse
import asyncio
import inspect
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench import (
    accuracy,
    alone,
    commit,
    cost,
    dashboards,
    drain,
    export,
    faults,
    influx_history,
    lane,
    metrics,
    notify,
    outage,
    phase_accuracy,
    quarter,
    render,
    report,
    schedule,
    score,
    seal,
    startup,
)
from tests.bench.row import CannotRun, Row, table

BENCHMARKS: dict[str, Callable[[], object]] = {
    "cost": cost.main,
    "alone": alone.main,
    "accuracy": accuracy.main,
    "schedule": schedule.main,
    "metrics": metrics.main,
    "startup": startup.main,
    "commit": commit.main,
    "notify": lambda: notify.main(1),
    "seal": seal.main,
    "drain": drain.main,
    "lane": lane.main,
}
"""Those of the table. Each returns its rows, a coroutine of them, or nothing when it only prints figures."""

LONG: dict[str, Callable[[], object]] = {
    "quarter": quarter.main,
    "score": score.main,
    "export": export.main,
    "dashboards": dashboards.main,
    "render": render.main,
    "outage": outage.main,
    "phase_accuracy": phase_accuracy.main,
    "faults": faults.main,
    "influx_history": influx_history.main,
}
"""Run when they are named: they make millions of rows, or tell what another tells in passing."""


def main() -> int:
    """Run what is named; 1 when one could not run or missed its goal."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join([*BENCHMARKS, *LONG])}")
    parser.add_argument("--write", type=Path, help="write the table, the machine and the versions to this file")
    options = parser.parse_args()
    every = BENCHMARKS | LONG
    if unknown := set(options.names) - every.keys():
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(every)}")
    chosen = options.names or list(BENCHMARKS)
    sys.argv[1:] = []  # some of them read arguments of their own
    rows, failed, began = [], [], time.monotonic()
    for name in chosen:
        print(f"\n== {name} ==", flush=True)
        try:
            rows += _run(every[name])
        except CannotRun as error:
            print(f"cannot run: {error}", file=sys.stderr)
            failed.append(Row(name=name, ours=f"could not run: {error}", met=False))
        except SystemExit as error:
            if error.code:
                failed.append(Row(name=name, ours=str(error.code), met=False))
    minutes = (time.monotonic() - began) / 60
    print(f"\n{table([*rows, *failed])}\n{minutes:.1f} minutes")
    if options.write is not None:
        options.write.write_text(report.page([*rows, *failed], chosen, minutes))
    return int(any(row.met is False for row in [*rows, *failed]))


def _run(benchmark: Callable[[], object]) -> list[Row]:
    found = benchmark()
    if inspect.iscoroutine(found):
        found = asyncio.run(found)
    return found if isinstance(found, list) else []


if __name__ == "__main__":
    raise SystemExit(main())
