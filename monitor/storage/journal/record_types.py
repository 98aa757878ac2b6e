"""The record types besides measurements: how each is selected, inserted, and converted to a row and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from monitor.model.incidents import IncidentEvent, IncidentNote
from monitor.model.records import Measurement, StateChange
from monitor.storage.journal import incident_rows, rows

Record = Measurement | StateChange | IncidentEvent | IncidentNote
"""A record that has a number in the journal's one sequence."""


@dataclass(frozen=True, slots=True)
class RecordType:
    """Statements and conversions of one record type; ``row`` takes the record and its sequence number."""

    select: str
    insert: str
    row: Callable[[Any, int], tuple[Any, ...]]
    from_row: Callable[[Sequence[Any]], Record]


RECORD_TYPES: dict[type, RecordType] = {
    StateChange: RecordType(
        rows.SELECT_STATE_CHANGES, rows.INSERT_STATE_CHANGE, rows.state_change_row, rows.state_change_from_row
    ),
    IncidentEvent: RecordType(
        incident_rows.SELECT_EVENTS, incident_rows.INSERT_EVENT, incident_rows.event_row, incident_rows.event_from_row
    ),
    IncidentNote: RecordType(
        incident_rows.SELECT_NOTES, incident_rows.INSERT_NOTE, incident_rows.note_row, incident_rows.note_from_row
    ),
}
"""By the class of the record."""
