"""CSV, JSON Lines and Parquet: columns to a file, a file to raw rows; `validation.py` validates them.

Data files stay raw: no value is changed for spreadsheet programs.
"""

from __future__ import annotations

import csv
import enum
import glob
import io
import json
import math
from contextlib import contextmanager
from itertools import repeat
from typing import TYPE_CHECKING, Any, BinaryIO

from monitor.model.time_parsing import iso_utc
from monitor.storage.archive.layout import quote_literal
from monitor.storage.history import reader as history
from monitor.storage.journal.columns import DUCKDB_TYPES
from monitor.storage.journal.store import JournalError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    import duckdb

    from monitor.storage.history.reader import ColumnBatch


class TransferError(JournalError):
    """A file cannot be written or imported; ``errors`` are sentences for the operator, one per line."""

    def __init__(self, *errors: str) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors


class DataFormat(enum.StrEnum):
    """The formats of data files; the value is also the suffix."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"

    @property
    def textual(self) -> bool:
        """Whether every value is read as text."""
        return self is DataFormat.CSV


RawRow = dict[str, Any]
"""A raw row: values that are present, as in the file."""

MAX_CSV_FIELD_CHARS = 1 << 24
"""Characters in one CSV field; the hops of a redirect loop with long targets exceed the csv module's own limit."""

_BOOLEAN_TEXTS = {True: "true", False: "false", None: None}


def write_csv(file: BinaryIO, kind: str, batches: Iterable[ColumnBatch]) -> None:
    """Write RFC 4180 in UTF-8 with a header; absent values are empty fields, flags are ``true`` and ``false``."""
    columns = history.history_columns(kind)
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["kind", *(column.name for column in columns)])
    for batch in batches:
        cells = (
            [_BOOLEAN_TEXTS[value] for value in batch[column.name]] if column.type is bool else batch[column.name]
            for column in columns
        )
        writer.writerows(zip(repeat(kind), *cells, strict=False))
        file.write(text.getvalue().encode())
        text.seek(0)
        text.truncate()
    file.write(text.getvalue().encode())


def write_jsonl(file: BinaryIO, kind: str, batches: Iterable[ColumnBatch]) -> None:
    """Write one object per line without absent keys; ``time`` is the slot in ISO 8601; ``hops`` is a list."""
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
    for batch in batches:
        names = tuple(batch)
        slot = names.index("slot")
        for values in zip(*batch.values(), strict=True):
            row: RawRow = {"kind": kind, "time": iso_utc(values[slot])}
            row.update((name, value) for name, value in zip(names, values, strict=True) if value is not None)
            if "hops" in row:
                row["hops"] = json.loads(row["hops"])
            file.write(encode(row).encode() + b"\n")


def write_parquet(path: Path, kind: str, batches: Iterable[ColumnBatch]) -> None:
    """Write typed columns in the order of the rows, through JSON Lines, so that memory stays bounded."""
    columns = {"kind": "VARCHAR"} | {column.name: DUCKDB_TYPES[column.type] for column in history.history_columns(kind)}
    types = ", ".join(f"{quote_literal(name)}: {quote_literal(sql)}" for name, sql in columns.items())
    temporary = path.with_name(path.name + ".tmp")
    source = f"read_json({_path_literal(temporary)}, format = 'newline_delimited', columns = {{{types}}})"
    options = "FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 20480"
    with _duckdb_connection(path) as db:
        try:
            with temporary.open("xb") as file:
                write_jsonl(file, kind, batches)
            db.execute(f"COPY (SELECT * FROM {source}) TO {quote_literal(str(path))} ({options})")  # noqa: S608 - quoted above
        finally:
            temporary.unlink(missing_ok=True)


def read_header(path: Path, file_format: DataFormat) -> list[str] | None:
    """Return the column names of the header, None when each row names its own. Raises :class:`TransferError`."""
    if file_format is DataFormat.JSONL:
        return None
    if file_format is DataFormat.PARQUET:
        with _duckdb_connection(path) as db:
            return [column[0] for column in _select_all(db, path).description or ()]
    with path.open("rb") as file:
        try:
            return next(csv.reader(_decode_lines(file), strict=True), [])
        except (csv.Error, UnicodeDecodeError) as error:
            raise TransferError(f"{path}:1: {_error_text(error)}") from None


def read_csv(path: Path) -> Iterator[tuple[int, RawRow | str]]:
    """Yield (line, row) of every record, its values as text; (line, error) for an invalid record."""
    csv.field_size_limit(MAX_CSV_FIELD_CHARS)  # one setting for the whole process, where no code needs the lower one
    with path.open("rb") as file:
        reader = csv.reader(_decode_lines(file), strict=True)
        names = next(reader, [])
        line = reader.line_num + 1
        try:
            for fields in reader:
                if fields and len(fields) != len(names):
                    yield line, f"{len(fields)} fields, the header has {len(names)}"
                elif fields:
                    yield line, {name: value for name, value in zip(names, fields, strict=True) if value}
                line = reader.line_num + 1
        except (csv.Error, UnicodeDecodeError) as error:
            yield reader.line_num + isinstance(error, UnicodeDecodeError), _error_text(error)


def read_jsonl(path: Path) -> Iterator[tuple[int, RawRow | str]]:
    """Yield (line, row) of every object; (line, error) for an invalid line; empty lines are skipped."""
    with path.open("rb") as file:
        for line, raw in enumerate(file, start=1):
            content = raw.strip()
            try:
                row = json.loads(content.decode("utf-8-sig" if line == 1 else "utf-8")) if content else None
            except (ValueError, RecursionError) as error:
                yield line, _error_text(error)
                continue
            if isinstance(row, dict):
                yield line, {name: value for name, value in row.items() if value is not None}
            elif content:
                yield line, "not a JSON object"


def read_parquet(path: Path) -> Iterator[tuple[int, RawRow | str]]:
    """Yield (number, row) of every row, from 1; NaN, which some writers use for absent values, is absent."""
    with _duckdb_connection(path) as db:
        found = _select_all(db, path)
        names = [column[0] for column in found.description or ()]
        number = 0
        while rows := found.fetchmany(5000):
            for values in rows:
                number += 1
                present = zip(names, values, strict=True)
                yield number, {name: value for name, value in present if value is not None and not _is_nan(value)}


def _decode_lines(file: BinaryIO) -> Iterator[str]:
    """Decode line by line, so that an error has a line number."""
    for number, line in enumerate(file):
        yield line.decode("utf-8" if number else "utf-8-sig")


def _error_text(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8 text"
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON: {error.msg} at column {error.colno}"
    return f"not CSV: {error}" if isinstance(error, csv.Error) else "not JSON that can be read"


@contextmanager
def _duckdb_connection(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database in memory for work on the file at ``path``, and translate its errors.

    It has one thread, which is no slower here, and with two a Parquet export's memory grows with the rows (measured:
    2 million rows took 200 MB with one thread, 540 MB with two).
    """
    import duckdb  # noqa: PLC0415 - 20 MiB that only this format needs

    db = duckdb.connect(config={"threads": 1, "memory_limit": "512MB", "autoinstall_known_extensions": "false"})
    try:
        yield db
    except duckdb.Error as error:
        raise TransferError(f"{path}: {str(error).splitlines()[0]}") from error
    finally:
        db.close()


def _select_all(db: duckdb.DuckDBPyConnection, path: Path) -> duckdb.DuckDBPyConnection:
    return db.execute(f"SELECT * FROM read_parquet({_path_literal(path)}, hive_partitioning = false)")  # noqa: S608 - quoted


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _path_literal(path: Path) -> str:
    """Quote a path for functions of DuckDB that accept patterns."""
    return quote_literal(glob.escape(str(path)))


READERS: Mapping[DataFormat, Callable[[Path], Iterator[tuple[int, RawRow | str]]]] = {
    DataFormat.CSV: read_csv,
    DataFormat.JSONL: read_jsonl,
    DataFormat.PARQUET: read_parquet,
}
