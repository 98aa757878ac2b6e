"""How long `/metrics` takes while the daemon looks, and how long the event loop stands still meanwhile."""

from __future__ import annotations

import http.client
import tempfile
import threading
import time
from pathlib import Path

from tests.bench.schedule import percentile
from tests.bench.subject import Daemon, nginx

SCRAPES = 40


def main(sizes: tuple[int, ...] = (100, 1000, 10_000)) -> None:
    print("  checks   series    MiB       p50       max | other requests wait: p99 idle  p99 scraping       max")
    for size in sizes:
        with tempfile.TemporaryDirectory() as scratch, nginx(Path(scratch)) as (port, ca):
            _one(Path(scratch) / "daemon", size, port, ca)


def _one(directory: Path, size: int, port: int, ca: Path) -> None:
    with Daemon(directory, size, 60.0, port, ca) as daemon:
        time.sleep(62)  # every check has been looked at once
        idle = Pings(daemon.listen)
        time.sleep(5)
        quiet = idle.stop()
        busy = Pings(daemon.listen)
        taken, page = [], b""
        for _ in range(SCRAPES):
            began = time.perf_counter()
            page = daemon.get("/metrics")
            taken.append(time.perf_counter() - began)
            time.sleep(0.6)  # longer than the page is kept
        waits = busy.stop()
    series = sum(not line.startswith(b"#") for line in page.splitlines())
    figures = (percentile(taken, 0.5), max(taken), percentile(quiet, 0.99), percentile(waits, 0.99), max(waits))
    took, longest, idle_wait, busy_wait, longest_wait = (f"{1e3 * figure:.1f} ms" for figure in figures)
    print(
        f"{size:>8} {series:>8} {len(page) / 2**20:>6.1f} {took:>9} {longest:>9} | "
        f"{idle_wait:>29} {busy_wait:>13} {longest_wait:>9}",
        flush=True,
    )


class Pings:
    """Asks for the smallest page over one connection every 2 ms; what it waits is what the loop could not answer."""

    def __init__(self, listen: str) -> None:
        self._listen = listen
        self._waits: list[float] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()

    def _ask(self) -> None:
        connection = http.client.HTTPConnection(self._listen, timeout=10)
        while not self._over.wait(0.002):
            began = time.perf_counter()
            connection.request("GET", "/-/healthy")
            connection.getresponse().read()
            self._waits.append(time.perf_counter() - began)
        connection.close()

    def stop(self) -> list[float]:
        self._over.set()
        self._thread.join()
        return self._waits


if __name__ == "__main__":
    main()
