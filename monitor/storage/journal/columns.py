"""The columns of history: names, order, types and units, declared once for every place where rows rest or travel.

First :data:`BASE`, then the stored metrics of the kind in the order of their declaration; `docs/history-format.md`
lists them.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from monitor.model.records import State, Void
from monitor.storage.journal.rows import KindTable
from monitor.storage.journal.store import JournalError
from probes.metric import Unit
from probes.registry import KINDS
from probes.result import Fault, Outcome

_Type = type[bool | int | float | str]
_Choices = type[enum.StrEnum]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: ``type`` of its values, ``unit`` in words, and the closed set of values where there is one."""

    name: str
    type: _Type
    help: str
    unit: str = ""
    required: bool = False
    choices: _Choices | None = None


IDENTITY = ("portal", "check", "location", "slot", "attempt")
"""The columns that identify a measurement: written twice, it is there once."""

BASE: tuple[Column, ...] = (
    Column(name="portal", type=str, required=True, help="Id of the portal in the inventory."),
    Column(name="check", type=str, required=True, help="Name of the check, unique within the portal."),
    Column(name="location", type=str, required=True, help="Where the daemon that looked stands."),
    Column(name="slot", type=int, unit="ms since 1970-01-01 UTC", required=True, help="Scheduled time of the look."),
    Column(
        name="attempt",
        type=int,
        required=True,
        help="1 for the scheduled look, 2 and up for looks confirming it; of a rendering the run.",
    ),
    Column(name="outcome", type=str, required=True, choices=Outcome, help="Verdict; void means that we did not see."),
    Column(name="fault", type=str, choices=Fault, help="Why the look failed."),
    Column(name="void", type=str, choices=Void, help="Why we did not see; present exactly when the outcome is void."),
    Column(name="phase", type=str, help="Phase in which the look failed."),
    Column(name="detail", type=str, help="The failure in one sentence; empty for a good look."),
    Column(name="started", type=int, unit="ms since 1970-01-01 UTC", help="When the look began."),
    Column(name="duration", type=float, unit="seconds", help="How long the look took."),
    Column(name="lateness", type=float, unit="seconds", help="How long after its slot a scheduled look began."),
    Column(name="config", type=str, help="Fingerprint of the configuration in force."),
    Column(name="hops", type=str, unit="JSON", help="Requests of the look; absent for a good look with one request."),
)
"""What every kind records, whatever it measures."""

STATE_IDENTITY = ("portal", "location", "at", "state")
"""The columns that identify a state change."""

STATE_COLUMNS: tuple[Column, ...] = (
    Column(name="portal", type=str, required=True, help="Id of the portal in the inventory."),
    Column(name="location", type=str, required=True, help="Where the daemon that looked stands."),
    Column(name="at", type=int, unit="ms since 1970-01-01 UTC", required=True, help="Slot from which the state holds."),
    Column(name="state", type=str, required=True, choices=State, help="The state that began."),
    Column(name="previous", type=str, required=True, choices=State, help="The state that ended."),
    Column(name="flapping", type=bool, required=True, help="Whether the portal changes all the time."),
    Column(name="fault", type=str, choices=Fault, help="Fault of the look that tipped it."),
    Column(name="detail", type=str, help="That failure in one sentence."),
)
"""The columns of state changes."""

SQL_TYPES: dict[type, str] = {bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE", str: "VARCHAR"}
"""The types of columns in Parquet files and in queries over them."""

_UNITS = {
    Unit.SECONDS: "seconds",
    Unit.BYTES: "bytes",
    Unit.RATIO: "ratio",
    Unit.TIMESTAMP: "seconds since 1970-01-01 UTC",
}


def table(kind: str) -> KindTable:
    """The journal's table of a kind. Raises :class:`JournalError` for a kind that does not exist."""
    if kind not in KINDS:
        raise JournalError(f"probe kind {kind!r} is not one of {', '.join(KINDS)}")
    return KindTable(kind, KINDS[kind])


def columns(kind: str) -> tuple[Column, ...]:
    """The columns of a kind's measurements, in order. Raises :class:`JournalError` for a kind that does not exist."""
    measured = (
        Column(name=metric.name, type=metric.type, help=metric.help, unit=_UNITS.get(metric.unit, ""))
        for metric in table(kind).metrics
    )
    return (*BASE, *measured)
