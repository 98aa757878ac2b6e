"""The columns of history: names, order, types and units, declared once for every place where rows rest or travel.

First :data:`BASE`, then the stored metrics of the kind in the order of their declaration; `docs/history-format.md`
lists them.
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
    """One column: ``type`` of its values, ``unit`` in words, and the closed set of values where there is one."""

    name: str
    type: _Type
    help: str
    unit: str = ""
    required: bool = False
    choices: _Choices | None = None


IDENTITY_COLUMNS = ("portal", "check", "location", "slot", "attempt")
"""The columns that identify a measurement: written twice, it is there once."""

BASE_COLUMNS: tuple[HistoryColumn, ...] = (
    HistoryColumn(name="portal", type=str, required=True, help="Id of the portal in the inventory."),
    HistoryColumn(name="check", type=str, required=True, help="Name of the check, unique within the portal."),
    HistoryColumn(name="location", type=str, required=True, help="Where the daemon that looked stands."),
    HistoryColumn(
        name="slot", type=int, unit="ms since 1970-01-01 UTC", required=True, help="Scheduled time of the look."
    ),
    HistoryColumn(
        name="attempt",
        type=int,
        required=True,
        help="1 for the scheduled look, 2 and up for looks confirming it; of a rendering the run.",
    ),
    HistoryColumn(
        name="outcome", type=str, required=True, choices=Outcome, help="Verdict; void means that we did not see."
    ),
    HistoryColumn(name="fault", type=str, choices=Fault, help="Why the look failed."),
    HistoryColumn(
        name="void",
        type=str,
        choices=UnknownReason,
        help="Why we did not see; present exactly when the outcome is void.",
    ),
    HistoryColumn(name="phase", type=str, help="Phase in which the look failed."),
    HistoryColumn(name="detail", type=str, help="The failure in one sentence; empty for a good look."),
    HistoryColumn(name="started", type=int, unit="ms since 1970-01-01 UTC", help="When the look began."),
    HistoryColumn(name="duration", type=float, unit="seconds", help="How long the look took."),
    HistoryColumn(name="lateness", type=float, unit="seconds", help="How long after its slot a scheduled look began."),
    HistoryColumn(name="config", type=str, help="Fingerprint of the configuration in force."),
    HistoryColumn(
        name="hops", type=str, unit="JSON", help="Requests of the look; absent for a good look with one request."
    ),
)
"""What every kind records, whatever it measures."""

STATE_IDENTITY_COLUMNS = ("portal", "location", "at", "state")
"""The columns that identify a state change."""

STATE_CHANGE_COLUMNS: tuple[HistoryColumn, ...] = (
    HistoryColumn(name="portal", type=str, required=True, help="Id of the portal in the inventory."),
    HistoryColumn(name="location", type=str, required=True, help="Where the daemon that looked stands."),
    HistoryColumn(
        name="at", type=int, unit="ms since 1970-01-01 UTC", required=True, help="Slot from which the state holds."
    ),
    HistoryColumn(name="state", type=str, required=True, choices=State, help="The state that began."),
    HistoryColumn(name="previous", type=str, required=True, choices=State, help="The state that ended."),
    HistoryColumn(name="flapping", type=bool, required=True, help="Whether the portal changes all the time."),
    HistoryColumn(name="fault", type=str, choices=Fault, help="Fault of the look that tipped it."),
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
    """The journal's table of a kind. Raises :class:`JournalError` for a kind that does not exist."""
    if kind not in PROBE_KINDS:
        raise JournalError(f"probe kind {kind!r} is not one of {', '.join(PROBE_KINDS)}")
    return KindTable(kind, PROBE_KINDS[kind])


def history_columns(kind: str) -> tuple[HistoryColumn, ...]:
    """The columns of a kind's measurements, in order. Raises :class:`JournalError` for a kind that does not exist."""
    measured = (
        HistoryColumn(name=metric.name, type=metric.type, help=metric.help, unit=_UNITS.get(metric.unit, ""))
        for metric in kind_table(kind).metrics
    )
    return (*BASE_COLUMNS, *measured)
