"""A window of history for SQL queries: a DuckDB connection with a view for each kind, over files and journal."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from monitor.storage.archive import catalog, duckdb_session, reader
from monitor.storage.archive.layout import ArchiveError, RowSchema, quote_identifier, row_schema
from monitor.storage.archive.sqlite_copy import copy_rows
from monitor.storage.journal.store import JOURNAL_FILE, open_journal

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
        closing(_journal_connection(directory)) as journal,
    ):
        for kind in kinds:
            schema = row_schema(kind)
            requested = {*schema.identity_columns, *names} if names else set(schema.types)
            selected = [name for name in schema.types if name in requested]
            _create_view(
                directory,
                journal,
                db,
                schema,
                reader.split_window(catalog.read(journal), kind, since_ms, until_ms),
                selected,
            )
        yield db


def _journal_connection(directory: Path) -> sqlite3.Connection:
    return open_journal(directory / JOURNAL_FILE, write=False)


def _create_view(  # noqa: PLR0913, PLR0917 - one step of connect, with its open connections
    directory: Path,
    journal: sqlite3.Connection,
    db: duckdb.DuckDBPyConnection,
    schema: RowSchema,
    segments: Sequence[Segment],
    names: Sequence[str],
) -> None:
    """Create the view of one kind: whole files, parts of files, and rows of the journal."""
    whole: list[ArchiveFile] = []
    parts = []
    for segment in segments:
        if segment.sealed_period is None:
            continue
        if (segment.since_ms, segment.until_ms) == (segment.sealed_period.since_ms, segment.sealed_period.until_ms):
            whole += segment.sealed_period.files
        else:
            inside = f"{schema.time_sql} >= {segment.since_ms} AND {schema.time_sql} < {segment.until_ms}"
            source = duckdb_session.select_sql(directory, schema, segment.sealed_period.files, names)
            parts.append(f"SELECT * FROM ({source}) WHERE {inside}")  # noqa: S608 - quoted
    if whole:
        parts.append(duckdb_session.select_sql(directory, schema, whole, names))
    parts.append(f"SELECT * FROM {_load_journal_rows(directory, journal, db, schema, segments, names)}")  # noqa: S608 - our own name
    db.execute(f"CREATE VIEW {quote_identifier(schema.kind)} AS {' UNION ALL '.join(parts)}")


def _load_journal_rows(  # noqa: PLR0913, PLR0917 - one step of connect, with its open connections
    directory: Path,
    journal: sqlite3.Connection,
    db: duckdb.DuckDBPyConnection,
    schema: RowSchema,
    segments: Sequence[Segment],
    names: Sequence[str],
) -> str:
    """Load the rows that are in no file yet, and return the name of their table."""
    late = [
        segment.sealed_period
        for segment in segments
        if segment.sealed_period is not None and reader.has_late_rows(directory, schema.kind, segment.sealed_period)
    ]
    unsealed = [segment for segment in segments if segment.sealed_period is None or segment.sealed_period in late]
    through = [segment.sealed_period.through if segment.sealed_period else -1 for segment in unsealed]
    conditions = [
        f"({schema.time_sql} >= {segment.since_ms} AND {schema.time_sql} < {segment.until_ms} AND seq > {seq})"
        for segment, seq in zip(unsealed, through, strict=True)
    ]
    try:
        if catalog.table_exists(journal, schema.table):
            copy_rows(journal, db, schema, " OR ".join(conditions) or "false", names=names)
        else:
            db.execute(f"CREATE TABLE rows AS {duckdb_session.select_sql(directory, schema, (), names)}")
    except sqlite3.Error as error:
        raise ArchiveError(f"journal {directory / JOURNAL_FILE} cannot be read: {error}") from error
    for period in late:
        duckdb_session.delete_archived_rows(db, directory, schema, period)
    table = quote_identifier(f"journal_{schema.kind}")
    db.execute(f"ALTER TABLE rows RENAME TO {table}")
    return table
