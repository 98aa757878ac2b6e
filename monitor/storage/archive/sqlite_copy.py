"""Copies rows from SQLite, or column batches, into a DuckDB table, fast and in bounded memory, numbers bit for bit.

DuckDB's own SQLite reader is an extension that has to be downloaded, and binding rows one by one takes minutes. Here
SQLite joins all texts and integers of a row into a JSON array, and all reals are passed as their 64 bits: SQLite's
decimal text has 15 digits, one or two too few. DuckDB parses both while the next rows are read. NULL reals are passed
as infinity, which no metric has.
"""

from __future__ import annotations

import json
import math
import queue
import threading
from array import array
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from monitor.storage.archive.layout import RowSchema, quote_identifier

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence

    import duckdb

    ColumnMapping = Mapping[str, Sequence[Any]]

CHUNK_ROWS = 8000
"""Rows in one chunk: a few megabytes."""

_REAL = "DOUBLE"
_TEXTS = itemgetter(0)
_REALS = itemgetter(slice(1, None))
_REAL_BYTES = 8


def copy_rows(  # noqa: PLR0913 - source, target, and which rows
    source: sqlite3.Connection,
    target: duckdb.DuckDBPyConnection,
    schema: RowSchema,
    condition: str,
    values: Sequence[Any] = (),
    *,
    names: Sequence[str] | None = None,
) -> int:
    """Create table ``rows`` in ``target`` from the journal's rows that match ``condition``; return their number.

    ``source`` must allow use by another thread, which has ended when this returns or raises.
    """
    types = {name: schema.types[name] for name in names or schema.types}
    reals = [name for name, sql in types.items() if sql == _REAL]
    others = [name for name in types if name not in reals]
    target.execute(f"CREATE TABLE rows ({', '.join(f'{quote_identifier(name)} {sql}' for name, sql in types.items())})")
    insert = _insert_sql(types, reals, others)
    chunks = _ChunkReader(source, _select_sql(source, schema, reals, others, condition), values)
    count = 0
    target.execute("BEGIN")
    try:
        while (chunk := chunks.next_chunk()) is not None:
            lines, bits, rows = chunk
            target.execute(insert, (lines, bits))
            count += rows
    finally:
        chunks.stop()
    target.execute("COMMIT")
    return count


def copy_columns(
    target: duckdb.DuckDBPyConnection, name: str, types: Mapping[str, str], batches: Iterable[ColumnMapping]
) -> int:
    """Create table ``name`` with columns ``types`` from ``batches``, one at a time; return the number of rows."""
    reals = [column for column, sql in types.items() if sql == _REAL]
    others = [column for column in types if column not in reals]
    listed = ", ".join(f"{quote_identifier(column)} {sql}" for column, sql in types.items())
    target.execute(f"CREATE TABLE {quote_identifier(name)} ({listed})")
    insert = _insert_sql(types, reals, others, name)
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    count = 0
    for batch in batches:
        flags = [types[column] == "BOOLEAN" for column in others]
        cells = (
            [None if value is None else int(value) for value in batch[column]] if flag else batch[column]
            for column, flag in zip(others, flags, strict=True)
        )
        lines = "\n".join(map(encode, zip(*cells, strict=True))).encode()
        infinite = ([math.inf if value is None else value for value in batch[column]] for column in reals)
        numbers = list(zip(*infinite, strict=True)) or [()] * (lines.count(b"\n") + 1)
        target.execute(insert, (lines, _reals_hex(numbers)))
        count += len(numbers)
    return count


def _select_sql(
    source: sqlite3.Connection, schema: RowSchema, reals: list[str], others: list[str], condition: str
) -> str:
    existing = {row[1] for row in source.execute(f"PRAGMA table_info({quote_identifier(schema.table)})")}
    texts = ", ".join(quote_identifier(name) if name in existing else "NULL" for name in others)
    numbers = "".join(f", ifnull({quote_identifier(name)}, 9e999)" if name in existing else ", 9e999" for name in reals)
    return f"SELECT json_array({texts}){numbers} FROM {quote_identifier(schema.table)} WHERE {condition}"  # noqa: S608 - names of this schema


def _insert_sql(types: Mapping[str, str], reals: list[str], others: list[str], table: str = "rows") -> str:
    """Return the statement that parses the lines; ``t`` is a row's list of texts, ``b`` the bits of its reals."""
    columns = []
    for name, sql in types.items():
        if sql == _REAL:
            first = reals.index(name) * _REAL_BYTES
            columns.append(f"nullif(b[{first + 1}:{first + _REAL_BYTES}]::BIT::DOUBLE, 'inf'::DOUBLE)")
        else:
            text = f"t[{others.index(name) + 1}]"
            columns.append({"VARCHAR": text, "BOOLEAN": f"{text} <> '0'"}.get(sql, f"{text}::{sql}"))
    lines = "unnest(string_split(decode($1), chr(10))) AS line, unnest(string_split($2, chr(10))) AS bits"
    split = f"""SELECT from_json(line, '["VARCHAR"]') AS t, unhex(bits) AS b FROM (SELECT {lines})"""  # noqa: S608 - the same
    return f"INSERT INTO {quote_identifier(table)} SELECT {', '.join(columns)} FROM ({split})"  # noqa: S608 - names of this schema


class _ChunkReader:
    """Reads SQLite on another thread, a few chunks ahead."""

    def __init__(self, source: sqlite3.Connection, sql: str, values: Sequence[Any]) -> None:
        self._chunks: queue.Queue[tuple[bytes, str, int] | BaseException | None] = queue.Queue(1)
        self._stopped = False
        self._source, self._sql, self._values = source, sql, values
        self._thread = threading.Thread(target=self._read_chunks, name="archive-read", daemon=True)
        self._thread.start()

    def next_chunk(self) -> tuple[bytes, str, int] | None:
        """Return (JSON lines, lines of hexadecimal bits, rows), None after the last. Raises the error of the thread."""
        found = self._chunks.get()
        if isinstance(found, BaseException):
            raise found
        return found

    def stop(self) -> None:
        """Stop reading, and wait for the thread."""
        self._stopped = True
        while self._thread.is_alive():
            while not self._chunks.empty():
                self._chunks.get()
            self._thread.join(0.01)

    def _read_chunks(self) -> None:
        factory = self._source.text_factory
        try:
            self._source.text_factory = bytes
            found = self._source.execute(self._sql, self._values)
            while not self._stopped and (rows := found.fetchmany(CHUNK_ROWS)):
                self._chunks.put((b"\n".join(map(_TEXTS, rows)), _reals_hex(list(map(_REALS, rows))), len(rows)))
            self._chunks.put(None)
        except BaseException as error:  # noqa: BLE001 - raised by next_chunk
            self._chunks.put(error)
        finally:
            self._source.text_factory = factory


def _reals_hex(rows: Sequence[tuple[Any, ...]]) -> str:
    """Encode the reals of the rows, eight bytes each, most significant first, one line per row."""
    reals = array("d", chain.from_iterable(rows))
    if array("H", [1]).tobytes() == b"\x01\x00":
        reals.byteswap()
    width = len(reals) // len(rows) * _REAL_BYTES
    return reals.tobytes().hex("\n", width) if width else "\n" * (len(rows) - 1)
