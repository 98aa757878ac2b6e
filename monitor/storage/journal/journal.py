"""The journal: commits entries in groups on a writing thread, before any consumer receives them."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TYPE_CHECKING

import structlog

from monitor.storage.journal.store import (
    JOURNAL_FILE,
    CheckpointUpdate,
    JournalEntry,
    JournalError,
    JournalReader,
    JournalWriter,
    MetaUpdate,
    Record,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import Self, TypeVar

    from probes.probe import Probe

    T = TypeVar("T")

log = structlog.get_logger(__name__)

RECENT_RECORDS = 2048
"""Newest records kept in memory, so that consumers without lag do not read what was just written from disk."""

RETRY_SECONDS = 1.0
"""Pause after a failed commit (disk full, file system read-only): the batch is kept and tried again."""

MAX_PENDING_ENTRIES = 100_000
"""Entries that may wait while writing fails: hours of measurements. Beyond that the daemon stops with an error."""

META_TIMEOUT_SECONDS = 5.0
"""Seconds to wait for a meta update; it stays in the queue, and no entry submitted later is stored before it."""

Batch = list[tuple[JournalEntry, asyncio.Future[None]]]


@dataclass(slots=True)
class JournalStatistics:
    """Statistics of the journal for the exposition. ``pending`` counts the entries that are not on disk yet.

    ``last_error`` is the error of the last commit, empty after a successful one.
    """

    commits: int = 0
    records: int = 0
    size_bytes: int = 0
    pending: int = 0
    last_error: str = ""
    on_commit: Callable[[float], None] = field(default=lambda _seconds: None)


class Journal:
    """Async interface of the store. Call :meth:`open` and :meth:`close` on the same running loop."""

    def __init__(self, path: Path, kinds: dict[str, type[Probe]], *, commit_interval_seconds: float) -> None:
        self._writer = JournalWriter(path, kinds)
        try:
            self._reader = JournalReader(path, kinds)
        except BaseException:
            self._writer.close()
            raise
        self._read_executor = ThreadPoolExecutor(1, thread_name_prefix="journal-read")
        self._commit_interval_seconds = commit_interval_seconds
        self._loop = asyncio.get_running_loop()
        self._condition = threading.Condition()
        self._pending: Batch = []
        self._urgent = False
        self._closing = False
        self._recent: deque[Record] = deque(maxlen=RECENT_RECORDS)
        self._waiters: set[asyncio.Future[None]] = set()
        self.last_seq = self._writer.last_seq
        self.statistics = JournalStatistics(size_bytes=self._writer.size_bytes())
        self._thread = threading.Thread(target=self._run_writer, name="journal", daemon=True)

    @classmethod
    def open(cls, directory: Path, kinds: dict[str, type[Probe]], *, commit_interval_seconds: float = 0.25) -> Self:
        """Open or create the journal in ``directory``. Raises :class:`JournalError`."""
        try:
            journal = cls(directory / JOURNAL_FILE, kinds, commit_interval_seconds=commit_interval_seconds)
        except sqlite3.Error as error:
            raise JournalError(f"journal in {directory} cannot be opened: {error}") from error
        journal._thread.start()
        return journal

    async def commit(self, entry: JournalEntry) -> None:
        """Return when ``entry`` is on disk. Waits while writing fails; raises as :meth:`submit`, and at the close."""
        await self.submit(entry)

    def submit(self, entry: JournalEntry) -> asyncio.Future[None]:
        """Submit ``entry``; the future is done when it is on disk.

        Raises :class:`JournalError` after the close, and when too many entries wait while writing fails. The future
        raises it when the journal closes before writing succeeds.
        """
        done: asyncio.Future[None] = self._loop.create_future()
        with self._condition:
            if self._closing:
                raise JournalError("the journal is closed")
            if self.statistics.last_error and self.statistics.pending >= MAX_PENDING_ENTRIES:
                raise JournalError(f"{self.statistics.pending} entries are not stored: {self.statistics.last_error}")
            self._pending.append((entry, done))
            urgent = isinstance(entry, MetaUpdate) or (isinstance(entry, CheckpointUpdate) and entry.urgent)
            self._urgent = self._urgent or urgent
            if len(self._pending) == 1 or urgent:
                self._condition.notify()
        self.statistics.pending += 1
        return done

    async def commit_all(self, entries: Sequence[JournalEntry]) -> None:
        """Return when all ``entries`` are on disk."""
        await asyncio.gather(*[self.submit(entry) for entry in entries])

    async def set_meta(self, key: str, value: str) -> None:
        """Store a value at once, since start and stop wait for it; return after a timeout while writing fails."""
        with suppress(TimeoutError):
            async with asyncio.timeout(META_TIMEOUT_SECONDS):
                await self.submit(MetaUpdate(key=key, value=value))

    async def records_after(self, seq: int, limit: int = 1000) -> list[Record]:
        """Return the next records past ``seq``, in order; empty when there are none."""
        if seq >= self.last_seq:
            return []
        if self._recent and self._recent[0].seq <= seq + 1:
            fresh = [*takewhile(lambda record: record.seq > seq, reversed(self._recent))]
            return fresh[::-1][:limit]
        return await self.read(lambda reader: reader.records_after(seq, limit))

    async def read(self, query: Callable[[JournalReader], T]) -> T:
        """Run ``query`` on the reading thread. Raises :class:`JournalError` after the close."""
        if self._closing:
            raise JournalError("the journal is closed")
        return await self._loop.run_in_executor(self._read_executor, query, self._reader)

    async def wait_past(self, seq: int) -> None:
        """Return when a record past ``seq`` is committed. Raises :class:`JournalError` when the journal closes."""
        while self.last_seq <= seq:
            if self._closing:
                raise JournalError("the journal is closed")
            waiter: asyncio.Future[None] = self._loop.create_future()
            self._waiters.add(waiter)
            try:
                await waiter
            finally:
                self._waiters.discard(waiter)

    async def close(self) -> None:
        """Commit pending entries, if writing succeeds, and close the file. A second close does nothing."""
        with self._condition:
            self._closing = True
            self._condition.notify()
        await asyncio.to_thread(self._close_files)
        self._wake_waiters()

    def _close_files(self) -> None:
        self._thread.join()
        self._read_executor.shutdown(wait=True)
        self._reader.close()
        self._writer.close()

    def _run_writer(self) -> None:
        """Run the writing thread: collect entries for the commit interval and commit them, until closed and empty."""
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._pending or self._closing)
                self._condition.wait_for(lambda: self._closing or self._urgent, self._commit_interval_seconds)
                batch, self._pending, self._urgent = self._pending, [], False
            if not batch:
                return
            try:
                self._write_batch(batch)
            except Exception as error:
                log.exception("journal_internal_error", pending=len(batch))
                self._call_on_loop(self._on_failed, batch, error)

    def _write_batch(self, batch: Batch) -> None:
        """Commit ``batch``; retry while writing fails, at the close only once."""
        while True:
            started = time.perf_counter()
            try:
                new = self._writer.write([entry for entry, _ in batch])
            except sqlite3.Error as error:
                if not self.statistics.last_error:
                    log.error("journal_write_failed", reason=str(error), pending=len(batch))  # noqa: TRY400 - not an internal error
                self.statistics.last_error = str(error)
            else:
                if self.statistics.last_error:
                    log.warning("journal_write_recovered", pending=len(batch))
                self.statistics.last_error = ""
                seconds = time.perf_counter() - started
                self._call_on_loop(self._on_committed, batch, new, seconds, self._writer.size_bytes())
                return
            with self._condition:
                if not self._closing:
                    self._condition.wait_for(lambda: self._closing, RETRY_SECONDS)
                    continue
            self._call_on_loop(self._on_failed, batch, self.statistics.last_error)
            return

    def _call_on_loop(self, callback: Callable[..., None], *values: object) -> None:
        with suppress(RuntimeError):  # the loop is closed, and so are the tasks that waited
            self._loop.call_soon_threadsafe(callback, *values)

    def _on_committed(self, batch: Batch, new: list[Record], seconds: float, size_bytes: int) -> None:
        """On the loop: mark the committed batch as done and wake the waiters."""
        self._recent.extend(new)
        if new:
            self.last_seq = new[-1].seq
        for _, done in batch:
            if not done.done():
                done.set_result(None)
        self._wake_waiters()
        statistics = self.statistics
        statistics.commits += 1
        statistics.records += len(new)
        statistics.size_bytes = size_bytes
        statistics.pending -= len(batch)
        statistics.on_commit(seconds)

    def _wake_waiters(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _on_failed(self, batch: Batch, reason: object) -> None:
        """On the loop: raise the error where the lost batch is awaited."""
        self.statistics.pending -= len(batch)
        for _, done in batch:
            if not done.done():
                done.set_exception(JournalError(f"not stored: {reason}"))
                done.exception()  # a run that was stopped submits its entry without waiting for it
