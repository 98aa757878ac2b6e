"""The columns of history: names, order, types and units, declared once for journal, archive, import and export.

First :data:`BASE_COLUMNS`, then the stored metrics of the kind in the order of their declaration;
`docs/history-format.md` lists them.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from monitor.model.records import State, UnknownReason
from monitor.storage.journal.rows import KindTable
from monitor.storage.journal.store import JournalError
from probes.metric import Unit
from probes.registry import PROBE_KINDS
from probes.result import Fault, Outcome

_Type = type[bool | int | float | str]
_Choices = type[enum.StrEnum]


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryColumn:
    """One column: ``type`` of its values, ``unit`` as text, and the closed set of values where there is one."""

    name: str
    type: _Type
    help: str
    unit: str = ""
    required: bool = False
    choices: _Choices | None = None


IDENTITY_COLUMNS = ("portal", "check", "location", "slot", "attempt")
"""The columns that identify a measurement: one that is written twice is stored once."""

BASE_COLUMNS: tuple[HistoryColumn, ...] = (
    HistoryColumn(name="portal", type=str, required=True, help="Id of the portal in the inventory."),
    HistoryColumn(name="check", type=str, required=True, help="Name of the check, unique within the portal."),
    HistoryColumn(name="location", type=str, required=True, help="Location of the prober."),
    HistoryColumn(
        name="slot", type=int, unit="ms since 1970-01-01 UTC", required=True, help="Scheduled time of the probe."
    ),
    HistoryColumn(
        name="attempt",
        type=int,
        required=True,
        help="1 for the scheduled attempt, 2 and up for confirmation attempts; for mobile the number of the run.",
    ),
    HistoryColumn(
        name="outcome",
        type=str,
        required=True,
        choices=Outcome,
        help="Result; unknown means that the prober could not tell.",
    ),
    HistoryColumn(name="fault", type=str, choices=Fault, help="Why the probe failed."),
    HistoryColumn(
        name="unknown_reason",
        type=str,
        choices=UnknownReason,
        help="Why the outcome is unknown; present exactly when it is.",
    ),
    HistoryColumn(name="phase", type=str, help="Phase in which the probe failed."),
    HistoryColumn(name="detail", type=str, help="The failure in one sentence; empty when the probe succeeded."),
    HistoryColumn(name="started", type=int, unit="ms since 1970-01-01 UTC", help="Start of the probe."),
    HistoryColumn(name="duration", type=float, unit="seconds", help="Duration of the probe."),
    HistoryColumn(
        name="start_delay",
        type=float,
        unit="seconds",
        help="Start delay: seconds between the slot and the start of a scheduled attempt.",
    ),
    HistoryColumn(name="config", type=str, help="Fingerprint of the configuration in force."),
    HistoryColumn(
        name="hops",
        type=str,
        unit="JSON",
        help="Requests of the probe; absent for a successful one with a single request.",
    ),
)
"""The columns that all kinds have."""

STATE_IDENTITY_COLUMNS = ("portal", "location", "at", "state")
"""The columns that identify a state change."""

STATE_CHANGE_COLUMNS: tuple[HistoryColumn, ...] = (
    HistoryColumn(name="portal", type=str, required=True, help="Id of the portal in the inventory."),
    HistoryColumn(name="location", type=str, required=True, help="Location of the prober."),
    HistoryColumn(
        name="at", type=int, unit="ms since 1970-01-01 UTC", required=True, help="Slot from which the state holds."
    ),
    HistoryColumn(name="state", type=str, required=True, choices=State, help="The state that began."),
    HistoryColumn(name="previous", type=str, required=True, choices=State, help="The state that ended."),
    HistoryColumn(name="flapping", type=bool, required=True, help="Whether the portal is flapping."),
    HistoryColumn(name="fault", type=str, choices=Fault, help="Fault of the measurement that caused the change."),
    HistoryColumn(name="detail", type=str, help="That failure in one sentence."),
)
"""The columns of state changes."""

DUCKDB_TYPES: dict[type, str] = {bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE", str: "VARCHAR"}
"""The types of columns in Parquet files and in queries over them."""

_UNITS = {
    Unit.SECONDS: "seconds",
    Unit.BYTES: "bytes",
    Unit.RATIO: "ratio",
    Unit.TIMESTAMP: "seconds since 1970-01-01 UTC",
}


def kind_table(kind: str) -> KindTable:
    """Return the journal's table of a kind. Raises :class:`JournalError` for an unknown kind."""
    if kind not in PROBE_KINDS:
        raise JournalError(f"probe kind {kind!r} is not one of {', '.join(PROBE_KINDS)}")
    return KindTable(kind, PROBE_KINDS[kind])


def history_columns(kind: str) -> tuple[HistoryColumn, ...]:
    """Return the columns of a kind's measurements, in order. Raises :class:`JournalError` for an unknown kind."""
    measured = (
        HistoryColumn(name=metric.name, type=metric.type, help=metric.help, unit=_UNITS.get(metric.unit, ""))
        for metric in kind_table(kind).metrics
    )
    return (*BASE_COLUMNS, *measured)
