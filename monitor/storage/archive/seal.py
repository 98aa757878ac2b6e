"""Sealing: write the journal's rows of closed days to Parquet files, atomically; the caller commits their entries.

A file is written under a temporary name, synced, counted, hashed, renamed, and the directory synced. A process killed
before the rename leaves temporary files, which the next sweep removes; killed after it, a file that is not in the
catalog, which the next sweep recovers. Rows stay in the journal until the catalog has their file.
"""

from __future__ import annotations

import fcntl
import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import structlog

from monitor.storage.archive import catalog, duckdb_session, layout
from monitor.storage.archive.catalog import SealedPeriod, table_exists
from monitor.storage.archive.layout import ARCHIVE_FOLDER, ArchiveError, ReportDay, RowSchema, row_schema
from monitor.storage.archive.parquet import write_parquet_file
from monitor.storage.archive.protocol import SealRequest
from monitor.storage.archive.recovery import recover
from monitor.storage.archive.sqlite_copy import copy_rows
from monitor.storage.archive.temp_dirs import remove_abandoned_temp_dirs
from monitor.storage.journal.database import JOURNAL_FILE, read_only

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from monitor.storage.journal.store import ArchiveUpdate

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SealTask:
    """One file to write: rows of ``kind`` in a period of ``day`` that sealed ``period``, if any, does not hold yet."""

    kind: str
    day: str
    since_ms: int
    until_ms: int
    period: SealedPeriod | None


def sweep(
    request: SealRequest, commit: Callable[[ArchiveUpdate], None], wait_durable: Callable[[], None] = lambda: None
) -> int:
    """Seal all that is due, one file at a time, passing each catalog entry to ``commit``; return the files sealed.

    When ``wait_durable`` returns, all entries passed so far are durable; ``commit`` need not wait for that. One sweep
    at a time: a second one waits. Raises :class:`ArchiveError`, :class:`JournalError`, and what the callbacks raise.
    """
    sealed = 0
    with archive_lock(request.directory), _journal_connection(request.directory) as db:
        _remove_leftovers(request.directory)
        for update in recover(request, db):
            commit(update)
        wait_durable()
        for kind in layout.archived_kinds():
            for task in list(pending_tasks(db, kind, request)):
                update, new = seal(request, db, task)
                commit(update)
                sealed += new
        wait_durable()
    return sealed


@contextmanager
def archive_lock(directory: Path) -> Iterator[None]:
    """Hold the archive's lock; the kernel releases it when the process ends."""
    root = directory / ARCHIVE_FOLDER
    try:
        root.mkdir(parents=True, exist_ok=True)
        with (root / "lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise ArchiveError(f"archive {root} cannot be used: {error.strerror or error}") from error


@contextmanager
def _journal_connection(directory: Path) -> Iterator[sqlite3.Connection]:
    with read_only(directory) as db:
        try:
            yield db
        except sqlite3.Error as error:
            raise ArchiveError(f"journal {directory / JOURNAL_FILE} cannot be read: {error}") from error


def _remove_leftovers(directory: Path) -> None:
    """Remove the temporary files of a killed sweep. The caller holds the lock."""
    remove_abandoned_temp_dirs(directory)
    for leftover in (directory / ARCHIVE_FOLDER).glob(f".{layout.MANIFEST_FILE}.*"):
        leftover.unlink(missing_ok=True)
    for folder in layout.kind_folders(directory):
        for leftover in folder.glob(f"*/.*{layout.TEMP_SUFFIX}"):
            leftover.unlink(missing_ok=True)


def pending_tasks(db: sqlite3.Connection, kind: str, request: SealRequest) -> Iterator[SealTask]:
    """Yield what is due for ``kind``, oldest first: days without a file, and sealed days with late rows."""
    schema, zone = row_schema(kind), ZoneInfo(request.zone)
    if not table_exists(db, schema.table):
        return
    periods = catalog.sealed_periods(catalog.read(db), kind)
    first_time = f"SELECT MIN({schema.time_sql}) FROM {schema.table} WHERE {schema.time_sql} >= ?"  # noqa: S608 - names of this schema
    cursor = -(2**62)
    while (found := db.execute(first_time, (cursor,)).fetchone()[0]) is not None:
        period = next((one for one in periods if one.since_ms <= found < one.until_ms), None)
        day = layout.day_of(found, zone)
        if period is not None:
            if catalog.late_row_exists(db, schema, period):
                yield SealTask(kind, period.files[0].day, period.since_ms, period.until_ms, period)
            cursor = period.until_ms
            continue
        if day.until_ms + request.grace_ms > request.now_ms:
            return
        yield _task_of_day(kind, day, found, periods)
        cursor = min([day.until_ms, *(one.since_ms for one in periods if one.since_ms > found)])


def _task_of_day(kind: str, day: ReportDay, at: int, periods: Sequence[SealedPeriod]) -> SealTask:
    """Return the period around ``at`` that has no file: the day, or its part beside sealed days of another zone."""
    since = max([day.since_ms, *(one.until_ms for one in periods if one.until_ms <= at)])
    until = min([day.until_ms, *(one.since_ms for one in periods if one.since_ms > at)])
    return SealTask(kind, day.date, since, until, None)


def seal(request: SealRequest, db: sqlite3.Connection, task: SealTask) -> tuple[ArchiveUpdate, int]:
    """Write one file; return its catalog entry and the number of files: none when all rows were sealed before."""
    schema = row_schema(task.kind)
    with duckdb_session.open_session(request.directory, memory_limit=request.memory_limit, on_disk=True) as session:
        db.execute("BEGIN")
        try:
            through = int(db.execute("SELECT last FROM sequence").fetchone()[0])
            count = copy_rows(db, session, schema, *_condition(db, schema, task, through))
        finally:
            db.execute("COMMIT")
        if task.period is not None:
            count -= duckdb_session.delete_archived_rows(session, request.directory, schema, task.period)
            if count == 0:
                return catalog.advance_through(task.period, through), 0
        number = catalog.next_number(request.directory, task.kind, task.day, task.period)
        new = catalog.new_file(schema, task.day, number, task.since_ms, task.until_ms, request.zone, request.now_ms)
        entry = replace(new, late=task.period is not None, rows=count, through=through)
        sealed = write_parquet_file(request.directory, session, "SELECT * FROM rows", schema, entry)
    log.info("archive_file_sealed", path=sealed.path, rows=sealed.rows, bytes=sealed.size, late=sealed.late)
    return catalog.add_file(sealed), 1


def _condition(db: sqlite3.Connection, schema: RowSchema, task: SealTask, through: int) -> tuple[str, tuple[int, ...]]:
    """Return the condition for the task's rows, and its values: by sequence number, the order of rows on disk.

    The index by time finds the lowest and highest number without reading the rows (measured: twice as fast).
    """
    past = task.period.through if task.period else 0
    inside = (task.since_ms, task.until_ms, past, through)
    time = schema.time_sql
    where = f"{time} >= ? AND {time} < ? AND seq > ? AND seq <= ?"
    first, last = db.execute(f"SELECT MIN(seq), MAX(seq) FROM {schema.table} WHERE {where}", inside).fetchone()  # noqa: S608 - names of this schema
    return f"seq >= ? AND seq <= ? AND +{time} >= ? AND +{time} < ?", (first, last, task.since_ms, task.until_ms)
