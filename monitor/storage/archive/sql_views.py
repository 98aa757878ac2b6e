"""A window of history for SQL queries: a DuckDB connection with a view for each kind, over files and journal."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.storage.archive import catalog, duckdb_session, reader
from monitor.storage.archive.layout import ArchiveError, RowSchema, quote_identifier, row_schema
from monitor.storage.archive.sqlite_copy import copy_rows
from monitor.storage.journal.database import JOURNAL_FILE, read_only

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    import duckdb

    from monitor.storage.archive.catalog import ArchiveFile
    from monitor.storage.archive.reader import Segment

QUERY_MEMORY_LIMIT = "800MB"
"""Memory limit of a query: exact quantiles need eight bytes a row, 330 MB for a quarter, and up to twice that while
they grow; with 600 MB they failed under some interleavings of the threads."""


@contextmanager
def connect(  # noqa: PLR0913 - a window and its columns
    directory: Path,
    kinds: Iterable[str],
    since_ms: int,
    until_ms: int,
    names: Sequence[str] = (),
    *,
    memory_limit: str = QUERY_MEMORY_LIMIT,
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a connection with a view for each kind, named like it, of its rows with ``since_ms <= slot < until_ms``.

    The columns are those of :func:`monitor.storage.journal.columns.history_columns`, or ``names`` as far as the kind
    has them: fewer columns make unsealed rows faster to load. Each row appears once, in no order; rows committed later
    do not appear. Raises :class:`JournalError` as :func:`monitor.storage.history.reader.measurements`.
    """
    with (
        duckdb_session.open_session(directory, memory_limit=memory_limit, on_disk=True) as db,
        read_only(directory) as journal,
    ):
        for kind in kinds:
            schema = row_schema(kind)
            requested = {*schema.identity_columns, *names} if names else set(schema.types)
            segments = reader.split_window(catalog.read(journal), kind, since_ms, until_ms)
            selected = [name for name in schema.types if name in requested]
            _KindView(directory, journal, db, schema, segments, selected).create()
        yield db


@dataclass(frozen=True, slots=True)
class _KindView:
    """The view of one kind over a window, with the open connections of :func:`connect`."""

    directory: Path
    journal: sqlite3.Connection
    db: duckdb.DuckDBPyConnection
    schema: RowSchema
    segments: Sequence[Segment]
    names: Sequence[str]

    def create(self) -> None:
        """Create the view: whole files, parts of files, and rows of the journal."""
        whole: list[ArchiveFile] = []
        parts = []
        for segment in self.segments:
            period = segment.sealed_period
            if period is None:
                continue
            if (segment.since_ms, segment.until_ms) == (period.since_ms, period.until_ms):
                whole += period.files
            else:
                parts.append(f"SELECT * FROM ({self._files_sql(period.files)}) WHERE {self._inside(segment)}")  # noqa: S608 - quoted
        if whole:
            parts.append(self._files_sql(whole))
        parts.append(f"SELECT * FROM {self._load_journal_rows()}")  # noqa: S608 - our own name
        self.db.execute(f"CREATE VIEW {quote_identifier(self.schema.kind)} AS {' UNION ALL '.join(parts)}")

    def _files_sql(self, files: Sequence[ArchiveFile]) -> str:
        return duckdb_session.select_sql(self.directory, self.schema, files, self.names)

    def _inside(self, segment: Segment) -> str:
        return f"{self.schema.time_sql} >= {segment.since_ms} AND {self.schema.time_sql} < {segment.until_ms}"

    def _load_journal_rows(self) -> str:
        """Load the rows that are in no file yet, and return the name of their table."""
        conditions, late = [], []
        for segment in self.segments:
            period = segment.sealed_period
            if period is None or catalog.late_row_exists(self.journal, self.schema, period):
                conditions.append(f"({self._inside(segment)} AND seq > {period.through if period else -1})")
                late += [period] if period else []
        try:
            if catalog.table_exists(self.journal, self.schema.table):
                condition = " OR ".join(conditions) or "false"
                copy_rows(self.journal, self.db, self.schema, condition, names=self.names)
            else:
                self.db.execute(f"CREATE TABLE rows AS {self._files_sql(())}")
        except sqlite3.Error as error:
            raise ArchiveError(f"journal {self.directory / JOURNAL_FILE} cannot be read: {error}") from error
        for period in late:
            duckdb_session.delete_archived_rows(self.db, self.directory, self.schema, period)
        table = quote_identifier(f"journal_{self.schema.kind}")
        self.db.execute(f"ALTER TABLE rows RENAME TO {table}")
        return table
