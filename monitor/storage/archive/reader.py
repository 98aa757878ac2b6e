"""Reading what is sealed, a period at a time, in any order, merged with rows that came after the sealing."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from monitor.storage.archive import catalog, duckdb_session
from monitor.storage.archive.layout import ArchiveError, Shape, shape, sql_name
from monitor.storage.journal.store import FILE, connect

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from monitor.storage.archive.catalog import Sealed, Span

Row = tuple[Any, ...]

MEMORY = "256MB"
"""What reading one sealed day may hold; a day beyond it is sorted on disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A piece of a window: from one sealed period, or from the journal where ``span`` is None."""

    since: int
    until: int
    span: Span | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which rows of a period: ``since <= time < until``, and those of ``members`` by column, as far as it names one."""

    since: int
    until: int
    members: tuple[tuple[str, frozenset[str]], ...] = ()

    def condition(self, form: Shape) -> tuple[str, list[Any]]:
        """The same in SQL with its values."""
        where = [f"{form.moment} >= ? AND {form.moment} < ?"]
        values: list[Any] = [self.since, self.until]
        for name, wanted in self.members:
            where.append(f"list_contains(?, {sql_name(name)})")
            values.append(sorted(wanted))
        return " AND ".join(where), values


def stretches(listed: Iterable[Sealed], kind: str, since: int, until: int) -> list[Stretch]:
    """The window cut along the sealed periods of ``kind``, in order and without gaps."""
    found: list[Stretch] = []
    for span in catalog.spans(listed, kind):
        if span.until <= since or span.since >= until:
            continue
        if since < span.since:
            found.append(Stretch(since=since, until=span.since, span=None))
            since = span.since
        found.append(Stretch(since=since, until=min(until, span.until), span=span))
        since = min(until, span.until)
    if since < until:
        found.append(Stretch(since=since, until=until, span=None))
    return found


def rows(  # noqa: PLR0913, PLR0917 - a question in full, asked at two places
    directory: Path, kind: str, span: Span, choice: Choice, names: Sequence[str], order: Sequence[str], batch: int
) -> Iterator[Row]:
    """The chosen rows of a sealed period, sorted by ``order``.

    All files are read before the first row is given, so a merge of files meanwhile does no harm: when it was faster,
    the period is looked up again. Raises :class:`ArchiveError` when files are missing or damaged.
    """
    form = shape(kind)
    where, values = choice.condition(form)
    keys = ", ".join(sql_name(name) for name in order)
    with duckdb_session.database(directory, memory=MEMORY) as db:
        try:
            sql = f"SELECT * FROM ({duckdb_session.select(directory, form, span.files, names)}) WHERE {where} ORDER BY {keys}"  # noqa: S608 - our own names
            found = duckdb_session.execute(db, sql, values)
        except ArchiveError:
            files = _again(directory, kind, span)
            sql = (
                f"SELECT * FROM ({duckdb_session.select(directory, form, files, names)}) WHERE {where} ORDER BY {keys}"  # noqa: S608 - the same
            )
            found = duckdb_session.execute(db, sql, values)
        while some := found.fetchmany(batch):
            yield from some


def count(directory: Path, kind: str, span: Span, choice: Choice) -> int:
    """How many rows :func:`rows` would give; whole periods are not read."""
    if not choice.members and choice.since <= span.since and span.until <= choice.until:
        return sum(one.rows for one in span.files)
    form = shape(kind)
    where, values = choice.condition(form)
    names = dict.fromkeys([form.time, *(name for name, _ in choice.members)])
    with duckdb_session.database(directory, memory=MEMORY) as db:
        sql = f"SELECT COUNT(*) FROM ({duckdb_session.select(directory, form, span.files, names)}) WHERE {where}"  # noqa: S608 - our own names
        found = duckdb_session.execute(db, sql, values).fetchone()
        return int(found[0]) if found else 0


def _again(directory: Path, kind: str, span: Span) -> Sequence[Sealed]:
    """The period's files as the ledger has them now. Raises :class:`ArchiveError` when they are the same as before."""
    listed = [one for one in catalog.read_at(directory) if one.kind == kind and one.since == span.since]
    if not listed or listed == list(span.files):
        raise ArchiveError(
            f"{span.files[0].path} or a supplement of it is missing or damaged: archive verify says more"
        )
    return listed


def merged(sealed: Iterable[Row], late: Iterable[Row], order: Sequence[int]) -> Iterator[Row]:
    """Two sorted streams as one; of rows with the same identity, places ``order``, the sealed one counts."""
    key = itemgetter(*order)
    last: Any = None
    for row in heapq.merge(sealed, late, key=key):
        if (identity := key(row)) != last:
            yield row
        last = identity


def late(directory: Path, kind: str, span: Span) -> bool:
    """Whether the journal holds rows of a sealed period that may not be in its files."""
    form = shape(kind)
    db = connect(directory / FILE, write=False)
    try:
        sql = f"SELECT 1 FROM {form.table} WHERE {form.moment} >= ? AND {form.moment} < ? AND seq > ? LIMIT 1"  # noqa: S608 - our own names
        return db.execute(sql, (span.since, span.until, span.through)).fetchone() is not None
    finally:
        db.close()
