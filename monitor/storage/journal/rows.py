"""Measurements as table rows and back: the columns follow the metric declarations of the kind."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from monitor.model.records import Measurement, State, StateChange, UnknownReason
from probes.result import Fault, Hop, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from probes.metric import Metric
    from probes.probe import Probe
    from probes.result import Scalar

_INT64 = 2**63

SQLITE_TYPES = {bool: "INTEGER", int: "INTEGER", float: "REAL", str: "TEXT"}

SQL_BASE_COLUMNS: tuple[tuple[str, str], ...] = (
    ("seq", "INTEGER PRIMARY KEY"),
    ("portal", "TEXT NOT NULL"),
    ("check", "TEXT NOT NULL"),
    ("location", "TEXT NOT NULL"),
    ("slot", "INTEGER NOT NULL"),
    ("attempt", "INTEGER NOT NULL"),
    ("outcome", "TEXT NOT NULL"),
    ("fault", "TEXT"),
    ("unknown_reason", "TEXT"),
    ("phase", "TEXT"),
    ("detail", "TEXT NOT NULL DEFAULT ''"),
    ("started", "INTEGER"),
    ("duration", "REAL"),
    ("start_delay", "REAL"),
    ("config", "TEXT NOT NULL DEFAULT ''"),
    ("hops", "TEXT"),
)
"""The columns that all kinds have."""

SQL_IDENTITY = '"portal", "check", "location", "slot", "attempt"'
"""A measurement that is written twice is stored once."""


_BASE_NAMES = tuple(name for name, _ in SQL_BASE_COLUMNS)


def quoted_names(names: Iterable[str]) -> str:
    """Return the column names, quoted and separated by commas."""
    return ", ".join(f'"{name}"' for name in names)


def select_sql(table: str, names: Iterable[str]) -> str:
    """Return the SELECT of columns of a table."""
    return f'SELECT {quoted_names(names)} FROM "{table}"'  # noqa: S608 - our own names, and declarations of the probes


def insert_sql(table: str, names: Sequence[str], identity: str) -> str:
    """Return the INSERT of one row; a row whose identity is already present is left out."""
    marks = ", ".join("?" * len(names))
    return f'INSERT INTO "{table}" ({quoted_names(names)}) VALUES ({marks}) ON CONFLICT ({identity}) DO NOTHING'  # noqa: S608 - the same


class KindTable:
    """The table of one probe kind: its statements, and the conversion between a row and a :class:`Measurement`."""

    def __init__(self, kind: str, probe: type[Probe]) -> None:
        self.kind = kind
        self.name = f"measurement_{kind}"
        self.representative_condition = probe.representative_sql()
        self.representative_flag = probe.representative_flag
        self.metrics: tuple[Metric, ...] = tuple(metric for metric in probe.metrics if not metric.sum_of)
        self._positions = {metric.name: (position, metric) for position, metric in enumerate(self.metrics)}
        self.columns = [*_BASE_NAMES, *(metric.name for metric in self.metrics)]
        self.select = select_sql(self.name, self.columns)
        self.insert = insert_sql(self.name, self.columns, SQL_IDENTITY)

    def select_existing(self, existing: set[str]) -> str:
        """Return the SELECT of all columns; those that the file does not have yet are NULL."""
        columns = ", ".join(f'"{name}"' if name in existing else "NULL" for name in self.columns)
        return f'SELECT {columns} FROM "{self.name}"'  # noqa: S608 - the same

    def create_statements(self) -> list[str]:
        """Return the statements that create the table."""
        columns = ", ".join(f'"{name}" {sql}' for name, sql in (*SQL_BASE_COLUMNS, *self._metric_columns()))
        return [
            f'CREATE TABLE IF NOT EXISTS "{self.name}" ({columns})',
            f'CREATE UNIQUE INDEX IF NOT EXISTS "{self.name}_identity" ON "{self.name}" ({SQL_IDENTITY})',
            f'CREATE INDEX IF NOT EXISTS "{self.name}_slot" ON "{self.name}" ("slot")',
        ]

    def add_column_statements(self, existing: set[str]) -> list[str]:
        """Return the statements that add columns for metrics declared since the table was created."""
        return [
            f'ALTER TABLE "{self.name}" ADD COLUMN "{name}" {sql}'
            for name, sql in self._metric_columns()
            if name not in existing
        ]

    def _metric_columns(self) -> list[tuple[str, str]]:
        return [(metric.name, SQLITE_TYPES[metric.type]) for metric in self.metrics]

    def row(self, measurement: Measurement, seq: int) -> tuple[Any, ...]:
        """Convert a measurement to a row that SQLite accepts, whatever values the probe recorded.

        A value that is not of its metric's type, not finite or beyond 64 bits is left out.
        """
        hops = [asdict(hop) for hop in measurement.hops]
        values: list[Scalar | None] = [None] * len(self.metrics)
        for name, value in measurement.values.items():
            if (known := self._positions.get(name)) is not None:
                values[known[0]] = _storable_value(known[1], value)
        hops_json = _without_surrogates(json.dumps(hops, separators=(",", ":"), ensure_ascii=False)) if hops else None
        fault = measurement.fault.value if measurement.fault else None
        unknown_reason = measurement.unknown_reason.value if measurement.unknown_reason else None
        identity = (measurement.portal, measurement.check, measurement.location, measurement.slot, measurement.attempt)
        failure = (fault, unknown_reason, measurement.phase, _without_surrogates(measurement.detail))
        timing = (measurement.started, measurement.duration, measurement.start_delay)
        return (seq, *identity, measurement.outcome.value, *failure, *timing, measurement.config, hops_json, *values)

    def measurement(self, row: Sequence[Any]) -> Measurement:
        """Make a measurement from a row."""
        stored = zip(self.metrics, row[len(_BASE_NAMES) :], strict=True)
        return Measurement(  # by position: a dictionary of names costs a third more, and every row is read this way
            seq=row[0], portal=row[1], check=row[2], location=row[3], slot=row[4], attempt=row[5], kind=self.kind,
            outcome=Outcome(row[6]), fault=Fault(row[7]) if row[7] else None,
            unknown_reason=UnknownReason(row[8]) if row[8] else None, phase=row[9], detail=row[10], started=row[11],
            duration=row[12], start_delay=row[13], config=row[14],
            values={metric.name: metric.type(value) for metric, value in stored if value is not None},
            hops=tuple(Hop(**hop) for hop in json.loads(row[15])) if row[15] else (),
        )  # fmt: skip


def _storable_value(metric: Metric, value: Scalar) -> Scalar | None:
    try:
        converted = metric.type(value)
    except (ValueError, OverflowError):
        return None
    if isinstance(converted, str):
        return _without_surrogates(converted)
    valid = math.isfinite(converted) if isinstance(converted, float) else abs(converted) < _INT64
    return converted if valid else None


def _without_surrogates(text: str) -> str:
    """Replace lone surrogates, which come from headers of some servers and cannot be encoded as UTF-8."""
    return text.encode(errors="replace").decode()


SQL_STATE_COLUMNS = ("seq", "portal", "location", "at", "state", "previous", "flapping", "fault", "detail", "cause")
SELECT_STATE_CHANGES = select_sql("state_change", SQL_STATE_COLUMNS)
INSERT_STATE_CHANGE = insert_sql("state_change", SQL_STATE_COLUMNS, "portal, location, at, state")


@dataclass(frozen=True, slots=True)
class QuarantinedRecord:
    """A record that a sink rejects, with its error message; ``record`` is the sequence number, ``at`` UTC ms."""

    sink: str
    record: int
    identity: str
    reason: str
    at: int


SELECT_QUARANTINE = "SELECT sink, record, identity, reason, at FROM quarantine"
INSERT_QUARANTINE = "INSERT OR REPLACE INTO quarantine (sink, record, identity, reason, at) VALUES (?, ?, ?, ?, ?)"


def state_change_row(change: StateChange, seq: int) -> tuple[Any, ...]:
    """Convert a state change to a row."""
    fault = change.fault.value if change.fault else None
    key = (change.portal, change.location, change.at, change.state.value, change.previous.value)
    return (seq, *key, int(change.flapping), fault, _without_surrogates(change.detail), change.cause)


def state_change_from_row(row: Sequence[Any]) -> StateChange:
    """Make a state change from a row."""
    values = dict(zip(SQL_STATE_COLUMNS, row, strict=True))
    values["state"], values["previous"] = State(values["state"]), State(values["previous"])
    values["flapping"] = bool(values["flapping"])
    values["fault"] = Fault(values["fault"]) if values["fault"] else None
    return StateChange(**values)
