"""A daemon under load of web clients: the clients' tally, and the start delays of its probes meanwhile."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monitor.storage.journal.store import JOURNAL_FILE
from tests.bench.subject import Daemon, nginx, pinned

PORTALS = 100
INTERVAL = 7.0


@dataclass(frozen=True, kw_only=True)
class Found:
    """``start_delays`` of all probes in seconds, sorted; ``share`` of a core for the daemon; the clients' tally."""

    start_delays: list[float]
    share: float
    bad: int
    clients: dict[str, Any]

    def late(self, quantile: float) -> float:
        return self.start_delays[min(len(self.start_delays) - 1, int(quantile * len(self.start_delays)))]


def watched(directory: Path, seconds: float, rate: float, slow: int) -> Found:
    """Watch made-up portals for ``seconds`` under ``rate`` requests a second and ``slow`` clients, on a core each."""
    with nginx(directory / "portals") as (port, ca), Daemon(directory, PORTALS, INTERVAL, port, ca) as daemon:
        time.sleep(2 * INTERVAL)  # every portal was probed, and its page is complete
        since, before = time.time(), daemon.usage()
        words = (daemon.listen, str(seconds), str(rate), str(slow))
        done = subprocess.run(
            pinned(0, [sys.executable, "-m", "tests.servers.bad_clients", *words]),
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            timeout=seconds + 120,
            check=False,
        )
        until, after = time.time(), daemon.usage()
        assert done.returncode == 0, done.stderr
        daemon.get("/-/ready")  # raises when it is not
        time.sleep(1)  # the last results are committed
        with contextlib.closing(sqlite3.connect(daemon.data / JOURNAL_FILE)) as db:
            sql = "SELECT start_delay, outcome FROM measurement_uptime WHERE slot > ? AND slot <= ? AND attempt = 1"
            rows = db.execute(sql, (since * 1000, until * 1000)).fetchall()
    start_delays = sorted(row[0] for row in rows if row[0] is not None)
    share = (after.cpu - before.cpu) / (until - since)
    return Found(
        start_delays=start_delays, share=share, bad=sum(row[1] != "up" for row in rows), clients=json.loads(done.stdout)
    )
