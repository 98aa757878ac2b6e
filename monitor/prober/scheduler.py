"""Starts due checks: APScheduler ticks once a second, slots of the next second get timers, check runs are tasks."""

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
"""Look-ahead for timers: a tick may come half a second late without delaying a check."""

MAX_DUE_PER_TICK = 5000
"""Slots taken from the schedule at a time: after a clock step there may be a million."""

CLOCK_STEP_SECONDS = 2.0
"""Difference between wall clock and monotonic clock over one tick that counts as a clock step."""


class Scheduler:
    """Starts a check run for every slot of the schedule, inside the given task group.

    APScheduler only triggers ticks: its jitter would make intervals drift, and its job ownership would cancel check
    runs at shutdown. The slot grid decides when a check starts; the task group owns the run.
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
        """Return the number of running checks."""
        return len(self._check_tasks)

    def start(self) -> None:
        """Start ticking on the running loop."""
        options = {"coalesce": True, "misfire_grace_time": None, "max_instances": 1}
        self._apscheduler.add_job(self._tick, "interval", seconds=TICK_SECONDS, **options)
        self._apscheduler.start()
        self._spawn(self._background_tasks, self._dispatch_due(), "first tick")
        self._spawn(self._background_tasks, self._monitor_clock(), "clock")

    def _spawn(
        self, tasks: set[asyncio.Task[None]], coroutine: Coroutine[object, object, None], name: str
    ) -> asyncio.Task[None] | None:
        """Create a task of the group; return None when the group is shutting down because one of its tasks failed."""
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
        """Run one tick for APScheduler. It would log an exception and go on, so the work is a task of the group."""
        task = None if self._stopping else self._spawn(self._background_tasks, self._dispatch_due(), "tick")
        if task is not None:
            await asyncio.wait([task])

    async def _dispatch_due(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._stopping:
            now = self._clock.now()
            for key, slot in [one for one in self._timers if one[1] <= now]:
                self._start_check(key, slot)
            await asyncio.sleep(0)  # start these first: a clock step may have made later slots due as well
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
            self._spawn(self._check_tasks, self._runner.run_check(check, slot), f"check {key}")

    async def _monitor_clock(self) -> None:
        """Log clock steps: dispatched slots are not dispatched again, so after a step back checks pause."""
        while True:
            wall, steady = self._clock.now(), self._clock.monotonic()
            await asyncio.sleep(TICK_SECONDS)
            step = (self._clock.now() - wall) / 1000 - (self._clock.monotonic() - steady)
            if abs(step) > CLOCK_STEP_SECONDS:
                log.warning("clock_stepped", seconds=round(step, 1))

    async def stop(self, timeout_seconds: float) -> None:
        """Start no more checks; cancel runs that last longer than *timeout_seconds*. Every slot is recorded."""
        self._stopping = True
        self._runner.stop_confirming()
        for task in self._background_tasks:
            task.cancel()
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
