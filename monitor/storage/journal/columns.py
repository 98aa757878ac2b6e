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


@dataclass(frozen=True, slots=True)
class HistoryColumn:
    """One column: ``type`` of its values, ``unit`` as text, and the closed set of values where there is one."""

    name: str
    type: _Type
    help: str
    unit: str = ""
    required: bool = False
    choices: _Choices | None = None


_UTC_MS = "ms since 1970-01-01 UTC"
_ATTEMPT_HELP = "1 for the scheduled attempt, 2 and up for confirmation attempts; for mobile the number of the run."
_START_DELAY_HELP = "Start delay: seconds between the slot and the start of a scheduled attempt."

IDENTITY_COLUMNS = ("portal", "check", "location", "slot", "attempt")
"""The columns that identify a measurement: one that is written twice is stored once."""

BASE_COLUMNS = (
    HistoryColumn("portal", str, "Id of the portal in the inventory.", required=True),
    HistoryColumn("check", str, "Name of the check, unique within the portal.", required=True),
    HistoryColumn("location", str, "Location of the prober.", required=True),
    HistoryColumn("slot", int, "Scheduled time of the probe.", _UTC_MS, required=True),
    HistoryColumn("attempt", int, _ATTEMPT_HELP, required=True),
    HistoryColumn(
        "outcome", str, "Result; unknown means that the prober could not tell.", required=True, choices=Outcome
    ),
    HistoryColumn("fault", str, "Why the probe failed.", choices=Fault),
    HistoryColumn(
        "unknown_reason", str, "Why the outcome is unknown; present exactly when it is.", choices=UnknownReason
    ),
    HistoryColumn("phase", str, "Phase in which the probe failed."),
    HistoryColumn("detail", str, "The failure in one sentence; empty when the probe succeeded."),
    HistoryColumn("started", int, "Start of the probe.", _UTC_MS),
    HistoryColumn("duration", float, "Duration of the probe.", "seconds"),
    HistoryColumn("start_delay", float, _START_DELAY_HELP, "seconds"),
    HistoryColumn("config", str, "Fingerprint of the configuration in force."),
    HistoryColumn("hops", str, "Requests of the probe; absent for a successful one with a single request.", "JSON"),
)
"""The columns that all kinds have."""

STATE_IDENTITY_COLUMNS = ("portal", "location", "at", "state")
"""The columns that identify a state change."""

STATE_CHANGE_COLUMNS = (
    HistoryColumn("portal", str, "Id of the portal in the inventory.", required=True),
    HistoryColumn("location", str, "Location of the prober.", required=True),
    HistoryColumn("at", int, "Slot from which the state holds.", _UTC_MS, required=True),
    HistoryColumn("state", str, "The state that began.", required=True, choices=State),
    HistoryColumn("previous", str, "The state that ended.", required=True, choices=State),
    HistoryColumn("flapping", bool, "Whether the portal is flapping.", required=True),
    HistoryColumn("fault", str, "Fault of the measurement that caused the change.", choices=Fault),
    HistoryColumn("detail", str, "That failure in one sentence."),
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
        HistoryColumn(one.name, one.type, one.help, _UNITS.get(one.unit, "")) for one in kind_table(kind).metrics
    )
    return (*BASE_COLUMNS, *measured)
