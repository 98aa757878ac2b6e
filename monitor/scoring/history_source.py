"""History as scores ask for it, from wherever history is read: the archive of this machine, or InfluxDB."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from monitor.model.records import State, StateChange
from monitor.scoring.source import Changes
from monitor.storage.history.source import ARCHIVE, Archive
from probes.result import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import duckdb

    from monitor.storage.history.source import Source

MEMORY = "500MB"
"""What a question may hold before it spills: exact quantiles hold eight bytes a look, 110 MB for a quarter."""


class HistorySource:
    """Scores ``source``, called ``name``. ``threads``: how many processors a question may take."""

    def __init__(self, source: Source, name: str, *, threads: int = 2, memory: str = MEMORY) -> None:
        self.name = name
        self._source = source
        self._threads = threads
        self._memory = memory

    @contextmanager
    def looks(
        self, kinds: Sequence[str], since: int, until: int, names: Sequence[str]
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """See :class:`monitor.scoring.source.Source`."""
        with self._source.connect(kinds, since, until, names, memory=self._memory) as db:
            db.execute(f"SET threads = {self._threads}")
            yield db

    def changes(self, since: int, until: int) -> Changes:
        """See :class:`monitor.scoring.source.Source`."""
        found = self._source.states_at(since)
        places = zip(found["portal"], found["location"], strict=True)
        before = {place: State(state) for place, state in zip(places, found["state"], strict=True)}
        within = []
        for batch in self._source.state_changes(since, until):
            names = list(batch)
            within += [_change(dict(zip(names, row, strict=True))) for row in zip(*batch.values(), strict=True)]
        return Changes(before=before, within=within)


class ArchiveSource(HistorySource):
    """What the archive and the journal of data directory ``directory`` know."""

    def __init__(self, directory: Path, *, threads: int = 2, memory: str = MEMORY) -> None:
        super().__init__(Archive(directory), ARCHIVE, threads=threads, memory=memory)


def _change(row: dict[str, object]) -> StateChange:
    told = {name: row[name] for name in ("portal", "location", "at")}
    fault = Fault(str(row["fault"])) if row["fault"] else None
    return StateChange(
        **told,  # type: ignore[arg-type] # columns are typed by their declaration
        state=State(str(row["state"])),
        previous=State(str(row["previous"])),
        fault=fault,
        detail=str(row["detail"] or ""),
    )
