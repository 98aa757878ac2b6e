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
from monitor.storage.journal.store import CheckpointUpdate, JournalError
from monitor.storage.rollups.compute import RollupProgress
from monitor.storage.rollups.worker import RollupRequest, decode_line

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from monitor.model.clock import Clock
    from monitor.model.rollups import Rollup
    from monitor.storage.journal.journal import Journal
    from monitor.storage.journal.rows import QuarantinedRecord

    WriteRollups = Callable[[Sequence[Rollup]], Awaitable[list[QuarantinedRecord]]]
    """Delivers rollups, waits as long as that takes, and returns those that nobody will ever take."""

log = structlog.get_logger(__name__)

SWEEP_INTERVAL_SECONDS = 300.0
"""Seconds between sweeps."""

MAX_LINE_BYTES = 2**24
"""The longest line that the process may say."""


@dataclass(slots=True)
class RollupStatistics:
    """What the exposition shows: rollups written, how far a tier is rolled up (UTC ms), why the last sweep failed."""

    written: int = 0
    until_ms: int = 0
    last_error: str = ""


class RollupJob:
    """Rolls up every tier that has somewhere to go, in days of ``zone``."""

    def __init__(
        self, directory: Path, journal: Journal, clock: Clock, zone: str, writers: Mapping[Tier, WriteRollups]
    ) -> None:
        self.statistics = {tier: RollupStatistics() for tier in writers}
        self._directory = directory
        self._journal = journal
        self._clock = clock
        self._zone = zone
        self._writers = writers

    async def run(self) -> None:
        """Sweep tier after tier until cancelled. A failed sweep is said aloud and tried again."""
        while True:
            for tier in self._writers:
                try:
                    await self.sweep(tier)
                    self._set_last_error(tier, "")
                except (JournalError, OSError, sqlite3.Error, ValueError) as error:
                    self._set_last_error(tier, str(error))
            await asyncio.sleep(SWEEP_INTERVAL_SECONDS)

    def _set_last_error(self, tier: Tier, error: str) -> None:
        told = self.statistics[tier]
        if error and error != told.last_error:
            log.error("rollup_failing", tier=tier.value, reason=error)
        elif told.last_error and not error:
            log.info("rollup_works_again", tier=tier.value)
        told.last_error = error

    async def sweep(self, tier: Tier) -> int:
        """Roll up all that is due of a tier; return the rollups written. Raises :class:`JournalError`."""
        seq, memo = await self._journal.read(lambda reader: reader.checkpoint(tier.consumer_name))
        progress = RollupProgress(until_ms=json.loads(memo)["until"] if memo else 0, seq=seq)
        total = 0
        while True:
            written, after, bad = await self._run_worker(tier, progress)
            total += written
            memo = json.dumps({"until": after.until_ms})
            if after != progress or bad:
                step = CheckpointUpdate(reader=tier.consumer_name, seq=after.seq, memo=memo, quarantined=tuple(bad))
                await self._journal.commit(step)
            self.statistics[tier].until_ms = after.until_ms
            self.statistics[tier].written += written
            if not written:
                return total
            progress = after

    async def _run_worker(
        self, tier: Tier, progress: RollupProgress
    ) -> tuple[int, RollupProgress, list[QuarantinedRecord]]:
        """(rollups written, how far they reach, those that were set aside) of one run of the process."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "monitor.storage.rollups.worker",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=MAX_LINE_BYTES,
        )  # fmt: skip
        if process.stdin is None or process.stdout is None:
            raise JournalError("the process that rolls up has no pipes")
        order = RollupRequest(
            directory=self._directory, tier=tier, zone=self._zone, now_ms=self._clock.now(), progress=progress
        )  # fmt: skip
        written, bad = 0, list["QuarantinedRecord"]()
        try:
            process.stdin.write(order.encode())
            while line := await process.stdout.readline():
                said = await asyncio.to_thread(decode_line, line)
                if isinstance(said, RollupProgress):
                    return written, said, bad
                bad += await self._writers[tier](said)
                written += len(said)
            raise JournalError(f"the process that rolls up ended without a word, code {await process.wait()}")
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
