"""How long `/metrics` takes while the daemon probes, and how long the event loop is blocked meanwhile."""

from __future__ import annotations

import http.client
import multiprocessing
import os
import re
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from tests.bench.row import Row, percentile, spread
from tests.bench.subject import Daemon, nginx

SCRAPES, LEAST, TIMEOUT_SECONDS, PAUSE = 15, 5, 12.0, 0.6
"""Pages that are scraped; at least so many, where they take longer than so many seconds; seconds between them."""

SERIES = re.compile(r"(\w+)(?:\{(.*)\})? (\S+)")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

INTERVAL = 60.0
STALL = 0.020
HEADS = "  checks   series    MiB       p50       max | other requests wait: p99 idle  p99 scraping       max"


def main(sizes: tuple[int, ...] = (100, 1000, 10_000)) -> list[Row]:
    rows: list[Row] = []
    for size in sizes:
        with (
            tempfile.TemporaryDirectory() as scratch,
            nginx(Path(scratch)) as (port, ca),
            Daemon(Path(scratch) / "daemon", size, INTERVAL, port, ca) as daemon,
        ):
            time.sleep(INTERVAL + 2)  # every check has been probed once
            rows += scraped(daemon)
    return rows


def scraped(daemon: Daemon) -> list[Row]:
    """Scrape a daemon, whose every check has been probed, again and again."""
    size = daemon.checks
    print(HEADS)
    idle = Pings(daemon.listen)
    time.sleep(3)
    quiet = idle.stop()
    busy = Pings(daemon.listen)
    try:
        taken, page = _scrape(daemon)
    except (OSError, http.client.HTTPException) as error:
        return [Row(name=f"/metrics at {size:,} checks", ours="overloaded", met=False, why=str(error))]
    finally:
        waits = busy.stop()
    series = sum(not line.startswith(b"#") for line in page.splitlines())
    values = (percentile(taken, 0.5), max(taken), percentile(quiet, 0.99), percentile(waits, 0.99), max(waits))
    took, longest, idle_wait, busy_wait, longest_wait = (f"{1e3 * value:.1f} ms" for value in values)
    print(
        f"{size:>8} {series:>8} {len(page) / 2**20:>6.1f} {took:>9} {longest:>9} | "
        f"{idle_wait:>29} {busy_wait:>13} {longest_wait:>9}",
        flush=True,
    )
    plain = _plain(page)
    return [
        Row(
            name=f"/metrics at {size:,} checks, {series:,} series: time",
            ours=spread([1e3 * one for one in taken], "ms"),
            theirs=spread([1e3 * one for one in plain], "ms"),
            ratio=f"{percentile(taken, 0.5) / percentile(plain, 0.5):.2f}",
        ),
        Row(
            name=f"/metrics at {size:,} checks: longest wait of another request, scraped or not",
            ours=f"{longest_wait}, {1e3 * max(quiet):.1f} ms",
            theirs=f"{1e3 * max(plain):.1f} ms",
            goal=f"<= {STALL * 1e3:g} ms",
            met=max(waits) <= STALL,
            why="the probes alone keep another request waiting for longer than that, as the second value shows"
            if max(quiet) > STALL
            else "",
        ),
    ]


def _scrape(daemon: Daemon) -> tuple[list[float], bytes]:
    """Seconds that each page took, and the last one. Raises OSError and HTTPException when it was refused or cut."""
    taken, page = [], b""
    while len(taken) < LEAST or (len(taken) < SCRAPES and sum(taken) < TIMEOUT_SECONDS):
        began = time.perf_counter()
        page = daemon.get("/metrics")
        taken.append(time.perf_counter() - began)
        time.sleep(PAUSE)  # longer than the page is kept
    return taken, page


def _plain(page: bytes) -> list[float]:
    """How long prometheus-client takes for the same series from its registry, in one piece: its event loop's stall."""
    registry = _registry(page.decode())
    taken: list[float] = []
    while not taken or (len(taken) < LEAST and sum(taken) < TIMEOUT_SECONDS):
        began = time.perf_counter()
        generate_latest(registry)
        taken.append(time.perf_counter() - began)
    return taken


def _registry(page: str) -> CollectorRegistry:
    """The gauges of a page; parsed here, since prometheus-client's parser takes longer than all that is measured."""
    registry = CollectorRegistry()
    gauges = {
        words[2] for line in page.splitlines() if (words := line.split())[:2] == ["#", "TYPE"] and words[3] == "gauge"
    }
    known: dict[str, tuple[Gauge, list[str]]] = {}
    for line in page.splitlines():
        if (found := SERIES.fullmatch(line)) is None or found[1] not in gauges:
            continue
        labels = dict(LABEL.findall(found[2] or ""))
        if found[1] not in known:
            known[found[1]] = Gauge(found[1], found[1], list(labels), registry=registry), list(labels)
        gauge, names = known[found[1]]
        child = gauge.labels(*(labels.get(name, "") for name in names)) if names else gauge
        child.set(float(found[3]))
    return registry


class Pings:
    """Request the smallest page over one connection every 2 ms; its waits show how long the event loop was blocked.

    It is a separate process: the one that reads 60 MB would delay it itself.
    """

    def __init__(self, listen: str) -> None:
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_ping, args=(listen, theirs))
        self._process.start()
        self._ours.recv()

    def stop(self) -> list[float]:
        """How long each took, in seconds."""
        self._ours.send("stop")
        waits: list[float] = self._ours.recv()
        self._process.join()
        return waits


def _ping(listen: str, line: Connection) -> None:
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {0})  # the daemon has the other
    connection = http.client.HTTPConnection(listen, timeout=10)
    waits: list[float] = []
    line.send("begun")
    began: float | None = None
    while not line.poll(0.002):
        began = began or time.perf_counter()
        try:
            connection.request("GET", "/-/healthy")
            connection.getresponse().read()
        except (http.client.HTTPException, OSError):
            connection.close()  # cut off: it requests again, and goes on waiting
            continue
        waits.append(time.perf_counter() - began)
        began = None
    waits += [time.perf_counter() - began] if began else []
    connection.close()
    line.send(waits)
