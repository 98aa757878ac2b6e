"""The interface between scores and history, which the archive and InfluxDB both implement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    import duckdb

    from monitor.model.records import State, StateChange


@dataclass(frozen=True, slots=True, kw_only=True)
class StateHistory:
    """The state of each (portal, location) at the start of a window, and the changes within it, in order of time."""

    initial_states: Mapping[tuple[str, str], State]
    changes: Sequence[StateChange]


class ScoringSource(Protocol):
    """A source of history for scores."""

    @property
    def name(self) -> str:
        """``archive`` or ``influxdb``, for messages."""

    def attempts(
        self, kinds: Sequence[str], since_ms: int, until_ms: int, names: Sequence[str]
    ) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """Open a DuckDB connection with a view for each of *kinds*: its rows with ``since <= slot < until`` (UTC ms).

        The columns are ``portal``, ``check``, ``location``, ``slot``, ``attempt`` and *names*, typed as in history;
        columns that a kind does not have are omitted. Each row occurs once, in any order. Raises as
        :func:`monitor.storage.history.reader.connect`.
        """

    def state_history(self, since_ms: int, until_ms: int) -> StateHistory:
        """Return the confirmed states of a window."""
