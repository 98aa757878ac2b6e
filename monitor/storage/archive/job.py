"""The archive's background job: runs the sealing process, and trims sealed rows from the journal.

Rows leave the journal only when they are sealed, when every consumer has passed them, and when they are older than the
status page, the state machine and a running export may need. They leave in small chunks, so that no commit waits.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from monitor.storage.archive import catalog
from monitor.storage.archive.layout import STATE_CHANGE_KIND, row_schema
from monitor.storage.archive.protocol import DURABLE_ACK, SealRequest, decode_line, encode_request
from monitor.storage.journal.database import read_only
from monitor.storage.journal.store import ArchiveUpdate, JournalError
from monitor.storage.worker_process import worker_process
from probes.registry import PROBE_KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from monitor.model.clock import Clock
    from monitor.storage.journal.journal import Journal

log = structlog.get_logger(__name__)

SWEEP_INTERVAL_SECONDS = 900.0
"""Seconds between sweeps: a day is sealed at most this long after its grace period, and so is a supplement."""

TRIM_CHUNK_ROWS = 400
"""Rows deleted in one transaction: a few milliseconds of the writing thread (measured, `docs/archive.md`)."""

TRIM_PAUSE_SECONDS = 0.25
"""Seconds between two chunks: a day of 458,000 rows is deleted in ten minutes."""

OPTIONAL_CONSUMER_PREFIXES = ("sink:", "rollup-")
"""Checkpoints that count only while their consumer is configured."""

MIN_SEALED_AGE_MS = 3_600_000
"""Rows are deleted at the earliest this long (ms) after sealing: reads that started before have ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivePolicy:
    """Settings of the archive. ``retention_days`` is None to keep files for ever."""

    zone: str
    grace_seconds: float = 6 * 3600.0
    keep_in_journal_seconds: float = 48 * 3600.0
    retention_days: int | None = None


@dataclass(slots=True)
class ArchiveStatistics:
    """Statistics for the exposition. ``last_error`` is the error of the last sweep, empty after a successful one.

    ``trim_blocked_by`` names the consumer whose checkpoint keeps sealed rows in the journal. ``on_sweep`` is called
    with the seconds of every sweep that sealed files, ``on_trim`` with the number of deleted rows.
    """

    files: int = 0
    rows: int = 0
    size_bytes: int = 0
    sealed_until_ms: int = 0
    last_error: str = ""
    trim_blocked_by: str = ""
    on_sweep: Callable[[float], None] = field(default=lambda _seconds: None)
    on_trim: Callable[[float], None] = field(default=lambda _rows: None)


class ArchiveJob:
    """Maintains the archive of one data directory while the daemon runs.

    ``consumers`` are those that must have passed a row before it is deleted. A checkpoint of another consumer counts as
    well, unless it belongs to a sink or a tier: those removed from the configuration never advance.
    """

    def __init__(
        self, directory: Path, journal: Journal, clock: Clock, policy: ArchivePolicy, consumers: Iterable[str] = ()
    ) -> None:
        self.policy = policy
        self.statistics = ArchiveStatistics()
        self._directory, self._journal, self._clock = directory, journal, clock
        self._consumers = tuple(consumers)

    async def run(self) -> None:
        """Sweep and trim until cancelled. A failed sweep is logged and tried again."""
        while True:
            try:
                await self.sweep()
                await self.trim()
                self._set_last_error("")
            except (JournalError, OSError, sqlite3.Error) as error:
                self._set_last_error(str(error))
            await asyncio.sleep(SWEEP_INTERVAL_SECONDS)

    def _set_last_error(self, error: str) -> None:
        if error and error != self.statistics.last_error:
            log.error("archive_failing", reason=error)
        elif self.statistics.last_error and not error:
            log.info("archive_recovered")
        self.statistics.last_error = error

    async def sweep(self) -> int:
        """Seal what is due in a worker process, committing the catalog entry of each file; return the files sealed.

        Raises :class:`JournalError` when the process failed.
        """
        started = time.monotonic()
        sealed = await self._run_worker()
        await asyncio.to_thread(self._update_statistics)
        if sealed:
            self.statistics.on_sweep(time.monotonic() - started)
        return sealed

    async def _run_worker(self) -> int:
        """Run the sealing process and return the files sealed; when it is killed, the next sweep does the rest."""
        zone, grace_ms, now_ms = self.policy.zone, int(self.policy.grace_seconds * 1000), self._clock.now()
        request = SealRequest(directory=self._directory, zone=zone, grace_ms=grace_ms, now_ms=now_ms)
        encoded = encode_request(request, self.policy.retention_days).encode()
        async with worker_process("sealing process", "monitor.storage.archive.worker", encoded) as worker:
            while True:
                update, result = decode_line((await worker.read_line()).decode())
                if update is None:
                    if "error" in result:
                        raise JournalError(result["error"])
                    return int(result["files"])
                await self._journal.commit(update)
                worker.send(DURABLE_ACK.encode())

    def _update_statistics(self) -> None:
        listed = catalog.load(self._directory)
        statistics = self.statistics
        statistics.files, statistics.rows = len(listed), sum(one.rows for one in listed)
        statistics.size_bytes = sum(one.size for one in listed)
        statistics.sealed_until_ms = max((one.until for one in listed if one.kind != STATE_CHANGE_KIND), default=0)

    async def trim(self) -> int:
        """Delete sealed rows from the journal; return their number. State changes are few and stay."""
        removed = 0
        for kind, bounds in await asyncio.to_thread(self._trim_ranges):
            schema = row_schema(kind)
            source = f"FROM {schema.table} WHERE {schema.time_sql} >= ? AND {schema.time_sql} < ? AND seq <= ?"
            oldest = f"SELECT seq {source} ORDER BY {schema.time_sql} LIMIT {TRIM_CHUNK_ROWS}"
            delete = f"DELETE FROM {schema.table} WHERE seq IN ({oldest})"  # noqa: S608 - names of this schema
            update = ArchiveUpdate(statements=((delete, bounds),))
            left = await asyncio.to_thread(self._count_rows, source, bounds)
            removed += left
            while left > 0:
                await self._journal.commit(update)
                self.statistics.on_trim(min(TRIM_CHUNK_ROWS, left))
                left -= TRIM_CHUNK_ROWS
                await asyncio.sleep(TRIM_PAUSE_SECONDS)
        if removed:
            log.info("journal_trimmed", rows=removed)
        return removed

    def _count_rows(self, source: str, bounds: tuple[int, int, int]) -> int:
        with read_only(self._directory) as db:
            return int(db.execute(f"SELECT COUNT(*) {source}", bounds).fetchone()[0])

    def _trim_ranges(self) -> list[tuple[str, tuple[int, int, int]]]:
        """Return (kind, (since, until, through)) of the rows that may be deleted now, oldest first."""
        now = self._clock.now()
        with read_only(self._directory) as db:
            listed = catalog.read(db)
            passed, slowest = self._slowest_consumer(dict(db.execute("SELECT consumer, seq FROM checkpoint")))
            last = int(db.execute("SELECT last FROM sequence").fetchone()[0])
        kept_from = now - int(self.policy.keep_in_journal_seconds * 1000)
        found, blocked = [], False
        for kind in PROBE_KINDS:
            for period in catalog.sealed_periods(listed, kind):
                if period.until_ms > kept_from or max(one.created for one in period.files) > now - MIN_SEALED_AGE_MS:
                    continue
                blocked = blocked or passed < min(period.through, last)
                found.append((kind, (period.since_ms, period.until_ms, min(period.through, passed))))
        self.statistics.trim_blocked_by = slowest if blocked else ""
        return sorted(found, key=lambda one: one[1][0])

    def _slowest_consumer(self, checkpoints: dict[str, int]) -> tuple[int, str]:
        """Return (the number that every consumer has passed, the consumer that is last)."""
        known = dict.fromkeys(self._consumers, 0)
        for name, seq in checkpoints.items():
            if name in known or not name.startswith(OPTIONAL_CONSUMER_PREFIXES):
                known[name] = seq
        slowest = min(known, key=known.__getitem__, default="")
        return (known[slowest] if slowest else 2**62), slowest
