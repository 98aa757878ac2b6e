"""Where history is read from: the archive and journal of this machine, or InfluxDB; both answer alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from monitor.storage.history import reader
from monitor.storage.history.reader import BATCH, FOREVER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    import duckdb

    from monitor.storage.history.reader import Columns, Window

ARCHIVE, INFLUXDB = "archive", "influxdb"


class Source(Protocol):
    """One way to read history; see the functions of `monitor/storage/history/reader.py`. All raise :class:`JournalError`."""

    def measurements(self, window: Window, batch: int = BATCH) -> Iterator[Columns]:
        """The measurements of a window in order."""

    def count(self, window: Window) -> int:
        """How many they are."""

    def state_changes(
        self, since: int = 0, until: int = FOREVER, portals: frozenset[str] | None = None, batch: int = BATCH
    ) -> Iterator[Columns]:
        """The state changes of a window in order."""

    def states_at(self, at: int = FOREVER) -> Columns:
        """The state change in force at a moment, of every portal and location."""

    def connect(
        self, kinds: Iterable[str], since: int, until: int, names: Sequence[str] = (), *, memory: str = reader.MEMORY
    ) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """A window for questions in SQL."""


@dataclass(frozen=True, slots=True)
class Archive:
    """The sealed files and the journal in data directory ``directory``."""

    directory: Path

    def measurements(self, window: Window, batch: int = BATCH) -> Iterator[Columns]:
        """See `monitor/storage/history/reader.py`, as for all the others."""
        return reader.measurements(self.directory, window, batch)

    def count(self, window: Window) -> int:
        """How many there are."""
        return reader.count(self.directory, window)

    def state_changes(
        self, since: int = 0, until: int = FOREVER, portals: frozenset[str] | None = None, batch: int = BATCH
    ) -> Iterator[Columns]:
        """The state changes of a window in order."""
        return reader.state_changes(self.directory, since, until, portals, batch)

    def states_at(self, at: int = FOREVER) -> Columns:
        """The states in force."""
        return reader.states_at(self.directory, at)

    def connect(
        self, kinds: Iterable[str], since: int, until: int, names: Sequence[str] = (), *, memory: str = reader.MEMORY
    ) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """A window for questions in SQL."""
        return reader.connect(self.directory, kinds, since, until, names, memory=memory)
