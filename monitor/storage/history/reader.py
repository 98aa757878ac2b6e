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
from monitor.storage.archive.layout import STATES
from monitor.storage.archive.reader import Choice, Stretch
from monitor.storage.archive.sql_views import MEMORY, connect
from monitor.storage.journal.columns import BASE, IDENTITY, STATE_COLUMNS, Column, columns, table
from monitor.storage.journal.store import FILE, JournalError
from monitor.storage.journal.store import connect as open_journal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from monitor.storage.archive.catalog import Sealed
    from monitor.storage.archive.reader import Row

__all__ = [
    "BASE",
    "BATCH",
    "FOREVER",
    "IDENTITY",
    "MEMORY",
    "STATE_COLUMNS",
    "Column",
    "Columns",
    "Window",
    "columns",
    "connect",
    "count",
    "measurements",
    "state_changes",
    "states_at",
]

Columns = dict[str, list[Any]]
"""One batch: column name -> values, all lists equally long, None where a value is absent."""

BATCH = 10_000

FOREVER = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What to read: measurements of ``kind`` with ``since <= slot < until`` (UTC ms); None means all of them.

    ``portals`` holds portal ids, ``checks`` names of checks such as ``uptime-search``.
    """

    kind: str
    since: int = 0
    until: int = FOREVER
    portals: frozenset[str] | None = None
    checks: frozenset[str] | None = None

    @property
    def members(self) -> tuple[tuple[str, frozenset[str]], ...]:
        """The columns that are narrowed, each with the values it may have."""
        listed = (("portal", self.portals), ("check", self.checks))
        return tuple((name, members) for name, members in listed if members is not None)


def measurements(directory: Path, window: Window, batch: int = BATCH) -> Iterator[Columns]:
    """The measurements of ``window`` in order of (slot, portal, check, location, attempt), ``batch`` rows at a time.

    Every batch from the journal is a short read of its own, so a slow consumer neither fills memory nor keeps the
    daemon's write-ahead log from being folded back; a sealed day is sorted within bounded memory. Rows committed
    meanwhile appear when they sort behind what was already given. Raises :class:`JournalError` when there is no journal
    in ``directory`` or it cannot be read, and when sealed files are missing or damaged.
    """
    wanted = columns(window.kind)
    with _opened(directory) as db:
        cut = reader.stretches(catalog.read(db), window.kind, window.since, window.until)
        rows = itertools.chain.from_iterable(_stretch(directory, db, window, one, batch) for one in cut)
        while some := list(itertools.islice(rows, batch)):
            yield _columns(wanted, some)


def _stretch(directory: Path, db: sqlite3.Connection, window: Window, cut: Stretch, batch: int) -> Iterator[Row]:
    """The rows of one stretch, in order."""
    if cut.span is None:
        return _hot(db, window, cut, batch)
    names = [column.name for column in columns(window.kind)]
    choice = Choice(since=cut.since, until=cut.until, members=window.members)
    sealed = reader.rows(directory, window.kind, cut.span, choice, names, _SORTED, batch)
    if not reader.late(directory, window.kind, cut.span):
        return sealed
    return reader.merged(sealed, _hot(db, window, cut, batch), [_PLACES[name] for name in _SORTED])


def _hot(db: sqlite3.Connection, window: Window, cut: Stretch, batch: int) -> Iterator[Row]:
    """Rows of the journal; of a sealed period only those that came after the sealing."""
    source = _source(db, table(window.kind).name, columns(window.kind))
    if source is None:
        return
    where, values = _where(window, cut)
    sql = f"{source} WHERE {where} {_PAST} ORDER BY {_ORDER} LIMIT ?"
    last: Row = (cut.since, "", "", "", -1)
    while rows := db.execute(sql, (last[0], *values, *last, batch)).fetchall():
        last = tuple(rows[-1][_PLACES[name]] for name in _SORTED)
        yield from rows


def count(directory: Path, window: Window) -> int:
    """How many measurements ``window`` holds now, mostly without reading them. Raises as :func:`measurements`."""
    name = table(window.kind).name
    total = 0
    with _opened(directory) as db:
        for cut in reader.stretches(catalog.read(db), window.kind, window.since, window.until):
            if cut.span is not None and reader.late(directory, window.kind, cut.span):
                total += sum(1 for _ in _stretch(directory, db, window, cut, BATCH))
            elif cut.span is not None:
                choice = Choice(since=cut.since, until=cut.until, members=window.members)
                total += reader.count(directory, window.kind, cut.span, choice)
            elif _existing(db, name):
                where, values = _where(window, cut)
                found = db.execute(f'SELECT COUNT(*) FROM "{name}" WHERE {where}', (cut.since, *values))  # noqa: S608 - our own names
                total += int(found.fetchone()[0])
    return total


def state_changes(
    directory: Path,
    since: int = 0,
    until: int = FOREVER,
    portals: frozenset[str] | None = None,
    batch: int = BATCH,
) -> Iterator[Columns]:
    """State changes with ``since <= at < until`` (UTC ms) as :data:`STATE_COLUMNS`, in order of (at, portal, location).

    They are few: all of the window are held at once. Raises :class:`JournalError` as :func:`measurements`.
    """
    where = "at >= ? AND at < ?"
    values: list[int | str] = [since, until]
    if portals is not None:
        where = f"{where} AND portal IN ({_LISTED})"
        values.append(_list(portals))
    with _opened(directory) as db:
        found = dict(
            _sealed_changes(directory, catalog.read(db), Window(kind="", since=since, until=until, portals=portals))
        )
        if source := _source(db, "state_change", (*STATE_COLUMNS, _SEQ)):
            found |= {row[:4]: row for row in db.execute(f"{source} WHERE {where}", values)}
    ordered = sorted(found.values(), key=lambda row: (row[2], row[0], row[1], row[-1]))
    for first in range(0, len(ordered), batch):
        yield _columns(STATE_COLUMNS, [row[:-1] for row in ordered[first : first + batch]])


def _sealed_changes(directory: Path, listed: list[Sealed], window: Window) -> Iterator[tuple[Row, Row]]:
    """State changes in files, by identity; they are in the journal as well, unless that was lost and begun anew."""
    names = [column.name for column in (*STATE_COLUMNS, _SEQ)]
    for cut in reader.stretches(listed, STATES, window.since, window.until):
        if cut.span is not None:
            choice = Choice(since=cut.since, until=cut.until, members=window.members)
            for row in reader.rows(directory, STATES, cut.span, choice, names, ("at", "seq"), BATCH):
                yield row[:4], row


def states_at(directory: Path, at: int = FOREVER) -> Columns:
    """The state change in force at ``at`` (UTC ms) of every portal and location that had one by then.

    With :func:`state_changes` from ``at`` on it tells the whole story of a window. Raises as :func:`measurements`.
    """
    with _opened(directory) as db:
        source = _source(db, "state_change", STATE_COLUMNS)
        newest = "SELECT MAX(seq) FROM state_change WHERE at <= ? GROUP BY portal, location"
        sql = f"{source} WHERE seq IN ({newest}) ORDER BY portal, location"
        return _columns(STATE_COLUMNS, db.execute(sql, (at,)).fetchall() if source else [])


_SEQ = Column(name="seq", type=int, help="Number in the journal.")
_PLACES = {column.name: place for place, column in enumerate(BASE)}
_SORTED = ("slot", "portal", "check", "location", "attempt")
_ORDER = ", ".join(f'"{name}"' for name in _SORTED)
_PAST = f"AND ({_ORDER}) > ({', '.join('?' * len(_SORTED))})"
_LISTED = "SELECT value FROM json_each(?)"


def _where(window: Window, cut: Stretch) -> tuple[str, list[int | str]]:
    """The condition after ``since``, and its values. The plus keeps SQLite on the index by slot, the order we want."""
    where, values = '"slot" >= ? AND "slot" < ? AND seq > ?', [cut.until, cut.span.through if cut.span else -1]
    where += "".join(f' AND +"{name}" IN ({_LISTED})' for name, _ in window.members)
    return where, [*values, *(_list(members) for _, members in window.members)]


def _list(members: Iterable[str]) -> str:
    return json.dumps(sorted(members))


@contextmanager
def _opened(directory: Path) -> Iterator[sqlite3.Connection]:
    """A connection that sees committed rows only and never waits for the daemon's writes."""
    path = directory / FILE
    with closing(open_journal(path, write=False)) as db:
        try:
            yield db
        except sqlite3.Error as error:
            raise JournalError(f"journal {path} cannot be read: {error}") from error


def _existing(db: sqlite3.Connection, name: str) -> set[str]:
    return {row[1] for row in db.execute(f'PRAGMA table_info("{name}")')}


def _source(db: sqlite3.Connection, name: str, wanted: Sequence[Column]) -> str | None:
    """The SELECT of a table; a column declared after the journal was last written is NULL, a missing table None."""
    existing = _existing(db, name)
    names = (f'"{column.name}"' if column.name in existing else "NULL" for column in wanted)
    return f'SELECT {", ".join(names)} FROM "{name}"' if existing else None  # noqa: S608 - our own names


def _columns(wanted: Sequence[Column], rows: Sequence[Sequence[Any]]) -> Columns:
    found: Columns = {}
    turned = zip(*rows, strict=True) if rows else ((),) * len(wanted)
    for column, values in zip(wanted, turned, strict=True):
        flag = column.type is bool
        found[column.name] = [None if value is None else bool(value) for value in values] if flag else list(values)
    return found
