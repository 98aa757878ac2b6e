"""CPU per 1,000 HTTPS probes with fresh TLS, stored and exposed: the daemon beside blackbox_exporter and Prometheus.

1,000 targets, one hundred probes a second. The two sides are started in turn, each on the core that the servers leave
free; each warms up before the kernel's account of it is read. Our ``/metrics`` is scraped once in every interval.
Beside them runs a bare loop of this Python's ``ssl``: the lower bound of every probe written in Python.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from tests.bench.bare_tls import bare_tls_cpu
from tests.bench.peers import Peers
from tests.bench.row import CannotRun, Row, compared
from tests.bench.subject import Daemon, nginx, urls

TARGETS, INTERVAL = 1000, 10.0
ROUNDS, WARM, COUNTED, STORED = 5, 10.5, 8.0, 2.0
"""Rounds, and seconds: every target was probed once, what is counted, and until the last probe is stored."""
WHY = """a handshake of OpenSSL 3.0 (Debian 12) leaves nearly nothing of the goal for the rest: the bare loop in the \
row below is the lower bound, and [connection.md](connection.md#where-the-time-goes) has the profile"""


def main(rounds: int = ROUNDS) -> list[Row]:
    cpu: tuple[list[float], list[float]] = ([], [])
    memory: tuple[list[float], list[float]] = ([], [])
    bare: list[float] = []
    with tempfile.TemporaryDirectory() as scratch, nginx(Path(scratch)) as (port, ca):
        for number in range(rounds):
            sides: list[Daemon | Peers] = [
                Daemon(Path(scratch) / f"ours-{number}", TARGETS, INTERVAL, port, ca),
                Peers(Path(scratch) / f"theirs-{number}", urls(TARGETS, port), INTERVAL, ca),
            ]
            for side in (0, 1) if number % 2 else (1, 0):
                seconds, resident = _counted(sides[side])
                cpu[side].append(seconds)
                memory[side].append(resident)
                print(
                    f"{('ours', 'theirs')[side]:>6}: {seconds:.2f} CPU s per 1,000 probes, {resident:.0f} MiB",
                    flush=True,
                )
            bare.append(bare_tls_cpu(port, str(ca)))
            print(f"  bare: {bare[-1]:.2f} CPU s per 1,000 connections", flush=True)
    rows = [compared("CPU per 1,000 probes: probe, storage, exposure", *cpu, unit="s", most=0.8, why=WHY)]
    rows.append(compared("the same: a bare loop of Python's ssl, which does nothing else", bare, cpu[1], unit="s"))
    rows.append(compared("resident memory, 1,000 targets, 100 probes/s", *memory, unit="MiB", most=1.0))
    return rows


def _counted(side: Daemon | Peers) -> tuple[float, float]:
    """CPU seconds per 1,000 probes, and resident MiB, of one side after it has warmed up."""
    with side:
        time.sleep(WARM)
        since, before = time.time(), side.usage()
        time.sleep(COUNTED / 2)
        if isinstance(side, Daemon):
            side.get("/metrics")
        time.sleep(COUNTED / 2)
        until, after = time.time(), side.usage()
        time.sleep(STORED)
        probes, bad = side.probes(since, until)
    if bad or abs(probes - TARGETS * (until - since) / INTERVAL) > 0.1 * probes:
        raise CannotRun(
            f"{type(side).__name__} made {probes} probes, {bad} of them failed: the values would mean nothing"
        )
    return (after.cpu - before.cpu) / probes * 1000, after.resident / 2**20


if __name__ == "__main__":
    for row in main():
        print(row)
