"""Reads a window of history, as columns, from the sealed archive and the journal together.

A sealed day is read from its files, the rest from the journal; a row that is in both appears once. The names, order and
types of the columns are those of `monitor/storage/journal/columns.py`.
"""

from __future__ import annotations

import itertools
import json
import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from monitor.storage.archive import catalog, reader
from monitor.storage.archive.layout import STATE_CHANGE_KIND
from monitor.storage.archive.reader import RowFilter, Segment
from monitor.storage.archive.sql_views import QUERY_MEMORY_LIMIT, connect
from monitor.storage.journal.columns import (
    BASE_COLUMNS,
    IDENTITY_COLUMNS,
    STATE_CHANGE_COLUMNS,
    HistoryColumn,
    history_columns,
    kind_table,
)
from monitor.storage.journal.database import JOURNAL_FILE, JournalError, read_only, table_columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from monitor.storage.archive.catalog import ArchiveFile
    from monitor.storage.archive.reader import ArchiveRow

__all__ = [
    "BASE_COLUMNS",
    "BATCH_ROWS",
    "IDENTITY_COLUMNS",
    "QUERY_MEMORY_LIMIT",
    "STATE_CHANGE_COLUMNS",
    "UNBOUNDED_MS",
    "ColumnBatch",
    "HistoryColumn",
    "HistoryWindow",
    "connect",
    "count",
    "history_columns",
    "measurements",
    "state_changes",
    "states_at",
]

ColumnBatch = dict[str, list[Any]]
"""One batch: column name -> values, all lists equally long, None where a value is absent."""

Portals = frozenset[str] | None
"""Portal ids to read; None means all of them."""

BATCH_ROWS = 10_000

UNBOUNDED_MS = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryWindow:
    """The measurements to read: of ``kind``, with ``since_ms <= slot < until_ms`` (UTC ms); None means all of them.

    ``portals`` holds portal ids, ``checks`` names of checks such as ``uptime-search``.
    """

    kind: str
    since_ms: int = 0
    until_ms: int = UNBOUNDED_MS
    portals: frozenset[str] | None = None
    checks: frozenset[str] | None = None

    @property
    def allowed_values(self) -> tuple[tuple[str, frozenset[str]], ...]:
        """The filtered columns, each with its allowed values."""
        listed = (("portal", self.portals), ("check", self.checks))
        return tuple((name, members) for name, members in listed if members is not None)


def measurements(directory: Path, window: HistoryWindow, batch_rows: int = BATCH_ROWS) -> Iterator[ColumnBatch]:
    """Yield the measurements of ``window`` in order of (slot, portal, check, location, attempt), in batches.

    Every batch from the journal is a short read, so a slow caller neither fills memory nor blocks the checkpoint of the
    daemon's write-ahead log; a sealed day is sorted within bounded memory. Rows committed meanwhile appear when they
    sort behind those already read. Raises :class:`JournalError` when there is no journal in ``directory`` or it cannot
    be read, and when sealed files are missing or damaged.
    """
    columns = history_columns(window.kind)
    with _journal_connection(directory) as db:
        segments = reader.split_window(catalog.read(db), window.kind, window.since_ms, window.until_ms)
        rows = itertools.chain.from_iterable(_segment_rows(directory, db, window, one, batch_rows) for one in segments)
        while some := list(itertools.islice(rows, batch_rows)):
            yield _to_batch(columns, some)


def _segment_rows(
    directory: Path, db: sqlite3.Connection, window: HistoryWindow, segment: Segment, batch_rows: int
) -> Iterator[ArchiveRow]:
    """Return the rows of one segment, in order."""
    if segment.sealed_period is None:
        return _journal_rows(db, window, segment, batch_rows)
    names = [column.name for column in history_columns(window.kind)]
    row_filter = RowFilter(segment.since_ms, segment.until_ms, window.allowed_values)
    kind, period = window.kind, segment.sealed_period
    sealed = reader.read_rows(directory, kind, period, row_filter, names, _SORT_COLUMNS, batch_rows)
    if not reader.has_late_rows(directory, kind, period):
        return sealed
    late = _journal_rows(db, window, segment, batch_rows)
    return reader.merge_sorted(sealed, late, [_POSITIONS[name] for name in _SORT_COLUMNS])


def _journal_rows(
    db: sqlite3.Connection, window: HistoryWindow, segment: Segment, batch_rows: int
) -> Iterator[ArchiveRow]:
    """Yield rows of the journal; of a sealed period only those written after the sealing."""
    source = _select_sql(db, kind_table(window.kind).name, history_columns(window.kind))
    if source is None:
        return
    where, values = _where(window, segment)
    sql = f"{source} WHERE {where} {_AFTER_LAST_ROW} ORDER BY {_ORDER} LIMIT ?"
    last: ArchiveRow = (segment.since_ms, "", "", "", -1)
    while rows := db.execute(sql, (last[0], *values, *last, batch_rows)).fetchall():
        last = tuple(rows[-1][_POSITIONS[name]] for name in _SORT_COLUMNS)
        yield from rows


def count(directory: Path, window: HistoryWindow) -> int:
    """Return the number of measurements of ``window``, mostly without reading them. Raises as :func:`measurements`."""
    name = kind_table(window.kind).name
    total = 0
    with _journal_connection(directory) as db:
        for segment in reader.split_window(catalog.read(db), window.kind, window.since_ms, window.until_ms):
            period = segment.sealed_period
            if period is not None and reader.has_late_rows(directory, window.kind, period):
                total += sum(1 for _ in _segment_rows(directory, db, window, segment, BATCH_ROWS))
            elif period is not None:
                row_filter = RowFilter(segment.since_ms, segment.until_ms, window.allowed_values)
                total += reader.count_rows(directory, window.kind, period, row_filter)
            elif table_columns(db, name):
                where, values = _where(window, segment)
                found = db.execute(f'SELECT COUNT(*) FROM "{name}" WHERE {where}', (segment.since_ms, *values))  # noqa: S608 - names of this schema
                total += int(found.fetchone()[0])
    return total


def state_changes(
    directory: Path,
    since_ms: int = 0,
    until_ms: int = UNBOUNDED_MS,
    portals: Portals = None,
    batch_rows: int = BATCH_ROWS,
) -> Iterator[ColumnBatch]:
    """Yield state changes with ``since_ms <= at < until_ms`` (UTC ms), in order of (at, portal, location).

    They have :data:`STATE_CHANGE_COLUMNS` and are few: all of the window are in memory at once. Raises
    :class:`JournalError` as :func:`measurements`.
    """
    where = "at >= ? AND at < ?"
    values: list[int | str] = [since_ms, until_ms]
    if portals is not None:
        where = f"{where} AND portal IN ({_LIST_VALUES})"
        values.append(_json_list(portals))
    with _journal_connection(directory) as db:
        window = HistoryWindow(kind=STATE_CHANGE_KIND, since_ms=since_ms, until_ms=until_ms, portals=portals)
        found = {row[:4]: row for row in _archived_changes(directory, catalog.read(db), window)}
        if source := _select_sql(db, "state_change", (*STATE_CHANGE_COLUMNS, _SEQ_COLUMN)):
            found |= {row[:4]: row for row in db.execute(f"{source} WHERE {where}", values)}
    ordered = sorted(found.values(), key=lambda row: (row[2], row[0], row[1], row[-1]))
    for first in range(0, len(ordered), batch_rows):
        yield _to_batch(STATE_CHANGE_COLUMNS, [row[:-1] for row in ordered[first : first + batch_rows]])


def _archived_changes(directory: Path, files: list[ArchiveFile], window: HistoryWindow) -> Iterator[ArchiveRow]:
    """Yield archived state changes; the journal has them as well, unless it was lost and created anew."""
    names = [column.name for column in (*STATE_CHANGE_COLUMNS, _SEQ_COLUMN)]
    for segment in reader.split_window(files, window.kind, window.since_ms, window.until_ms):
        if (period := segment.sealed_period) is not None:
            row_filter = RowFilter(segment.since_ms, segment.until_ms, window.allowed_values)
            yield from reader.read_rows(directory, window.kind, period, row_filter, names, ("at", "seq"), BATCH_ROWS)


def states_at(directory: Path, at_ms: int = UNBOUNDED_MS) -> ColumnBatch:
    """Return the state change in force at ``at_ms`` (UTC ms) of every portal and location that had one by then.

    Together with :func:`state_changes` from ``at_ms`` on it covers all states of a window. Raises as
    :func:`measurements`.
    """
    with _journal_connection(directory) as db:
        source = _select_sql(db, "state_change", STATE_CHANGE_COLUMNS)
        newest = "SELECT MAX(seq) FROM state_change WHERE at <= ? GROUP BY portal, location"
        sql = f"{source} WHERE seq IN ({newest}) ORDER BY portal, location"
        return _to_batch(STATE_CHANGE_COLUMNS, db.execute(sql, (at_ms,)).fetchall() if source else [])


_SEQ_COLUMN = HistoryColumn("seq", int, "Number in the journal.")
_POSITIONS = {column.name: position for position, column in enumerate(BASE_COLUMNS)}
_SORT_COLUMNS = ("slot", "portal", "check", "location", "attempt")
_ORDER = ", ".join(f'"{name}"' for name in _SORT_COLUMNS)
_AFTER_LAST_ROW = f"AND ({_ORDER}) > ({', '.join('?' * len(_SORT_COLUMNS))})"
_LIST_VALUES = "SELECT value FROM json_each(?)"


def _where(window: HistoryWindow, segment: Segment) -> tuple[str, list[int | str]]:
    """Return the condition after ``since_ms``, and its values. The plus makes SQLite use the index by slot."""
    values = [segment.until_ms, segment.sealed_period.through if segment.sealed_period else -1]
    where = '"slot" >= ? AND "slot" < ? AND seq > ?' + "".join(
        f' AND +"{name}" IN ({_LIST_VALUES})' for name, _ in window.allowed_values
    )
    return where, [*values, *(_json_list(members) for _, members in window.allowed_values)]


def _json_list(values: Iterable[str]) -> str:
    return json.dumps(sorted(values))


@contextmanager
def _journal_connection(directory: Path) -> Iterator[sqlite3.Connection]:
    """Open a connection that sees committed rows only and never waits for the daemon's writes."""
    with read_only(directory) as db:
        try:
            yield db
        except sqlite3.Error as error:
            raise JournalError(f"journal {directory / JOURNAL_FILE} cannot be read: {error}") from error


def _select_sql(db: sqlite3.Connection, name: str, columns: Sequence[HistoryColumn]) -> str | None:
    """Return the SELECT of a table, None without the table; a column that the file does not have yet is NULL."""
    existing = table_columns(db, name)
    names = (f'"{column.name}"' if column.name in existing else "NULL" for column in columns)
    return f'SELECT {", ".join(names)} FROM "{name}"' if existing else None  # noqa: S608 - names of this schema


def _to_batch(columns: Sequence[HistoryColumn], rows: Sequence[Sequence[Any]]) -> ColumnBatch:
    found: ColumnBatch = {}
    transposed = zip(*rows, strict=True) if rows else ((),) * len(columns)
    for column, values in zip(columns, transposed, strict=True):
        flag = column.type is bool
        found[column.name] = [None if value is None else bool(value) for value in values] if flag else list(values)
    return found
