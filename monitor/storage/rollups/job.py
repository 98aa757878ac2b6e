"""The daemon's side of rollups: starts the process that computes them, and has each tier carried to where it belongs.

The bookmark moves when everything before it is written. Killed in between, the same rollups are written again, over
themselves. There is one owner, the daemon.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from monitor.model.rollups import Tier
from monitor.storage.journal.store import Advance, JournalError
from monitor.storage.rollups.compute import Progress
from monitor.storage.rollups.worker import Order, decode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from monitor.model.clock import Clock
    from monitor.model.rollups import Rollup
    from monitor.storage.journal.journal import Journal
    from monitor.storage.journal.rows import Quarantined

    Write = Callable[[Sequence[Rollup]], Awaitable[list[Quarantined]]]
    """Delivers rollups, waits as long as that takes, and returns those that nobody will ever take."""

log = structlog.get_logger(__name__)

EVERY = 300.0
"""Seconds between sweeps."""

LINE_BYTES = 2**24
"""The longest line that the process may say."""


@dataclass(slots=True)
class RollupStatistics:
    """What the exposition shows: rollups written, how far a tier is rolled up (UTC ms), why the last sweep failed."""

    written: int = 0
    until: int = 0
    failing: str = ""


class RollupKeeper:
    """Rolls up every tier that has somewhere to go, in days of ``zone``."""

    def __init__(
        self, directory: Path, journal: Journal, clock: Clock, zone: str, writes: Mapping[Tier, Write]
    ) -> None:
        self.statistics = {tier: RollupStatistics() for tier in writes}
        self._directory = directory
        self._journal = journal
        self._clock = clock
        self._zone = zone
        self._writes = writes

    async def run(self) -> None:
        """Sweep tier after tier until cancelled. A failed sweep is said aloud and tried again."""
        while True:
            for tier in self._writes:
                try:
                    await self.sweep(tier)
                    self._note(tier, "")
                except (JournalError, OSError, sqlite3.Error, ValueError) as error:
                    self._note(tier, str(error))
            await asyncio.sleep(EVERY)

    def _note(self, tier: Tier, trouble: str) -> None:
        told = self.statistics[tier]
        if trouble and trouble != told.failing:
            log.error("rollup_failing", tier=tier.value, reason=trouble)
        elif told.failing and not trouble:
            log.info("rollup_works_again", tier=tier.value)
        told.failing = trouble

    async def sweep(self, tier: Tier) -> int:
        """Roll up all that is due of a tier; return the rollups written. Raises :class:`JournalError`."""
        seq, memo = await self._journal.read(lambda reader: reader.bookmark(tier.reader))
        progress = Progress(until=json.loads(memo)["until"] if memo else 0, seq=seq)
        total = 0
        while True:
            written, after, bad = await self._once(tier, progress)
            total += written
            memo = json.dumps({"until": after.until})
            if after != progress or bad:
                step = Advance(reader=tier.reader, seq=after.seq, memo=memo, quarantined=tuple(bad))
                await self._journal.commit(step)
            self.statistics[tier].until = after.until
            self.statistics[tier].written += written
            if not written:
                return total
            progress = after

    async def _once(self, tier: Tier, progress: Progress) -> tuple[int, Progress, list[Quarantined]]:
        """(rollups written, how far they reach, those that were set aside) of one run of the process."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "monitor.storage.rollups.worker",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=LINE_BYTES,
        )  # fmt: skip
        if process.stdin is None or process.stdout is None:
            raise JournalError("the process that rolls up has no pipes")
        order = Order(
            directory=self._directory, tier=tier, zone=self._zone, now=self._clock.now(), progress=progress
        )  # fmt: skip
        written, bad = 0, list["Quarantined"]()
        try:
            process.stdin.write(order.encode())
            while line := await process.stdout.readline():
                said = await asyncio.to_thread(decode, line)
                if isinstance(said, Progress):
                    return written, said, bad
                bad += await self._writes[tier](said)
                written += len(said)
            raise JournalError(f"the process that rolls up ended without a word, code {await process.wait()}")
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
