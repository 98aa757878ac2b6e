"""Can we see? Before a failure is charged to a portal, references and the rest of the fleet say whether we can."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from yarl import URL

from monitor.prober.host_health import is_loopback
from probes.http.urls import ip_literal_family
from probes.net.resolver import NameNotResolved
from probes.net.sockets import has_route
from probes.result import Fault, Outcome, ProbeResult
from probes.runner import run_probe
from probes.uptime import Uptime

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.model.clock import Clock
    from monitor.model.records import Check
    from probes.resources import ProbeResources

NETWORK_FAULTS = {Fault.DNS, Fault.CONNECT_REFUSED, Fault.CONNECT_TIMEOUT, Fault.TIMEOUT, Fault.RESET}
"""Faults that our own network can produce. All others prove that somebody answered."""

REFERENCE_CACHE_SECONDS = 5.0
"""How long an answer of the references holds: a burst of failures asks them once."""

REFERENCE_TIMEOUT_SECONDS = 3.0

CONNECTIONS_PER_REFERENCE = 3
"""To each reference at once: one alone seldom meets the packet that is lost."""

PACKET_LOSS_SECONDS = 0.9
"""A connection that took longer lost a packet on the way: TCP sends the first one again after a second."""

MIN_LOSSY_REFERENCES = 2
"""One reference alone may have trouble of its own."""

PROBLEM_HOLD_SECONDS = 60.0
"""For so long before its beginning a failed look remembers our own trouble: lost packets come and go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceEndpoint:
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
    def needs_dns(self) -> bool:
        """Whether reaching it takes a name to be resolved."""
        return ip_literal_family(self.host) is None


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetBreaker:
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
class _PortalReachability:
    probed_at: float = 0.0
    reachable: bool = False
    ever_reachable: bool = False
    unreachable_since: float = 0.0


@dataclass(slots=True)
class SelfCheck:
    """Judges failures. It remembers only the last window of the fleet, nothing that a score could depend on."""

    resources: ProbeResources
    clock: Clock
    references: Sequence[ReferenceEndpoint] = ()
    fleet_breaker: FleetBreaker = field(default_factory=FleetBreaker)
    portal_count: int = 0
    _fleet: dict[str, _PortalReachability] = field(default_factory=dict)
    _references_probed_at: float | None = None
    _reference_results: dict[str, list[float | None]] = field(default_factory=dict)
    _last_problems: dict[bool, tuple[float, str]] = field(default_factory=dict)
    _references_lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def problem(self, check: Check, result: ProbeResult) -> str | None:
        """Why ``result`` must not be charged to its portal, or None when it may. Notes what was seen either way."""
        if result.outcome is Outcome.VOID or is_loopback(check, result):
            return None
        self._record_reachability(check.portal, reachable=result.outcome is Outcome.UP)
        if result.outcome is Outcome.UP:
            return None
        reason = await self._network_problem(check, result) if result.fault in NETWORK_FAULTS else None
        return reason or self._fleet_problem(check)

    async def _network_problem(self, check: Check, result: ProbeResult) -> str | None:
        """Why nobody could have answered us; what was so shortly before the look still counts."""
        if (reason := _route_problem(result)) is not None:
            return reason
        names = result.fault is Fault.DNS
        reason = await self._references_problem(dns_failed=names)
        if reason is None and names and not any(one.needs_dns for one in self.references):
            reason = await self._resolver_problem(check)
        now = self.clock.monotonic()
        if reason is not None:
            self._last_problems[names] = (now, reason)
            return reason
        at, before = self._last_problems.get(names, (-PROBLEM_HOLD_SECONDS, ""))
        return (
            f"{before}, {now - at:.0f} s ago" if before and at >= now - result.duration - PROBLEM_HOLD_SECONDS else None
        )

    def reference_summary(self, check: Check, result: ProbeResult) -> str:
        """What the references answered when they were asked about ``result``, in words; empty when they were not."""
        fresh = (
            self._references_probed_at is not None
            and self.clock.monotonic() - self._references_probed_at <= REFERENCE_CACHE_SECONDS
        )
        if result.fault not in NETWORK_FAULTS or not fresh or is_loopback(check, result):
            return ""
        return ", ".join(f"{name} {_format_connect_times(answer)}" for name, answer in self._reference_results.items())

    def _record_reachability(self, portal: str, *, reachable: bool) -> None:
        seen = self._fleet.setdefault(portal, _PortalReachability())
        now = self.clock.monotonic()
        if seen.reachable and not reachable:
            seen.unreachable_since = now
        seen.probed_at, seen.reachable, seen.ever_reachable = now, reachable, reachable or seen.ever_reachable

    def _fleet_problem(self, check: Check) -> str | None:
        """The fleet breaker: needs enough portals; without references a success somewhere is needed as proof."""
        if self.portal_count < self.fleet_breaker.minimum:
            return None
        window = max(self.fleet_breaker.window, check.interval)
        since = self.clock.monotonic() - window
        recent = [seen for seen in self._fleet.values() if seen.probed_at >= since]
        minimum = self.fleet_breaker.minimum if self.references else 0
        if len(recent) >= minimum and not any(seen.reachable for seen in recent):
            return f"none of {len(recent)} portals could be seen in the last {window:g} s"
        known = [seen for seen in recent if seen.ever_reachable]
        stopped = sum(not seen.reachable for seen in known)
        if len(known) >= self.fleet_breaker.minimum and stopped > self.fleet_breaker.share * len(known):
            return f"{stopped} of {len(known)} portals stopped answering within {window:g} s"
        burst = self.clock.monotonic() - self.fleet_breaker.burst
        just = [
            seen for seen in known if seen.probed_at > burst and (seen.reachable or seen.unreachable_since >= since)
        ]
        fallen = sum(not seen.reachable for seen in just)
        if len(just) >= self.fleet_breaker.minimum and fallen > self.fleet_breaker.share * len(just):
            return f"{fallen} of {len(just)} portals stopped answering within {self.fleet_breaker.burst:g} s"
        return None

    async def _references_problem(self, *, dns_failed: bool) -> str | None:
        """Ask all references at once, at most every few seconds; one answer is enough, unless packets are lost.

        They are when at least half of those that answer lost some, and a quarter of all connections to them did: a
        single reference, be it dead or far away, proves nothing. Where a name could not be resolved only references
        with a name can speak: an address proves nothing of DNS.
        """
        wanted = [one for one in self.references if not dns_failed or one.needs_dns] or list(self.references)
        if not wanted:
            return None
        async with self._references_lock:
            now = self.clock.monotonic()
            if self._references_probed_at is None or now - self._references_probed_at > REFERENCE_CACHE_SECONDS:
                answers = await asyncio.gather(*[self._probe_reference(reference) for reference in self.references])
                self._reference_results = {
                    one.name: answer for one, answer in zip(self.references, answers, strict=True)
                }
                self._references_probed_at = self.clock.monotonic()
        return _evaluate_references([self._reference_results.get(one.name, [0.0]) for one in wanted])

    async def _resolver_problem(self, check: Check) -> str | None:
        """Ask for a name that only the servers of the top-level domain know of: any answer shows that names resolve."""
        name = f"portal-monitor.{(URL(check.probe.url).host or '').rstrip('.').rpartition('.')[2]}"
        try:
            async with asyncio.timeout(REFERENCE_TIMEOUT_SECONDS):
                await self.resources.resolver.resolve(name, socket.AF_INET)
        except NameNotResolved as error:
            return None if error.absent else "the resolver does not answer"
        except TimeoutError:
            return "the resolver does not answer"
        return None

    async def _probe_reference(self, reference: ReferenceEndpoint) -> list[float | None]:
        times = CONNECTIONS_PER_REFERENCE if reference.connect is not None else 1
        return await asyncio.gather(*[self._connect_seconds(reference) for _ in range(times)])

    async def _connect_seconds(self, reference: ReferenceEndpoint) -> float | None:
        """Seconds that a connection to the reference took, 0 for an address that was fetched; None without an answer.

        How long a page takes says nothing of packets.
        """
        began = self.clock.monotonic()
        if not await self._reachable(reference):
            return None
        return self.clock.monotonic() - began if reference.connect is not None else 0.0

    async def _reachable(self, reference: ReferenceEndpoint) -> bool:
        if reference.url is not None:
            look = await run_probe(
                Uptime(url=reference.url, timeout=REFERENCE_TIMEOUT_SECONDS, family="4"), self.resources
            )
            return look.outcome is Outcome.UP or (look.outcome is Outcome.DOWN and look.fault not in NETWORK_FAULTS)
        try:
            async with asyncio.timeout(REFERENCE_TIMEOUT_SECONDS):
                host = reference.host
                if reference.needs_dns:
                    host = (await self.resources.resolver.resolve(host, socket.AF_INET)).addresses[0]
                _, writer = await asyncio.open_connection(host, reference.port)
        except (OSError, TimeoutError, IndexError):
            return False
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        return True


def _format_connect_times(connect_times: list[float | None]) -> str:
    got = [one for one in connect_times if one is not None]
    if not got:
        return "no answer"
    lost = f", {len(connect_times) - len(got)} of {len(connect_times)} lost" if len(got) < len(connect_times) else ""
    return (f"{min(got) * 1000:.0f} ms" if min(got) > 0 else "answers") + lost


def _evaluate_references(connect_times: list[list[float | None]]) -> str | None:
    """What the references' answers say against us; each is a list of seconds, None for a connection that failed."""
    alive = [
        [one is None or one > PACKET_LOSS_SECONDS for one in each]
        for each in connect_times
        if any(n is not None for n in each)
    ]
    if not alive:
        return f"none of {len(connect_times)} references answers"
    lost, all_of_them = sum(map(sum, alive)), sum(map(len, alive))
    losing = sum(map(any, alive))
    if losing >= MIN_LOSSY_REFERENCES and losing * 2 >= len(alive) and lost * 4 >= all_of_them:
        return f"packets are lost on the way to {losing} of {len(connect_times)} references"
    return None


def _route_problem(result: ProbeResult) -> str | None:
    """Whether the kernel knows no way to the address that was tried: then it is ours that is missing."""
    address = str(result.values.get("address") or "")
    family = ip_literal_family(address)
    if family is None:
        return None
    try:
        reachable = has_route(socket.AF_INET if family == 4 else socket.AF_INET6, (address, 9))  # noqa: PLR2004 - IPv4
    except OSError:
        return None
    return None if reachable else f"this machine has no route to {address}"
