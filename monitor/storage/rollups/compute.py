"""Hourly and daily figures of every check, computed from history alone; writing them somewhere is a sink's business.

A period is rolled up once it is closed, and again when rows come into it later: the same identity, so that what was
written is replaced. Hours are UTC hours, days those of the report zone.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from monitor.model.records import UnknownReason
from monitor.model.rollups import Rollup, Tier, aggregated_metrics, rollup_fields
from monitor.storage.archive import catalog
from monitor.storage.archive.layout import day_of
from monitor.storage.history import reader
from monitor.storage.journal.columns import kind_table
from monitor.storage.journal.store import JOURNAL_FILE, open_journal
from probes.registry import PROBE_KINDS

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

HOUR_MS = 3_600_000

GRACE_MS = {Tier.HOUR: 10 * 60_000, Tier.DAY: 8 * HOUR_MS}
"""How long (ms) after its end a period is rolled up: an hour when its slowest look is certainly told, a day when the
archive has sealed it, so that it is read from its file and not a second time out of the journal."""

MAX_PERIODS_PER_RUN = 48
"""Periods rolled up in one go after a long absence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RollupProgress:
    """All periods before ``until`` (UTC ms) are rolled up with all rows that the journal numbered up to ``seq``."""

    until_ms: int = 0
    seq: int = 0


def compute_rollups(directory: Path, tier: Tier, start_ms: int, end_ms: int) -> list[Rollup]:
    """The rollups of the period from ``start`` to ``end`` (UTC ms), of every check with a row in it.

    Raises as :func:`monitor.storage.history.reader.connect`.
    """
    found = []
    with reader.connect(directory, PROBE_KINDS, start_ms, end_ms, _needed_columns()) as db:
        for kind in PROBE_KINDS:
            rows = db.execute(_aggregate_sql(kind))
            names = [column[0] for column in rows.description or ()][3:]
            for portal, check, location, *values in rows.fetchall():
                known = {name: value for name, value in zip(names, values, strict=True) if value is not None}
                found.append(
                    Rollup(
                        tier=tier, start=start_ms, end=end_ms, portal=portal, check=check, location=location,
                        kind=kind, values=known,
                    )
                )  # fmt: skip
    return found


def _needed_columns() -> list[str]:
    """The columns that any kind's figures need."""
    marks = [probe.representative_flag for probe in PROBE_KINDS.values() if probe.representative_flag]
    wanted = [
        "outcome",
        "void",
        "duration",
        *marks,
        *(metric.name for kind in PROBE_KINDS for metric in aggregated_metrics(kind)),
    ]
    return list(dict.fromkeys(wanted))


def _aggregate_sql(kind: str) -> str:
    speaks = PROBE_KINDS[kind].representative_sql()
    counted = {
        "slots": speaks,
        "looks": f"{speaks} AND outcome <> 'void'",
        "up": f"{speaks} AND outcome = 'up'",
        "down": f"{speaks} AND outcome = 'down'",
        "void": f"{speaks} AND outcome = 'void'",
        **{f"void_{reason.value}": f"{speaks} AND void = '{reason.value}'" for reason in UnknownReason},
        "attempts": f"NOT {speaks}",
    }
    good = f"FILTER ({speaks} AND outcome = 'up')"
    figures = [f"count(*) FILTER ({condition}) AS {name}" for name, condition in counted.items()]
    figures.append("up / nullif(looks, 0) AS availability")
    for name in rollup_fields(kind):
        source, _, how = name.rpartition("_")
        if name in counted or name == "availability":
            continue
        if how in {"mean", "max"}:
            figures.append(f'{"avg" if how == "mean" else "max"}("{source}") {good} AS "{name}"')
        else:
            figures.append(f'quantile_cont("{source}", 0.{how[1:]}) {good} AS "{name}"')
    groups = 'portal, "check", location'
    return f'SELECT {groups}, {", ".join(figures)} FROM "{kind}" GROUP BY {groups} ORDER BY {groups}'  # noqa: S608 - our own names


def due_periods(
    directory: Path, tier: Tier, zone: str, now_ms: int, progress: RollupProgress
) -> tuple[list[tuple[int, int]], RollupProgress]:
    """(periods to roll up now, at most :data:`STEP`; the progress once they are written).

    First those that rows came into since, then those that closed since, oldest first; periods without rows are left
    out. Raises :class:`JournalError` when there is no journal.
    """
    place = ZoneInfo(zone)
    with closing(open_journal(directory / JOURNAL_FILE, write=False)) as db:
        last = int(db.execute("SELECT last FROM sequence").fetchone()[0])
        found = sorted({_period(tier, slot, place) for slot in _late_slots(db, tier, place, progress, last)})
        closed = now_ms - GRACE_MS[tier]
        until = progress.until_ms
        first = _first_slot(db, until)
        while first is not None and len(found) < MAX_PERIODS_PER_RUN:
            start, end = _period(tier, first, place)
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
    """A slot of every period before ``progress.until`` that rows came into since."""
    found: list[int] = []
    for kind in PROBE_KINDS:
        name = kind_table(kind).name
        if not _table_exists(db, name):
            continue
        sql = f"SELECT MIN(slot) FROM {name} WHERE seq > ? AND seq <= ? AND slot >= ? AND slot < ?"  # noqa: S608 - our own names
        slot = 0
        while (row := db.execute(sql, (progress.seq, last, slot, progress.until_ms)).fetchone()[0]) is not None:
            found.append(row)
            slot = _period(tier, row, zone)[1]
    return found


def _first_slot(db: sqlite3.Connection, since: int) -> int | None:
    """The first slot at or after ``since`` that history knows, from the ledger and the journal's index."""
    found = [max(one.first, since) for one in catalog.read(db) if one.kind in PROBE_KINDS and one.last >= since]
    for kind in PROBE_KINDS:
        name = kind_table(kind).name
        if _table_exists(db, name):
            row = db.execute(f"SELECT MIN(slot) FROM {name} WHERE slot >= ?", (since,)).fetchone()  # noqa: S608 - our own names
            found += [row[0]] if row[0] is not None else []
    return min(found, default=None)


def _table_exists(db: sqlite3.Connection, name: str) -> bool:
    return db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (name,)).fetchone() is not None
