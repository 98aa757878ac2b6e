"""The beat: once a second APScheduler wakes us, and the slots of the coming second get timers; looks are tasks."""

from __future__ import annotations

import asyncio
from datetime import UTC
from typing import TYPE_CHECKING

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from monitor.model.clock import Clock
    from monitor.model.records import Check
    from monitor.prober.runner import CheckRunner
    from monitor.prober.schedule import Schedule

log = structlog.get_logger(__name__)

TICK_SECONDS = 1.0
LOOKAHEAD_MS = 1500
"""Slots are given their timers this far ahead, so that a beat may come half a second late without any look doing so."""

MAX_DUE_PER_TICK = 5000
"""Slots taken from the plan at a time: after a leap of the clock there may be a million."""

CLOCK_STEP_SECONDS = 2.0
"""A wall clock that moves so much more or less than the monotonic one from beat to beat was set."""


class Scheduler:
    """Starts a look for every slot of the plan, inside the task group that it is given.

    APScheduler only wakes the plan: its own jitter would make intervals drift, and its job ownership would cancel
    looks at shutdown. Our grid decides when, our task group owns what runs.
    """

    def __init__(self, schedule: Schedule, runner: CheckRunner, clock: Clock, group: asyncio.TaskGroup) -> None:
        self._schedule = schedule
        self._runner = runner
        self._clock = clock
        self._group = group
        self._check_tasks: set[asyncio.Task[None]] = set()
        self._background_tasks: set[asyncio.Task[None]] = set()
        self._timers: dict[tuple[str, int], asyncio.TimerHandle] = {}
        self._stopping = False
        self._apscheduler = AsyncIOScheduler(timezone=UTC)

    @property
    def in_flight(self) -> int:
        """Looks that are going on."""
        return len(self._check_tasks)

    def start(self) -> None:
        """Begin to beat, on the running loop."""
        self._apscheduler.add_job(
            self._tick, "interval", seconds=TICK_SECONDS, coalesce=True, misfire_grace_time=None, max_instances=1
        )
        self._apscheduler.start()
        self._spawn(self._background_tasks, self._dispatch_due(), "first beat")
        self._spawn(self._background_tasks, self._monitor_clock(), "clock")

    def _spawn(
        self, tasks: set[asyncio.Task[None]], coroutine: Coroutine[object, object, None], name: str
    ) -> asyncio.Task[None] | None:
        """A task of the group; none when the group is coming down because one of its tasks failed."""
        try:
            task = self._group.create_task(coroutine, name=name)
        except RuntimeError:
            coroutine.close()
            self._stopping = True
            return None
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        return task

    async def _tick(self) -> None:
        """What APScheduler calls. It would log an exception and go on, so the work is a task of our group."""
        if (
            not self._stopping
            and (task := self._spawn(self._background_tasks, self._dispatch_due(), "beat")) is not None
        ):
            await asyncio.wait([task])

    async def _dispatch_due(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._stopping:
            now = self._clock.now()
            for key, slot in [one for one in self._timers if one[1] <= now]:
                self._start_check(key, slot)
            await asyncio.sleep(0)  # they come first: a leap of the clock may have made later slots due as well
            due = self._schedule.due(now + LOOKAHEAD_MS, MAX_DUE_PER_TICK)
            missed = []
            for check, slot in due:
                if slot > now:
                    timer = loop.call_later((slot - now) / 1000, self._start_check, check.key, slot)
                    self._timers[check.key, slot] = timer
                elif slot >= now - self._runner.misfire_grace_time * 1000:
                    self._start_check(check.key, slot)
                else:
                    missed.append(self._runner.record_late(check, slot))
            if len(due) < MAX_DUE_PER_TICK:
                return
            await asyncio.gather(*[one for one in missed if one is not None])

    def _start_check(self, key: str, slot: int) -> None:
        timer = self._timers.pop((key, slot), None)
        if timer is not None:
            timer.cancel()
        check: Check | None = self._schedule.checks.get(key)
        if check is not None and not self._stopping:
            self._spawn(self._check_tasks, self._runner.run_check(check, slot), f"look {key}")

    async def _monitor_clock(self) -> None:
        """Say it when the hour is set: what was handed out is not looked at again, so after a step back looks pause."""
        while True:
            wall, steady = self._clock.now(), self._clock.monotonic()
            await asyncio.sleep(TICK_SECONDS)
            step = (self._clock.now() - wall) / 1000 - (self._clock.monotonic() - steady)
            if abs(step) > CLOCK_STEP_SECONDS:
                log.warning("clock_stepped", seconds=round(step, 1))

    async def stop(self, timeout_seconds: float) -> None:
        """Start nothing more, let running looks end for ``patience`` seconds, then stop them; each is recorded."""
        self._stopping = True
        self._runner.stop_confirming()
        for chore in self._background_tasks:
            chore.cancel()
        for timer in self._timers.values():
            timer.cancel()
        if self._apscheduler.running:
            self._apscheduler.shutdown(wait=False)
        if self._check_tasks:
            _, late = await asyncio.wait(self._check_tasks, timeout=timeout_seconds)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)
