"""Builds InfluxQL queries for a window of history; `history.py` sends them and orders the rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from monitor.sinks.influxdb.line_protocol import STATE_CHANGE
from monitor.storage.journal.columns import STATE_CHANGE_COLUMNS, HistoryColumn, history_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.storage.history.reader import HistoryWindow

DAY_MS = 86_400_000

MAX_ATTEMPT_OFFSET_MS = 999
"""Maximum ms after the slot of the time of a confirmation attempt: one for each attempt after the first."""

MAX_TIME_MS = 9_223_372_036_854
"""The last millisecond that InfluxDB can represent, in the year 2262."""

MAX_CONDITION_BYTES = 3000
"""Maximum bytes of a condition in a request URL: proxies accept 8 KB. A longer condition is applied to the rows."""

_CAUSE_COLUMN = HistoryColumn(name="cause", type=int, help="Journal number of the measurement that caused it.")
_SEQ_COLUMN = HistoryColumn(name="seq", type=int, help="Number in the journal, which InfluxDB does not store.")


@dataclass(frozen=True, slots=True, kw_only=True)
class InfluxQuery:
    """Points of one InfluxDB measurement with ``since_ms <= time < until_ms`` (UTC ms), as ``selected_columns``.

    ``sort_columns`` order and identify them; the first one is the time of the record. The time of a point is at most
    ``slack_ms`` after it. ``step_ms`` is the span of one query, so that no server holds a quarter of a year open.
    """

    measurement: str
    since_ms: int
    until_ms: int
    allowed_values: tuple[tuple[str, frozenset[str]], ...]
    selected_columns: tuple[HistoryColumn, ...]
    sort_columns: tuple[str, ...]
    slack_ms: int
    step_ms: int

    @property
    def column_names(self) -> tuple[str, ...]:
        """Return the columns that have to be read, sort columns first."""
        return tuple(dict.fromkeys([*self.sort_columns, *(column.name for column in self.selected_columns)]))

    @property
    def sort_types(self) -> tuple[type, ...]:
        """Return the types of the sort columns."""
        return tuple(int if name in {"slot", "at", "attempt", "cause"} else str for name in self.sort_columns)

    @property
    def end_ms(self) -> int:
        """Return the time (UTC ms) from which no point can be in the window."""
        return min(self.until_ms + self.slack_ms, MAX_TIME_MS)

    @property
    def filtered_by_server(self) -> bool:
        """Return whether the query filters by ``allowed_values``, so that the rows need no filter."""
        return len(quote(self._filter_clause)) <= MAX_CONDITION_BYTES

    @property
    def _filter_clause(self) -> str:
        return "".join(
            f" AND ({' OR '.join(f'{quote_identifier(name)} = {_quote_string(one)}' for one in sorted(members))})"
            for name, members in self.allowed_values
        )

    def _where_clause(self, start_ms: int, stop_ms: int) -> str:
        condition = self._filter_clause if self.filtered_by_server else ""
        return f"WHERE time >= {start_ms}ms AND time < {stop_ms}ms{condition}"

    def rows_statement(self, start_ms: int, stop_ms: int) -> str:
        """Return the query for the points of an interval (UTC ms), oldest first."""
        listed = ", ".join(quote_identifier(name) for name in self.column_names if name != "at")
        return f"SELECT {listed} FROM {quote_identifier(self.measurement)} {self._where_clause(start_ms, stop_ms)}"  # noqa: S608 - quoted

    def first_time_statement(self, start_ms: int, stop_ms: int) -> str:
        """Return the query for the time of the oldest point of an interval (UTC ms)."""
        field = quote_identifier("state" if self.sort_columns[0] == "at" else "slot")
        where = self._where_clause(start_ms, stop_ms)
        return f"SELECT {field} FROM {quote_identifier(self.measurement)} {where} ORDER BY time ASC LIMIT 1"  # noqa: S608 - quoted

    def count_statement(self) -> str:
        """Return the query for the number of measurements."""
        where = self._where_clause(self.since_ms, self.end_ms)
        slots = f'"slot" >= {self.since_ms} AND "slot" < {min(self.until_ms, MAX_TIME_MS)}'
        return f'SELECT COUNT("slot") FROM {quote_identifier(self.measurement)} {where} AND {slots}'  # noqa: S608 - quoted


def measurements_query(window: HistoryWindow, names: Sequence[str] = ()) -> InfluxQuery:
    """Query the measurements of a window: all columns, or *names*. Raises JournalError as ``history_columns``."""
    return InfluxQuery(
        measurement=window.kind,
        since_ms=window.since_ms,
        until_ms=window.until_ms,
        allowed_values=window.allowed_values,
        selected_columns=_select_columns(history_columns(window.kind), names),
        sort_columns=("slot", "portal", "check", "location", "attempt"),
        slack_ms=MAX_ATTEMPT_OFFSET_MS,
        step_ms=DAY_MS,
    )


def state_changes_query(
    since_ms: int, until_ms: int, portals: frozenset[str] | None = None, names: Sequence[str] = ()
) -> InfluxQuery:
    """Query state changes: the columns of history, or *names*. They are ordered by the number of their cause."""
    available = (*STATE_CHANGE_COLUMNS, _CAUSE_COLUMN, _SEQ_COLUMN)
    return InfluxQuery(
        measurement=STATE_CHANGE,
        since_ms=since_ms,
        until_ms=until_ms,
        allowed_values=() if portals is None else (("portal", portals),),
        selected_columns=_select_columns(available, names or [column.name for column in STATE_CHANGE_COLUMNS]),
        sort_columns=("at", "portal", "location", "cause", "state"),
        slack_ms=0,
        step_ms=100 * DAY_MS,
    )


def _select_columns(available: Sequence[HistoryColumn], names: Sequence[str]) -> tuple[HistoryColumn, ...]:
    known = {column.name: column for column in available}
    return tuple(known[name] for name in names or known)


def quote_identifier(name: str) -> str:
    """Quote a name for InfluxQL."""
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _quote_string(text: str) -> str:
    """Quote a text for InfluxQL."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"
