"""Parts of the daemon in simulated time: schedule, runner, self-check, host health, states; restarted every hour."""

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
from tests.faults.loop import LoopClock, run_in_simulated_time
from tests.faults.scenario import HOUR, INTERVAL, TIMEOUT, FaultScenario

REFERENCES = (
    ReferenceEndpoint(name="by-name", connect="reference.example:53"),
    ReferenceEndpoint(name="here", connect="192.0.2.1:443"),
    ReferenceEndpoint(name="there", connect="192.0.2.2:443"),
)


class SimulatedProbe(Probe):
    """Probe the portals of the scenario."""

    kind: ClassVar[str] = "uptime"
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(name="ip_family", unit=Unit.COUNT, type=int, help="As in production."),
    )
    scenario: ClassVar[FaultScenario]

    async def run(self, trace: Trace, resources: ProbeResources) -> None:
        took = await self.scenario.probe(self.url.partition("//")[2].partition(".")[0])
        trace.set_values(ip_family=4, ipv4_seconds=took)


class SimulatedSelfCheck(SelfCheck):
    """The real self-check; only the connection to a reference is simulated."""

    async def _connect_seconds(self, reference: ReferenceEndpoint) -> float | None:
        scenario, limit = SimulatedProbe.scenario, 3.0
        spent = (
            None
            if reference.needs_dns and scenario.ours(scenario.now(), "resolver")
            else await scenario.send(1.0, limit)
        )
        if spent is None and reference.needs_dns:
            await asyncio.sleep(limit)
        return spent


@dataclass
class InMemoryJournal:
    """A journal that feeds the state machine at once. ``dead``: what is submitted is lost, together with the daemon."""

    state_machine: StateMachine
    clock: LoopClock
    measurements: list[Measurement] = field(default_factory=list)
    changes: list[tuple[int, StateChange]] = field(default_factory=list)
    newest: dict[str, int] = field(default_factory=dict)
    seq: int = 0
    keep: bool = False
    dead: bool = False
    listeners: list[Callable[[Measurement], None]] = field(default_factory=list)

    def submit(self, entry: JournalEntry) -> asyncio.Future[None]:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        if self.dead or not isinstance(entry, Measurement):
            return done
        self.seq += 1
        one = replace(entry, seq=self.seq)
        self.newest[one.key] = max(self.newest.get(one.key, 0), one.slot)
        if self.keep:
            self.measurements.append(one)
        for listener in self.listeners:
            listener(one)
        self.changes += [(self.clock.now(), change) for change in self.state_machine.process(one)]
        return done

    async def commit_all(self, entries: list[JournalEntry]) -> None:
        for entry in entries:
            self.submit(entry)

    async def read(self, query: Callable[[Any], Any]) -> Any:  # noqa: ANN401 - as the journal's own
        return query(self)

    def last_slot(self, _kind: str, portal: str, check: str, _location: str, _until: int) -> int | None:
        return self.newest.get(f"{portal}/{check}")

    def meta(self, _key: str) -> None:
        """Store no meta value: every check has an outcome before the first kill."""


@dataclass
class Simulation:
    """One run of the scenario; all measurements go into ``journal``."""

    scenario: FaultScenario
    journal: InMemoryJournal
    clock: LoopClock

    @classmethod
    def of(cls, scenario: FaultScenario, *, keep: bool = False) -> Simulation:
        clock = LoopClock(SLOT)
        scenario.clock = clock
        simulation = cls(
            scenario, InMemoryJournal(StateMachine(scenario.portals, StateRules()), clock, keep=keep), clock
        )
        SimulatedProbe.scenario = scenario
        return simulation

    def checks(self) -> list[Check]:
        probes = (
            (one.id, SimulatedProbe(url=f"https://{one.id}.vn/", timeout=TIMEOUT)) for one in self.scenario.portals
        )
        return [factories.check(portal=portal, interval=float(INTERVAL), probe=probe) for portal, probe in probes]

    def run(self) -> None:
        run_in_simulated_time(self._run_all())

    async def _run_all(self) -> None:
        """Run the daemon for an hour at a time; every other run ends by a kill."""
        number = 0
        while self.clock.now() < self.scenario.end:
            until = min(self.scenario.end, SLOT + (number + 1) * HOUR)
            await self._run_once(until, clean=number % 2 == 1, after_clean=number % 2 == 0 and number > 0)
            self.scenario.restarts.append(self.clock.now())
            await asyncio.sleep(self.scenario.dice.uniform(5.0, 40.0))
            number += 1

    async def _run_once(self, until: int, *, clean: bool, after_clean: bool) -> None:
        journal, clock = self.journal, self.clock
        journal.state_machine = StateMachine(
            self.scenario.portals, StateRules(), saved_state=journal.state_machine.serialize()
        )
        journal.dead = False
        checks = self.checks()
        resources = ProbeResources()
        runner = CheckRunner(
            resources=resources,
            journal=journal,  # type: ignore[arg-type] # the part of a journal that a runner needs
            self_check=SimulatedSelfCheck(resources, clock, references=REFERENCES, portal_count=len(checks)),
            limiter=ConcurrencyLimiter({Pool.HTTP: 64}),
            clock=clock,
            location="hn-1",
            misfire_grace_time=30.0,
            config_digest="c0ffee12",
            confirmation=Confirmation(),
            host_health=HostHealth(clock, HostLimits(), load_average=self.scenario.load, cpu_count=2),
        )
        began = clock.now()
        await record_missed_slots(journal, runner, checks, "hn-1", until_ms=began, clean_shutdown=after_clean)  # type: ignore[arg-type] # as above
        schedule = Schedule(checks, began)
        tasks: set[asyncio.Task[None]] = set()
        while clock.now() < until:
            step = min(until, clock.now() + MINUTE)
            for check, slot in schedule.due(step):
                await asyncio.sleep((slot - clock.now()) / 1000)
                task = asyncio.create_task(runner.run_check(check, slot))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            await asyncio.sleep((step - clock.now()) / 1000)
        await self._end(runner, tasks, clean=clean)

    async def _end(self, runner: CheckRunner, tasks: set[asyncio.Task[None]], *, clean: bool) -> None:
        if clean:
            runner.stop_confirming()
            if tasks:
                await asyncio.wait(tasks, timeout=5.0)
        self.journal.dead = not clean
        rest = list(tasks)
        for task in rest:
            task.cancel()
        if rest:
            await asyncio.wait(rest)
