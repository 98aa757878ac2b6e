"""A window of history for questions in SQL: a DuckDB connection with a view for each kind, over files and journal."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from monitor.storage.archive import catalog, duckdb_session, reader
from monitor.storage.archive.layout import ArchiveError, Shape, shape, sql_name
from monitor.storage.archive.sqlite_copy import load
from monitor.storage.journal.store import FILE
from monitor.storage.journal.store import connect as open_journal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    import duckdb

    from monitor.storage.archive.catalog import Sealed
    from monitor.storage.archive.reader import Stretch

MEMORY = "800MB"
"""What a question may hold before it spills or fails: exact quantiles hold eight bytes a row, 330 MB for a quarter, and
while they grow up to twice that; with 600 MB they failed whenever the threads met so."""


@contextmanager
def connect(  # noqa: PLR0913 - a window and what is wanted of it, named where it is asked
    directory: Path, kinds: Iterable[str], since: int, until: int, names: Sequence[str] = (), *, memory: str = MEMORY
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with a view for each of ``kinds``, called like it, of its rows with ``since <= slot < until``.

    The columns are those of :func:`monitor.storage.journal.columns.columns`, or those ``names`` among them, as far as the kind has
    them: naming the few that a question needs makes the unsealed rest quick to load. Each row is there once; the order
    is none. What is committed later is not seen. Raises :class:`JournalError` as :func:`monitor.storage.history.reader.measurements`.
    """
    with duckdb_session.database(directory, memory=memory, on_disk=True) as db, closing(_opened(directory)) as journal:
        for kind in kinds:
            form = shape(kind)
            wanted = {*form.identity, *names} if names else set(form.types)
            chosen = [name for name in form.types if name in wanted]
            _view(directory, journal, db, form, reader.stretches(catalog.read(journal), kind, since, until), chosen)
        yield db


def _opened(directory: Path) -> sqlite3.Connection:
    return open_journal(directory / FILE, write=False)


def _view(  # noqa: PLR0913, PLR0917 - one step of connect, with what it has open
    directory: Path,
    journal: sqlite3.Connection,
    db: duckdb.DuckDBPyConnection,
    form: Shape,
    cuts: Sequence[Stretch],
    names: Sequence[str],
) -> None:
    """Make the view of one kind: whole files, files of which a part is wanted, and rows of the journal."""
    whole: list[Sealed] = []
    parts = []
    for cut in cuts:
        if cut.span is None:
            continue
        if (cut.since, cut.until) == (cut.span.since, cut.span.until):
            whole += cut.span.files
        else:
            inside = f"{form.moment} >= {cut.since} AND {form.moment} < {cut.until}"
            parts.append(
                f"SELECT * FROM ({duckdb_session.select(directory, form, cut.span.files, names)}) WHERE {inside}"
            )  # noqa: S608 - numbers
    if whole:
        parts.append(duckdb_session.select(directory, form, whole, names))
    parts.append(f"SELECT * FROM {_journal_rows(directory, journal, db, form, cuts, names)}")  # noqa: S608 - our own name
    db.execute(f"CREATE VIEW {sql_name(form.kind)} AS {' UNION ALL '.join(parts)}")


def _journal_rows(  # noqa: PLR0913, PLR0917 - one step of connect, with what it has open
    directory: Path,
    journal: sqlite3.Connection,
    db: duckdb.DuckDBPyConnection,
    form: Shape,
    cuts: Sequence[Stretch],
    names: Sequence[str],
) -> str:
    """The name of a table with the rows that are in no file yet."""
    late = [cut.span for cut in cuts if cut.span is not None and reader.late(directory, form.kind, cut.span)]
    hot = [cut for cut in cuts if cut.span is None or cut.span in late]
    through = [cut.span.through if cut.span else -1 for cut in hot]
    pieces = [
        f"({form.moment} >= {cut.since} AND {form.moment} < {cut.until} AND seq > {seq})"
        for cut, seq in zip(hot, through, strict=True)
    ]
    try:
        if catalog.exists(journal, form):
            load(journal, db, form, " OR ".join(pieces) or "false", names=names)
        else:
            db.execute(f"CREATE TABLE rows AS {duckdb_session.select(directory, form, (), names)}")
    except sqlite3.Error as error:
        raise ArchiveError(f"journal {directory / FILE} cannot be read: {error}") from error
    for span in late:
        duckdb_session.drop_known(db, directory, form, span)
    table = sql_name(f"journal_{form.kind}")
    db.execute(f"ALTER TABLE rows RENAME TO {table}")
    return table
