"""Computes hourly and daily rollups of every check from history alone; a sink writes them.

A period is rolled up once it is closed, and again after late rows, with the same identity, so that the new rollup
replaces the old one. Hours are UTC hours, days those of the report zone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from monitor.model.records import UnknownReason
from monitor.model.rollups import Rollup, Tier, aggregated_metrics, rollup_fields
from monitor.storage.archive import catalog
from monitor.storage.archive.layout import day_of
from monitor.storage.history import reader
from monitor.storage.journal.columns import kind_table
from monitor.storage.journal.database import read_only
from probes.registry import PROBE_KINDS

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

HOUR_MS = 3_600_000

GRACE_MS = {Tier.HOUR: 10 * 60_000, Tier.DAY: 8 * HOUR_MS}
"""Delay (ms) after the end of a period: an hour is rolled up when its slowest probe is certainly committed, a day when
the archive has sealed it, so that it is read from its file and not a second time from the journal."""

MAX_PERIODS_PER_RUN = 48
"""Periods rolled up in one run after a long downtime."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RollupProgress:
    """All periods before ``until_ms`` (UTC ms) are rolled up, with all rows numbered up to ``seq``."""

    until_ms: int = 0
    seq: int = 0


def compute_rollups(directory: Path, tier: Tier, start_ms: int, end_ms: int) -> list[Rollup]:
    """Return the rollups of the period from ``start_ms`` to ``end_ms`` (UTC ms), of every check with a row in it.

    Raises as :func:`monitor.storage.history.reader.connect`.
    """
    found = []
    with reader.connect(directory, PROBE_KINDS, start_ms, end_ms, _needed_columns()) as db:
        for kind in PROBE_KINDS:
            rows = db.execute(_aggregate_sql(kind))
            names = [column[0] for column in rows.description or ()][3:]
            for portal, check, location, *values in rows.fetchall():
                known = {name: value for name, value in zip(names, values, strict=True) if value is not None}
                identity = {"portal": portal, "check": check, "location": location, "kind": kind}
                found.append(Rollup(tier=tier, start=start_ms, end=end_ms, **identity, values=known))
    return found


def _needed_columns() -> list[str]:
    """Return the columns that the rollups of all kinds need."""
    flags = [probe.representative_flag for probe in PROBE_KINDS.values() if probe.representative_flag]
    metrics = (metric.name for kind in PROBE_KINDS for metric in aggregated_metrics(kind))
    return list(dict.fromkeys(["outcome", "unknown_reason", "duration", *flags, *metrics]))


def _aggregate_sql(kind: str) -> str:
    representative = PROBE_KINDS[kind].representative_sql()
    counted = {"slots": representative, "measured_slots": f"{representative} AND outcome <> 'unknown'"}
    counted |= {name: f"{representative} AND outcome = '{name}'" for name in ("up", "down", "unknown")}
    counted |= {f"unknown_{name}": f"{representative} AND unknown_reason = '{name}'" for name in UnknownReason}
    counted["confirmation_attempts"] = f"NOT {representative}"
    succeeded = f"FILTER ({representative} AND outcome = 'up')"
    aggregates = [f"count(*) FILTER ({condition}) AS {name}" for name, condition in counted.items()]
    aggregates.append("up / nullif(measured_slots, 0) AS availability")
    for name in rollup_fields(kind):
        source, _, function = name.rpartition("_")
        if name in counted or name == "availability":
            continue
        call = {"mean": f'avg("{source}")', "max": f'max("{source}")'}.get(function)
        call = call or f'quantile_cont("{source}", 0.{function[1:]})'
        aggregates.append(f'{call} {succeeded} AS "{name}"')
    groups = 'portal, "check", location'
    return f'SELECT {groups}, {", ".join(aggregates)} FROM "{kind}" GROUP BY {groups} ORDER BY {groups}'  # noqa: S608 - names of this schema


def due_periods(
    directory: Path, tier: Tier, zone: str, now_ms: int, progress: RollupProgress
) -> tuple[list[tuple[int, int]], RollupProgress]:
    """Return (at most :data:`MAX_PERIODS_PER_RUN` periods to roll up now, the progress once they are written).

    First come those with late rows, then those that closed since, oldest first; periods without rows are left
    out. Raises :class:`JournalError` when there is no journal.
    """
    zone_info = ZoneInfo(zone)
    with read_only(directory) as db:
        last = int(db.execute("SELECT last FROM sequence").fetchone()[0])
        found = sorted({_period(tier, slot, zone_info) for slot in _late_slots(db, tier, zone_info, progress, last)})
        closed = now_ms - GRACE_MS[tier]
        until = progress.until_ms
        first = _first_slot(db, until)
        while first is not None and len(found) < MAX_PERIODS_PER_RUN:
            start, end = _period(tier, first, zone_info)
            if end > closed:
                break
            found.append((start, end))
            until = end
            first = _first_slot(db, end)
    return found, RollupProgress(until_ms=until, seq=last)


def _period(tier: Tier, slot: int, zone: ZoneInfo) -> tuple[int, int]:
    if tier is Tier.HOUR:
        start = slot - slot % HOUR_MS
        return start, start + HOUR_MS
    day = day_of(slot, zone)
    return day.since_ms, day.until_ms


def _late_slots(db: sqlite3.Connection, tier: Tier, zone: ZoneInfo, progress: RollupProgress, last: int) -> list[int]:
    """Return a slot of every period before ``progress.until_ms`` that has rows past ``progress.seq``."""
    found: list[int] = []
    for name in _tables(db):
        sql = f"SELECT MIN(slot) FROM {name} WHERE seq > ? AND seq <= ? AND slot >= ? AND slot < ?"  # noqa: S608 - names of this schema
        slot = 0
        while (row := db.execute(sql, (progress.seq, last, slot, progress.until_ms)).fetchone()[0]) is not None:
            found.append(row)
            slot = _period(tier, row, zone)[1]
    return found


def _first_slot(db: sqlite3.Connection, since: int) -> int | None:
    """Return the first slot of history at or after ``since``, from the catalog and the journal's index."""
    found = [max(one.first, since) for one in catalog.read(db) if one.kind in PROBE_KINDS and one.last >= since]
    for name in _tables(db):
        row = db.execute(f"SELECT MIN(slot) FROM {name} WHERE slot >= ?", (since,)).fetchone()  # noqa: S608 - names of this schema
        found += [row[0]] if row[0] is not None else []
    return min(found, default=None)


def _tables(db: sqlite3.Connection) -> list[str]:
    return [name for kind in PROBE_KINDS if catalog.table_exists(db, name := kind_table(kind).name)]
