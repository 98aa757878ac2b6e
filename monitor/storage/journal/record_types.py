"""The sorts of records that no probe kind measured: how each is selected, inserted, and made into a row and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from monitor.model.incidents import IncidentEvent, IncidentNote
from monitor.model.records import Measurement, StateChange
from monitor.storage.journal import incident_rows, rows

Record = Measurement | StateChange | IncidentEvent | IncidentNote
"""What has a number in the journal's one sequence."""


@dataclass(frozen=True, slots=True)
class Sort:
    """Statements and translations of one sort; ``row`` takes the record and its number."""

    select: str
    insert: str
    row: Callable[[Any, int], tuple[Any, ...]]
    made: Callable[[Sequence[Any]], Record]


SORTS: dict[type, Sort] = {
    StateChange: Sort(rows.SELECT_STATES, rows.INSERT_STATE, rows.state_row, rows.state_change),
    IncidentEvent: Sort(
        incident_rows.SELECT_EVENTS, incident_rows.INSERT_EVENT, incident_rows.event_row, incident_rows.event_from
    ),
    IncidentNote: Sort(
        incident_rows.SELECT_NOTES, incident_rows.INSERT_NOTE, incident_rows.note_row, incident_rows.note_from
    ),
}
"""By the type of the record."""
