"""Reading what is sealed, a period at a time, in any order, merged with rows that came after the sealing."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from monitor.storage.archive import catalog, duckdb_session
from monitor.storage.archive.layout import ArchiveError, RowSchema, quote_identifier, row_schema
from monitor.storage.journal.store import JOURNAL_FILE, open_journal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from monitor.storage.archive.catalog import ArchiveFile, SealedPeriod

ArchiveRow = tuple[Any, ...]

READ_MEMORY_LIMIT = "256MB"
"""What reading one sealed day may hold; a day beyond it is sorted on disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A piece of a window: from one sealed period, or from the journal where ``span`` is None."""

    since_ms: int
    until_ms: int
    sealed_period: SealedPeriod | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFilter:
    """Which rows of a period: ``since <= time < until``, and those of ``members`` by column, as far as it names one."""

    since_ms: int
    until_ms: int
    allowed_values: tuple[tuple[str, frozenset[str]], ...] = ()

    def where_clause(self, schema: RowSchema) -> tuple[str, list[Any]]:
        """The same in SQL with its values."""
        where = [f"{schema.time_sql} >= ? AND {schema.time_sql} < ?"]
        values: list[Any] = [self.since_ms, self.until_ms]
        for name, wanted in self.allowed_values:
            where.append(f"list_contains(?, {quote_identifier(name)})")
            values.append(sorted(wanted))
        return " AND ".join(where), values


def split_window(files: Iterable[ArchiveFile], kind: str, since_ms: int, until_ms: int) -> list[Segment]:
    """The window cut along the sealed periods of ``kind``, in order and without gaps."""
    found: list[Segment] = []
    for span in catalog.sealed_periods(files, kind):
        if span.until_ms <= since_ms or span.since_ms >= until_ms:
            continue
        if since_ms < span.since_ms:
            found.append(Segment(since_ms=since_ms, until_ms=span.since_ms, sealed_period=None))
            since_ms = span.since_ms
        found.append(Segment(since_ms=since_ms, until_ms=min(until_ms, span.until_ms), sealed_period=span))
        since_ms = min(until_ms, span.until_ms)
    if since_ms < until_ms:
        found.append(Segment(since_ms=since_ms, until_ms=until_ms, sealed_period=None))
    return found


def read_rows(  # noqa: PLR0913, PLR0917 - a question in full, asked at two places
    directory: Path,
    kind: str,
    period: SealedPeriod,
    row_filter: RowFilter,
    names: Sequence[str],
    sort_columns: Sequence[str],
    batch_rows: int,
) -> Iterator[ArchiveRow]:
    """The chosen rows of a sealed period, sorted by ``order``.

    All files are read before the first row is given, so a merge of files meanwhile does no harm: when it was faster,
    the period is looked up again. Raises :class:`ArchiveError` when files are missing or damaged.
    """
    form = row_schema(kind)
    where, values = row_filter.where_clause(form)
    keys = ", ".join(quote_identifier(name) for name in sort_columns)
    with duckdb_session.open_session(directory, memory_limit=READ_MEMORY_LIMIT) as db:
        try:
            sql = f"SELECT * FROM ({duckdb_session.select_sql(directory, form, period.files, names)}) WHERE {where} ORDER BY {keys}"  # noqa: S608 - our own names
            found = duckdb_session.execute(db, sql, values)
        except ArchiveError:
            files = _reload_files(directory, kind, period)
            sql = f"SELECT * FROM ({duckdb_session.select_sql(directory, form, files, names)}) WHERE {where} ORDER BY {keys}"  # noqa: S608 - the same
            found = duckdb_session.execute(db, sql, values)
        while some := found.fetchmany(batch_rows):
            yield from some


def count_rows(directory: Path, kind: str, period: SealedPeriod, row_filter: RowFilter) -> int:
    """How many rows :func:`rows` would give; whole periods are not read."""
    if (
        not row_filter.allowed_values
        and row_filter.since_ms <= period.since_ms
        and period.until_ms <= row_filter.until_ms
    ):
        return sum(one.rows for one in period.files)
    form = row_schema(kind)
    where, values = row_filter.where_clause(form)
    names = dict.fromkeys([form.time_column, *(name for name, _ in row_filter.allowed_values)])
    with duckdb_session.open_session(directory, memory_limit=READ_MEMORY_LIMIT) as db:
        sql = f"SELECT COUNT(*) FROM ({duckdb_session.select_sql(directory, form, period.files, names)}) WHERE {where}"  # noqa: S608 - our own names
        found = duckdb_session.execute(db, sql, values).fetchone()
        return int(found[0]) if found else 0


def _reload_files(directory: Path, kind: str, period: SealedPeriod) -> Sequence[ArchiveFile]:
    """The period's files as the ledger has them now. Raises :class:`ArchiveError` when they are the same as before."""
    listed = [one for one in catalog.load(directory) if one.kind == kind and one.since == period.since_ms]
    if not listed or listed == list(period.files):
        raise ArchiveError(
            f"{period.files[0].path} or a supplement of it is missing or damaged: archive verify says more"
        )
    return listed


def merge_sorted(
    sealed: Iterable[ArchiveRow], late: Iterable[ArchiveRow], key_positions: Sequence[int]
) -> Iterator[ArchiveRow]:
    """Two sorted streams as one; of rows with the same identity, places ``order``, the sealed one counts."""
    key = itemgetter(*key_positions)
    last: Any = None
    for row in heapq.merge(sealed, late, key=key):
        if (identity := key(row)) != last:
            yield row
        last = identity


def has_late_rows(directory: Path, kind: str, period: SealedPeriod) -> bool:
    """Whether the journal holds rows of a sealed period that may not be in its files."""
    form = row_schema(kind)
    db = open_journal(directory / JOURNAL_FILE, write=False)
    try:
        sql = f"SELECT 1 FROM {form.table} WHERE {form.time_sql} >= ? AND {form.time_sql} < ? AND seq > ? LIMIT 1"  # noqa: S608 - our own names
        return db.execute(sql, (period.since_ms, period.until_ms, period.through)).fetchone() is not None
    finally:
        db.close()
