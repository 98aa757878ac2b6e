"""One way to read a window of history, as columns; where the rows rest (today: the journal) is nobody else's business.

The names, order and types of the columns are fixed here: :data:`BASE`, then the stored metrics of the kind in the order
of their declaration. `docs/history-format.md` lists them.
"""

from __future__ import annotations

import enum
import json
import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from monitor.model import State, Void
from monitor.rows import KindTable
from monitor.store import FILE, JournalError, connect
from probes.base import Fault, Outcome, Unit
from probes.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

Columns = dict[str, list[Any]]
"""One batch: column name -> values, all lists equally long, None where a value is absent."""

BATCH = 10_000

FOREVER = 2**62

_Type = type[bool | int | float | str]
_Choices = type[enum.StrEnum]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: ``type`` of its values, ``unit`` in words, and the closed set of values where there is one."""

    name: str
    type: _Type
    help: str
    unit: str = ""
    required: bool = False
    choices: _Choices | None = None


IDENTITY = ("portal", "check", "location", "slot", "attempt")
"""The columns that identify a measurement: written twice, it is there once."""

BASE: tuple[Column, ...] = (
    Column(name="portal", type=str, required=True, help="Id of the portal in the inventory."),
    Column(name="check", type=str, required=True, help="Name of the check, unique within the portal."),
    Column(name="location", type=str, required=True, help="Where the daemon that looked stands."),
    Column(name="slot", type=int, unit="ms since 1970-01-01 UTC", required=True, help="Scheduled time of the look."),
    Column(name="attempt", type=int, required=True, help="1 for the scheduled look, 2 and up for looks confirming it."),
    Column(name="outcome", type=str, required=True, choices=Outcome, help="Verdict; void means that we did not see."),
    Column(name="fault", type=str, choices=Fault, help="Why the look failed."),
    Column(name="void", type=str, choices=Void, help="Why we did not see; present exactly when the outcome is void."),
    Column(name="phase", type=str, help="Phase in which the look failed."),
    Column(name="detail", type=str, help="The failure in one sentence; empty for a good look."),
    Column(name="started", type=int, unit="ms since 1970-01-01 UTC", help="When the look began."),
    Column(name="duration", type=float, unit="seconds", help="How long the look took."),
    Column(name="lateness", type=float, unit="seconds", help="How long after its slot the look began."),
    Column(name="config", type=str, help="Fingerprint of the configuration in force."),
    Column(name="hops", type=str, unit="JSON", help="Requests of the look; absent for a good look with one request."),
)
"""What every kind records, whatever it measures."""

STATE_COLUMNS: tuple[Column, ...] = (
    Column(name="portal", type=str, required=True, help="Id of the portal in the inventory."),
    Column(name="location", type=str, required=True, help="Where the daemon that looked stands."),
    Column(name="at", type=int, unit="ms since 1970-01-01 UTC", required=True, help="Slot from which the state holds."),
    Column(name="state", type=str, required=True, choices=State, help="The state that began."),
    Column(name="previous", type=str, required=True, choices=State, help="The state that ended."),
    Column(name="fault", type=str, choices=Fault, help="Fault of the look that tipped it."),
    Column(name="detail", type=str, help="That failure in one sentence."),
)
"""The columns of state changes."""


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


_UNITS = {
    Unit.SECONDS: "seconds",
    Unit.BYTES: "bytes",
    Unit.RATIO: "ratio",
    Unit.TIMESTAMP: "seconds since 1970-01-01 UTC",
}


def columns(kind: str) -> tuple[Column, ...]:
    """The columns of a kind's measurements, in order. Raises :class:`JournalError` for a kind that does not exist."""
    measured = (
        Column(
            name=metric.name,
            type=metric.type,
            help=metric.help,
            unit=_UNITS.get(metric.unit, ""),
        )
        for metric in _table(kind).metrics
    )
    return (*BASE, *measured)


def measurements(directory: Path, window: Window, batch: int = BATCH) -> Iterator[Columns]:
    """The measurements of ``window`` in order of (slot, portal, check, location, attempt), ``batch`` rows at a time.

    Every batch is a short read of its own, so a slow consumer neither fills memory nor keeps the daemon's write-ahead
    log from being folded back. Rows committed meanwhile appear when they sort behind what was already given. Raises
    :class:`JournalError` when there is no journal in ``directory`` or it cannot be read.
    """
    wanted = columns(window.kind)
    with _opened(directory) as db:
        source = _source(db, _table(window.kind).name, wanted)
        if source is None:
            return
        where, values = _where(window)
        sql = f"{source} WHERE {where} {_PAST} ORDER BY {_ORDER} LIMIT ?"
        last: tuple[Any, ...] = (window.since, "", "", "", -1)
        while rows := db.execute(sql, (last[0], *values, *last, batch)).fetchall():
            last = tuple(rows[-1][_PLACES[name]] for name in _SORTED)
            yield _columns(wanted, rows)


def count(directory: Path, window: Window) -> int:
    """How many measurements ``window`` holds now, without reading them. Raises as :func:`measurements`."""
    table = _table(window.kind).name
    with _opened(directory) as db:
        if not _existing(db, table):
            return 0
        where, values = _where(window)
        found = db.execute(f'SELECT COUNT(*) FROM "{table}" WHERE {where}', (window.since, *values))  # noqa: S608
        return int(found.fetchone()[0])


def state_changes(
    directory: Path,
    since: int = 0,
    until: int = FOREVER,
    portals: frozenset[str] | None = None,
    batch: int = BATCH,
) -> Iterator[Columns]:
    """State changes with ``since <= at < until`` (UTC ms) as :data:`STATE_COLUMNS`, in order of (at, portal, location).

    Raises :class:`JournalError` as :func:`measurements`.
    """
    where = "at >= ? AND at < ?"
    values: list[int | str] = [since, until]
    if portals is not None:
        where = f"{where} AND portal IN ({_LISTED})"
        values.append(_list(portals))
    with _opened(directory) as db:
        source = _source(db, "state_change", STATE_COLUMNS)
        if source is None:
            return
        found = db.execute(f"{source} WHERE {where} ORDER BY at, portal, location, seq", values).fetchall()
    for first in range(0, len(found), batch):
        yield _columns(STATE_COLUMNS, found[first : first + batch])


def states_at(directory: Path, at: int = FOREVER) -> Columns:
    """The state change in force at ``at`` (UTC ms) of every portal and location that had one by then.

    With :func:`state_changes` from ``at`` on it tells the whole story of a window. Raises as :func:`measurements`.
    """
    with _opened(directory) as db:
        source = _source(db, "state_change", STATE_COLUMNS)
        newest = "SELECT MAX(seq) FROM state_change WHERE at <= ? GROUP BY portal, location"
        sql = f"{source} WHERE seq IN ({newest}) ORDER BY portal, location"
        return _columns(STATE_COLUMNS, db.execute(sql, (at,)).fetchall() if source else [])


_PLACES = {column.name: place for place, column in enumerate(BASE)}
_SORTED = ("slot", "portal", "check", "location", "attempt")
_ORDER = ", ".join(f'"{name}"' for name in _SORTED)
_PAST = f"AND ({_ORDER}) > ({', '.join('?' * len(_SORTED))})"
_LISTED = "SELECT value FROM json_each(?)"


def _table(kind: str) -> KindTable:
    if kind not in KINDS:
        raise JournalError(f"probe kind {kind!r} is not one of {', '.join(KINDS)}")
    return KindTable(kind, KINDS[kind])


def _where(window: Window) -> tuple[str, list[int | str]]:
    """The condition after ``since``, and its values. The plus keeps SQLite on the index by slot, the order we want."""
    where, values = '"slot" >= ? AND "slot" < ?', [window.until]
    listed = {"portal": window.portals, "check": window.checks}
    chosen = {name: members for name, members in listed.items() if members is not None}
    where += "".join(f' AND +"{name}" IN ({_LISTED})' for name in chosen)
    return where, [*values, *(_list(members) for members in chosen.values())]


def _list(members: Iterable[str]) -> str:
    return json.dumps(sorted(members))


@contextmanager
def _opened(directory: Path) -> Iterator[sqlite3.Connection]:
    """A connection that sees committed rows only and never waits for the daemon's writes."""
    path = directory / FILE
    db = connect(path, write=False)
    try:
        yield db
    except sqlite3.Error as error:
        raise JournalError(f"journal {path} cannot be read: {error}") from error
    finally:
        db.close()


def _existing(db: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in db.execute(f'PRAGMA table_info("{table}")')}


def _source(db: sqlite3.Connection, table: str, wanted: Sequence[Column]) -> str | None:
    """The SELECT of a table; a column declared after the journal was last written is NULL, a missing table None."""
    existing = _existing(db, table)
    names = (f'"{column.name}"' if column.name in existing else "NULL" for column in wanted)
    return f'SELECT {", ".join(names)} FROM "{table}"' if existing else None  # noqa: S608 - our own names


def _columns(wanted: Sequence[Column], rows: Sequence[Sequence[Any]]) -> Columns:
    found: Columns = {}
    turned = zip(*rows, strict=True) if rows else ((),) * len(wanted)
    for column, values in zip(wanted, turned, strict=True):
        flag = column.type is bool
        found[column.name] = [None if value is None else bool(value) for value in values] if flag else list(values)
    return found
