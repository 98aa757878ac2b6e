"""Start lateness, lost slots, memory and CPU of the daemon at 106, 1,000 and 10,000 checks a minute."""

from __future__ import annotations

import sqlite3
import tempfile
import time
from pathlib import Path

from monitor.store import FILE
from tests.bench.subject import Daemon, nginx


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def main(sizes: tuple[int, ...] = (106, 1000, 10_000), seconds: float = 75.0, interval: float = 60.0) -> None:
    print(
        f"{'checks/min':>10} {'looks':>7} {'lost':>5} {'void':>5} {'down':>5} "
        f"{'late p50':>9} {'p99':>9} {'max':>9} {'RSS MiB':>8} {'peak':>6} {'CPU s/1000 looks':>17}"
    )
    for size in sizes:
        with tempfile.TemporaryDirectory() as scratch, nginx(Path(scratch)) as (port, ca):
            _one(Daemon(Path(scratch) / "daemon", size, interval, port, ca), seconds, interval)


def _one(daemon: Daemon, seconds: float, interval: float) -> None:
    with daemon:
        begun = daemon.usage()
        time.sleep(seconds)
        used = daemon.usage()
    db = sqlite3.connect(daemon.data / FILE)
    rows = db.execute("SELECT portal, slot, outcome, lateness FROM look_uptime").fetchall()
    late = [row[3] for row in rows if row[3] is not None]
    cpu = (used.cpu - begun.cpu) / len(late) * 1000
    print(
        f"{daemon.checks:>10} {len(rows):>7} {lost(rows, interval):>5} {sum(r[2] == 'void' for r in rows):>5} "
        f"{sum(r[2] == 'down' for r in rows):>5} "
        f"{percentile(late, 0.5) * 1e3:>6.1f} ms {percentile(late, 0.99) * 1e3:>6.1f} ms {max(late) * 1e3:>6.1f} ms "
        f"{used.resident / 2**20:>8.0f} {used.peak / 2**20:>6.0f} {cpu:>17.2f}",
        flush=True,
    )


def lost(rows: list[tuple[str, int, str, float]], interval: float) -> int:
    """Slots missing between a check's first and last outcome; a slot is there once, the journal sees to that."""
    step = int(interval * 1000)
    spans: dict[str, list[int]] = {}
    for portal, slot, _, _ in rows:
        spans.setdefault(portal, []).append(slot)
    return sum((max(slots) - min(slots)) // step + 1 - len(slots) for slots in spans.values())


if __name__ == "__main__":
    main()
