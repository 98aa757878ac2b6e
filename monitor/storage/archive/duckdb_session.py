"""DuckDB as the archive uses it: bounded in memory, spilling inside the data directory, its errors in our words."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from monitor.storage.archive.layout import FOLDER, ArchiveError, Shape, sql_name, sql_text
from monitor.storage.archive.temp_dirs import scratch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import duckdb

    from monitor.storage.archive.catalog import Sealed, Span

MEMORY = "160MB"
"""What sealing may hold; the interpreter and what DuckDB does not count come on top (measured: under 300 MiB)."""


def open_in(room: Path, *, memory: str, threads: int, table: str = ":memory:") -> duckdb.DuckDBPyConnection:
    """A database that spills into ``room``."""
    import duckdb  # noqa: PLC0415 - 20 MiB that the daemon itself never loads

    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory,
        "threads": threads,
        "temp_directory": str(room / "spill"),
        "preserve_insertion_order": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "checkpoint_threshold": "1GB",
    }
    return duckdb.connect(table, config=settings)


@contextmanager
def database(
    directory: Path, *, memory: str = MEMORY, threads: int = 1, on_disk: bool = False
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database for one piece of work on data directory ``directory``; what it leaves on disk vanishes with it.

    ``on_disk``: its tables rest in a file, compressed. Raises :class:`ArchiveError`, also for every DuckDB error.
    """
    with scratch(directory) as room:
        table = str(room / "rows.duckdb") if on_disk else ":memory:"
        db = open_in(room, memory=memory, threads=threads, table=table)
        import duckdb  # noqa: PLC0415 - the same

        try:
            yield db
        except duckdb.Error as error:
            raise ArchiveError(f"archive {directory / FOLDER}: {str(error).splitlines()[0]}") from error
        finally:
            db.close()


def select(directory: Path, shape: Shape, files: Iterable[Sealed], names: Iterable[str] | None = None) -> str:
    """The SELECT over sealed files, all columns of ``shape`` or those named.

    A column that was declared after a file was sealed is absent there; one whose type was changed is converted.
    """
    wanted = list(names or shape.types)
    groups: dict[str, list[Sealed]] = {}
    for one in files:
        groups.setdefault(one.columns, []).append(one)
    parts = []
    for group in groups.values():
        have = group[0].types
        listed = ", ".join(_column(name, shape.types[name], have.get(name)) for name in wanted)
        paths = ", ".join(sql_text(str(directory / FOLDER / one.path)) for one in group)
        parts.append(f"SELECT {listed} FROM read_parquet([{paths}], hive_partitioning = false)")  # noqa: S608 - quoted
    nothing = ", ".join(f"CAST(NULL AS {shape.types[name]}) AS {sql_name(name)}" for name in wanted)
    return " UNION ALL ".join(parts) or f"SELECT {nothing} WHERE false"


def _column(name: str, wanted: str, have: str | None) -> str:
    if have == wanted:
        return sql_name(name)
    source = sql_name(name) if have else "NULL"
    return f"CAST({source} AS {wanted}) AS {sql_name(name)}"


def execute(db: duckdb.DuckDBPyConnection, sql: str, values: Iterable[Any] = ()) -> duckdb.DuckDBPyConnection:
    """Ask one question; its error is translated at once, where the caller can still do something about it."""
    import duckdb  # noqa: PLC0415 - the same

    try:
        return db.execute(sql, list(values))
    except duckdb.Error as error:
        raise ArchiveError(f"archive: {str(error).splitlines()[0]}") from error


def drop_known(work: duckdb.DuckDBPyConnection, directory: Path, form: Shape, span: Span) -> int:
    """Take out of table ``rows`` what the period's files hold: rows that had left the journal may be imported again."""
    known = select(directory, form, span.files, form.identity)
    same = " AND ".join(f"rows.{sql_name(name)} = known.{sql_name(name)}" for name in form.identity)
    found = work.execute(f"DELETE FROM rows USING ({known}) AS known WHERE {same}")  # noqa: S608 - our own names
    return int((found.fetchone() or (0,))[0])
