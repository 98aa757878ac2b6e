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
    from monitor.prober.runner import Measurer
    from monitor.prober.schedule import Plan

log = structlog.get_logger(__name__)

BEAT_SECONDS = 1.0
HORIZON_MS = 1500
"""Slots are given their timers this far ahead, so that a beat may come half a second late without any look doing so."""

CROWD = 5000
"""Slots taken from the plan at a time: after a leap of the clock there may be a million."""

STEP_SECONDS = 2.0
"""A wall clock that moves so much more or less than the monotonic one from beat to beat was set."""


class Pulse:
    """Starts a look for every slot of the plan, inside the task group that it is given.

    APScheduler only wakes the plan: its own jitter would make intervals drift, and its job ownership would cancel
    looks at shutdown. Our grid decides when, our task group owns what runs.
    """

    def __init__(self, plan: Plan, measurer: Measurer, clock: Clock, group: asyncio.TaskGroup) -> None:
        self._plan = plan
        self._measurer = measurer
        self._clock = clock
        self._group = group
        self._looks: set[asyncio.Task[None]] = set()
        self._chores: set[asyncio.Task[None]] = set()
        self._soon: dict[tuple[str, int], asyncio.TimerHandle] = {}
        self._stopping = False
        self._scheduler = AsyncIOScheduler(timezone=UTC)

    @property
    def running(self) -> int:
        """Looks that are going on."""
        return len(self._looks)

    def start(self) -> None:
        """Begin to beat, on the running loop."""
        self._scheduler.add_job(
            self._beat, "interval", seconds=BEAT_SECONDS, coalesce=True, misfire_grace_time=None, max_instances=1
        )
        self._scheduler.start()
        self._spawn(self._chores, self._hand_out(), "first beat")
        self._spawn(self._chores, self._watch_clock(), "clock")

    def _spawn(
        self, kin: set[asyncio.Task[None]], work: Coroutine[object, object, None], name: str
    ) -> asyncio.Task[None] | None:
        """A task of the group; none when the group is coming down because one of its tasks failed."""
        try:
            task = self._group.create_task(work, name=name)
        except RuntimeError:
            work.close()
            self._stopping = True
            return None
        kin.add(task)
        task.add_done_callback(kin.discard)
        return task

    async def _beat(self) -> None:
        """What APScheduler calls. It would log an exception and go on, so the work is a task of our group."""
        if not self._stopping and (task := self._spawn(self._chores, self._hand_out(), "beat")) is not None:
            await asyncio.wait([task])

    async def _hand_out(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._stopping:
            now = self._clock.now()
            for key, slot in [one for one in self._soon if one[1] <= now]:
                self._start(key, slot)
            await asyncio.sleep(0)  # they come first: a leap of the clock may have made later slots due as well
            due = self._plan.due(now + HORIZON_MS, CROWD)
            missed = []
            for check, slot in due:
                if slot > now:
                    timer = loop.call_later((slot - now) / 1000, self._start, check.key, slot)
                    self._soon[check.key, slot] = timer
                elif slot >= now - self._measurer.grace * 1000:
                    self._start(check.key, slot)
                else:
                    missed.append(self._measurer.miss(check, slot))
            if len(due) < CROWD:
                return
            await asyncio.gather(*[one for one in missed if one is not None])

    def _start(self, key: str, slot: int) -> None:
        timer = self._soon.pop((key, slot), None)
        if timer is not None:
            timer.cancel()
        check: Check | None = self._plan.checks.get(key)
        if check is not None and not self._stopping:
            self._spawn(self._looks, self._measurer.measure(check, slot), f"look {key}")

    async def _watch_clock(self) -> None:
        """Say it when the hour is set: what was handed out is not looked at again, so after a step back looks pause."""
        while True:
            wall, steady = self._clock.now(), self._clock.monotonic()
            await asyncio.sleep(BEAT_SECONDS)
            step = (self._clock.now() - wall) / 1000 - (self._clock.monotonic() - steady)
            if abs(step) > STEP_SECONDS:
                log.warning("clock_stepped", seconds=round(step, 1))

    async def stop(self, patience: float) -> None:
        """Start nothing more, let running looks end for ``patience`` seconds, then stop them; each is recorded."""
        self._stopping = True
        self._measurer.hush()
        for chore in self._chores:
            chore.cancel()
        for timer in self._soon.values():
            timer.cancel()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        if self._looks:
            _, late = await asyncio.wait(self._looks, timeout=patience)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)
