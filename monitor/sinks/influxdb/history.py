"""Reads history from InfluxDB with InfluxQL, row for row what `monitor/storage/history/reader.py` returns.

Works wherever ``/query`` does: 1.x, 2.x with its mapping of databases, 3.x. Points come in order of time; the order of
history, with confirmation attempts next to their slot, is restored here from one second of rows at a time. A record
that lies in two series, because its portal changed its group, is returned once.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from contextlib import contextmanager
from itertools import chain, islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from monitor.sinks.influxdb import queries
from monitor.sinks.influxdb.client import InfluxDBConnection
from monitor.sinks.influxdb.responses import AdminError
from monitor.storage.archive import duckdb_session
from monitor.storage.archive.layout import STATE_CHANGE_KIND, row_schema
from monitor.storage.archive.sql_views import QUERY_MEMORY_LIMIT
from monitor.storage.archive.sqlite_copy import copy_columns
from monitor.storage.history.reader import BATCH_ROWS, UNBOUNDED_MS, HistoryWindow
from monitor.storage.journal.store import JournalError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    import duckdb

    from monitor.sinks.influxdb.queries import InfluxQuery
    from monitor.sinks.influxdb.sink import InfluxDBSettings
    from monitor.storage.history.reader import ColumnBatch
    from monitor.storage.journal.columns import HistoryColumn

RowValues = tuple[Any, ...]

CHUNK_ROWS = 5000
"""Rows in one part of a response: a few megabytes."""

INT64_LIMIT = 2**63
_SURROGATE = re.compile("[\ud800-\udfff]")
"""A lone surrogate, which JSON may contain, but no valid text."""

_JSON_TYPES: dict[type, set[type]] = {str: {str}, bool: {bool}, int: {int}, float: {int, float}}
"""The types in JSON of each column type."""

_EMPTY_DEFAULTS = {"detail": "", "config": ""}
"""Values of a column where a point has no field: these are never absent, and an empty text is stored as no field."""


class InfluxHistoryError(JournalError):
    """InfluxDB cannot be read; the message is one sentence for the operator."""


class InfluxHistory:
    """The functions of `monitor/storage/history/reader.py` over the raw bucket of an InfluxDB.

    Each raises :class:`JournalError`. While :meth:`connect` is open, rows are in ``directory``, the data directory.
    """

    def __init__(self, settings: InfluxDBSettings, directory: Path) -> None:
        self._settings = settings
        self._directory = directory

    def measurements(self, window: HistoryWindow, batch_rows: int = BATCH_ROWS) -> Iterator[ColumnBatch]:
        """As :func:`monitor.storage.history.reader.measurements`."""
        return self._batches(queries.measurements_query(window), batch_rows)

    def count(self, window: HistoryWindow) -> int:
        """Count the measurements of *window*; one whose portal changed its group may count twice."""
        query = queries.measurements_query(window, ["slot"])
        if not query.filtered_by_server or not all(members for _, members in query.allowed_values):
            return sum(1 for _ in self._ordered_rows(query))
        with self._connection() as server:
            found = server.query(query.count_statement(), self._settings.bucket)
        return int(found[0][1]) if found else 0

    def state_changes(
        self,
        since_ms: int = 0,
        until_ms: int = UNBOUNDED_MS,
        portals: frozenset[str] | None = None,
        batch_rows: int = BATCH_ROWS,
    ) -> Iterator[ColumnBatch]:
        """As :func:`monitor.storage.history.reader.state_changes`."""
        return self._batches(queries.state_changes_query(since_ms, until_ms, portals), batch_rows)

    def states_at(self, at_ms: int = UNBOUNDED_MS) -> ColumnBatch:
        """As :func:`monitor.storage.history.reader.states_at`; reads all earlier changes, which are few."""
        query = queries.state_changes_query(0, at_ms + 1)
        newest: dict[RowValues, RowValues] = {row[1:3]: row for row in self._ordered_rows(query)}
        return _to_columns(query, [newest[key] for key in sorted(newest)])

    @contextmanager
    def connect(
        self,
        kinds: Iterable[str],
        since_ms: int,
        until_ms: int,
        names: Sequence[str] = (),
        *,
        memory_limit: str = QUERY_MEMORY_LIMIT,
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """As :func:`monitor.storage.history.reader.connect`, with a table for each kind, filled when the block begins.

        Rows are copied part by part from the response to a DuckDB file: memory is bounded. State changes lack ``seq``.
        """
        with duckdb_session.open_session(self._directory, memory_limit=memory_limit, on_disk=True) as db:
            for kind in kinds:
                schema = row_schema(kind)
                chosen = list(schema.types)
                if names:
                    chosen = [one for one in dict.fromkeys([*schema.identity_columns, *names]) if one in schema.types]
                if kind == STATE_CHANGE_KIND:
                    query = queries.state_changes_query(since_ms, until_ms, names=chosen)
                else:
                    window = HistoryWindow(kind=kind, since_ms=since_ms, until_ms=until_ms)
                    query = queries.measurements_query(window, chosen)
                copy_columns(db, kind, {name: schema.types[name] for name in chosen}, self._batches(query, CHUNK_ROWS))
            yield db

    def _batches(self, query: InfluxQuery, batch_rows: int) -> Iterator[ColumnBatch]:
        rows = self._ordered_rows(query)
        while some := list(islice(rows, batch_rows)):
            yield _to_columns(query, some)

    def _ordered_rows(self, query: InfluxQuery) -> Iterator[RowValues]:
        """Yield the rows with ``query.column_names``, in order and without duplicates.

        A later point is at most the slack older than the newest one: rows before that are complete, at the end all.
        """
        key = itemgetter(*range(len(query.sort_columns)))
        held: list[RowValues] = []
        last: Any = None
        end: list[tuple[float, list[RowValues]]] = [(math.inf, [])]
        for time, rows in chain(self._chunks(query), end):
            held += rows
            held.sort(key=key)
            ready = bisect_left(held, time - query.slack_ms, key=itemgetter(0))
            for row in held[:ready]:
                if (current := key(row)) != last:
                    yield row
                last = current
            del held[:ready]

    def _chunks(self, query: InfluxQuery) -> Iterator[tuple[int, list[RowValues]]]:
        """Yield (time of the newest point so far, rows of the window), one step after the other; gaps are skipped."""
        if not all(members for _, members in query.allowed_values):
            return
        at, some = query.since_ms, False
        with self._connection() as server:
            while at < query.end_ms:
                if not some:
                    first = server.query(query.first_time_statement(at, query.end_ms), self._settings.bucket)
                    if not first:
                        return
                    at = _next_time_ms(first[0], at)
                until, some = min(at + query.step_ms, query.end_ms), False
                for names, values in server.stream(query.rows_statement(at, until), self._settings.bucket, CHUNK_ROWS):
                    if values:
                        some = True
                        newest = values[-1][0] if names[0] == "time" else None
                        if type(newest) is not int:
                            raise InfluxHistoryError("history cannot be read from InfluxDB: a point has no time")
                        yield newest, _rows_in_window(query, names, values)
                at = until

    @contextmanager
    def _connection(self) -> Iterator[InfluxDBConnection]:
        try:
            with InfluxDBConnection.connect(self._settings) as server:
                yield server
        except AdminError as error:
            raise InfluxHistoryError(f"history cannot be read from InfluxDB: {error}") from error


def _rows_in_window(query: InfluxQuery, names: Sequence[str], values: list[list[Any]]) -> list[RowValues]:
    """Return the rows in the window with ``query.column_names``; rows of other writers are dropped."""
    positions = {("at" if name == "time" else name): position for position, name in enumerate(names)}
    for row in values:
        row.append(None)  # value of a column that the server does not know
    found: Iterator[RowValues] = map(itemgetter(*(positions.get(name, -1) for name in query.column_names)), values)
    length = len(query.sort_columns)
    complete = [row for row in found if None not in row[:length]]
    if any(tuple(map(type, row[:length])) != query.sort_types for row in complete):
        reason = f"{query.measurement} has points with other types"
        raise InfluxHistoryError(f"history cannot be read from InfluxDB: {reason}")
    inside = [row for row in complete if query.since_ms <= row[0] < query.until_ms]
    if query.filtered_by_server:
        return inside
    wanted = [(query.column_names.index(name), members) for name, members in query.allowed_values]
    return [row for row in inside if all(row[position] in members for position, members in wanted)]


def _to_columns(query: InfluxQuery, rows: Sequence[RowValues]) -> ColumnBatch:
    names = query.column_names
    columns = dict(zip(names, zip(*rows, strict=True) if rows else ((),) * len(names), strict=True))
    return {column.name: _convert_values(column, columns[column.name]) for column in query.selected_columns}


def _next_time_ms(row: list[Any], at_ms: int) -> int:
    """Return the time of the next point, not before *at_ms* (UTC ms): otherwise the same query would repeat forever."""
    if not row or type(row[0]) is not int or row[0] < at_ms:
        raise InfluxHistoryError("history cannot be read from InfluxDB: it returned points outside the query")
    return row[0]


def _convert_values(column: HistoryColumn, values: Sequence[Any]) -> list[Any]:
    """Return values in the declared type: JSON has a whole float as an integer. Raises InfluxHistoryError."""
    empty, make = _EMPTY_DEFAULTS.get(column.name), column.type
    if not _values_fit(column, [value for value in values if value is not None]):
        reason = f"field {column.name} is not of type {make.__name__}"
        raise InfluxHistoryError(f"history cannot be read from InfluxDB: {reason}")
    if make is str:
        return [empty if value is None else value for value in values]
    return [None if value is None else make(value) for value in values]


def _values_fit(column: HistoryColumn, values: list[Any]) -> bool:
    """Return whether values without None are of the column's type and can be stored."""
    if not values:
        return True
    if column.choices is not None:
        return all(isinstance(value, str) for value in values) and set(values) <= set(map(str, column.choices))
    if not set(map(type, values)) <= _JSON_TYPES[column.type]:
        return False
    if column.type is str:
        return _SURROGATE.search("".join(set(values))) is None
    if column.type is int:
        return bool(-INT64_LIMIT <= min(values) <= max(values) < INT64_LIMIT)
    return column.type is bool or _all_finite(values)


def _all_finite(values: list[Any]) -> bool:
    """Return whether all values fit a finite float: JSON may contain NaN, infinities and integers of any length."""
    try:
        return all(map(math.isfinite, map(float, values)))
    except OverflowError:
        return False
