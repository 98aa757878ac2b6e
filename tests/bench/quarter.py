"""A quarter of the whole fleet, and how long one query over it takes: time, memory, size of the files.

``python -m tests.bench.quarter`` makes 41 million rows once (106 portals, 3 checks a minute, 90 days) and keeps them
below the temporary directory; ``--short`` takes 5 million.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path
from zoneinfo import ZoneInfo

from monitor.storage.archive import catalog, duckdb_session
from monitor.storage.archive.catalog import ArchiveFile
from monitor.storage.archive.layout import ARCHIVE_SCHEMA_VERSION, ReportDay, day_of, relative_path, row_schema
from monitor.storage.archive.parquet import write_parquet_file
from monitor.storage.history import reader
from monitor.storage.journal.store import JOURNAL_FILE, JournalWriter
from probes.registry import PROBE_KINDS
from tests.bench.row import Row, spread
from tests.factories import DAY, MINUTE

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
FIRST = 1_782_838_800_000
"""2026-07-01T00:00 in the report zone."""

ROUNDS = 5
GOAL_SECONDS, GOAL_MIB = 3.0, 600

PORTALS, CHECKS = 106, {"uptime": ("uptime", "uptime-search"), "latency": ("latency",)}

QUERY = """
SELECT portal, count(*), count(*) FILTER (outcome = 'up') / count(*) FILTER (outcome <> 'unknown') AS availability,
       avg(duration), quantile_cont(duration, [0.75, 0.95]), avg((duration < 1.0)::INTEGER)
FROM (SELECT portal, outcome, duration FROM uptime UNION ALL SELECT portal, outcome, duration FROM latency)
GROUP BY portal ORDER BY portal
"""


def source(kind: str, day: ReportDay) -> str:
    """The rows of one day as a query; the same number gives the same row."""
    slots, checks = DAY // MINUTE, CHECKS[kind]
    values = {
        "portal": "printf('portal-%03d', n // (per * checks))",
        "check": f"list_value({', '.join(repr(one) for one in checks)})[1 + n % checks]",
        "location": "'hn-1'",
        "slot": f"{day.since_ms} + (n // checks % per) * {MINUTE} + n // (per * checks) * 37",
        "attempt": "1",
        "outcome": "CASE WHEN u < 0.01 THEN 'down' WHEN u < 0.012 THEN 'unknown' ELSE 'up' END",
        "fault": "CASE WHEN u < 0.01 THEN 'timeout' END",
        "unknown_reason": "CASE WHEN u >= 0.01 AND u < 0.012 THEN 'self_check' END",
        "detail": "''",
        "started": f"{day.since_ms} + (n // checks % per) * {MINUTE} + n // (per * checks) * 37 + 7",
        "duration": "CASE WHEN u >= 0.012 THEN 0.05 + v * v * 3 END",
        "start_delay": "u / 100",
        "config": "'c0ffee12'",
        "status": "200",
        "ssl": "true",
        "ip_family": "4",
        "bytes_body": "70000 + (v * 5000)::BIGINT",
        "bytes_wire": "18000 + (v * 500)::BIGINT",
        "tls_version": "'TLSv1.3'",
    }
    values |= {
        f"{name}_seconds": f"v * {share}"
        for name, share in zip(
            ("resolve", "connect", "tls", "send", "wait", "transfer"), (0.04, 0.1, 0.18, 0.01, 0.5, 0.13), strict=True
        )
    }
    listed = ", ".join(
        f'CAST({values.get(name, "NULL")} AS {sql}) AS "{name}"' for name, sql in row_schema(kind).types.items()
    )
    salt = day.since_ms % 1_000_003
    numbers = (
        f"SELECT range AS n, {slots} AS per, {len(checks)} AS checks, "
        f"hash(range, {salt}) / 18446744073709551616.0 AS u, hash({salt}, range) / 18446744073709551616.0 AS v "
        f"FROM range({PORTALS * slots * len(checks)})"
    )
    return f"SELECT {listed} FROM ({numbers})"


def place(days: int) -> Path:
    """Where so many days are kept from one run to the next; others when tables have other columns."""
    columns = "".join(catalog.column_types_json(row_schema(kind)) for kind in PROBE_KINDS)
    return Path(tempfile.gettempdir()) / f"portal-monitor-quarter-{days}-{zlib.crc32(columns.encode()):08x}"


def make(directory: Path, days: int) -> None:
    """Write the archive and its catalog directly, as if every day had been sealed."""
    directory.mkdir(parents=True, exist_ok=True)
    writer = JournalWriter(directory / JOURNAL_FILE, PROBE_KINDS)
    for number in range(days):
        day = day_of(FIRST + number * DAY, ZONE)
        for kind, checks in CHECKS.items():
            schema = row_schema(kind)
            rows = PORTALS * len(checks) * DAY // MINUTE
            wanted = ArchiveFile(
                path=relative_path(kind, day.date, 0), kind=kind, day=day.date, number=0, late=False, rows=rows, size=0,
                sha256="", since=day.since_ms, until=day.until_ms, first=0, last=0, through=0,
                columns=catalog.column_types_json(schema), zone=ZONE.key, schema=ARCHIVE_SCHEMA_VERSION,
                code="bench", created=0,
            )  # fmt: skip
            with duckdb_session.open_session(directory, memory_limit="1GB") as work:
                writer.write([catalog.add_file(write_parquet_file(directory, work, source(kind, day), schema, wanted))])
        print(f"\rmade {number + 1} of {days} days", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    writer.close()


def query(directory: Path) -> None:
    """Run the query in this process; print JSON."""
    began = time.perf_counter()
    with reader.connect(directory, CHECKS, 0, reader.UNBOUNDED_MS) as db:
        connected = time.perf_counter()
        rows = db.execute(QUERY).fetchall()
        seconds = time.perf_counter() - connected
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    result = {"portals": len(rows), "rows": sum(row[1] for row in rows), "connect": connected - began}
    print(json.dumps(result | {"seconds": seconds, "peak": peak}))


def main() -> list[Row]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="5 million rows")
    parser.add_argument("--query", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.query:
        query(chosen.query)
        return []
    days = 11 if chosen.short else 90
    directory = place(days)
    if not directory.exists():
        make(directory, days)
    size = sum(path.stat().st_size for path in directory.rglob("*.parquet"))
    print(f"{'rows':>11} {'files MiB':>10} {'connect s':>10} {'query s':>11} {'peak RSS MiB':>13}")
    every: list[dict[str, float]] = []
    for _ in range(ROUNDS):
        command = [sys.executable, "-m", "tests.bench.quarter", "--query", str(directory)]
        found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        print(
            f"{found['rows']:>11,} {size / 2**20:>10.0f} {found['connect']:>10.2f} "
            f"{found['seconds']:>11.2f} {found['peak']:>13.0f}",
            flush=True,
        )
        every.append(found)
    took, peak = [one["seconds"] for one in every], max(one["peak"] for one in every)
    goal = f"<= {GOAL_SECONDS:g} s, {GOAL_MIB} MiB"
    ours = f"{spread(took, 's')}, peak {peak:.0f} MiB"
    met = max(took) <= GOAL_SECONDS and peak <= GOAL_MIB
    return [Row(name=f"one query over {found['rows']:,} rows, by portal", ours=ours, goal=goal, met=met)]


if __name__ == "__main__":
    main()
