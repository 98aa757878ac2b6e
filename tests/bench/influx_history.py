"""How fast, and in how much memory, days of a fleet are read from InfluxDB and from the archive; both must agree.

``python -m tests.bench.influx_history [days] [portals]``: a probe of each portal a minute, and a third as many others.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import tempfile
import time
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.sinks.base import PortalLabels
from monitor.sinks.influxdb.history import InfluxHistory
from monitor.sinks.influxdb.sink import InfluxDBSettings
from monitor.storage.archive.protocol import SealRequest
from monitor.storage.archive.seal import sweep
from monitor.storage.history.reader import HistoryWindow
from monitor.storage.history.source import ArchiveHistory
from monitor.storage.journal.store import JOURNAL_FILE, JournalWriter
from probes.registry import PROBE_KINDS
from tests.factories import DAY, MINUTE
from tests.servers.influxdb import TOKEN, InfluxServer
from tests.week import FIRST, ZONE, Week

if TYPE_CHECKING:
    from monitor.storage.history.source import HistoryReader

AT_A_TIME = 5000
QUERY = "SELECT portal, COUNT(*), quantile_cont(duration, [0.75, 0.95]) FROM uptime GROUP BY portal ORDER BY 1"


def main(days: int = 1, portals: int = 106) -> None:
    week = Week(portals=portals, days=days, every=MINUTE)
    with tempfile.TemporaryDirectory() as scratch, InfluxServer(Path(scratch) / "influx") as server:
        settings = InfluxDBSettings(url=server.url, token=TOKEN, bucket=server.create("week"), timeout=60.0)
        count = asyncio.run(fill(week, Path(scratch), settings))
        print(f"{count} probes in both places; {_peak()} MiB so far")
        sources: list[tuple[str, HistoryReader]] = [
            ("archive", ArchiveHistory(Path(scratch))),
            ("influxdb", InfluxHistory(settings, Path(scratch))),
        ]
        streams = [read(name, source) for name, source in sources]
        results = [query(name, source, days) for name, source in sources]
        differ = streams[0] != streams[1] or results[0] != results[1]
        print("they differ" if differ else "they are the same")
        sys.exit(differ)


async def fill(week: Week, directory: Path, settings: InfluxDBSettings) -> int:
    """Journal, send and seal every day."""
    sink, count = settings.open("bench", lambda portal: PortalLabels("province", portal)), 0
    with closing(JournalWriter(directory / JOURNAL_FILE, PROBE_KINDS)) as writer:
        writer._db.execute("PRAGMA synchronous = OFF")  # noqa: SLF001 - this journal is not needed after a crash
        for day in range(week.days):
            measurements = week.measurements(day)
            while some := list(islice(measurements, AT_A_TIME)):
                kept = writer.write(some)
                await sink.write(kept)
                count += len(kept)
        now = FIRST + week.days * DAY
        request = SealRequest(directory=directory, zone=ZONE, grace_ms=0, now_ms=now)
        sweep(request, lambda update: _write(writer, update))
    await sink.close()
    return count


def _write(writer: JournalWriter, update: object) -> None:
    writer.write([update])  # type: ignore[list-item] - an ArchiveUpdate


def read(name: str, source: HistoryReader) -> int:
    """Stream all rows; return their hash."""
    began, rows, seen = time.perf_counter(), 0, 0
    for kind in PROBE_KINDS:
        for batch in source.measurements(HistoryWindow(kind=kind)):
            rows += len(batch["slot"])
            seen = hash((seen, *map(tuple, batch.values())))
    took = time.perf_counter() - began
    print(f"{name}: {rows} rows in {took:.1f} s, {rows / took:.0f} a second; peak {_peak()} MiB")
    return seen


def query(name: str, source: HistoryReader, days: int) -> list[tuple[object, ...]]:
    """Return the same by SQL, as a score queries it."""
    began = time.perf_counter()
    with source.connect(["uptime"], FIRST, FIRST + days * DAY, ["duration", "outcome", "status"]) as db:
        ready = time.perf_counter() - began
        rows: list[tuple[object, ...]] = db.execute(QUERY).fetchall()
    took = time.perf_counter() - began
    print(f"{name}: SQL ready after {ready:.1f} s, answered after {took:.1f} s; peak {_peak()} MiB")
    return rows


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
