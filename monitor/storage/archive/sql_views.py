"""A window of history for questions in SQL: a DuckDB connection with a view for each kind, over files and journal."""

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
"""What a question may hold before it spills or fails: exact quantiles hold eight bytes a row, 330 MB for a quarter, and
while they grow up to twice that; with 600 MB they failed whenever the threads met so."""


@contextmanager
def connect(  # noqa: PLR0913 - a window and what is wanted of it, named where it is asked
    directory: Path,
    kinds: Iterable[str],
    since_ms: int,
    until_ms: int,
    names: Sequence[str] = (),
    *,
    memory_limit: str = QUERY_MEMORY_LIMIT,
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with a view for each of ``kinds``, called like it, of its rows with ``since <= slot < until``.

    The columns are those of :func:`monitor.storage.journal.columns.columns`, or those ``names`` among them, as far as the kind has
    them: naming the few that a question needs makes the unsealed rest quick to load. Each row is there once; the order
    is none. What is committed later is not seen. Raises :class:`JournalError` as :func:`monitor.storage.history.reader.measurements`.
    """
    with (
        duckdb_session.open_session(directory, memory_limit=memory_limit, on_disk=True) as db,
        closing(_journal_connection(directory)) as journal,
    ):
        for kind in kinds:
            form = row_schema(kind)
            wanted = {*form.identity_columns, *names} if names else set(form.types)
            chosen = [name for name in form.types if name in wanted]
            _create_view(
                directory,
                journal,
                db,
                form,
                reader.split_window(catalog.read(journal), kind, since_ms, until_ms),
                chosen,
            )
        yield db


def _journal_connection(directory: Path) -> sqlite3.Connection:
    return open_journal(directory / JOURNAL_FILE, write=False)


def _create_view(  # noqa: PLR0913, PLR0917 - one step of connect, with what it has open
    directory: Path,
    journal: sqlite3.Connection,
    db: duckdb.DuckDBPyConnection,
    schema: RowSchema,
    segments: Sequence[Segment],
    names: Sequence[str],
) -> None:
    """Make the view of one kind: whole files, files of which a part is wanted, and rows of the journal."""
    whole: list[ArchiveFile] = []
    parts = []
    for cut in segments:
        if cut.sealed_period is None:
            continue
        if (cut.since_ms, cut.until_ms) == (cut.sealed_period.since_ms, cut.sealed_period.until_ms):
            whole += cut.sealed_period.files
        else:
            inside = f"{schema.time_sql} >= {cut.since_ms} AND {schema.time_sql} < {cut.until_ms}"
            parts.append(
                f"SELECT * FROM ({duckdb_session.select_sql(directory, schema, cut.sealed_period.files, names)}) WHERE {inside}"
            )
    if whole:
        parts.append(duckdb_session.select_sql(directory, schema, whole, names))
    parts.append(f"SELECT * FROM {_load_journal_rows(directory, journal, db, schema, segments, names)}")  # noqa: S608 - our own name
    db.execute(f"CREATE VIEW {quote_identifier(schema.kind)} AS {' UNION ALL '.join(parts)}")


def _load_journal_rows(  # noqa: PLR0913, PLR0917 - one step of connect, with what it has open
    directory: Path,
    journal: sqlite3.Connection,
    db: duckdb.DuckDBPyConnection,
    schema: RowSchema,
    segments: Sequence[Segment],
    names: Sequence[str],
) -> str:
    """The name of a table with the rows that are in no file yet."""
    late = [
        cut.sealed_period
        for cut in segments
        if cut.sealed_period is not None and reader.has_late_rows(directory, schema.kind, cut.sealed_period)
    ]
    hot = [cut for cut in segments if cut.sealed_period is None or cut.sealed_period in late]
    through = [cut.sealed_period.through if cut.sealed_period else -1 for cut in hot]
    pieces = [
        f"({schema.time_sql} >= {cut.since_ms} AND {schema.time_sql} < {cut.until_ms} AND seq > {seq})"
        for cut, seq in zip(hot, through, strict=True)
    ]
    try:
        if catalog.table_exists(journal, schema):
            copy_rows(journal, db, schema, " OR ".join(pieces) or "false", names=names)
        else:
            db.execute(f"CREATE TABLE rows AS {duckdb_session.select_sql(directory, schema, (), names)}")
    except sqlite3.Error as error:
        raise ArchiveError(f"journal {directory / JOURNAL_FILE} cannot be read: {error}") from error
    for span in late:
        duckdb_session.delete_archived_rows(db, directory, schema, span)
    table = quote_identifier(f"journal_{schema.kind}")
    db.execute(f"ALTER TABLE rows RENAME TO {table}")
    return table
