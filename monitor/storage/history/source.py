"""The interface of history readers, and its implementation over archive and journal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from monitor.storage.history import reader
from monitor.storage.history.reader import BATCH_ROWS, UNBOUNDED_MS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    import duckdb

    from monitor.storage.history.reader import ColumnBatch, HistoryWindow, Portals

ARCHIVE, INFLUXDB = "archive", "influxdb"


class HistoryReader(Protocol):
    """Reads history, as the functions of `monitor/storage/history/reader.py`. All raise :class:`JournalError`."""

    def measurements(self, window: HistoryWindow, batch_rows: int = BATCH_ROWS) -> Iterator[ColumnBatch]:
        """Yield the measurements of a window in order."""

    def count(self, window: HistoryWindow) -> int:
        """Return the number of measurements of a window."""

    def state_changes(
        self, since_ms: int = 0, until_ms: int = UNBOUNDED_MS, portals: Portals = None, batch_rows: int = BATCH_ROWS
    ) -> Iterator[ColumnBatch]:
        """Yield the state changes of a window in order."""

    def states_at(self, at_ms: int = UNBOUNDED_MS) -> ColumnBatch:
        """Return the state change in force at a time, of every portal and location."""

    def connect(
        self,
        kinds: Iterable[str],
        since_ms: int,
        until_ms: int,
        names: Sequence[str] = (),
        *,
        memory_limit: str = reader.QUERY_MEMORY_LIMIT,
    ) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """Open a window for SQL queries."""


@dataclass(frozen=True, slots=True)
class ArchiveHistory:
    """The sealed files and the journal in data directory ``directory``."""

    directory: Path

    def measurements(self, window: HistoryWindow, batch_rows: int = BATCH_ROWS) -> Iterator[ColumnBatch]:
        """Yield the measurements of a window in order."""
        return reader.measurements(self.directory, window, batch_rows)

    def count(self, window: HistoryWindow) -> int:
        """Return the number of measurements of a window."""
        return reader.count(self.directory, window)

    def state_changes(
        self, since_ms: int = 0, until_ms: int = UNBOUNDED_MS, portals: Portals = None, batch_rows: int = BATCH_ROWS
    ) -> Iterator[ColumnBatch]:
        """Yield the state changes of a window in order."""
        return reader.state_changes(self.directory, since_ms, until_ms, portals, batch_rows)

    def states_at(self, at_ms: int = UNBOUNDED_MS) -> ColumnBatch:
        """Return the states in force."""
        return reader.states_at(self.directory, at_ms)

    def connect(
        self,
        kinds: Iterable[str],
        since_ms: int,
        until_ms: int,
        names: Sequence[str] = (),
        *,
        memory_limit: str = reader.QUERY_MEMORY_LIMIT,
    ) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """Open a window for SQL queries."""
        return reader.connect(self.directory, kinds, since_ms, until_ms, names, memory_limit=memory_limit)
