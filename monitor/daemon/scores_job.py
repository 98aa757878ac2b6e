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

from monitor.daemon.scores_protocol import Done, Order, decode
from monitor.storage.journal.store import JournalError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from monitor.model.clock import Clock
    from monitor.model.scores import ScorePoint

    Write = Callable[[Sequence[ScorePoint]], Awaitable[object]]
    """Delivers points to one sink, and waits as long as that takes."""

log = structlog.get_logger(__name__)

SHARE = 0.01
"""How much of one processor scores may take: after a costly run the next one waits longer."""

FIRST = 60.0
"""Seconds after the start of the daemon: its own beginning comes first."""

CARRY_EVERY = 3600.0
"""Seconds between points for sinks: scores of a quarter move slowly, and there are as many of them as looks an hour."""

LONGEST = 3600.0
LINE_BYTES = 2**24
"""The longest line that the process may say."""


@dataclass(slots=True)
class ScoreStatistics:
    """What the last good run came to: when (UTC ms), points, processor seconds."""

    at: int = 0
    points: int = 0
    cost: float = 0.0


class ScoreKeeper:
    """Scores anew every ``every`` seconds. ``text`` is what Prometheus reads, ``failing`` why the last run failed."""

    def __init__(self, config: Path, data: Path, clock: Clock, every: float, writes: Sequence[Write] = ()) -> None:
        self.text = b""
        self.statistics = ScoreStatistics()
        self.failing = ""
        self._config, self._data, self._clock, self._every = config, data, clock, every
        self._writes = writes
        self._carrying: dict[int, asyncio.Task[object]] = {}
        self._carried: float | None = None

    async def run(self) -> None:
        """Score until cancelled, first after :data:`FIRST` at most. A run that fails is said aloud, and tried again."""
        await asyncio.sleep(min(FIRST, self._every))
        async with asyncio.TaskGroup() as group:
            while True:
                try:
                    self._carry(group, await self.once())
                    self._note("")
                except (JournalError, OSError, ValueError) as error:
                    self._note(str(error))
                await asyncio.sleep(self.pause)

    @property
    def pause(self) -> float:
        """Seconds until the next run: as configured, or as long as keeps the last run's cost within its share."""
        return min(max(self._every, self.statistics.cost / SHARE), max(LONGEST, self._every))

    async def once(self) -> list[ScorePoint]:
        """Score once and show it; return the points. Raises :class:`JournalError`."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "monitor.daemon.scores_worker",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=LINE_BYTES,
        )  # fmt: skip
        if process.stdin is None or process.stdout is None:
            raise JournalError("the process that scores has no pipes")
        now, found = self._clock.now(), list["ScorePoint"]()
        try:
            process.stdin.write(Order(config=self._config, data=self._data, now=now).encode())
            while line := await process.stdout.readline():
                said = await asyncio.to_thread(decode, line)
                if isinstance(said, Done):
                    self.text = said.text.encode()
                    self.statistics = ScoreStatistics(at=now, points=len(found), cost=said.cost)
                    return found
                found += said
            raise JournalError(f"the process that scores ended without a word, code {await process.wait()}")
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    def _carry(self, group: asyncio.TaskGroup, found: Sequence[ScorePoint]) -> None:
        """Hand the points to every sink that has taken the ones before, once in :data:`CARRY_EVERY`."""
        now = self._clock.monotonic()
        if self._carried is not None and now - self._carried < CARRY_EVERY:
            return
        self._carried = now
        for number, write in enumerate(self._writes):
            before = self._carrying.get(number)
            if found and (before is None or before.done()):
                self._carrying[number] = group.create_task(_write(write, found), name=f"scores {number}")

    def _note(self, trouble: str) -> None:
        if trouble and trouble != self.failing:
            log.error("scoring_failing", reason=trouble)
        elif self.failing and not trouble:
            log.info("scoring_works_again")
        self.failing = trouble


async def _write(write: Write, found: Sequence[ScorePoint]) -> None:
    await write(found)
