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
from monitor.storage.archive.layout import STATES as STATE_CHANGES
from monitor.storage.archive.layout import kinds, shape
from monitor.storage.archive.protocol import DURABLE, Order, decode, encode_order
from monitor.storage.journal.store import FILE, Chore, JournalError, connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from monitor.model.clock import Clock
    from monitor.storage.journal.journal import Journal

log = structlog.get_logger(__name__)

EVERY = 900.0
"""Seconds between sweeps: a day is sealed at most so long after its grace, and so is a supplement."""

CHUNK = 400
"""Rows that leave in one transaction: a few milliseconds of the writing thread (measured, `docs/archive.md`)."""

PAUSE = 0.25
"""Seconds between two of them: a day of 458,000 rows leaves in ten minutes."""

OPTIONAL = ("sink:", "rollup-")
"""Bookmarks that count only while somebody still reads past them."""

SETTLED = 3_600_000
"""Rows leave at the earliest so long (ms) after their file was sealed: whoever began to read before has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """How the archive is kept. ``grace`` and ``hot`` in seconds, ``keep`` in days, None for ever."""

    zone: str
    grace: float = 6 * 3600.0
    hot: float = 48 * 3600.0
    keep: int | None = None


@dataclass(slots=True)
class ArchiveStatistics:
    """What the exposition shows. ``failing`` says why the last sweep failed, empty after a good one.

    ``held_back`` names the reader whose bookmark keeps sealed rows in the journal. ``on_sweep`` is told the seconds of
    every sweep that made files, ``on_trim`` the rows that left.
    """

    files: int = 0
    rows: int = 0
    bytes: int = 0
    sealed_until: int = 0
    failing: str = ""
    held_back: str = ""
    on_sweep: Callable[[float], None] = field(default=lambda _seconds: None)
    on_trim: Callable[[float], None] = field(default=lambda _rows: None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stretch:
    """Rows that may leave: those of ``kind`` in a period, numbered up to ``through``."""

    kind: str
    since: int
    until: int
    through: int


class Keeper:
    """Keeps the archive of one data directory while the daemon runs.

    ``readers`` are the bookmarks that must have passed a row before it leaves. A bookmark that they do not name counts
    as well, unless it belongs to a sink or a tier: those that were taken out of the configuration stand still for ever.
    """

    def __init__(
        self, directory: Path, journal: Journal, clock: Clock, keeping: Keeping, readers: Iterable[str] = ()
    ) -> None:
        self.keeping = keeping
        self.statistics = ArchiveStatistics()
        self._directory = directory
        self._journal = journal
        self._clock = clock
        self._readers = tuple(readers)

    async def run(self) -> None:
        """Sweep and trim until cancelled. A failed sweep is said aloud and tried again."""
        while True:
            try:
                await self.sweep()
                await self.trim()
                self._note("")
            except (JournalError, OSError, sqlite3.Error) as error:
                self._note(str(error))
            await asyncio.sleep(EVERY)

    def _note(self, trouble: str) -> None:
        if trouble and trouble != self.statistics.failing:
            log.error("archive_failing", reason=trouble)
        elif self.statistics.failing and not trouble:
            log.info("archive_works_again")
        self.statistics.failing = trouble

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
            made = await self._converse(process)
        finally:
            if process.returncode is None and process.stdin is not None:
                process.stdin.close()  # it stops at the next entry; what it has not entered is done again
                process.kill()
            await process.wait()
        await asyncio.to_thread(self._count)
        if made:
            self.statistics.on_sweep(time.monotonic() - began)
        return made

    async def _converse(self, process: asyncio.subprocess.Process) -> int:
        if process.stdin is None or process.stdout is None:
            raise JournalError("the sealing process has no pipes")
        keeping = self.keeping
        order = Order(
            directory=self._directory,
            zone=keeping.zone,
            grace=int(keeping.grace * 1000),
            now=self._clock.now(),
        )
        process.stdin.write(encode_order(order, keeping.keep).encode())
        while line := await process.stdout.readline():
            chore, last_word = decode(line.decode())
            if chore is None:
                if "error" in last_word:
                    raise JournalError(last_word["error"])
                return int(last_word["files"])
            await self._journal.commit(chore)
            process.stdin.write(DURABLE.encode())
        raise JournalError(f"the sealing process ended without a word, code {await process.wait()}")

    def _count(self) -> None:
        listed = catalog.read_at(self._directory)
        counted = self.statistics
        counted.files, counted.rows = len(listed), sum(one.rows for one in listed)
        counted.bytes = sum(one.size for one in listed)
        counted.sealed_until = max((one.until for one in listed if one.kind != STATE_CHANGES), default=0)

    async def trim(self) -> int:
        """Let sealed rows leave the journal; return how many did. State changes are few and stay."""
        gone = 0
        for stretch in await asyncio.to_thread(self._stretches):
            form = shape(stretch.kind)
            inside = f"{form.moment} >= ? AND {form.moment} < ? AND seq <= ?"
            some = f"SELECT seq FROM {form.table} WHERE {inside} ORDER BY {form.moment} LIMIT {CHUNK}"  # noqa: S608 - our own names
            chore = Chore(
                statements=(
                    (
                        f"DELETE FROM {form.table} WHERE seq IN ({some})",  # noqa: S608 - the same
                        (stretch.since, stretch.until, stretch.through),
                    ),
                )
            )
            left = await asyncio.to_thread(self._left, stretch)
            gone += left
            while left > 0:
                await self._journal.commit(chore)
                self.statistics.on_trim(min(CHUNK, left))
                left -= CHUNK
                await asyncio.sleep(PAUSE)
        if gone:
            log.info("journal_trimmed", rows=gone)
        return gone

    def _left(self, stretch: _Stretch) -> int:
        form = shape(stretch.kind)
        sql = f"SELECT COUNT(*) FROM {form.table} WHERE {form.moment} >= ? AND {form.moment} < ? AND seq <= ?"  # noqa: S608 - our own names
        db = connect(self._directory / FILE, write=False)
        try:
            return int(db.execute(sql, (stretch.since, stretch.until, stretch.through)).fetchone()[0])
        finally:
            db.close()

    def _stretches(self) -> list[_Stretch]:
        """What may leave now, oldest first."""
        now = self._clock.now()
        db = connect(self._directory / FILE, write=False)
        try:
            listed = catalog.read(db)
            passed, reader = self._passed(dict(db.execute("SELECT reader, seq FROM bookmark")))
            last = int(db.execute("SELECT last FROM sequence").fetchone()[0])
        finally:
            db.close()
        hot = now - int(self.keeping.hot * 1000)
        found, held = [], False
        for kind in kinds():
            if kind == STATE_CHANGES:
                continue
            for span in catalog.spans(listed, kind):
                if span.until > hot or max(one.created for one in span.files) > now - SETTLED:
                    continue
                held = held or passed < min(span.through, last)
                through = min(span.through, passed)
                found.append(_Stretch(kind=kind, since=span.since, until=span.until, through=through))
        self.statistics.held_back = reader if held else ""
        return sorted(found, key=lambda one: one.since)

    def _passed(self, bookmarks: dict[str, int]) -> tuple[int, str]:
        """(the number up to which every reader has come, the reader who is last)."""
        living = {
            name: seq for name, seq in bookmarks.items() if name in self._readers or not name.startswith(OPTIONAL)
        }
        known = dict.fromkeys(self._readers, 0) | living
        reader = min(known, key=known.__getitem__, default="")
        return (known[reader] if reader else 2**62), reader
