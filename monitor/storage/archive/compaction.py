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
from monitor.storage.archive.layout import (
    ARCHIVE_FOLDER,
    ARCHIVE_SCHEMA_VERSION,
    MIN_RETENTION_DAYS,
    archived_kinds,
    list_files,
    parse_path,
    relative_path,
    row_schema,
)
from monitor.storage.archive.parquet import write_parquet_file
from monitor.storage.archive.protocol import SealRequest
from monitor.storage.archive.seal import archive_lock, sweep

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from monitor.storage.archive.catalog import SealedPeriod
    from monitor.storage.journal.store import ArchiveUpdate

log = structlog.get_logger(__name__)

MAX_SUPPLEMENTS = 3
"""A day with more supplements is merged by the daemon itself."""


def run_maintenance(
    request: SealRequest,
    commit: Callable[[ArchiveUpdate], None],
    wait_durable: Callable[[], None] = lambda: None,
    *,
    retention_days: int | None = None,
) -> int:
    """All care that the daemon takes: seal, merge days with many supplements, remove what is older than ``keep`` days.

    ``None`` keeps all. Returns the files sealed; raises as :func:`monitor.storage.archive.seal.sweep`, and ValueError for a
    ``keep`` below the floor.
    """

    def commit_durably(update: ArchiveUpdate) -> None:
        commit(update)
        wait_durable()

    made = sweep(request, commit, wait_durable)
    compact(request, commit_durably, max_supplements=MAX_SUPPLEMENTS)
    if retention_days is not None:
        expire(request, commit_durably, retention_days)
    catalog.write_manifest(request.directory)  # also what a killed sweep entered and did not come to tell
    return made


def compact(request: SealRequest, commit: Callable[[ArchiveUpdate], None], *, max_supplements: int = 0) -> int:
    """Merge every sealed day that has ``more_than`` supplements and more; return how many days were merged."""
    with archive_lock(request.directory):
        listed = catalog.load(request.directory)
        crowded = [
            span
            for kind in archived_kinds()
            for span in catalog.sealed_periods(listed, kind)
            if len(span.files) - 1 > max_supplements
        ]
        for span in crowded:
            _merge_period(request, span, commit)
    if crowded:
        catalog.write_manifest(request.directory)
    return len(crowded)


def _merge_period(request: SealRequest, period: SealedPeriod, commit: Callable[[ArchiveUpdate], None]) -> None:
    """One new file for a period; the old ones go when the ledger names the new one."""
    newest = period.files[-1]
    form = row_schema(newest.kind)
    taken = [
        named[2]
        for path in list_files(request.directory)
        if (named := parse_path(path)) and named[:2] == (form.kind, newest.day)
    ]
    number = max([*taken, newest.number]) + 1
    wanted = replace(
        newest,
        path=relative_path(form.kind, newest.day, number),
        number=number,
        late=any(one.late for one in period.files),
        rows=sum(one.rows for one in period.files),
        through=period.through,
        columns=catalog.column_types_json(form),
        schema=ARCHIVE_SCHEMA_VERSION,
        code=__version__,
        created=request.now_ms,
    )
    with duckdb_session.open_session(request.directory, memory_limit=request.memory_limit) as work:
        merged = write_parquet_file(
            request.directory, work, duckdb_session.select_sql(request.directory, form, period.files), form, wanted
        )
    old = [one.path for one in period.files]
    commit(catalog.add_file(merged, replaces=old))
    _delete_files(request.directory, old)
    log.info("archive_merged", path=merged.path, files=len(old), rows=merged.rows)


def expire(request: SealRequest, commit: Callable[[ArchiveUpdate], None], retention_days: int) -> int:
    """Remove days that ended more than ``keep`` days before the order's now; return how many files went."""
    if retention_days < MIN_RETENTION_DAYS:
        raise ValueError(
            f"the archive keeps at least {MIN_RETENTION_DAYS} days, five quarters; {retention_days} is less"
        )
    oldest = int((datetime.fromtimestamp(request.now_ms / 1000, UTC) - timedelta(retention_days)).timestamp() * 1000)
    with archive_lock(request.directory):
        gone = [one.path for one in catalog.load(request.directory) if one.until <= oldest]
        if gone:
            commit(catalog.remove_files(gone))
            _delete_files(request.directory, gone)
            catalog.write_manifest(request.directory)
            log.info("archive_expired", files=len(gone), keep_days=retention_days)
    return len(gone)


def _delete_files(directory: Path, paths: list[str]) -> None:
    for path in paths:
        (directory / ARCHIVE_FOLDER / path).unlink(missing_ok=True)
