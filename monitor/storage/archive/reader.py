"""Reads sealed files, a period at a time, in any order, merged with rows that were written after the sealing."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from monitor.storage.archive import catalog, duckdb_session
from monitor.storage.archive.layout import ArchiveError, RowSchema, quote_identifier, row_schema
from monitor.storage.journal.database import read_only

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    import duckdb

    from monitor.storage.archive.catalog import ArchiveFile, SealedPeriod

ArchiveRow = tuple[Any, ...]

READ_MEMORY_LIMIT = "256MB"
"""Memory limit of reading one sealed day; a larger one is sorted on disk."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a window: from one sealed period, or from the journal where ``sealed_period`` is None."""

    since_ms: int
    until_ms: int
    sealed_period: SealedPeriod | None


@dataclass(frozen=True, slots=True)
class RowFilter:
    """The rows of a period to read: ``since_ms <= time < until_ms``, with ``allowed_values`` by column."""

    since_ms: int
    until_ms: int
    allowed_values: tuple[tuple[str, frozenset[str]], ...] = ()

    def where_clause(self, schema: RowSchema) -> tuple[str, list[Any]]:
        """Return the filter as SQL, with its values."""
        where = [f"{schema.time_sql} >= ? AND {schema.time_sql} < ?"]
        values: list[Any] = [self.since_ms, self.until_ms]
        for name, wanted in self.allowed_values:
            where.append(f"list_contains(?, {quote_identifier(name)})")
            values.append(sorted(wanted))
        return " AND ".join(where), values


def split_window(files: Iterable[ArchiveFile], kind: str, since_ms: int, until_ms: int) -> list[Segment]:
    """Split a window at the sealed periods of ``kind``, in order and without gaps."""
    found: list[Segment] = []
    for period in catalog.sealed_periods(files, kind):
        if period.until_ms <= since_ms or period.since_ms >= until_ms:
            continue
        if since_ms < period.since_ms:
            found.append(Segment(since_ms, period.since_ms, None))
        end_ms = min(until_ms, period.until_ms)
        found.append(Segment(max(since_ms, period.since_ms), end_ms, period))
        since_ms = end_ms
    if since_ms < until_ms:
        found.append(Segment(since_ms, until_ms, None))
    return found


def read_rows(  # noqa: PLR0913, PLR0917 - a complete query, used at two places
    directory: Path,
    kind: str,
    period: SealedPeriod,
    row_filter: RowFilter,
    names: Sequence[str],
    sort_columns: Sequence[str],
    batch_rows: int,
) -> Iterator[ArchiveRow]:
    """Yield the filtered rows of a sealed period, sorted by ``sort_columns``.

    All files are read before the first row, so a concurrent merge of files is harmless: if it came first, the period is
    loaded again from the catalog. Raises :class:`ArchiveError` when files are missing or damaged.
    """
    schema = row_schema(kind)
    where, values = row_filter.where_clause(schema)
    condition = f"WHERE {where} ORDER BY {', '.join(quote_identifier(name) for name in sort_columns)}"

    def select(files: Sequence[ArchiveFile]) -> duckdb.DuckDBPyConnection:
        source = duckdb_session.select_sql(directory, schema, files, names)
        return duckdb_session.execute(db, f"SELECT * FROM ({source}) {condition}", values)  # noqa: S608 - quoted

    with duckdb_session.open_session(directory, memory_limit=READ_MEMORY_LIMIT) as db:
        try:
            found = select(period.files)
        except ArchiveError:
            found = select(_reload_files(directory, kind, period))
        while some := found.fetchmany(batch_rows):
            yield from some


def count_rows(directory: Path, kind: str, period: SealedPeriod, row_filter: RowFilter) -> int:
    """Return the number of rows of :func:`read_rows`; whole periods are counted from the catalog."""
    whole = row_filter.since_ms <= period.since_ms and period.until_ms <= row_filter.until_ms
    if whole and not row_filter.allowed_values:
        return sum(one.rows for one in period.files)
    schema = row_schema(kind)
    where, values = row_filter.where_clause(schema)
    names = dict.fromkeys([schema.time_column, *(name for name, _ in row_filter.allowed_values)])
    with duckdb_session.open_session(directory, memory_limit=READ_MEMORY_LIMIT) as db:
        source = duckdb_session.select_sql(directory, schema, period.files, names)
        found = duckdb_session.execute(db, f"SELECT COUNT(*) FROM ({source}) WHERE {where}", values).fetchone()  # noqa: S608 - quoted
        return int(found[0]) if found else 0


def _reload_files(directory: Path, kind: str, period: SealedPeriod) -> Sequence[ArchiveFile]:
    """Return the period's files from the catalog. Raises :class:`ArchiveError` when they are the same as before."""
    listed = [one for one in catalog.load(directory) if one.kind == kind and one.since == period.since_ms]
    if not listed or listed == list(period.files):
        raise ArchiveError(f"{period.files[0].path} or a supplement of it is missing or damaged; run 'archive verify'")
    return listed


def merge_sorted(
    sealed: Iterable[ArchiveRow], late: Iterable[ArchiveRow], key_positions: Sequence[int]
) -> Iterator[ArchiveRow]:
    """Merge two sorted streams; of rows with the same identity (``key_positions``), keep the sealed one."""
    key = itemgetter(*key_positions)
    last: Any = None
    for row in heapq.merge(sealed, late, key=key):
        if (identity := key(row)) != last:
            yield row
        last = identity


def has_late_rows(directory: Path, kind: str, period: SealedPeriod) -> bool:
    """Return whether the journal has rows of a sealed period that may not be in its files."""
    with read_only(directory) as db:
        return catalog.late_row_exists(db, row_schema(kind), period)
