"""Run a plan in its workspace and collect the facts; :mod:`tests.soak.evaluation` evaluates them."""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from contextlib import AsyncExitStack, ExitStack
from datetime import datetime
from typing import TYPE_CHECKING, Any

import aiohttp

from monitor.config import load
from monitor.model.incidents import IncidentEvent
from monitor.model.records import Measurement, StateChange
from monitor.sinks.delivery import consumer_name
from monitor.sinks.influxdb.line_protocol import STATE_CHANGE
from monitor.storage.journal.store import JOURNAL_FILE, JournalReader
from monitor.tools.demo.portals import Trait
from monitor.tools.demo.process import fleet_process
from probes.browser.process_tree import become_subreaper
from probes.registry import PROBE_KINDS
from tests.servers.influxdb import InfluxServer
from tests.servers.webhook import webhook
from tests.soak import plan as soak_plan
from tests.soak.facts import ConditionInterval, DaemonRun, Facts, Point, point_of
from tests.soak.plan import Action
from tests.soak.workspace import BUCKETS, ORPHANS_S, DidNotHappen, Workspace, clear_away, orphans, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from monitor.tools.demo.fleet_file import FleetFile
    from tests.servers.webhook import Webhook
    from tests.soak.facts import Sample
    from tests.soak.plan import PlannedRun, SoakPlan, Step
    from tests.soak.workspace import Daemon

SAMPLE_S = 1.0
DRAIN_S = 180.0
MOST = 10_000_000
SERVER_STOPS = {
    Action.STOP_DATABASE: "database",
    Action.HALT_DATABASE: "database",
    Action.BUSY_DATABASE: "database",
    Action.SHUT_WEBHOOK: "webhook",
}
SERVER_STARTS = {
    Action.START_DATABASE: "database",
    Action.GO_ON_DATABASE: "database",
    Action.FREE_DATABASE: "database",
    Action.OPEN_WEBHOOK: "webhook",
}


async def soak(plan: SoakPlan, directory: Path) -> Facts:
    """Run all of it: servers, daemon runs, the drain; return the facts. Leaves no process behind."""
    become_subreaper()
    try:
        async with AsyncExitStack() as stack:
            influx = await asyncio.to_thread(stack.enter_context, InfluxServer(directory / "influx"))
            for bucket in BUCKETS:
                influx.create(bucket)
            hook = await stack.enter_async_context(webhook())
            fleet = fleet_process(plan.portals, soak_plan.SEED, soak_plan.SPEED, directory=directory / "fleet")
            fleet_file = await stack.enter_async_context(fleet)
            control = await stack.enter_async_context(aiohttp.ClientSession(fleet_file.control))
            workspace = Workspace(directory, plan, fleet_file, influx.url, hook.apprise)
            driver = Driver(plan, workspace, influx, hook, control)
            for number, planned in enumerate(plan.runs):
                await driver.run(number, planned)
            await driver.drain()
            return await driver.collect(fleet_file)
    finally:
        await asyncio.to_thread(clear_away)


class Driver:
    """Take the steps while one daemon after the other runs."""

    def __init__(
        self, plan: SoakPlan, workspace: Workspace, influx: InfluxServer, hook: Webhook, control: aiohttp.ClientSession
    ) -> None:
        self._steps = sorted(plan.steps, key=lambda step: step.at)
        self._workspace, self._influx, self._hook, self._control = workspace, influx, hook, control
        busy = ExitStack()
        self._acts: dict[Action, Callable[[], object]] = {
            Action.STOP_DATABASE: influx.kill,
            Action.START_DATABASE: influx.start,
            Action.HALT_DATABASE: influx.halt,
            Action.GO_ON_DATABASE: influx.go_on,
            Action.BUSY_DATABASE: lambda: busy.enter_context(influx.mood("503")),
            Action.FREE_DATABASE: busy.close,
            Action.SHUT_WEBHOOK: lambda: setattr(hook, "status", 503),
            Action.OPEN_WEBHOOK: lambda: setattr(hook, "status", 200),
        }
        self._probed_seconds = 0.0
        self._runs: list[DaemonRun] = []
        self._server_outages: list[tuple[str, float, float]] = []
        self._stopped_at: dict[str, float] = {}

    async def run(self, number: int, planned: PlannedRun) -> None:
        """Run the daemon once, to its end and the end of its processes."""
        daemon = await asyncio.to_thread(self._workspace.spawn, self._workspace.config)
        samples: list[Sample] = []
        began = time.monotonic()
        due = began
        while (spent := time.monotonic() - began) < planned.seconds:
            while self._steps and self._steps[0].at <= self._probed_seconds + spent:
                await self._take(self._steps.pop(0))
            if time.monotonic() >= due and (sample := daemon.sample()) is not None:
                samples.append(sample)
                due += SAMPLE_S
            await asyncio.sleep(0.05)
        self._probed_seconds += planned.seconds
        await self._end(daemon, samples, killed=planned.killed)
        self._print(number, samples)
        await asyncio.sleep(planned.downtime_seconds)

    def _print(self, number: int, samples: list[Sample]) -> None:
        run = self._runs[-1]
        memory = f", {samples[-1].memory / 2**20:.0f} MiB, {samples[-1].files} files" if samples else ""
        how = "killed" if run.killed else "stopped cleanly"
        print(f"run {number + 1}: {run.stop_requested - run.started:.0f} s, {how}{memory}", flush=True)

    async def _end(self, daemon: Daemon, samples: list[Sample], *, killed: bool) -> None:
        started, stop_requested = daemon.started, time.time()
        code = await asyncio.to_thread(daemon.end, killed=killed)
        ended, alive = time.time(), True
        while alive and time.time() - ended < ORPHANS_S:
            alive = bool(await asyncio.to_thread(orphans))
            await asyncio.sleep(0.05 if alive else 0.0)
        self._runs.append(
            DaemonRun(
                started=started,
                stop_requested=stop_requested,
                ended=ended,
                killed=killed,
                code=code,
                samples=tuple(samples),
                orphans=orphans(),
                gone=time.time() - ended,
                left=self._workspace.left(),
            )
        )

    async def _take(self, step: Step) -> None:
        """Take the step; it is done on return."""
        if step.action in SERVER_STOPS:
            self._stopped_at[SERVER_STOPS[step.action]] = time.time()
        if step.portal:
            await self._set_condition(step)
        else:
            await asyncio.to_thread(self._acts[step.action])
        if step.action in SERVER_STARTS:
            server = SERVER_STARTS[step.action]
            self._server_outages.append((server, self._stopped_at.pop(server), time.time()))

    async def _set_condition(self, step: Step) -> None:
        """Put a portal into a mode, or return it to the fault schedule."""
        path = f"/portals/{step.portal}/condition"
        body = {"json": {"mode": step.what}} if step.what else {}
        request = self._control.post(path, **body) if step.what else self._control.delete(path)
        async with request as response:
            response.raise_for_status()

    async def drain(self) -> None:
        """Run the daemon once more without checks: pending records are delivered, and nothing is added."""
        assert not self._steps, f"never taken: {self._steps}"
        daemon = await asyncio.to_thread(self._workspace.spawn, self._workspace.quiet)
        try:
            await asyncio.to_thread(wait_for, self._drained, "the drain", DRAIN_S)
        except DidNotHappen as error:
            print(error, flush=True)  # the evaluation finds what is missing
        await self._end(daemon, [], killed=False)

    def _drained(self) -> bool:
        reader = JournalReader(self._workspace.data / JOURNAL_FILE, PROBE_KINDS)
        try:
            position, _ = reader.checkpoint(consumer_name("influxdb"))
            rest = [one for one in reader.records_after(position, MOST) if isinstance(one, Measurement | StateChange)]
            return not rest and not reader.waiting_messages("on-call")
        finally:
            reader.close()

    async def collect(self, fleet_file: FleetFile) -> Facts:
        """Return everything that was observed."""
        reader = JournalReader(self._workspace.data / JOURNAL_FILE, PROBE_KINDS)
        records = reader.records_after(0, MOST)
        events = tuple(one for one in records if isinstance(one, IncidentEvent))
        messages = [one for identity in {event.incident.id for event in events} for one in reader.messages(identity)]
        quarantined = len(reader.quarantine("influxdb"))
        reader.close()
        config = await asyncio.to_thread(load, self._workspace.config)
        national = fleet_file.portals[0].id
        lines = [line for path in self._workspace.logs for line in path.read_text(errors="replace").splitlines()]
        return Facts(
            checks=config.checks,
            runs=tuple(self._runs),
            measurements=tuple(one for one in records if isinstance(one, Measurement)),
            stored=Counter(point_of(one) for one in records if isinstance(one, Measurement | StateChange)),
            written=self._points(),
            quarantined=quarantined,
            conditions=tuple(
                [condition for portal in fleet_file.portals for condition in await self._conditions(portal.id)]
            ),
            retired=frozenset(one.id for one in fleet_file.portals if one.trait is Trait.RETIRED),
            dependencies=tuple((one.id, national) for one in fleet_file.portals if one.trait is Trait.REDIRECTS),
            events=events,
            messages=tuple(messages),
            notified=tuple(tuple(body["incidents"].split(",")) for body in self._hook.got),
            server_outages=tuple(self._server_outages),
            lines=tuple(lines),
            remains=self._workspace.remains(),
        )

    def _points(self) -> Counter[Point]:
        """Return the points of InfluxDB, with their counts."""
        found: Counter[Point] = Counter()
        for kind in (*PROBE_KINDS, STATE_CHANGE):
            for row in self._influx.rows(kind, BUCKETS[0]):
                found[Point(kind, row["portal"], row.get("check") or "", row["time"])] += 1
        return found

    async def _conditions(self, portal: str) -> list[ConditionInterval]:
        """Return the portal's conditions one after the other, as recorded by the fleet."""
        async with self._control.get(f"/portals/{portal}/changes") as response:
            changes: list[dict[str, Any]] = await response.json()
        times = [datetime.fromisoformat(one["at"]).timestamp() for one in changes]
        ends = [*times[1:], math.inf]
        return [
            ConditionInterval(portal=portal, mode=one["mode"], since=since, until=until)
            for one, since, until in zip(changes, times, ends, strict=True)
        ]
