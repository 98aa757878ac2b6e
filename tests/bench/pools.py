"""Start delay of uptime probes while the browser pool is idle, and while it is saturated."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import yaml

from monitor.storage.journal.store import JOURNAL_FILE
from tests.bench.row import Row, percentile, spread
from tests.bench.subject import Daemon, nginx

APART = 0.010
"""Seconds by which p99 of the start delay may be greater while pages are rendered."""

RENDERED = 60
"""Portals that are rendered, each of them every 130 s: a slot every two seconds, and a load takes longer."""


@dataclass(frozen=True, slots=True)
class StartDelays:
    """Seconds by which the uptime probes of one run began late; ``loads`` were made meanwhile."""

    late: list[float]
    loads: int
    unknown: int

    def at(self, share: float) -> float:
        return percentile(self.late, share)


def measure(directory: Path, port: int, ca: Path, *, rendering: bool, checks: int, seconds: float) -> StartDelays:
    """Run the daemon over ``checks`` uptime checks every ten seconds, with or without a browser at work."""
    daemon = Daemon(directory, checks, 10.0, port, ca)
    path = daemon.config / "monitor.yaml"
    settings = yaml.safe_load(path.read_text())
    settings["browser"] = {"min_speed_ratio": 0.0}
    settings["checks"]["mobile"] = {"interval": 130, "timeout": 10, "runs": 1, "enabled": False}
    path.write_text(yaml.safe_dump(settings))
    path = daemon.config / "portals.yaml"
    portals = yaml.safe_load(path.read_text())
    for portal in portals["portals"][: RENDERED if rendering else 0]:
        portal["checks"] = {"mobile": {"enabled": True}}
    path.write_text(yaml.safe_dump(portals))
    with daemon:
        os.sched_setaffinity(daemon.process.pid, range(os.cpu_count() or 1))  # daemon and browser share the machine
        time.sleep(8.0)  # until the browser is there
        since = time.time() * 1000
        time.sleep(seconds)
    db = sqlite3.connect(daemon.data / JOURNAL_FILE)
    sql = "SELECT start_delay FROM measurement_uptime WHERE start_delay IS NOT NULL AND slot >= ?"
    late = [row[0] for row in db.execute(sql, (since,))]
    loads = db.execute(
        "SELECT COUNT(*), SUM(outcome = 'unknown') FROM measurement_mobile WHERE started IS NOT NULL"
    ).fetchone()
    return StartDelays(late, loads[0], loads[1] or 0)


def main(checks: int = 500, seconds: float = 20.0, rounds: int = 2) -> list[Row]:
    p99: dict[bool, list[float]] = {False: [], True: []}
    print(f"{'browser pool':<12} {'probes':>6} {'loads':>6} {'unknown':>7} {'late p50':>9} {'p99':>9} {'max':>9}")
    for number in range(rounds):
        for rendering in (False, True):
            with tempfile.TemporaryDirectory() as scratch, nginx(Path(scratch)) as (port, ca):
                place = Path(scratch) / f"daemon-{number}"
                found = measure(place, port, ca, rendering=rendering, checks=checks, seconds=seconds)
            p99[rendering].append(found.at(0.99) * 1e3)
            print(
                f"{'saturated' if rendering else 'idle':<12} {len(found.late):>6} {found.loads:>6} {found.unknown:>7} "
                f"{found.at(0.5) * 1e3:>6.1f} ms {found.at(0.99) * 1e3:>6.1f} ms {max(found.late) * 1e3:>6.1f} ms",
                flush=True,
            )
    worst = max(busy - idle for busy, idle in zip(p99[True], p99[False], strict=True))
    return [
        Row(
            name=f"start delay p99 at {checks / 10:g} probes/s: browser pool saturated, idle",
            ours=f"{spread(p99[True], 'ms')}; idle {spread(p99[False], 'ms')}",
            goal=f"within {APART * 1e3:g} ms",
            met=worst <= APART * 1e3,
        )
    ]


if __name__ == "__main__":
    main()
