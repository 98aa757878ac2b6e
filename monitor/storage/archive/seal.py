"""Sealing: the journal's rows of closed days become Parquet files, whole or not at all; who enters them is another.

A file is written under a temporary name, synced, counted, hashed, renamed, and the directory synced. Killed before the
rename it leaves rubbish, which the next sweep removes; killed after it, a file that the ledger does not know, which the
next sweep takes over. Rows stay in the journal until the ledger says where else they are.
"""

from __future__ import annotations

import fcntl
import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import structlog

from monitor import __version__
from monitor.storage.archive import catalog, duckdb_session
from monitor.storage.archive.catalog import Sealed, Span, exists
from monitor.storage.archive.layout import (
    FOLDER,
    MANIFEST,
    PART,
    SCHEMA,
    ArchiveError,
    Day,
    Shape,
    day_of,
    files,
    folders,
    kinds,
    parse,
    relative,
    shape,
)
from monitor.storage.archive.parquet import publish
from monitor.storage.archive.protocol import Order
from monitor.storage.archive.recovery import adopt
from monitor.storage.archive.sqlite_copy import load
from monitor.storage.archive.temp_dirs import sweep_rooms
from monitor.storage.journal.store import FILE, connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from monitor.storage.journal.store import Chore

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One file to write: rows of ``kind`` in a period of day ``label`` that ``span``, if any, does not hold yet."""

    kind: str
    label: str
    since: int
    until: int
    span: Span | None


def sweep(order: Order, commit: Callable[[Chore], None], settle: Callable[[], None] = lambda: None) -> int:
    """Seal all that is due, one file at a time, handing each entry of the ledger to ``commit``; return the files made.

    When ``settle`` returns, all entries handed over so far are durable; ``commit`` alone need not wait for that. One
    sweep at a time: a second one waits. Raises :class:`ArchiveError`, :class:`JournalError`, and what the two raise.
    """
    made = 0
    with alone(order.directory), _journal(order.directory) as db:
        _tidy(order.directory)
        for chore in adopt(order, db):
            commit(chore)
        settle()
        for kind in kinds():
            for task in list(pending(db, kind, order)):
                chore, new = seal(order, db, task)
                commit(chore)
                made += new
        settle()
    return made


@contextmanager
def alone(directory: Path) -> Iterator[None]:
    """Hold the archive's lock, which the kernel releases when the process ends in whatever way."""
    root = directory / FOLDER
    try:
        root.mkdir(parents=True, exist_ok=True)
        with (root / "lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise ArchiveError(f"archive {root} cannot be used: {error.strerror or error}") from error


@contextmanager
def _journal(directory: Path) -> Iterator[sqlite3.Connection]:
    db = connect(directory / FILE, write=False)
    try:
        yield db
    except sqlite3.Error as error:
        raise ArchiveError(f"journal {directory / FILE} cannot be read: {error}") from error
    finally:
        db.close()


def _tidy(directory: Path) -> None:
    """Remove what a killed sweep left unfinished. The caller holds the lock, so nobody else is at it."""
    sweep_rooms(directory)
    for rubbish in (directory / FOLDER).glob(f".{MANIFEST}.*"):
        rubbish.unlink(missing_ok=True)
    for folder in folders(directory):
        for rubbish in folder.glob(f"*/.*{PART}"):
            rubbish.unlink(missing_ok=True)


def pending(db: sqlite3.Connection, kind: str, order: Order) -> Iterator[Task]:
    """What is due for ``kind``, oldest first: days without a file, and sealed days to which rows have come."""
    form, zone = shape(kind), ZoneInfo(order.zone)
    if not exists(db, form):
        return
    spans = catalog.spans(catalog.read(db), kind)
    moment = f"SELECT MIN({form.moment}) FROM {form.table} WHERE {form.moment} >= ?"  # noqa: S608 - our own names
    newer = f"SELECT 1 FROM {form.table} WHERE {form.moment} >= ? AND {form.moment} < ? AND seq > ? LIMIT 1"  # noqa: S608 - the same
    cursor = -(2**62)
    while (found := db.execute(moment, (cursor,)).fetchone()[0]) is not None:
        span = next((one for one in spans if one.since <= found < one.until), None)
        day = day_of(found, zone)
        if span is not None:
            if db.execute(newer, (span.since, span.until, span.through)).fetchone():
                yield Task(kind=kind, label=span.files[0].day, since=span.since, until=span.until, span=span)
            cursor = span.until
            continue
        if day.until + order.grace > order.now:
            return
        yield _task(kind, day, found, spans)
        cursor = min([day.until, *(one.since for one in spans if one.since > found)])


def _task(kind: str, day: Day, moment: int, spans: Sequence[Span]) -> Task:
    """The period around ``moment`` that no file claims: the day, or what another zone's days leave of it."""
    since = max([day.since, *(one.until for one in spans if one.until <= moment)])
    until = min([day.until, *(one.since for one in spans if one.since > moment)])
    return Task(kind=kind, label=day.label, since=since, until=until, span=None)


def seal(order: Order, db: sqlite3.Connection, task: Task) -> tuple[Chore, int]:
    """Write one file and return its entry for the ledger, and how many files were made: none for rows known before."""
    form = shape(task.kind)
    with duckdb_session.database(order.directory, memory=order.memory, on_disk=True) as work:
        db.execute("BEGIN")
        try:
            through = int(db.execute("SELECT last FROM sequence").fetchone()[0])
            count = load(db, work, form, *_rows_of(db, form, task, through))
        finally:
            db.execute("COMMIT")
        if task.span is not None:
            count -= duckdb_session.drop_known(work, order.directory, form, task.span)
            if count == 0:
                return catalog.advance(task.span, through), 0
        wanted = _entry(order, task, _next_number(order.directory, task), count, through)
        sealed = publish(order.directory, work, "SELECT * FROM rows", form, wanted)
    log.info("sealed", path=sealed.path, rows=sealed.rows, bytes=sealed.size, late=sealed.late)
    return catalog.record(sealed), 1


def _rows_of(db: sqlite3.Connection, form: Shape, task: Task, through: int) -> tuple[str, tuple[int, ...]]:
    """The condition for the task's rows, and its values: by number, for rows lie in the order of their numbers.

    The index by time finds the lowest and highest number without a look at the rows (measured: twice as fast).
    """
    past = task.span.through if task.span else 0
    inside = (task.since, task.until, past, through)
    bounds = (
        f"SELECT MIN(seq), MAX(seq) FROM {form.table} "  # noqa: S608 - our own names
        f"WHERE {form.moment} >= ? AND {form.moment} < ? AND seq > ? AND seq <= ?"
    )
    first, last = db.execute(bounds, inside).fetchone()
    return f"seq >= ? AND seq <= ? AND +{form.moment} >= ? AND +{form.moment} < ?", (
        first,
        last,
        task.since,
        task.until,
    )


def _next_number(directory: Path, task: Task) -> int:
    listed = [parse(path) for path in files(directory)]
    known = [one[2] for one in listed if one is not None and one[:2] == (task.kind, task.label)]
    known += [one.number for one in task.span.files] if task.span else []
    return max(known, default=-1) + 1


def _entry(order: Order, task: Task, number: int, count: int, through: int) -> Sealed:
    """What the ledger will say, except what only the file can tell."""
    return Sealed(
        path=relative(task.kind, task.label, number),
        kind=task.kind,
        day=task.label,
        number=number,
        late=task.span is not None,
        rows=count,
        size=0,
        sha256="",
        since=task.since,
        until=task.until,
        first=0,
        last=0,
        through=through,
        columns=catalog.types_text(shape(task.kind)),
        zone=order.zone,
        schema=SCHEMA,
        code=__version__,
        created=order.now,
    )
