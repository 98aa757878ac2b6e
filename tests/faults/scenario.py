"""The simulated faults: portals with outages and slow times, and faults of our network, resolver and host."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from monitor.model.records import Portal
from probes.result import Fault, ProbeFailed
from tests import factories
from tests.factories import DAY, MINUTE, SLOT

HOUR = 60 * MINUTE
INTERVAL = 60
TIMEOUT = 10.0
LOSSES = (0.5, 1.0, 0.3, 0.7, 0.2, 0.1)
"""Shares of packets that our own network loses, one window of ten minutes each, repeatedly."""

WAYS = ("refused", "timeout", "status", "tls", "dns")
RECOVERY_MS = 120_000
"""So long (ms) after a fault of ours a probe may still show it."""


@dataclass(frozen=True, slots=True)
class FaultInterval:
    """``what`` went on for ``start <= time < end`` (UTC ms), for all portals or for one."""

    what: str
    start: int
    end: int
    portal: str = ""
    way: str = ""
    loss: float = 0.0

    def holds(self, at: int, late: int = 0) -> bool:
        return self.start <= at < self.end + late


@dataclass
class FaultScenario:
    """``days`` days of ``count`` portals; the same seed gives the same faults."""

    days: int
    count: int
    seed: int = 7
    clock: object = None
    own: list[FaultInterval] = field(default_factory=list)
    slow: dict[str, list[FaultInterval]] = field(default_factory=dict)
    outages: dict[str, list[FaultInterval]] = field(default_factory=dict)
    restarts: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)  # noqa: S311 - no secret
        self.portals: list[Portal] = [factories.portal(id=f"portal-{number}") for number in range(self.count)]
        self.end = SLOT + self.days * DAY
        self.own = list(self._own())
        for portal in self.portals:
            self.slow[portal.id] = [self._some("slow", portal.id, 40 * MINUTE) for _ in range(max(1, self.days // 4))]
            self.outages[portal.id] = list(self._outages(portal.id))

    def _own(self) -> Iterator[FaultInterval]:
        """Yield two faults of ours a day: packet loss, dead resolver, or an overloaded host."""
        for number in range(2 * self.days):
            start = SLOT + number * DAY // 2 + self.dice.randrange(HOUR, 10 * HOUR)
            what = ("loss", "resolver", "loss", "overload")[number % 4]
            loss = LOSSES[number // 2 % len(LOSSES)] if what == "loss" else 0.0
            yield FaultInterval(what, start, start + 10 * MINUTE, loss=loss)

    def _some(self, what: str, portal: str, length: int, way: str = "") -> FaultInterval:
        start = self.dice.randrange(SLOT + HOUR, self.end - HOUR)
        return FaultInterval(what, start, start + length, portal, way)

    def _outages(self, portal: str) -> Iterator[FaultInterval]:
        """Yield outages that could be observed, two hours apart; every other one lasts just two intervals."""
        wanted, placed = max(2, self.days // 2), list[FaultInterval]()
        while len(placed) < wanted:
            length = 2 * INTERVAL * 1000 if len(placed) % 2 else self.dice.randrange(2 * MINUTE, 50 * MINUTE)
            one = self._some("outage", portal, length, WAYS[self.dice.randrange(len(WAYS))])
            apart = all(one.start > other.end + 2 * HOUR or one.end < other.start - 2 * HOUR for other in placed)
            if apart and not any(
                own.start - 2 * MINUTE < one.end and one.start < own.end + RECOVERY_MS for own in self.own
            ):
                placed.append(one)
        yield from sorted(placed, key=lambda one: one.start)

    def now(self) -> int:
        return int(self.clock.now())  # type: ignore[attr-defined] # the clock of the simulation

    def ours(self, at: int, what: str) -> FaultInterval | None:
        return next((one for one in self.own if one.what == what and one.holds(at)), None)

    def outage(self, portal: str, at: int) -> FaultInterval | None:
        return next((one for one in self.outages[portal] if one.holds(at)), None)

    def load(self) -> float:
        return 40.0 if self.ours(self.now(), "overload") else 1.0

    def _lost(self) -> bool:
        """Whether a packet or its answer is lost on our side."""
        fault = self.ours(self.now(), "loss")
        return fault is not None and self.dice.random() < 1 - (1 - fault.loss) ** 2

    async def send(self, first: float, limit: float) -> float | None:
        """Seconds until a packet was answered, sent again after ``first``, twice that, ...; None past the limit."""
        spent, wait = 0.0, first
        while self._lost():
            pause = min(wait, limit - spent)
            await asyncio.sleep(pause)
            spent, wait = spent + pause, wait * 2
            if spent >= limit:
                return None
        return spent

    async def probe(self, portal: str) -> float:
        """Return the seconds that a good probe takes. Raises ProbeFailed as the real probe would."""
        if self.ours(self.now(), "resolver"):
            await asyncio.sleep(5.0)
            raise ProbeFailed(Fault.DNS, "the name server does not answer")
        outage = self.outage(portal, self.now())
        if outage and outage.way == "dns":
            raise ProbeFailed(Fault.DNS, "no such name")
        spent = await self.send(1.0, TIMEOUT)
        if spent is None or (outage and outage.way == "timeout"):
            await asyncio.sleep(TIMEOUT - (TIMEOUT if spent is None else spent))
            raise ProbeFailed(Fault.CONNECT_TIMEOUT, "no connection within 10 s")
        if outage and outage.way == "refused":
            raise ProbeFailed(Fault.CONNECT_REFUSED, "connection refused")
        for _ in range(6):  # TLS, request, answer
            more = await self.send(0.3, TIMEOUT - spent)
            if more is None:
                raise ProbeFailed(Fault.TIMEOUT, "no end after 10 s")
            spent += more
        return spent + await self._answer(portal, outage, TIMEOUT - spent)

    async def _answer(self, portal: str, outage: FaultInterval | None, left: float) -> float:
        if outage:
            fault = Fault.TLS_EXPIRED if outage.way == "tls" else Fault.HTTP_STATUS
            raise ProbeFailed(fault, "the certificate is not valid" if outage.way == "tls" else "status 503")
        took = self.dice.uniform(0.1, 0.6)
        if any(one.holds(self.now()) for one in self.slow[portal]):
            took = self.dice.lognormvariate(1.8, 0.25)  # around 6 s; about one in fifty takes longer than 10 s
        if self.ours(self.now(), "overload"):
            took = self.dice.uniform(3.0, 20.0)
        await asyncio.sleep(min(took, left))
        if took > left:
            raise ProbeFailed(Fault.TIMEOUT, "no end after 10 s")
        if self.dice.random() < 0.005:
            raise ProbeFailed(Fault.HTTP_STATUS, "status 502")
        return took
