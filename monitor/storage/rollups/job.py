"""The rollups' background job: runs the worker process that computes them, and writes each tier to its sink.

The checkpoint advances when everything before it is written. After a kill in between, the same rollups are written
again and replace themselves. Only the daemon runs this job.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from monitor.model.rollups import Tier
from monitor.storage.journal.store import CheckpointUpdate, JournalError
from monitor.storage.rollups.compute import RollupProgress
from monitor.storage.rollups.worker import RollupRequest, decode_line
from monitor.storage.worker_process import worker_process

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from monitor.model.clock import Clock
    from monitor.model.rollups import Rollup
    from monitor.storage.journal.journal import Journal
    from monitor.storage.journal.rows import QuarantinedRecord

    WriteRollups = Callable[[Sequence[Rollup]], Awaitable[list[QuarantinedRecord]]]
    """Writes rollups, waits until that is done, and returns those that the sink rejects for good."""
    _SweepResult = tuple[int, RollupProgress, list[QuarantinedRecord]]

log = structlog.get_logger(__name__)

SWEEP_INTERVAL_SECONDS = 300.0
"""Seconds between sweeps."""


@dataclass(slots=True)
class RollupStatistics:
    """Statistics for the exposition: rollups written, end of what is rolled up (UTC ms), error of the last sweep."""

    written: int = 0
    until_ms: int = 0
    last_error: str = ""


class RollupJob:
    """Rolls up every tier that has a sink, in days of ``zone``."""

    def __init__(
        self, directory: Path, journal: Journal, clock: Clock, zone: str, writers: Mapping[Tier, WriteRollups]
    ) -> None:
        self.statistics = {tier: RollupStatistics() for tier in writers}
        self._directory, self._journal, self._clock = directory, journal, clock
        self._zone, self._writers = zone, writers

    async def run(self) -> None:
        """Sweep tier after tier until cancelled. A failed sweep is logged and tried again."""
        while True:
            for tier in self._writers:
                try:
                    await self.sweep(tier)
                    self._set_last_error(tier, "")
                except (JournalError, OSError, sqlite3.Error, ValueError) as error:
                    self._set_last_error(tier, str(error))
            await asyncio.sleep(SWEEP_INTERVAL_SECONDS)

    def _set_last_error(self, tier: Tier, error: str) -> None:
        statistics = self.statistics[tier]
        if error and error != statistics.last_error:
            log.error("rollup_failing", tier=tier.value, reason=error)
        elif statistics.last_error and not error:
            log.info("rollup_recovered", tier=tier.value)
        statistics.last_error = error

    async def sweep(self, tier: Tier) -> int:
        """Roll up all that is due of a tier; return the rollups written. Raises :class:`JournalError`."""
        seq, state = await self._journal.read(lambda reader: reader.checkpoint(tier.consumer_name))
        progress = RollupProgress(until_ms=json.loads(state)["until"] if state else 0, seq=seq)
        total = 0
        while True:
            written, after, rejected = await self._run_worker(tier, progress)
            total += written
            if after != progress or rejected:
                name, state, quarantined = tier.consumer_name, json.dumps({"until": after.until_ms}), tuple(rejected)
                update = CheckpointUpdate(consumer=name, seq=after.seq, state=state, quarantined=quarantined)
                await self._journal.commit(update)
            self.statistics[tier].until_ms = after.until_ms
            self.statistics[tier].written += written
            if not written:
                return total
            progress = after

    async def _run_worker(self, tier: Tier, progress: RollupProgress) -> _SweepResult:
        """Run the rollup process; return (rollups written, their progress, records that were rejected)."""
        written, rejected, now_ms = 0, list["QuarantinedRecord"](), self._clock.now()
        request = RollupRequest(self._directory, tier, self._zone, now_ms, progress)
        async with worker_process("rollup process", "monitor.storage.rollups.worker", request.encode()) as worker:
            while True:
                answer = await asyncio.to_thread(decode_line, await worker.read_line())
                if isinstance(answer, RollupProgress):
                    return written, answer, rejected
                rejected += await self._writers[tier](answer)
                written += len(answer)
