"""DuckDB for the archive: bounded memory, temporary files inside the data directory, errors translated."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from monitor.storage.archive.layout import ARCHIVE_FOLDER, ArchiveError, RowSchema, quote_identifier, quote_literal
from monitor.storage.archive.temp_dirs import temp_dir

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import duckdb

    from monitor.storage.archive.catalog import ArchiveFile, SealedPeriod

SEAL_MEMORY_LIMIT = "160MB"
"""Memory limit of sealing; the interpreter and what DuckDB does not count are added (measured: under 300 MiB)."""


def connect_duckdb(
    temp_directory: Path, *, memory_limit: str, threads: int, database_path: str = ":memory:"
) -> duckdb.DuckDBPyConnection:
    """Open a database that spills into ``temp_directory``."""
    import duckdb  # noqa: PLC0415 - 20 MiB that the daemon never loads

    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory_limit,
        "threads": threads,
        "temp_directory": str(temp_directory / "spill"),
        "preserve_insertion_order": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "checkpoint_threshold": "1GB",
    }
    return duckdb.connect(database_path, config=settings)


@contextmanager
def open_session(
    directory: Path, *, memory_limit: str = SEAL_MEMORY_LIMIT, threads: int = 1, on_disk: bool = False
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database for work on data directory ``directory``; its temporary files are removed at the end.

    ``on_disk``: its tables are in a compressed file. Raises :class:`ArchiveError`, also for every DuckDB error.
    """
    with temp_dir(directory) as temporary:
        table = str(temporary / "rows.duckdb") if on_disk else ":memory:"
        db = connect_duckdb(temporary, memory_limit=memory_limit, threads=threads, database_path=table)
        import duckdb  # noqa: PLC0415 - the same

        try:
            yield db
        except duckdb.Error as error:
            raise ArchiveError(f"archive {directory / ARCHIVE_FOLDER}: {str(error).splitlines()[0]}") from error
        finally:
            db.close()


def select_sql(
    directory: Path, schema: RowSchema, files: Iterable[ArchiveFile], names: Iterable[str] | None = None
) -> str:
    """Return the SELECT over sealed files, of all columns of ``schema`` or of ``names``.

    A column that was declared after a file was sealed is NULL for it; one whose type has changed is converted.
    """
    wanted = list(names or schema.types)
    groups: dict[str, list[ArchiveFile]] = {}
    for one in files:
        groups.setdefault(one.columns, []).append(one)
    parts = []
    for group in groups.values():
        stored = group[0].column_types
        listed = ", ".join(_column_sql(name, schema.types[name], stored.get(name)) for name in wanted)
        paths = ", ".join(quote_literal(str(directory / ARCHIVE_FOLDER / one.path)) for one in group)
        parts.append(f"SELECT {listed} FROM read_parquet([{paths}], hive_partitioning = false)")  # noqa: S608 - quoted
    nulls = ", ".join(f"CAST(NULL AS {schema.types[name]}) AS {quote_identifier(name)}" for name in wanted)
    return " UNION ALL ".join(parts) or f"SELECT {nulls} WHERE false"


def _column_sql(name: str, wanted_type: str, stored_type: str | None) -> str:
    if stored_type == wanted_type:
        return quote_identifier(name)
    source = quote_identifier(name) if stored_type else "NULL"
    return f"CAST({source} AS {wanted_type}) AS {quote_identifier(name)}"


def execute(db: duckdb.DuckDBPyConnection, sql: str, values: Iterable[Any] = ()) -> duckdb.DuckDBPyConnection:
    """Execute one statement and translate its error at once, where the caller can handle it."""
    import duckdb  # noqa: PLC0415 - the same

    try:
        return db.execute(sql, list(values))
    except duckdb.Error as error:
        raise ArchiveError(f"archive: {str(error).splitlines()[0]}") from error


def delete_archived_rows(
    session: duckdb.DuckDBPyConnection, directory: Path, schema: RowSchema, period: SealedPeriod
) -> int:
    """Delete from table ``rows`` what the period's files hold: rows that left the journal may be imported again."""
    known = select_sql(directory, schema, period.files, schema.identity_columns)
    keys = map(quote_identifier, schema.identity_columns)
    same = " AND ".join(f"rows.{key} = known.{key}" for key in keys)
    found = session.execute(f"DELETE FROM rows USING ({known}) AS known WHERE {same}")  # noqa: S608 - names of this schema
    return int((found.fetchone() or (0,))[0])
