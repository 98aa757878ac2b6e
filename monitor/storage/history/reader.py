"""One way to read a window of history, as columns, from the sealed archive and the journal together.

A sealed day is read from its files, the rest from the journal; a row that is in both appears once. The names, order and
types of the columns are those of `monitor/storage/journal/columns.py`.
"""

from __future__ import annotations

import itertools
import json
import sqlite3
from contextlib import closing, contextmanager
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
from monitor.storage.journal.store import JOURNAL_FILE, JournalError, open_journal

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
    "open_journal",
    "state_changes",
    "states_at",
]

ColumnBatch = dict[str, list[Any]]
"""One batch: column name -> values, all lists equally long, None where a value is absent."""

BATCH_ROWS = 10_000

UNBOUNDED_MS = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryWindow:
    """What to read: measurements of ``kind`` with ``since <= slot < until`` (UTC ms); None means all of them.

    ``portals`` holds portal ids, ``checks`` names of checks such as ``uptime-search``.
    """

    kind: str
    since_ms: int = 0
    until_ms: int = UNBOUNDED_MS
    portals: frozenset[str] | None = None
    checks: frozenset[str] | None = None

    @property
    def allowed_values(self) -> tuple[tuple[str, frozenset[str]], ...]:
        """The columns that are narrowed, each with the values it may have."""
        listed = (("portal", self.portals), ("check", self.checks))
        return tuple((name, members) for name, members in listed if members is not None)


def measurements(directory: Path, window: HistoryWindow, batch_rows: int = BATCH_ROWS) -> Iterator[ColumnBatch]:
    """The measurements of ``window`` in order of (slot, portal, check, location, attempt), ``batch`` rows at a time.

    Every batch from the journal is a short read of its own, so a slow consumer neither fills memory nor keeps the
    daemon's write-ahead log from being folded back; a sealed day is sorted within bounded memory. Rows committed
    meanwhile appear when they sort behind what was already given. Raises :class:`JournalError` when there is no journal
    in ``directory`` or it cannot be read, and when sealed files are missing or damaged.
    """
    wanted = history_columns(window.kind)
    with _journal_connection(directory) as db:
        cut = reader.split_window(catalog.read(db), window.kind, window.since_ms, window.until_ms)
        rows = itertools.chain.from_iterable(_segment_rows(directory, db, window, one, batch_rows) for one in cut)
        while some := list(itertools.islice(rows, batch_rows)):
            yield _to_batch(wanted, some)


def _segment_rows(
    directory: Path, db: sqlite3.Connection, window: HistoryWindow, segment: Segment, batch_rows: int
) -> Iterator[ArchiveRow]:
    """The rows of one stretch, in order."""
    if segment.sealed_period is None:
        return _journal_rows(db, window, segment, batch_rows)
    names = [column.name for column in history_columns(window.kind)]
    choice = RowFilter(since_ms=segment.since_ms, until_ms=segment.until_ms, allowed_values=window.allowed_values)
    sealed = reader.read_rows(directory, window.kind, segment.sealed_period, choice, names, _SORT_COLUMNS, batch_rows)
    if not reader.has_late_rows(directory, window.kind, segment.sealed_period):
        return sealed
    return reader.merge_sorted(
        sealed, _journal_rows(db, window, segment, batch_rows), [_POSITIONS[name] for name in _SORT_COLUMNS]
    )


def _journal_rows(
    db: sqlite3.Connection, window: HistoryWindow, segment: Segment, batch_rows: int
) -> Iterator[ArchiveRow]:
    """Rows of the journal; of a sealed period only those that came after the sealing."""
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
    """How many measurements ``window`` holds now, mostly without reading them. Raises as :func:`measurements`."""
    name = kind_table(window.kind).name
    total = 0
    with _journal_connection(directory) as db:
        for cut in reader.split_window(catalog.read(db), window.kind, window.since_ms, window.until_ms):
            if cut.sealed_period is not None and reader.has_late_rows(directory, window.kind, cut.sealed_period):
                total += sum(1 for _ in _segment_rows(directory, db, window, cut, BATCH_ROWS))
            elif cut.sealed_period is not None:
                choice = RowFilter(since_ms=cut.since_ms, until_ms=cut.until_ms, allowed_values=window.allowed_values)
                total += reader.count_rows(directory, window.kind, cut.sealed_period, choice)
            elif _existing_columns(db, name):
                where, values = _where(window, cut)
                found = db.execute(f'SELECT COUNT(*) FROM "{name}" WHERE {where}', (cut.since_ms, *values))  # noqa: S608 - our own names
                total += int(found.fetchone()[0])
    return total


def state_changes(
    directory: Path,
    since_ms: int = 0,
    until_ms: int = UNBOUNDED_MS,
    portals: frozenset[str] | None = None,
    batch_rows: int = BATCH_ROWS,
) -> Iterator[ColumnBatch]:
    """State changes with ``since <= at < until`` (UTC ms) as :data:`STATE_COLUMNS`, in order of (at, portal, location).

    They are few: all of the window are held at once. Raises :class:`JournalError` as :func:`measurements`.
    """
    where = "at >= ? AND at < ?"
    values: list[int | str] = [since_ms, until_ms]
    if portals is not None:
        where = f"{where} AND portal IN ({_LIST_VALUES})"
        values.append(_json_list(portals))
    with _journal_connection(directory) as db:
        found = dict(
            _archived_changes(
                directory,
                catalog.read(db),
                HistoryWindow(kind="", since_ms=since_ms, until_ms=until_ms, portals=portals),
            )
        )
        if source := _select_sql(db, "state_change", (*STATE_CHANGE_COLUMNS, _SEQ_COLUMN)):
            found |= {row[:4]: row for row in db.execute(f"{source} WHERE {where}", values)}
    ordered = sorted(found.values(), key=lambda row: (row[2], row[0], row[1], row[-1]))
    for first in range(0, len(ordered), batch_rows):
        yield _to_batch(STATE_CHANGE_COLUMNS, [row[:-1] for row in ordered[first : first + batch_rows]])


def _archived_changes(
    directory: Path, files: list[ArchiveFile], window: HistoryWindow
) -> Iterator[tuple[ArchiveRow, ArchiveRow]]:
    """State changes in files, by identity; they are in the journal as well, unless that was lost and begun anew."""
    names = [column.name for column in (*STATE_CHANGE_COLUMNS, _SEQ_COLUMN)]
    for cut in reader.split_window(files, STATE_CHANGE_KIND, window.since_ms, window.until_ms):
        if cut.sealed_period is not None:
            choice = RowFilter(since_ms=cut.since_ms, until_ms=cut.until_ms, allowed_values=window.allowed_values)
            for row in reader.read_rows(
                directory, STATE_CHANGE_KIND, cut.sealed_period, choice, names, ("at", "seq"), BATCH_ROWS
            ):
                yield row[:4], row


def states_at(directory: Path, at_ms: int = UNBOUNDED_MS) -> ColumnBatch:
    """The state change in force at ``at`` (UTC ms) of every portal and location that had one by then.

    With :func:`state_changes` from ``at`` on it tells the whole story of a window. Raises as :func:`measurements`.
    """
    with _journal_connection(directory) as db:
        source = _select_sql(db, "state_change", STATE_CHANGE_COLUMNS)
        newest = "SELECT MAX(seq) FROM state_change WHERE at <= ? GROUP BY portal, location"
        sql = f"{source} WHERE seq IN ({newest}) ORDER BY portal, location"
        return _to_batch(STATE_CHANGE_COLUMNS, db.execute(sql, (at_ms,)).fetchall() if source else [])


_SEQ_COLUMN = HistoryColumn(name="seq", type=int, help="Number in the journal.")
_POSITIONS = {column.name: place for place, column in enumerate(BASE_COLUMNS)}
_SORT_COLUMNS = ("slot", "portal", "check", "location", "attempt")
_ORDER = ", ".join(f'"{name}"' for name in _SORT_COLUMNS)
_AFTER_LAST_ROW = f"AND ({_ORDER}) > ({', '.join('?' * len(_SORT_COLUMNS))})"
_LIST_VALUES = "SELECT value FROM json_each(?)"


def _where(window: HistoryWindow, segment: Segment) -> tuple[str, list[int | str]]:
    """The condition after ``since``, and its values. The plus keeps SQLite on the index by slot, the order we want."""
    where, values = (
        '"slot" >= ? AND "slot" < ? AND seq > ?',
        [segment.until_ms, segment.sealed_period.through if segment.sealed_period else -1],
    )
    where += "".join(f' AND +"{name}" IN ({_LIST_VALUES})' for name, _ in window.allowed_values)
    return where, [*values, *(_json_list(members) for _, members in window.allowed_values)]


def _json_list(values: Iterable[str]) -> str:
    return json.dumps(sorted(values))


@contextmanager
def _journal_connection(directory: Path) -> Iterator[sqlite3.Connection]:
    """A connection that sees committed rows only and never waits for the daemon's writes."""
    path = directory / JOURNAL_FILE
    with closing(open_journal(path, write=False)) as db:
        try:
            yield db
        except sqlite3.Error as error:
            raise JournalError(f"journal {path} cannot be read: {error}") from error


def _existing_columns(db: sqlite3.Connection, name: str) -> set[str]:
    return {row[1] for row in db.execute(f'PRAGMA table_info("{name}")')}


def _select_sql(db: sqlite3.Connection, name: str, wanted_columns: Sequence[HistoryColumn]) -> str | None:
    """The SELECT of a table; a column declared after the journal was last written is NULL, a missing table None."""
    existing = _existing_columns(db, name)
    names = (f'"{column.name}"' if column.name in existing else "NULL" for column in wanted_columns)
    return f'SELECT {", ".join(names)} FROM "{name}"' if existing else None  # noqa: S608 - our own names


def _to_batch(wanted_columns: Sequence[HistoryColumn], rows: Sequence[Sequence[Any]]) -> ColumnBatch:
    found: ColumnBatch = {}
    turned = zip(*rows, strict=True) if rows else ((),) * len(wanted_columns)
    for column, values in zip(wanted_columns, turned, strict=True):
        flag = column.type is bool
        found[column.name] = [None if value is None else bool(value) for value in values] if flag else list(values)
    return found
