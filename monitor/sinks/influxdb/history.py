"""History read from InfluxDB with InfluxQL, row for row what `monitor/storage/history/reader.py` gives of the same records.

Works wherever ``/query`` does: 1.x, 2.x with its mapping of databases, 3.x. Points come in order of time; the order of
history, where looks that confirm stand with their slot, is made here from a second's rows at a time. A record that lies
in two series, since its portal changed its group meanwhile, is given once.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from contextlib import contextmanager
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from monitor.sinks.influxdb import queries as question
from monitor.sinks.influxdb.client import Server
from monitor.sinks.influxdb.responses import AdminError
from monitor.storage.archive import duckdb_session
from monitor.storage.archive.layout import STATES, shape
from monitor.storage.archive.sql_views import MEMORY
from monitor.storage.archive.sqlite_copy import fill
from monitor.storage.history.reader import BATCH, FOREVER, Window
from monitor.storage.journal.store import JournalError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    import duckdb

    from monitor.sinks.influxdb.queries import Question
    from monitor.sinks.influxdb.sink import InfluxDB
    from monitor.storage.history.reader import Columns
    from monitor.storage.journal.columns import Column

Row = tuple[Any, ...]

CHUNK = 5000
"""Rows in one part of an answer: a few megabytes."""

INT64 = 2**63

_JSON: dict[type, set[type]] = {str: {str}, bool: {bool}, int: {int}, float: {int, float}}
"""As what a column of a type comes in JSON."""

_EMPTY = {"detail": "", "config": ""}
"""What a column holds where a point has no field: these are never absent, and an empty text is no field."""


class InfluxHistoryError(JournalError):
    """InfluxDB cannot be read; the message is one sentence for the operator."""


class InfluxHistory:
    """The functions of `monitor/storage/history/reader.py` over the raw bucket of an InfluxDB; each raises :class:`JournalError`.

    ``directory`` is the data directory, where :meth:`connect` keeps rows for as long as it is open.
    """

    def __init__(self, settings: InfluxDB, directory: Path) -> None:
        self._settings = settings
        self._directory = directory

    def measurements(self, window: Window, batch: int = BATCH) -> Iterator[Columns]:
        """As :func:`monitor.storage.history.reader.measurements`."""
        return self._batches(question.looks(window), batch)

    def count(self, window: Window) -> int:
        """How many looks ``window`` holds now; one whose portal changed its group meanwhile may count twice."""
        asked = question.looks(window, ["slot"])
        if not asked.narrowed or not all(members for _, members in asked.members):
            return sum(1 for _ in self._rows(asked))
        with self._server() as server:
            found = server.query(asked.count(), self._settings.bucket)
        return int(found[0][1]) if found else 0

    def state_changes(
        self, since: int = 0, until: int = FOREVER, portals: frozenset[str] | None = None, batch: int = BATCH
    ) -> Iterator[Columns]:
        """As :func:`monitor.storage.history.reader.state_changes`."""
        return self._batches(question.changes(since, until, portals), batch)

    def states_at(self, at: int = FOREVER) -> Columns:
        """As :func:`monitor.storage.history.reader.states_at`; reads all changes until then, which are few."""
        asked = question.changes(0, at + 1)
        newest: dict[Row, Row] = {row[1:3]: row for row in self._rows(asked)}
        return _columns(asked, [newest[standing] for standing in sorted(newest)])

    @contextmanager
    def connect(
        self, kinds: Iterable[str], since: int, until: int, names: Sequence[str] = (), *, memory: str = MEMORY
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """As :func:`monitor.storage.history.reader.connect`, with a table for each kind, filled before the block begins.

        Rows go part by part from the answer into a file of DuckDB's, so memory stays bounded. ``seq`` of state changes
        is absent.
        """
        with duckdb_session.database(self._directory, memory=memory, on_disk=True) as db:
            for kind in kinds:
                form = shape(kind)
                chosen = list(form.types)
                if names:
                    chosen = [name for name in dict.fromkeys([*form.identity, *names]) if name in form.types]
                if kind == STATES:
                    asked = question.changes(since, until, names=chosen)
                else:
                    asked = question.looks(Window(kind=kind, since=since, until=until), chosen)
                fill(db, kind, {name: form.types[name] for name in chosen}, self._batches(asked, CHUNK))
            yield db

    def _batches(self, asked: Question, batch: int) -> Iterator[Columns]:
        rows = self._rows(asked)
        while some := list(islice(rows, batch)):
            yield _columns(asked, some)

    def _rows(self, asked: Question) -> Iterator[Row]:
        """The rows, each as ``asked.names``, in order and once.

        A point that comes later is at most the slack older than the one that came last: all before that is complete.
        """
        key = itemgetter(*range(len(asked.order)))
        held: list[Row] = []
        last: Any = None
        for time, rows in self._parts(asked):
            held += rows
            held.sort(key=key)
            ready = bisect_left(held, time - asked.slack, key=itemgetter(0))
            for row in held[:ready]:
                if (here := key(row)) != last:
                    yield row
                last = here
            del held[:ready]
        for row in held:
            if (here := key(row)) != last:
                yield row
            last = here

    def _parts(self, asked: Question) -> Iterator[tuple[int, list[Row]]]:
        """(time of the newest point so far, rows of the window): a step's points after the other, gaps skipped."""
        if not all(members for _, members in asked.members):
            return
        at, some = asked.since, False
        with self._server() as server:
            while at < asked.end:
                if not some:
                    first = server.query(asked.first(at, asked.end), self._settings.bucket)
                    if not first:
                        return
                    at = _later(first[0], at)
                until, some = min(at + asked.step, asked.end), False
                for names, values in server.stream(asked.rows(at, until), self._settings.bucket, CHUNK):
                    if values:
                        some = True
                        newest = values[-1][0] if names[0] == "time" else None
                        if type(newest) is not int:
                            raise InfluxHistoryError("history cannot be read from InfluxDB: a point has no time")
                        yield newest, _within(asked, names, values)
                at = until

    @contextmanager
    def _server(self) -> Iterator[Server]:
        try:
            with Server.opened(self._settings) as server:
                yield server
        except AdminError as error:
            raise InfluxHistoryError(f"history cannot be read from InfluxDB: {error}") from error


def _within(asked: Question, names: Sequence[str], values: list[list[Any]]) -> list[Row]:
    """The part's rows as ``asked.names``: those in the window, and none that somebody else has written."""
    places = {("at" if name == "time" else name): place for place, name in enumerate(names)}
    for row in values:
        row.append(None)  # what a column holds that the server does not know
    found: Iterator[Row] = map(itemgetter(*(places.get(name, -1) for name in asked.names)), values)
    length = len(asked.order)
    whole = [row for row in found if None not in row[:length]]
    if any(tuple(map(type, row[:length])) != asked.kinds for row in whole):
        raise InfluxHistoryError(
            f"history cannot be read from InfluxDB: {asked.measurement} holds points of other types"
        )
    inside = [row for row in whole if asked.since <= row[0] < asked.until]
    if asked.narrowed:
        return inside
    wanted = [(asked.names.index(name), members) for name, members in asked.members]
    return [row for row in inside if all(row[place] in members for place, members in wanted)]


def _columns(asked: Question, rows: Sequence[Row]) -> Columns:
    turned = dict(zip(asked.names, zip(*rows, strict=True) if rows else ((),) * len(asked.names), strict=True))
    return {column.name: _typed(column, turned[column.name]) for column in asked.wanted}


def _later(row: list[Any], at: int) -> int:
    """The time of the next point, which is not before ``at`` (UTC ms): else the same would be asked for ever."""
    if not row or type(row[0]) is not int or row[0] < at:
        raise InfluxHistoryError("history cannot be read from InfluxDB: it gives points that were not asked for")
    return row[0]


def _typed(column: Column, values: Sequence[Any]) -> list[Any]:
    """Values in the declared type: a JSON answer holds a whole float as an integer. Raises InfluxHistoryError."""
    empty, make = _EMPTY.get(column.name), column.type
    if not _fits(column, [value for value in values if value is not None]):
        words = f"history cannot be read from InfluxDB: field {column.name} holds what is no {make.__name__} of ours"
        raise InfluxHistoryError(words)
    if make is str:
        return [empty if value is None else value for value in values]
    return [None if value is None else make(value) for value in values]


def _fits(column: Column, values: list[Any]) -> bool:
    """Whether values without None are of the column's type, and can be stored."""
    if not values:
        return True
    if column.choices is not None:
        return all(isinstance(value, str) for value in values) and set(values) <= set(map(str, column.choices))
    if not set(map(type, values)) <= _JSON[column.type]:
        return False
    if column.type is str:
        return _is_text("".join(set(values)))
    if column.type is int:
        return bool(-INT64 <= min(values) <= max(values) < INT64)
    return column.type is bool or _are_finite(values)


def _is_text(text: str) -> bool:
    """Whether it holds no half of a character, as JSON may."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _are_finite(values: list[Any]) -> bool:
    """Whether numbers are floats that can be reckoned with: JSON may hold others, and whole ones of any length."""
    try:
        return all(map(math.isfinite, map(float, values)))
    except OverflowError:
        return False
