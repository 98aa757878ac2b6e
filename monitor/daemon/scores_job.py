"""The daemon's side of live scores: starts the process that computes them, shows the newest, has them carried on.

A score is derived from history and can be worked out again at any time: what a sink has no time for is not kept, the
next run brings fresher figures.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from monitor.daemon.scores_protocol import ScoreRequest, ScoreResult, decode_line
from monitor.storage.journal.store import JournalError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from monitor.model.clock import Clock
    from monitor.model.scores import ScorePoint

    WriteScores = Callable[[Sequence[ScorePoint]], Awaitable[object]]
    """Delivers points to one sink, and waits as long as that takes."""

log = structlog.get_logger(__name__)

MAX_CPU_SHARE = 0.01
"""How much of one processor scores may take: after a costly run the next one waits longer."""

FIRST_RUN_SECONDS = 60.0
"""Seconds after the start of the daemon: its own beginning comes first."""

SINK_INTERVAL_SECONDS = 3600.0
"""Seconds between points for sinks: scores of a quarter move slowly, and there are as many of them as looks an hour."""

MAX_PAUSE_SECONDS = 3600.0
MAX_LINE_BYTES = 2**24
"""The longest line that the process may say."""


@dataclass(slots=True)
class ScoreStatistics:
    """What the last good run came to: when (UTC ms), points, processor seconds."""

    last_run_ms: int = 0
    points: int = 0
    cpu_seconds: float = 0.0


class ScoreJob:
    """Scores anew every ``every`` seconds. ``text`` is what Prometheus reads, ``failing`` why the last run failed."""

    def __init__(
        self,
        config_dir: Path,
        data_dir: Path,
        clock: Clock,
        interval_seconds: float,
        writers: Sequence[WriteScores] = (),
    ) -> None:
        self.exposition = b""
        self.statistics = ScoreStatistics()
        self.last_error = ""
        self._config_dir, self._data_dir, self._clock, self._interval_seconds = (
            config_dir,
            data_dir,
            clock,
            interval_seconds,
        )
        self._writers = writers
        self._sink_tasks: dict[int, asyncio.Task[object]] = {}
        self._last_sink_write: float | None = None

    async def run(self) -> None:
        """Score until cancelled, first after :data:`FIRST` at most. A run that fails is said aloud, and tried again."""
        await asyncio.sleep(min(FIRST_RUN_SECONDS, self._interval_seconds))
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
        """Seconds until the next run: as configured, or as long as keeps the last run's cost within its share."""
        return min(
            max(self._interval_seconds, self.statistics.cpu_seconds / MAX_CPU_SHARE),
            max(MAX_PAUSE_SECONDS, self._interval_seconds),
        )

    async def run_once(self) -> list[ScorePoint]:
        """Score once and show it; return the points. Raises :class:`JournalError`."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "monitor.daemon.scores_worker",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=MAX_LINE_BYTES,
        )  # fmt: skip
        if process.stdin is None or process.stdout is None:
            raise JournalError("the process that scores has no pipes")
        now, found = self._clock.now(), list["ScorePoint"]()
        try:
            process.stdin.write(ScoreRequest(config_dir=self._config_dir, data_dir=self._data_dir, now_ms=now).encode())
            while line := await process.stdout.readline():
                said = await asyncio.to_thread(decode_line, line)
                if isinstance(said, ScoreResult):
                    self.exposition = said.text.encode()
                    self.statistics = ScoreStatistics(last_run_ms=now, points=len(found), cpu_seconds=said.cost)
                    return found
                found += said
            raise JournalError(f"the process that scores ended without a word, code {await process.wait()}")
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    def _write_to_sinks(self, group: asyncio.TaskGroup, points: Sequence[ScorePoint]) -> None:
        """Hand the points to every sink that has taken the ones before, once in :data:`CARRY_EVERY`."""
        now = self._clock.monotonic()
        if self._last_sink_write is not None and now - self._last_sink_write < SINK_INTERVAL_SECONDS:
            return
        self._last_sink_write = now
        for number, write in enumerate(self._writers):
            before = self._sink_tasks.get(number)
            if points and (before is None or before.done()):
                self._sink_tasks[number] = group.create_task(_write_points(write, points), name=f"scores {number}")

    def _set_last_error(self, error: str) -> None:
        if error and error != self.last_error:
            log.error("scoring_failing", reason=error)
        elif self.last_error and not error:
            log.info("scoring_works_again")
        self.last_error = error


async def _write_points(write: WriteScores, points: Sequence[ScorePoint]) -> None:
    await write(points)
