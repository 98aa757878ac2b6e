"""Drives a course over its ground and brings the facts home; what they are worth is the judge's part."""

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
from tests.soak import course
from tests.soak.course import Do
from tests.soak.facts import Facts, Life, Point, Spell, point_of
from tests.soak.ground import BUCKETS, ORPHANS_S, DidNotHappen, Ground, clear_away, orphans, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from monitor.tools.demo.fleet_file import FleetFile
    from tests.servers.webhook import Webhook
    from tests.soak.course import Course, Span, Step
    from tests.soak.facts import Sample
    from tests.soak.ground import Daemon

SAMPLE_S = 1.0
DRAIN_S = 180.0
MOST = 10_000_000
LEAVES = {
    Do.STOP_DATABASE: "database",
    Do.HALT_DATABASE: "database",
    Do.BUSY_DATABASE: "database",
    Do.SHUT_WEBHOOK: "webhook",
}
RETURNS = {
    Do.START_DATABASE: "database",
    Do.GO_ON_DATABASE: "database",
    Do.FREE_DATABASE: "database",
    Do.OPEN_WEBHOOK: "webhook",
}


async def soak(plan: Course, directory: Path) -> Facts:
    """All of it: servers, lives, the drain, and what was seen. Leaves no process behind."""
    become_subreaper()
    try:
        async with AsyncExitStack() as stack:
            influx = await asyncio.to_thread(stack.enter_context, InfluxServer(directory / "influx"))
            for bucket in BUCKETS:
                influx.create(bucket)
            hook = await stack.enter_async_context(webhook())
            fleet = fleet_process(plan.portals, course.SEED, course.SPEED, directory=directory / "fleet")
            notice = await stack.enter_async_context(fleet)
            door = await stack.enter_async_context(aiohttp.ClientSession(notice.control))
            ground = Ground(directory, plan, notice, influx.url, hook.apprise)
            driver = Driver(plan, ground, influx, hook, door)
            for number, span in enumerate(plan.spans):
                await driver.live(number, span)
            await driver.drain()
            return await driver.home(notice)
    finally:
        await asyncio.to_thread(clear_away)


class Driver:
    """Plays the steps while daemons live, one after the other."""

    def __init__(
        self, plan: Course, ground: Ground, influx: InfluxServer, hook: Webhook, door: aiohttp.ClientSession
    ) -> None:
        self._steps = sorted(plan.steps, key=lambda step: step.at)
        self._ground, self._influx, self._hook, self._door = ground, influx, hook, door
        busy = ExitStack()
        self._acts: dict[Do, Callable[[], object]] = {
            Do.STOP_DATABASE: influx.kill,
            Do.START_DATABASE: influx.start,
            Do.HALT_DATABASE: influx.halt,
            Do.GO_ON_DATABASE: influx.go_on,
            Do.BUSY_DATABASE: lambda: busy.enter_context(influx.mood("503")),
            Do.FREE_DATABASE: busy.close,
            Do.SHUT_WEBHOOK: lambda: setattr(hook, "status", 503),
            Do.OPEN_WEBHOOK: lambda: setattr(hook, "status", 200),
        }
        self._looked = 0.0
        self._lives: list[Life] = []
        self._away: list[tuple[str, float, float]] = []
        self._gone: dict[str, float] = {}

    async def live(self, number: int, span: Span) -> None:
        """One life of the daemon, to its end and the end of what it started."""
        daemon = await asyncio.to_thread(self._ground.spawn, self._ground.config)
        samples: list[Sample] = []
        began = time.monotonic()
        due = began
        while (spent := time.monotonic() - began) < span.seconds:
            while self._steps and self._steps[0].at <= self._looked + spent:
                await self._take(self._steps.pop(0))
            if time.monotonic() >= due and (sample := daemon.sample()) is not None:
                samples.append(sample)
                due += SAMPLE_S
            await asyncio.sleep(0.05)
        self._looked += span.seconds
        await self._end(daemon, samples, killed=span.killed)
        self._say(number, samples)
        await asyncio.sleep(span.absence)

    def _say(self, number: int, samples: list[Sample]) -> None:
        life = self._lives[-1]
        memory = f", {samples[-1].memory / 2**20:.0f} MiB, {samples[-1].files} files" if samples else ""
        how = "killed" if life.killed else "ended in good order"
        print(f"life {number + 1}: {life.told - life.started:.0f} s, {how}{memory}", flush=True)

    async def _end(self, daemon: Daemon, samples: list[Sample], *, killed: bool) -> None:
        started, told = daemon.started, time.time()
        code = await asyncio.to_thread(daemon.end, killed=killed)
        ended, living = time.time(), True
        while living and time.time() - ended < ORPHANS_S:
            living = bool(await asyncio.to_thread(orphans))
            await asyncio.sleep(0.05 if living else 0.0)
        self._lives.append(
            Life(
                started=started,
                told=told,
                ended=ended,
                killed=killed,
                code=code,
                samples=tuple(samples),
                orphans=orphans(),
                gone=time.time() - ended,
                left=self._ground.left(),
            )
        )

    async def _take(self, step: Step) -> None:
        """Do what the step says; it is done on return."""
        if step.do in LEAVES:
            self._gone[LEAVES[step.do]] = time.time()
        if step.portal:
            await self._turn(step)
        else:
            await asyncio.to_thread(self._acts[step.do])
        if step.do in RETURNS:
            server = RETURNS[step.do]
            self._away.append((server, self._gone.pop(server), time.time()))

    async def _turn(self, step: Step) -> None:
        """Put a portal into a mode, or give it back to the weather."""
        path = f"/portals/{step.portal}/condition"
        wish = {"json": {"mode": step.what}} if step.what else {}
        request = self._door.post(path, **wish) if step.what else self._door.delete(path)
        async with request as answer:
            answer.raise_for_status()

    async def drain(self) -> None:
        """A last life that looks at nothing: what was seen goes where it has to go, and nothing is added."""
        assert not self._steps, f"never taken: {self._steps}"
        daemon = await asyncio.to_thread(self._ground.spawn, self._ground.quiet)
        try:
            await asyncio.to_thread(wait_for, self._drained, "the drain", DRAIN_S)
        except DidNotHappen as error:
            print(error, flush=True)  # the judge sees what is missing
        await self._end(daemon, [], killed=False)

    def _drained(self) -> bool:
        reader = JournalReader(self._ground.data / JOURNAL_FILE, PROBE_KINDS)
        try:
            behind, _ = reader.checkpoint(consumer_name("influxdb"))
            rest = [one for one in reader.records_after(behind, MOST) if isinstance(one, Measurement | StateChange)]
            return not rest and not reader.waiting_messages("on-call")
        finally:
            reader.close()

    async def home(self, notice: FleetFile) -> Facts:
        """Everything that was seen."""
        reader = JournalReader(self._ground.data / JOURNAL_FILE, PROBE_KINDS)
        records = reader.records_after(0, MOST)
        events = tuple(one for one in records if isinstance(one, IncidentEvent))
        messages = [one for identity in {event.incident.id for event in events} for one in reader.messages(identity)]
        quarantined = len(reader.quarantine("influxdb"))
        reader.close()
        config = await asyncio.to_thread(load, self._ground.config)
        national = notice.portals[0].id
        lines = [line for path in self._ground.logs for line in path.read_text(errors="replace").splitlines()]
        return Facts(
            checks=config.checks,
            lives=tuple(self._lives),
            looks=tuple(one for one in records if isinstance(one, Measurement)),
            stored=Counter(point_of(one) for one in records if isinstance(one, Measurement | StateChange)),
            written=self._points(),
            quarantined=quarantined,
            spells=tuple([spell for portal in notice.portals for spell in await self._spells(portal.id)]),
            retired=frozenset(one.id for one in notice.portals if one.trait is Trait.RETIRED),
            helpless=tuple((one.id, national) for one in notice.portals if one.trait is Trait.REDIRECTS),
            events=events,
            messages=tuple(messages),
            told=tuple(tuple(body["incidents"].split(",")) for body in self._hook.got),
            away=tuple(self._away),
            lines=tuple(lines),
            remains=self._ground.remains(),
        )

    def _points(self) -> Counter[Point]:
        """What InfluxDB has, point by point."""
        found: Counter[Point] = Counter()
        for kind in (*PROBE_KINDS, STATE_CHANGE):
            for row in self._influx.rows(kind, BUCKETS[0]):
                found[Point(kind, row["portal"], row.get("check") or "", row["time"])] += 1
        return found

    async def _spells(self, portal: str) -> list[Spell]:
        """The portal's conditions one after the other, as the fleet itself remembers them."""
        async with self._door.get(f"/portals/{portal}/changes") as answer:
            changes: list[dict[str, Any]] = await answer.json()
        times = [datetime.fromisoformat(one["at"]).timestamp() for one in changes]
        ends = [*times[1:], math.inf]
        return [
            Spell(portal=portal, mode=one["mode"], since=since, until=until)
            for one, since, until in zip(changes, times, ends, strict=True)
        ]
