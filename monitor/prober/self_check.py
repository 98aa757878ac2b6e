"""Can we see? Before a failure is charged to a portal, references and the rest of the fleet say whether we can."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from yarl import URL

from monitor.prober.host_health import on_this_machine
from probes.http.urls import literal_family
from probes.net.resolver import NameNotResolved
from probes.net.sockets import routed
from probes.result import Fault, Outcome, ProbeResult
from probes.runner import observe
from probes.uptime import Uptime

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.model.clock import Clock
    from monitor.model.records import Check
    from probes.resources import Instruments

SILENCE = {Fault.DNS, Fault.CONNECT_REFUSED, Fault.CONNECT_TIMEOUT, Fault.TIMEOUT, Fault.RESET}
"""Faults that our own network can produce. All others prove that somebody answered."""

FRESH_SECONDS = 5.0
"""How long an answer of the references holds: a burst of failures asks them once."""

REFERENCE_TIMEOUT = 3.0

CONNECTIONS = 3
"""To each reference at once: one alone seldom meets the packet that is lost."""

LOSS_SECONDS = 0.9
"""A connection that took longer lost a packet on the way: TCP sends the first one again after a second."""

LEAST_LOSING = 2
"""One reference alone may have trouble of its own."""

HOLD_SECONDS = 60.0
"""For so long before its beginning a failed look remembers our own trouble: lost packets come and go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Something that is there whenever we can see: ``connect`` is ``host:port`` for TCP, or ``url`` for HTTP."""

    name: str
    connect: str | None = None
    url: str | None = None

    @property
    def host(self) -> str:
        """The host that is asked."""
        return URL(self.url or f"tcp://{self.connect}").host or ""

    @property
    def port(self) -> int:
        """The port that is connected to."""
        return URL(self.url or f"tcp://{self.connect}").port or 0

    @property
    def named(self) -> bool:
        """Whether reaching it takes a name to be resolved."""
        return literal_family(self.host) is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """More than ``share`` of at least ``minimum`` portals stopped answering within ``window`` seconds: it is us.

    The same of those that were looked at within the last ``burst`` seconds, so that it is known before the first
    failures are confirmed. A portal stops by failing after it was once good; one that was never good, as the closed
    ones, tells nothing of us.
    """

    share: float = 0.5
    minimum: int = 5
    window: float = 60.0
    burst: float = 10.0


@dataclass(slots=True)
class _Seen:
    at: float = 0.0
    ok: bool = False
    proven: bool = False
    fell: float = 0.0


@dataclass(slots=True)
class Sight:
    """Judges failures. It remembers only the last window of the fleet, nothing that a score could depend on."""

    tools: Instruments
    clock: Clock
    references: Sequence[Reference] = ()
    breaker: Breaker = field(default_factory=Breaker)
    portals: int = 0
    _fleet: dict[str, _Seen] = field(default_factory=dict)
    _asked: float | None = None
    _answers: dict[str, list[float | None]] = field(default_factory=dict)
    _trouble: dict[bool, tuple[float, str]] = field(default_factory=dict)
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def judge(self, check: Check, result: ProbeResult) -> str | None:
        """Why ``result`` must not be charged to its portal, or None when it may. Notes what was seen either way."""
        if result.outcome is Outcome.VOID or on_this_machine(check, result):
            return None
        self._note(check.portal, ok=result.outcome is Outcome.UP)
        if result.outcome is Outcome.UP:
            return None
        reason = await self._silence(check, result) if result.fault in SILENCE else None
        return reason or self._fleet_fails(check)

    async def _silence(self, check: Check, result: ProbeResult) -> str | None:
        """Why nobody could have answered us; what was so shortly before the look still counts."""
        if (reason := _no_route(result)) is not None:
            return reason
        names = result.fault is Fault.DNS
        reason = await self._references_fail(names=names)
        if reason is None and names and not any(one.named for one in self.references):
            reason = await self._resolver_fails(check)
        now = self.clock.monotonic()
        if reason is not None:
            self._trouble[names] = (now, reason)
            return reason
        at, before = self._trouble.get(names, (-HOLD_SECONDS, ""))
        return f"{before}, {now - at:.0f} s ago" if before and at >= now - result.duration - HOLD_SECONDS else None

    def heard(self, check: Check, result: ProbeResult) -> str:
        """What the references answered when they were asked about ``result``, in words; empty when they were not."""
        fresh = self._asked is not None and self.clock.monotonic() - self._asked <= FRESH_SECONDS
        if result.fault not in SILENCE or not fresh or on_this_machine(check, result):
            return ""
        return ", ".join(f"{name} {_answered(answer)}" for name, answer in self._answers.items())

    def _note(self, portal: str, *, ok: bool) -> None:
        seen = self._fleet.setdefault(portal, _Seen())
        now = self.clock.monotonic()
        if seen.ok and not ok:
            seen.fell = now
        seen.at, seen.ok, seen.proven = now, ok, ok or seen.proven

    def _fleet_fails(self, check: Check) -> str | None:
        """The fleet breaker: needs enough portals; without references a success somewhere is needed as proof."""
        if self.portals < self.breaker.minimum:
            return None
        window = max(self.breaker.window, check.interval)
        since = self.clock.monotonic() - window
        recent = [seen for seen in self._fleet.values() if seen.at >= since]
        minimum = self.breaker.minimum if self.references else 0
        if len(recent) >= minimum and not any(seen.ok for seen in recent):
            return f"none of {len(recent)} portals could be seen in the last {window:g} s"
        known = [seen for seen in recent if seen.proven]
        stopped = sum(not seen.ok for seen in known)
        if len(known) >= self.breaker.minimum and stopped > self.breaker.share * len(known):
            return f"{stopped} of {len(known)} portals stopped answering within {window:g} s"
        burst = self.clock.monotonic() - self.breaker.burst
        just = [seen for seen in known if seen.at > burst and (seen.ok or seen.fell >= since)]
        fallen = sum(not seen.ok for seen in just)
        if len(just) >= self.breaker.minimum and fallen > self.breaker.share * len(just):
            return f"{fallen} of {len(just)} portals stopped answering within {self.breaker.burst:g} s"
        return None

    async def _references_fail(self, *, names: bool) -> str | None:
        """Ask all references at once, at most every few seconds; one answer is enough, unless packets are lost.

        They are when at least half of those that answer lost some, and a quarter of all connections to them did: a
        single reference, be it dead or far away, proves nothing. Where a name could not be resolved only references
        with a name can speak: an address proves nothing of DNS.
        """
        wanted = [one for one in self.references if not names or one.named] or list(self.references)
        if not wanted:
            return None
        async with self._asking:
            now = self.clock.monotonic()
            if self._asked is None or now - self._asked > FRESH_SECONDS:
                answers = await asyncio.gather(*[self._answers_of(reference) for reference in self.references])
                self._answers = {one.name: answer for one, answer in zip(self.references, answers, strict=True)}
                self._asked = self.clock.monotonic()
        return _doubt([self._answers.get(one.name, [0.0]) for one in wanted])

    async def _resolver_fails(self, check: Check) -> str | None:
        """Ask for a name that only the servers of the top-level domain know of: any answer shows that names resolve."""
        name = f"portal-monitor.{(URL(check.probe.url).host or '').rstrip('.').rpartition('.')[2]}"
        try:
            async with asyncio.timeout(REFERENCE_TIMEOUT):
                await self.tools.resolver.addresses(name, socket.AF_INET)
        except NameNotResolved as error:
            return None if error.absent else "the resolver does not answer"
        except TimeoutError:
            return "the resolver does not answer"
        return None

    async def _answers_of(self, reference: Reference) -> list[float | None]:
        times = CONNECTIONS if reference.connect is not None else 1
        return await asyncio.gather(*[self._answer(reference) for _ in range(times)])

    async def _answer(self, reference: Reference) -> float | None:
        """Seconds that a connection to the reference took, 0 for an address that was fetched; None without an answer.

        How long a page takes says nothing of packets.
        """
        began = self.clock.monotonic()
        if not await self._reachable(reference):
            return None
        return self.clock.monotonic() - began if reference.connect is not None else 0.0

    async def _reachable(self, reference: Reference) -> bool:
        if reference.url is not None:
            look = await observe(Uptime(url=reference.url, timeout=REFERENCE_TIMEOUT, family="4"), self.tools)
            return look.outcome is Outcome.UP or (look.outcome is Outcome.DOWN and look.fault not in SILENCE)
        try:
            async with asyncio.timeout(REFERENCE_TIMEOUT):
                host = reference.host
                if reference.named:
                    host = (await self.tools.resolver.addresses(host, socket.AF_INET)).addresses[0]
                _, writer = await asyncio.open_connection(host, reference.port)
        except (OSError, TimeoutError, IndexError):
            return False
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        return True


def _answered(answers: list[float | None]) -> str:
    got = [one for one in answers if one is not None]
    if not got:
        return "no answer"
    lost = f", {len(answers) - len(got)} of {len(answers)} lost" if len(got) < len(answers) else ""
    return (f"{min(got) * 1000:.0f} ms" if min(got) > 0 else "answers") + lost


def _doubt(answers: list[list[float | None]]) -> str | None:
    """What the references' answers say against us; each is a list of seconds, None for a connection that failed."""
    alive = [
        [one is None or one > LOSS_SECONDS for one in each] for each in answers if any(n is not None for n in each)
    ]
    if not alive:
        return f"none of {len(answers)} references answers"
    lost, all_of_them = sum(map(sum, alive)), sum(map(len, alive))
    losing = sum(map(any, alive))
    if losing >= LEAST_LOSING and losing * 2 >= len(alive) and lost * 4 >= all_of_them:
        return f"packets are lost on the way to {losing} of {len(answers)} references"
    return None


def _no_route(result: ProbeResult) -> str | None:
    """Whether the kernel knows no way to the address that was tried: then it is ours that is missing."""
    address = str(result.values.get("address") or "")
    family = literal_family(address)
    if family is None:
        return None
    try:
        reachable = routed(socket.AF_INET if family == 4 else socket.AF_INET6, (address, 9))  # noqa: PLR2004 - IPv4
    except OSError:
        return None
    return None if reachable else f"this machine has no route to {address}"
