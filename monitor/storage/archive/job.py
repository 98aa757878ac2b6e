"""The daemon's side of the archive: starts the sealing process when something is due, and lets sealed rows go.

Rows leave the journal only when they are sealed, when every reader has passed them, and when they are older than the
status page, the fold and a reading export may still want. They leave a few at a time, so that no commit waits for them.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from monitor.storage.archive import catalog
from monitor.storage.archive.layout import STATE_CHANGE_KIND as STATE_CHANGES
from monitor.storage.archive.layout import archived_kinds, row_schema
from monitor.storage.archive.protocol import DURABLE_ACK, SealRequest, decode_line, encode_request
from monitor.storage.journal.store import JOURNAL_FILE, ArchiveUpdate, JournalError, open_journal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from monitor.model.clock import Clock
    from monitor.storage.journal.journal import Journal

log = structlog.get_logger(__name__)

SWEEP_INTERVAL_SECONDS = 900.0
"""Seconds between sweeps: a day is sealed at most so long after its grace, and so is a supplement."""

TRIM_CHUNK_ROWS = 400
"""Rows that leave in one transaction: a few milliseconds of the writing thread (measured, `docs/archive.md`)."""

TRIM_PAUSE_SECONDS = 0.25
"""Seconds between two of them: a day of 458,000 rows leaves in ten minutes."""

OPTIONAL_CONSUMER_PREFIXES = ("sink:", "rollup-")
"""Bookmarks that count only while somebody still reads past them."""

MIN_SEALED_AGE_MS = 3_600_000
"""Rows leave at the earliest so long (ms) after their file was sealed: whoever began to read before has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivePolicy:
    """How the archive is kept. ``grace`` and ``hot`` in seconds, ``keep`` in days, None for ever."""

    zone: str
    grace_seconds: float = 6 * 3600.0
    keep_in_journal_seconds: float = 48 * 3600.0
    retention_days: int | None = None


@dataclass(slots=True)
class ArchiveStatistics:
    """What the exposition shows. ``failing`` says why the last sweep failed, empty after a good one.

    ``held_back`` names the reader whose bookmark keeps sealed rows in the journal. ``on_sweep`` is told the seconds of
    every sweep that made files, ``on_trim`` the rows that left.
    """

    files: int = 0
    rows: int = 0
    size_bytes: int = 0
    sealed_until_ms: int = 0
    last_error: str = ""
    trim_blocked_by: str = ""
    on_sweep: Callable[[float], None] = field(default=lambda _seconds: None)
    on_trim: Callable[[float], None] = field(default=lambda _rows: None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _TrimRange:
    """Rows that may leave: those of ``kind`` in a period, numbered up to ``through``."""

    kind: str
    since: int
    until: int
    through: int


class ArchiveJob:
    """Keeps the archive of one data directory while the daemon runs.

    ``readers`` are the bookmarks that must have passed a row before it leaves. A bookmark that they do not name counts
    as well, unless it belongs to a sink or a tier: those that were taken out of the configuration stand still for ever.
    """

    def __init__(
        self, directory: Path, journal: Journal, clock: Clock, policy: ArchivePolicy, consumers: Iterable[str] = ()
    ) -> None:
        self.policy = policy
        self.statistics = ArchiveStatistics()
        self._directory = directory
        self._journal = journal
        self._clock = clock
        self._consumers = tuple(consumers)

    async def run(self) -> None:
        """Sweep and trim until cancelled. A failed sweep is said aloud and tried again."""
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
            log.info("archive_works_again")
        self.statistics.last_error = error

    async def sweep(self) -> int:
        """Seal what is due in a process of its own, entering each file; return the files made.

        Raises :class:`JournalError` when the process failed.
        """
        began = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "monitor.storage.archive.worker",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=2**20,
        )  # fmt: skip
        try:
            made = await self._run_worker(process)
        finally:
            if process.returncode is None and process.stdin is not None:
                process.stdin.close()  # it stops at the next entry; what it has not entered is done again
                process.kill()
            await process.wait()
        await asyncio.to_thread(self._update_statistics)
        if made:
            self.statistics.on_sweep(time.monotonic() - began)
        return made

    async def _run_worker(self, process: asyncio.subprocess.Process) -> int:
        if process.stdin is None or process.stdout is None:
            raise JournalError("the sealing process has no pipes")
        keeping = self.policy
        order = SealRequest(
            directory=self._directory,
            zone=keeping.zone,
            grace_ms=int(keeping.grace_seconds * 1000),
            now_ms=self._clock.now(),
        )
        process.stdin.write(encode_request(order, keeping.retention_days).encode())
        while line := await process.stdout.readline():
            chore, last_word = decode_line(line.decode())
            if chore is None:
                if "error" in last_word:
                    raise JournalError(last_word["error"])
                return int(last_word["files"])
            await self._journal.commit(chore)
            process.stdin.write(DURABLE_ACK.encode())
        raise JournalError(f"the sealing process ended without a word, code {await process.wait()}")

    def _update_statistics(self) -> None:
        listed = catalog.load(self._directory)
        counted = self.statistics
        counted.files, counted.rows = len(listed), sum(one.rows for one in listed)
        counted.size_bytes = sum(one.size for one in listed)
        counted.sealed_until_ms = max((one.until for one in listed if one.kind != STATE_CHANGES), default=0)

    async def trim(self) -> int:
        """Let sealed rows leave the journal; return how many did. State changes are few and stay."""
        gone = 0
        for stretch in await asyncio.to_thread(self._trim_ranges):
            form = row_schema(stretch.kind)
            inside = f"{form.time_sql} >= ? AND {form.time_sql} < ? AND seq <= ?"
            some = f"SELECT seq FROM {form.table} WHERE {inside} ORDER BY {form.time_sql} LIMIT {TRIM_CHUNK_ROWS}"  # noqa: S608 - our own names
            chore = ArchiveUpdate(
                statements=(
                    (
                        f"DELETE FROM {form.table} WHERE seq IN ({some})",  # noqa: S608 - the same
                        (stretch.since, stretch.until, stretch.through),
                    ),
                )
            )
            left = await asyncio.to_thread(self._count_trimmable, stretch)
            gone += left
            while left > 0:
                await self._journal.commit(chore)
                self.statistics.on_trim(min(TRIM_CHUNK_ROWS, left))
                left -= TRIM_CHUNK_ROWS
                await asyncio.sleep(TRIM_PAUSE_SECONDS)
        if gone:
            log.info("journal_trimmed", rows=gone)
        return gone

    def _count_trimmable(self, trim_range: _TrimRange) -> int:
        form = row_schema(trim_range.kind)
        sql = f"SELECT COUNT(*) FROM {form.table} WHERE {form.time_sql} >= ? AND {form.time_sql} < ? AND seq <= ?"  # noqa: S608 - our own names
        db = open_journal(self._directory / JOURNAL_FILE, write=False)
        try:
            return int(db.execute(sql, (trim_range.since, trim_range.until, trim_range.through)).fetchone()[0])
        finally:
            db.close()

    def _trim_ranges(self) -> list[_TrimRange]:
        """What may leave now, oldest first."""
        now = self._clock.now()
        db = open_journal(self._directory / JOURNAL_FILE, write=False)
        try:
            listed = catalog.read(db)
            passed, reader = self._slowest_consumer(dict(db.execute("SELECT reader, seq FROM bookmark")))
            last = int(db.execute("SELECT last FROM sequence").fetchone()[0])
        finally:
            db.close()
        hot = now - int(self.policy.keep_in_journal_seconds * 1000)
        found, held = [], False
        for kind in archived_kinds():
            if kind == STATE_CHANGES:
                continue
            for span in catalog.sealed_periods(listed, kind):
                if span.until_ms > hot or max(one.created for one in span.files) > now - MIN_SEALED_AGE_MS:
                    continue
                held = held or passed < min(span.through, last)
                through = min(span.through, passed)
                found.append(_TrimRange(kind=kind, since=span.since_ms, until=span.until_ms, through=through))
        self.statistics.trim_blocked_by = reader if held else ""
        return sorted(found, key=lambda one: one.since)

    def _slowest_consumer(self, checkpoints: dict[str, int]) -> tuple[int, str]:
        """(the number up to which every reader has come, the reader who is last)."""
        living = {
            name: seq
            for name, seq in checkpoints.items()
            if name in self._consumers or not name.startswith(OPTIONAL_CONSUMER_PREFIXES)
        }
        known = dict.fromkeys(self._consumers, 0) | living
        reader = min(known, key=known.__getitem__, default="")
        return (known[reader] if reader else 2**62), reader
