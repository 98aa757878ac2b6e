"""Job of live scores in the daemon: starts the process that computes them, exposes the newest, writes them to sinks.

A score is derived from history and can be computed again at any time: points that a sink cannot take in time are
dropped, the next run brings newer ones.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from monitor.daemon.scores_protocol import ScoreRequest, ScoreResult, decode_line
from monitor.storage.journal.store import JournalError
from monitor.storage.worker_process import worker_process

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from pathlib import Path

    from monitor.model.clock import Clock
    from monitor.model.scores import ScorePoint

    WriteScores = Callable[[Sequence[ScorePoint]], Coroutine[object, object, object]]
    """Writes points to one sink, and waits as long as that takes."""

log = structlog.get_logger(__name__)

MAX_CPU_SHARE = 0.01
"""Share of one CPU that scoring may take: after an expensive run the next one waits longer."""

FIRST_RUN_SECONDS = 60.0
"""Seconds from the start of the daemon to the first run: the daemon's own start has priority."""

SINK_INTERVAL_SECONDS = 3600.0
"""Seconds between points for sinks: scores of a quarter change slowly, and are as many as measurements of an hour."""

MAX_PAUSE_SECONDS = 3600.0


@dataclass(slots=True)
class ScoreStatistics:
    """Result of the last successful run: when (UTC ms), points, CPU seconds."""

    last_run_ms: int = 0
    points: int = 0
    cpu_seconds: float = 0.0


@dataclass(eq=False)
class ScoreJob:
    """Scores every ``interval_seconds``. ``exposition`` is for Prometheus, ``last_error`` that of the last run."""

    config_dir: Path
    data_dir: Path
    clock: Clock
    interval_seconds: float
    writers: Sequence[WriteScores] = ()
    exposition: bytes = b""
    statistics: ScoreStatistics = field(default_factory=ScoreStatistics)
    last_error: str = ""
    _sink_tasks: dict[int, asyncio.Task[object]] = field(default_factory=dict)
    _last_sink_write: float | None = None

    async def run(self) -> None:
        """Score until cancelled, first after :data:`FIRST_RUN_SECONDS` at most. Failed runs are logged and retried."""
        await asyncio.sleep(min(FIRST_RUN_SECONDS, self.interval_seconds))
        async with asyncio.TaskGroup() as group:
            while True:
                try:
                    self._write_to_sinks(group, await self.run_once())
                    self._set_last_error("")
                except (JournalError, OSError, ValueError) as error:
                    self._set_last_error(str(error))
                await asyncio.sleep(self.pause_seconds)

    @property
    def pause_seconds(self) -> float:
        """Return the seconds until the next run: as configured, or longer to keep the CPU share."""
        for_cpu_share = self.statistics.cpu_seconds / MAX_CPU_SHARE
        return min(max(self.interval_seconds, for_cpu_share), max(MAX_PAUSE_SECONDS, self.interval_seconds))

    async def run_once(self) -> list[ScorePoint]:
        """Score once and expose the result; return the points. Raises :class:`JournalError`."""
        now, found = self.clock.now(), list["ScorePoint"]()
        request = ScoreRequest(config_dir=self.config_dir, data_dir=self.data_dir, now_ms=now)
        async with worker_process("scoring process", "monitor.daemon.scores_worker", request.encode()) as worker:
            while True:
                line = await asyncio.to_thread(decode_line, await worker.read_line())
                if isinstance(line, ScoreResult):
                    self.exposition = line.exposition.encode()
                    self.statistics = ScoreStatistics(last_run_ms=now, points=len(found), cpu_seconds=line.cpu_seconds)
                    return found
                found += line

    def _write_to_sinks(self, group: asyncio.TaskGroup, points: Sequence[ScorePoint]) -> None:
        """Write the points to every sink that took the previous ones, once in :data:`SINK_INTERVAL_SECONDS`."""
        now = self.clock.monotonic()
        if self._last_sink_write is not None and now - self._last_sink_write < SINK_INTERVAL_SECONDS:
            return
        self._last_sink_write = now
        for number, write in enumerate(self.writers):
            before = self._sink_tasks.get(number)
            if points and (before is None or before.done()):
                self._sink_tasks[number] = group.create_task(write(points), name=f"scores {number}")

    def _set_last_error(self, error: str) -> None:
        if error and error != self.last_error:
            log.error("scoring_failing", reason=error)
        elif self.last_error and not error:
            log.info("scoring_recovered")
        self.last_error = error
