"""The journal: commits what happened before anybody is told, in groups, on a thread of its own; readers wait for it."""

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

from monitor.storage.journal.store import FILE, Advance, Entry, JournalError, Reader, Record, Remark, Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import Self, TypeVar

    from probes.probe import Probe

    T = TypeVar("T")

log = structlog.get_logger(__name__)

RECENT = 2048
"""Newest records kept in memory, so that readers who keep up need not ask the disk for what was just written."""

RETRY_SECONDS = 1.0
"""Pause after a commit that failed (disk full, file system read-only): the batch is kept and tried again."""


MOST_WAITING = 100_000
"""Entries that wait at most for a disk that refuses: hours of looks. Then there is nothing left but to stop, loudly."""

REMARK_PATIENCE = 5.0
"""Seconds that a remark is waited for; it stays in the queue, and no entry handed in later is stored before it."""

Batch = list[tuple[Entry, asyncio.Future[None]]]


@dataclass(slots=True)
class JournalStatistics:
    """What the exposition shows of the journal. ``waiting`` counts the entries that are not on disk yet.

    ``failing`` is the reason of the newest failed commit, empty again after a good one.
    """

    commits: int = 0
    records: int = 0
    bytes: int = 0
    waiting: int = 0
    failing: str = ""
    on_commit: Callable[[float], None] = field(default=lambda _seconds: None)


class Journal:
    """Async face of the store. Open it with :meth:`open`, close it with :meth:`close`, on the same running loop."""

    def __init__(self, path: Path, kinds: dict[str, type[Probe]], *, commit_every: float) -> None:
        self._writer = Writer(path, kinds)
        try:
            self._reader = Reader(path, kinds)
        except BaseException:
            self._writer.close()
            raise
        self._reads = ThreadPoolExecutor(1, thread_name_prefix="journal-read")
        self._commit_every = commit_every
        self._loop = asyncio.get_running_loop()
        self._wake = threading.Condition()
        self._waiting: Batch = []
        self._urgent = False
        self._closing = False
        self._recent: deque[Record] = deque(maxlen=RECENT)
        self._news: set[asyncio.Future[None]] = set()
        self.last = self._writer.last
        self.statistics = JournalStatistics(bytes=self._writer.size())
        self._thread = threading.Thread(target=self._work, name="journal", daemon=True)

    @classmethod
    def open(cls, directory: Path, kinds: dict[str, type[Probe]], *, commit_every: float = 0.25) -> Self:
        """Open or create the journal in ``directory``. Raises :class:`JournalError`."""
        try:
            journal = cls(directory / FILE, kinds, commit_every=commit_every)
        except sqlite3.Error as error:
            raise JournalError(f"journal in {directory} cannot be opened: {error}") from error
        journal._thread.start()
        return journal

    async def commit(self, entry: Entry) -> None:
        """Return when ``entry`` is on disk. Waits while the disk refuses; raises as :meth:`put`, and at the close."""
        await self.put(entry)

    def put(self, entry: Entry) -> asyncio.Future[None]:
        """Hand in ``entry``; the future is done when it is on disk.

        Raises :class:`JournalError` after the close, and when too much waits for a disk that refuses. The future raises
        it when the journal closes before the disk relents.
        """
        done: asyncio.Future[None] = self._loop.create_future()
        with self._wake:
            if self._closing:
                raise JournalError("the journal is closed")
            if self.statistics.failing and self.statistics.waiting >= MOST_WAITING:
                raise JournalError(f"{self.statistics.waiting} entries are not remembered: {self.statistics.failing}")
            self._waiting.append((entry, done))
            urgent = isinstance(entry, Remark) or (isinstance(entry, Advance) and entry.urgent)
            self._urgent = self._urgent or urgent
            if len(self._waiting) == 1 or urgent:
                self._wake.notify()
        self.statistics.waiting += 1
        return done

    async def commit_all(self, entries: Sequence[Entry]) -> None:
        """Return when all ``entries`` are on disk."""
        await asyncio.gather(*[self.put(entry) for entry in entries])

    async def remark(self, key: str, value: str) -> None:
        """Leave a remark. It is stored at once, since start and stop wait for it, but not for a disk that refuses."""
        with suppress(TimeoutError):
            async with asyncio.timeout(REMARK_PATIENCE):
                await self.put(Remark(key=key, value=value))

    async def after(self, seq: int, limit: int = 1000) -> list[Record]:
        """The next records past ``seq``, in order; empty when there are none."""
        if seq >= self.last:
            return []
        if self._recent and self._recent[0].seq <= seq + 1:
            fresh = [*takewhile(lambda record: record.seq > seq, reversed(self._recent))]
            return fresh[::-1][:limit]
        return await self.read(lambda reader: reader.after(seq, limit))

    async def read(self, question: Callable[[Reader], T]) -> T:
        """Ask the store on the reading thread. Raises :class:`JournalError` after the close."""
        if self._closing:
            raise JournalError("the journal is closed")
        return await self._loop.run_in_executor(self._reads, question, self._reader)

    async def news(self, seq: int) -> None:
        """Return when a record past ``seq`` is committed. Raises :class:`JournalError` when the journal closes."""
        while self.last <= seq:
            if self._closing:
                raise JournalError("the journal is closed")
            waiter: asyncio.Future[None] = self._loop.create_future()
            self._news.add(waiter)
            try:
                await waiter
            finally:
                self._news.discard(waiter)

    async def close(self) -> None:
        """Commit what waits, if the disk takes it, and close the file. A second close does nothing."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        await asyncio.to_thread(self._shut)
        self._tell_news()

    def _shut(self) -> None:
        self._thread.join()
        self._reads.shutdown(wait=True)
        self._reader.close()
        self._writer.close()

    def _work(self) -> None:
        """The writing thread: gather for a moment, commit, tell; until closed and empty."""
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._waiting or self._closing)
                self._wake.wait_for(lambda: self._closing or self._urgent, self._commit_every)
                batch, self._waiting, self._urgent = self._waiting, [], False
            if not batch:
                return
            try:
                self._store(batch)
            except Exception as error:
                log.exception("journal_bug", waiting=len(batch))
                self._tell(self._give_up, batch, error)

    def _store(self, batch: Batch) -> None:
        """Commit ``batch``, again and again while the disk refuses; at the close only once."""
        while True:
            began = time.perf_counter()
            try:
                new = self._writer.write([entry for entry, _ in batch])
            except sqlite3.Error as error:
                if not self.statistics.failing:
                    log.error("journal_cannot_remember", reason=str(error), waiting=len(batch))  # noqa: TRY400 - no bug
                self.statistics.failing = str(error)
            else:
                if self.statistics.failing:
                    log.warning("journal_remembers_again", waiting=len(batch))
                self.statistics.failing = ""
                self._tell(self._told, batch, new, time.perf_counter() - began, self._writer.size())
                return
            with self._wake:
                if not self._closing:
                    self._wake.wait_for(lambda: self._closing, RETRY_SECONDS)
                    continue
            self._tell(self._give_up, batch, self.statistics.failing)
            return

    def _tell(self, callback: Callable[..., None], *values: object) -> None:
        with suppress(RuntimeError):  # the loop is gone, and everybody who waited with it
            self._loop.call_soon_threadsafe(callback, *values)

    def _told(self, batch: Batch, new: list[Record], seconds: float, size: int) -> None:
        """On the loop: the batch is a fact, so whoever waited for it may go on."""
        self._recent.extend(new)
        if new:
            self.last = new[-1].seq
        for _, done in batch:
            if not done.done():
                done.set_result(None)
        self._tell_news()
        counted = self.statistics
        counted.commits += 1
        counted.records += len(new)
        counted.bytes = size
        counted.waiting -= len(batch)
        counted.on_commit(seconds)

    def _tell_news(self) -> None:
        for waiter in self._news:
            if not waiter.done():
                waiter.set_result(None)

    def _give_up(self, batch: Batch, reason: object) -> None:
        """On the loop: the batch is lost, and whoever waited for it hears so."""
        self.statistics.waiting -= len(batch)
        for _, done in batch:
            if not done.done():
                done.set_exception(JournalError(f"not remembered: {reason}"))
                done.exception()  # not everybody waits: what was told to stop is handed in and left
