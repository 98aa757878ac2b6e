"""``make bench`` runs every benchmark; ``make bench ARGS=schedule`` one of them."""

from __future__ import annotations

import sys
from collections.abc import Callable

from tests.bench import export, faults, lane, metrics, notify, phase_accuracy, render, schedule, score

BENCHMARKS: dict[str, Callable[[], object]] = {
    "schedule": schedule.main,
    "metrics": metrics.main,
    "phase_accuracy": phase_accuracy.main,
    "notify": notify.main,
    "faults": faults.main,
    "lane": lane.main,
    "render": render.main,
    "score": score.main,
    "export": export.main,
}


def main() -> None:
    chosen = sys.argv[1:] or list(BENCHMARKS)
    unknown = set(chosen) - BENCHMARKS.keys()
    if unknown:
        raise SystemExit(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    for name in chosen:
        print(f"\n== {name} ==", flush=True)
        BENCHMARKS[name]()


if __name__ == "__main__":
    main()
