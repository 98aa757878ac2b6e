"""The daemon's own parts on the leaping clock: plan, measurer, sight, machine and fold, restarted every hour."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from monitor.model.records import Check, Measurement, StateChange
from monitor.prober.confirmation import Confirmation
from monitor.prober.gaps import record_missed_slots
from monitor.prober.host_health import HostHealth, HostLimits
from monitor.prober.runner import CheckRunner, ConcurrencyLimiter
from monitor.prober.schedule import Schedule
from monitor.prober.self_check import ReferenceEndpoint, SelfCheck
from monitor.states.rules import StateRules
from monitor.states.state_machine import StateMachine
from monitor.storage.journal.store import JournalEntry
from probes.metric import Metric, Unit
from probes.probe import Pool, Probe
from probes.resources import ProbeResources
from probes.trace import Trace
from tests import factories
from tests.factories import MINUTE, SLOT
from tests.faults.loop import LoopClock, leap
from tests.faults.world import HOUR, INTERVAL, TIMEOUT, World

REFERENCES = (
    ReferenceEndpoint(name="by-name", connect="reference.example:53"),
    ReferenceEndpoint(name="here", connect="192.0.2.1:443"),
    ReferenceEndpoint(name="there", connect="192.0.2.2:443"),
)


class Actor(Probe):
    """Looks at the world of the story."""

    kind: ClassVar[str] = "uptime"
    metrics: ClassVar[tuple[Metric, ...]] = (Metric(name="ip_family", unit=Unit.COUNT, type=int, help="As in life."),)
    world: ClassVar[World]

    async def run(self, trace: Trace, resources: ProbeResources) -> None:
        took = await self.world.look(self.url.partition("//")[2].partition(".")[0])
        trace.set_values(ip_family=4, ipv4_seconds=took)


class StorySight(SelfCheck):
    """The real judgement; only the connection to a reference is the story's."""

    async def _connect_seconds(self, reference: ReferenceEndpoint) -> float | None:
        world, limit = Actor.world, 3.0
        spent = None if reference.needs_dns and world.ours(world.now(), "resolver") else await world.send(1.0, limit)
        if spent is None and reference.needs_dns:
            await asyncio.sleep(limit)
        return spent


@dataclass
class Memory:
    """A journal that tells the fold at once. ``dead``: what is handed in is lost, together with the daemon."""

    fold: StateMachine
    clock: LoopClock
    looks: list[Measurement] = field(default_factory=list)
    changes: list[tuple[int, StateChange]] = field(default_factory=list)
    newest: dict[str, int] = field(default_factory=dict)
    seq: int = 0
    keep: bool = False
    dead: bool = False
    listeners: list[Callable[[Measurement], None]] = field(default_factory=list)

    def put(self, entry: JournalEntry) -> asyncio.Future[None]:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        if self.dead or not isinstance(entry, Measurement):
            return done
        self.seq += 1
        one = replace(entry, seq=self.seq)
        self.newest[one.key] = max(self.newest.get(one.key, 0), one.slot)
        if self.keep:
            self.looks.append(one)
        for listener in self.listeners:
            listener(one)
        self.changes += [(self.clock.now(), change) for change in self.fold.process(one)]
        return done

    async def commit_all(self, entries: list[JournalEntry]) -> None:
        for entry in entries:
            self.put(entry)

    async def read(self, question: Callable[[Any], Any]) -> Any:  # noqa: ANN401 - as the journal's own
        return question(self)

    def last_slot(self, _kind: str, portal: str, check: str, _location: str, _until: int) -> int | None:
        return self.newest.get(f"{portal}/{check}")

    def meta(self, _key: str) -> None:
        """No remark is kept: every check has an outcome before the first kill."""


@dataclass
class Month:
    """All that happened: look after look into ``memory``."""

    world: World
    memory: Memory
    clock: LoopClock

    @classmethod
    def of(cls, world: World, *, keep: bool = False) -> Month:
        clock = LoopClock(SLOT)
        world.clock = clock
        month = cls(world, Memory(StateMachine(world.portals, StateRules()), clock, keep=keep), clock)
        Actor.world = world
        return month

    def checks(self) -> list[Check]:
        probes = ((one.id, Actor(url=f"https://{one.id}.vn/", timeout=TIMEOUT)) for one in self.world.portals)
        return [factories.check(portal=portal, interval=float(INTERVAL), probe=probe) for portal, probe in probes]

    def play(self) -> None:
        leap(self._lives())

    async def _lives(self) -> None:
        """A life an hour; every other one ends by a kill."""
        number = 0
        while self.clock.now() < self.world.end:
            until = min(self.world.end, SLOT + (number + 1) * HOUR)
            await self._life(until, clean=number % 2 == 1, after_clean=number % 2 == 0 and number > 0)
            self.world.restarts.append(self.clock.now())
            await asyncio.sleep(self.world.dice.uniform(5.0, 40.0))
            number += 1

    async def _life(self, until: int, *, clean: bool, after_clean: bool) -> None:
        memory, clock = self.memory, self.clock
        memory.fold = StateMachine(self.world.portals, StateRules(), saved_state=memory.fold.serialize())
        memory.dead = False
        checks = self.checks()
        tools = ProbeResources()
        measurer = CheckRunner(
            resources=tools,
            journal=memory,  # type: ignore[arg-type] # the part of a journal that a measurer needs
            self_check=StorySight(tools, clock, references=REFERENCES, portal_count=len(checks)),
            limiter=ConcurrencyLimiter({Pool.LIGHT: 64}),
            clock=clock,
            location="hn-1",
            misfire_grace_time=30.0,
            config_digest="c0ffee12",
            confirmation=Confirmation(),
            host_health=HostHealth(clock, HostLimits(), load_average=self.world.load, cpu_count=2),
        )
        began = clock.now()
        await record_missed_slots(memory, measurer, checks, "hn-1", until_ms=began, clean_shutdown=after_clean)  # type: ignore[arg-type] # as above
        plan = Schedule(checks, began)
        looks: set[asyncio.Task[None]] = set()
        while clock.now() < until:
            step = min(until, clock.now() + MINUTE)
            for check, slot in plan.due(step):
                await asyncio.sleep((slot - clock.now()) / 1000)
                task = asyncio.create_task(measurer.run_check(check, slot))
                looks.add(task)
                task.add_done_callback(looks.discard)
            await asyncio.sleep((step - clock.now()) / 1000)
        await self._end(measurer, looks, clean=clean)

    async def _end(self, measurer: CheckRunner, looks: set[asyncio.Task[None]], *, clean: bool) -> None:
        if clean:
            measurer.stop_confirming()
            if looks:
                await asyncio.wait(looks, timeout=5.0)
        self.memory.dead = not clean
        rest = list(looks)
        for task in rest:
            task.cancel()
        if rest:
            await asyncio.wait(rest)
