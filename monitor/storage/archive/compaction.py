"""Care of what is sealed: supplements are merged into one file a day, and what is older than must be kept is removed.

Both first write what takes the place of the old files, then the ledger, and touch the old files last.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from monitor import __version__
from monitor.storage.archive import catalog, duckdb_session
from monitor.storage.archive.layout import FLOOR_DAYS, FOLDER, SCHEMA, files, kinds, parse, relative, shape
from monitor.storage.archive.parquet import publish
from monitor.storage.archive.protocol import Order
from monitor.storage.archive.seal import alone, sweep

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from monitor.storage.archive.catalog import Span
    from monitor.storage.journal.store import Chore

log = structlog.get_logger(__name__)

MOST_SUPPLEMENTS = 3
"""A day with more supplements is merged by the daemon itself."""


def tend(
    order: Order,
    commit: Callable[[Chore], None],
    settle: Callable[[], None] = lambda: None,
    *,
    keep: int | None = None,
) -> int:
    """All care that the daemon takes: seal, merge days with many supplements, remove what is older than ``keep`` days.

    ``None`` keeps all. Returns the files sealed; raises as :func:`monitor.storage.archive.seal.sweep`, and ValueError for a
    ``keep`` below the floor.
    """

    def at_once(chore: Chore) -> None:
        commit(chore)
        settle()

    made = sweep(order, commit, settle)
    compact(order, at_once, more_than=MOST_SUPPLEMENTS)
    if keep is not None:
        expire(order, at_once, keep)
    catalog.write_manifest(order.directory)  # also what a killed sweep entered and did not come to tell
    return made


def compact(order: Order, commit: Callable[[Chore], None], *, more_than: int = 0) -> int:
    """Merge every sealed day that has ``more_than`` supplements and more; return how many days were merged."""
    with alone(order.directory):
        listed = catalog.read_at(order.directory)
        crowded = [span for kind in kinds() for span in catalog.spans(listed, kind) if len(span.files) - 1 > more_than]
        for span in crowded:
            _merge(order, span, commit)
    if crowded:
        catalog.write_manifest(order.directory)
    return len(crowded)


def _merge(order: Order, span: Span, commit: Callable[[Chore], None]) -> None:
    """One new file for a period; the old ones go when the ledger names the new one."""
    newest = span.files[-1]
    form = shape(newest.kind)
    taken = [
        named[2] for path in files(order.directory) if (named := parse(path)) and named[:2] == (form.kind, newest.day)
    ]
    number = max([*taken, newest.number]) + 1
    wanted = replace(
        newest,
        path=relative(form.kind, newest.day, number),
        number=number,
        late=any(one.late for one in span.files),
        rows=sum(one.rows for one in span.files),
        through=span.through,
        columns=catalog.types_text(form),
        schema=SCHEMA,
        code=__version__,
        created=order.now,
    )
    with duckdb_session.database(order.directory, memory=order.memory) as work:
        merged = publish(order.directory, work, duckdb_session.select(order.directory, form, span.files), form, wanted)
    old = [one.path for one in span.files]
    commit(catalog.record(merged, instead_of=old))
    _remove(order.directory, old)
    log.info("archive_merged", path=merged.path, files=len(old), rows=merged.rows)


def expire(order: Order, commit: Callable[[Chore], None], keep: int) -> int:
    """Remove days that ended more than ``keep`` days before the order's now; return how many files went."""
    if keep < FLOOR_DAYS:
        raise ValueError(f"the archive keeps at least {FLOOR_DAYS} days, five quarters; {keep} is less")
    oldest = int((datetime.fromtimestamp(order.now / 1000, UTC) - timedelta(keep)).timestamp() * 1000)
    with alone(order.directory):
        gone = [one.path for one in catalog.read_at(order.directory) if one.until <= oldest]
        if gone:
            commit(catalog.forget(gone))
            _remove(order.directory, gone)
            catalog.write_manifest(order.directory)
            log.info("archive_expired", files=len(gone), keep_days=keep)
    return len(gone)


def _remove(directory: Path, paths: list[str]) -> None:
    for path in paths:
        (directory / FOLDER / path).unlink(missing_ok=True)
