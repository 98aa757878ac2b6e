"""``make bench`` runs every benchmark with a goal, ``make bench-cost`` one; ``--write FILE`` keeps the table."""

from __future__ import annotations

import argparse
import asyncio
import inspect
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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
    metrics,
    notify,
    outage,
    phase_accuracy,
    pools,
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
    "notify": lambda: notify.main(1),
    "startup": startup.main,
    "commit": commit.main,
    "seal": seal.main,
    "drain": drain.main,
    "export": export.main,
}
"""Those of the table. Each returns its rows, or a coroutine of them."""

LONG: dict[str, Callable[[], object]] = {
    "metrics": metrics.main,
    "growth": schedule.growth,
    "pools": pools.main,
    "quarter": quarter.main,
    "score": score.main,
    "dashboards": dashboards.main,
    "render": render.main,
    "outage": outage.main,
    "phase_accuracy": phase_accuracy.main,
    "faults": faults.main,
    "influx_history": influx_history.main,
}
"""Run when they are named: they take long, or measure in detail what another measures in passing. Some only print."""

WAITS = "notify"
"""It waits for minutes and works for moments, so what follows runs beside it."""


def main() -> int:
    """Run the named benchmarks; return 1 when one could not run or missed its goal."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join([*BENCHMARKS, *LONG])}")
    parser.add_argument("--write", type=Path, help="write the table, the machine and the versions to this file")
    parser.add_argument("--rows", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if unknown := set(options.names) - BENCHMARKS.keys() - LONG.keys():
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join([*BENCHMARKS, *LONG])}")
    chosen = options.names or list(BENCHMARKS)
    if options.rows is not None:
        options.rows.write_bytes(pickle.dumps(_rows(chosen[0])))
        return 0
    began = time.monotonic()
    with ThreadPoolExecutor(1) as beside:
        found = {name: beside.submit(_run, name) if name == WAITS else _run(name) for name in chosen}
        rows = [row for one in found.values() for row in (one if isinstance(one, list) else one.result())]
    minutes = (time.monotonic() - began) / 60
    print(f"\n{table(rows)}\n{minutes:.1f} minutes")
    if options.write is not None:
        report.write(options.write, rows, chosen, minutes)
    return int(any(row.met is False for row in rows))


def _run(name: str) -> list[Row]:
    """Run a benchmark in a separate process, so that its leftovers are in no other account; return its rows."""
    print(f"\n== {name} ==", flush=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        kept = Path(scratch) / "rows"
        subprocess.run([sys.executable, "-m", "tests.bench", name, "--rows", str(kept)], check=False)
        print(f"{name} took {time.monotonic() - began:.0f} s", flush=True)
        if not kept.exists():
            return [Row(name=name, ours="aborted", met=False, why="it aborted")]
        rows: list[Row] = pickle.loads(kept.read_bytes())  # noqa: S301 - written by our own process
        return rows


def _rows(name: str) -> list[Row]:
    """Run it here; return a row with the reason when it could not run."""
    sys.argv[1:] = []  # some of them parse arguments themselves
    try:
        found = (BENCHMARKS | LONG)[name]()
        if inspect.iscoroutine(found):
            found = asyncio.run(found)
    except CannotRun as error:
        print(f"cannot run: {error}", file=sys.stderr)
        return [Row(name=name, ours="could not run", met=False, why=str(error))]
    except SystemExit as error:
        return [Row(name=name, ours=str(error.code), met=False)] if error.code else []
    return found if isinstance(found, list) else []


if __name__ == "__main__":
    raise SystemExit(main())
