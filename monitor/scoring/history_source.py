"""Read history for scores from a history reader: the archive of this machine, or InfluxDB."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from monitor.model.records import State, StateChange
from monitor.scoring.source import StateHistory
from monitor.storage.history.source import ARCHIVE, ArchiveHistory
from probes.result import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import duckdb

    from monitor.storage.history.source import HistoryReader

MEMORY_LIMIT = "500MB"
"""Memory of a query before it spills: exact quantiles hold eight bytes per attempt, 110 MB for a quarter."""


class HistoryScoringSource:
    """Read *source*, which is called *name*. ``threads``: number of processors that a query may use."""

    def __init__(self, source: HistoryReader, name: str, *, threads: int = 2, memory_limit: str = MEMORY_LIMIT) -> None:
        self.name = name
        self._source = source
        self._threads = threads
        self._memory_limit = memory_limit

    @contextmanager
    def attempts(
        self, kinds: Sequence[str], since_ms: int, until_ms: int, names: Sequence[str]
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """See :class:`monitor.scoring.source.ScoringSource`."""
        with self._source.connect(kinds, since_ms, until_ms, names, memory_limit=self._memory_limit) as db:
            db.execute(f"SET threads = {self._threads}")
            yield db

    def state_history(self, since_ms: int, until_ms: int) -> StateHistory:
        """See :class:`monitor.scoring.source.ScoringSource`."""
        found = self._source.states_at(since_ms)
        places = zip(found["portal"], found["location"], strict=True)
        initial_states = {place: State(state) for place, state in zip(places, found["state"], strict=True)}
        changes = []
        for batch in self._source.state_changes(since_ms, until_ms):
            names = list(batch)
            changes += [_state_change(dict(zip(names, row, strict=True))) for row in zip(*batch.values(), strict=True)]
        return StateHistory(initial_states=initial_states, changes=changes)


class ArchiveScoringSource(HistoryScoringSource):
    """Read the archive and the journal of the data directory *directory*."""

    def __init__(self, directory: Path, *, threads: int = 2, memory_limit: str = MEMORY_LIMIT) -> None:
        super().__init__(ArchiveHistory(directory), ARCHIVE, threads=threads, memory_limit=memory_limit)


def _state_change(row: dict[str, object]) -> StateChange:
    identity = {name: row[name] for name in ("portal", "location", "at")}
    fault = Fault(str(row["fault"])) if row["fault"] else None
    return StateChange(
        **identity,  # type: ignore[arg-type] # columns are typed by their declaration
        state=State(str(row["state"])),
        previous=State(str(row["previous"])),
        fault=fault,
        detail=str(row["detail"] or ""),
    )
