"""Maintenance of sealed files: merge supplements into one file per day, remove files older than the retention.

Both write the new file first, then update the catalog, and remove the old files last.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from monitor.storage.archive import catalog, duckdb_session, layout
from monitor.storage.archive.layout import ARCHIVE_FOLDER, MIN_RETENTION_DAYS, row_schema
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
"""The daemon merges a day with more supplements."""


def run_maintenance(
    request: SealRequest,
    commit: Callable[[ArchiveUpdate], None],
    wait_durable: Callable[[], None] = lambda: None,
    *,
    retention_days: int | None = None,
) -> int:
    """Seal what is due, merge days with many supplements, remove files older than ``retention_days``.

    ``None`` keeps all. Returns the number of files sealed. Raises as :func:`monitor.storage.archive.seal.sweep`, and
    ValueError for a retention below :data:`MIN_RETENTION_DAYS`.
    """

    def commit_durably(update: ArchiveUpdate) -> None:
        commit(update)
        wait_durable()

    sealed = sweep(request, commit, wait_durable)
    compact(request, commit_durably, max_supplements=MAX_SUPPLEMENTS)
    if retention_days is not None:
        expire(request, commit_durably, retention_days)
    catalog.write_manifest(request.directory)  # also with the files of a sweep that was killed before it wrote it
    return sealed


def compact(request: SealRequest, commit: Callable[[ArchiveUpdate], None], *, max_supplements: int = 0) -> int:
    """Merge every sealed day with more than ``max_supplements`` supplements; return the number of merged days."""
    with archive_lock(request.directory):
        listed = catalog.load(request.directory)
        periods = [
            period
            for kind in layout.archived_kinds()
            for period in catalog.sealed_periods(listed, kind)
            if len(period.files) - 1 > max_supplements
        ]
        for period in periods:
            _merge_period(request, period, commit)
    if periods:
        catalog.write_manifest(request.directory)
    return len(periods)


def _merge_period(request: SealRequest, period: SealedPeriod, commit: Callable[[ArchiveUpdate], None]) -> None:
    """Write one new file for a period; remove the old ones when the catalog has the new one."""
    newest = period.files[-1]
    schema = row_schema(newest.kind)
    number = catalog.next_number(request.directory, newest.kind, newest.day, period)
    new = catalog.new_file(schema, newest.day, number, newest.since, newest.until, newest.zone, request.now_ms)
    late, rows = any(one.late for one in period.files), sum(one.rows for one in period.files)
    entry = replace(new, late=late, rows=rows, through=period.through)
    source = duckdb_session.select_sql(request.directory, schema, period.files)
    with duckdb_session.open_session(request.directory, memory_limit=request.memory_limit) as session:
        merged = write_parquet_file(request.directory, session, source, schema, entry)
    old = [one.path for one in period.files]
    commit(catalog.add_file(merged, replaces=old))
    _delete_files(request.directory, old)
    log.info("archive_merged", path=merged.path, files=len(old), rows=merged.rows)


def expire(request: SealRequest, commit: Callable[[ArchiveUpdate], None], retention_days: int) -> int:
    """Remove days that ended more than ``retention_days`` before the request's now; return the number of files."""
    if retention_days < MIN_RETENTION_DAYS:
        raise ValueError(f"retention must be at least {MIN_RETENTION_DAYS} days (five quarters), not {retention_days}")
    oldest = int((datetime.fromtimestamp(request.now_ms / 1000, UTC) - timedelta(retention_days)).timestamp() * 1000)
    with archive_lock(request.directory):
        expired = [one.path for one in catalog.load(request.directory) if one.until <= oldest]
        if expired:
            commit(catalog.remove_files(expired))
            _delete_files(request.directory, expired)
            catalog.write_manifest(request.directory)
            log.info("archive_expired", files=len(expired), retention_days=retention_days)
    return len(expired)


def _delete_files(directory: Path, paths: list[str]) -> None:
    for path in paths:
        (directory / ARCHIVE_FOLDER / path).unlink(missing_ok=True)
