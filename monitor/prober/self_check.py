"""Checks the prober's own network: before a failure is charged to a portal, references and the fleet are checked."""

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
"""Faults that the prober's own network can produce. All others prove a response."""

REFERENCE_CACHE_SECONDS = 5.0
"""Seconds for which results of the references are reused: a burst of failures probes them once."""

REFERENCE_TIMEOUT_SECONDS = 3.0

CONNECTIONS_PER_REFERENCE = 3
"""Connections to each reference at once: a single one seldom meets the packet loss."""

PACKET_LOSS_SECONDS = 0.9
"""A connection that takes longer lost a packet: TCP sends the first one again after a second."""

MIN_LOSSY_REFERENCES = 2
"""A single reference may have a problem itself."""

PROBLEM_HOLD_SECONDS = 60.0
"""A problem of the prober still counts for this long before a failed probe: packet loss is intermittent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceEndpoint:
    """An endpoint that responds when the network works: ``connect`` is ``host:port`` for TCP, or ``url`` for HTTP."""

    name: str
    connect: str | None = None
    url: str | None = None

    @property
    def host(self) -> str:
        """Return the host to connect to."""
        return URL(self.url or f"tcp://{self.connect}").host or ""

    @property
    def port(self) -> int:
        """Return the port to connect to."""
        return URL(self.url or f"tcp://{self.connect}").port or 0

    @property
    def needs_dns(self) -> bool:
        """Return whether its host is a name that has to be resolved."""
        return ip_literal_family(self.host) is None


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetBreaker:
    """Detects fleet failures: more than ``share`` of at least ``minimum`` portals stopped within ``window`` seconds.

    The same rule holds for portals probed within the last ``burst`` seconds, to detect it before the first failures
    are confirmed. Only portals that were reachable once count: one that never was, as a closed portal, proves nothing.
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
    """Decides whether a failure may be charged. It keeps only the last window of the fleet, no input of a score."""

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
        """Return why *result* must not be charged to its portal, or None. Records the reachability in both cases."""
        if result.outcome is Outcome.UNKNOWN or is_loopback(check, result):
            return None
        self._record_reachability(check.portal, reachable=result.outcome is Outcome.UP)
        if result.outcome is Outcome.UP:
            return None
        reason = await self._network_problem(check, result) if result.fault in NETWORK_FAULTS else None
        return reason or self._fleet_problem(check)

    async def _network_problem(self, check: Check, result: ProbeResult) -> str | None:
        """Return the network problem that explains *result*; one shortly before the probe still counts."""
        if (reason := _route_problem(result)) is not None:
            return reason
        dns_failed = result.fault is Fault.DNS
        reason = await self._references_problem(dns_failed=dns_failed)
        if reason is None and dns_failed and not any(one.needs_dns for one in self.references):
            reason = await self._resolver_problem(check)
        now = self.clock.monotonic()
        if reason is not None:
            self._last_problems[dns_failed] = (now, reason)
            return reason
        at, before = self._last_problems.get(dns_failed, (-PROBLEM_HOLD_SECONDS, ""))
        since = now - result.duration - PROBLEM_HOLD_SECONDS
        return f"{before}, {now - at:.0f} s ago" if before and at >= since else None

    def reference_summary(self, check: Check, result: ProbeResult) -> str:
        """Return the results of the references for *result* as text; empty when they were not probed."""
        at = self._references_probed_at
        fresh = at is not None and self.clock.monotonic() - at <= REFERENCE_CACHE_SECONDS
        if result.fault not in NETWORK_FAULTS or not fresh or is_loopback(check, result):
            return ""
        return ", ".join(f"{name} {_format_connect_times(times)}" for name, times in self._reference_results.items())

    def _record_reachability(self, portal: str, *, reachable: bool) -> None:
        known = self._fleet.setdefault(portal, _PortalReachability())
        now = self.clock.monotonic()
        if known.reachable and not reachable:
            known.unreachable_since = now
        known.probed_at, known.reachable, known.ever_reachable = now, reachable, reachable or known.ever_reachable

    def _fleet_problem(self, check: Check) -> str | None:
        """Apply the fleet breaker: it needs enough portals, and without references a success somewhere as proof."""
        if self.portal_count < self.fleet_breaker.minimum:
            return None
        window = max(self.fleet_breaker.window, check.interval)
        since = self.clock.monotonic() - window
        recent = [one for one in self._fleet.values() if one.probed_at >= since]
        minimum = self.fleet_breaker.minimum if self.references else 0
        if len(recent) >= minimum and not any(one.reachable for one in recent):
            return f"no portal of {len(recent)} was reachable in the last {window:g} s"
        known = [one for one in recent if one.ever_reachable]
        start = self.clock.monotonic() - self.fleet_breaker.burst
        burst = [one for one in known if one.probed_at > start and (one.reachable or one.unreachable_since >= since)]
        for portals, seconds in ((known, window), (burst, self.fleet_breaker.burst)):
            stopped = sum(not one.reachable for one in portals)
            if len(portals) >= self.fleet_breaker.minimum and stopped > self.fleet_breaker.share * len(portals):
                return f"{stopped} of {len(portals)} portals stopped answering within {seconds:g} s"
        return None

    async def _references_problem(self, *, dns_failed: bool) -> str | None:
        """Probe all references at once, at most every few seconds; one response is enough, unless packets are lost.

        Packets are lost when at least half of the responding references, and a quarter of all connections to them, lost
        one: a single dead or distant reference proves nothing. After a DNS failure only references with a name
        count: an IP address proves nothing about DNS.
        """
        wanted = [one for one in self.references if not dns_failed or one.needs_dns] or list(self.references)
        if not wanted:
            return None
        async with self._references_lock:
            now = self.clock.monotonic()
            if self._references_probed_at is None or now - self._references_probed_at > REFERENCE_CACHE_SECONDS:
                results = await asyncio.gather(*[self._probe_reference(reference) for reference in self.references])
                self._reference_results = {one.name: times for one, times in zip(self.references, results, strict=True)}
                self._references_probed_at = self.clock.monotonic()
        return _evaluate_references([self._reference_results.get(one.name, [0.0]) for one in wanted])

    async def _resolver_problem(self, check: Check) -> str | None:
        """Resolve a name that only the servers of the top-level domain know: any response shows that DNS works."""
        name = f"portal-monitor.{(URL(check.probe.url).host or '').rstrip('.').rpartition('.')[2]}"
        try:
            async with asyncio.timeout(REFERENCE_TIMEOUT_SECONDS):
                await self.resources.resolver.resolve(name, socket.AF_INET)
        except (NameNotResolved, TimeoutError) as error:
            absent = isinstance(error, NameNotResolved) and error.absent
            return None if absent else "the resolver does not respond"
        return None

    async def _probe_reference(self, reference: ReferenceEndpoint) -> list[float | None]:
        count = CONNECTIONS_PER_REFERENCE if reference.connect is not None else 1
        return await asyncio.gather(*[self._connect_seconds(reference) for _ in range(count)])

    async def _connect_seconds(self, reference: ReferenceEndpoint) -> float | None:
        """Return the connect time in seconds, 0 for a URL that was fetched, None without a response.

        How long a page takes proves nothing about packet loss.
        """
        began = self.clock.monotonic()
        if not await self._reachable(reference):
            return None
        return self.clock.monotonic() - began if reference.connect is not None else 0.0

    async def _reachable(self, reference: ReferenceEndpoint) -> bool:
        if reference.url is not None:
            probe = Uptime(url=reference.url, timeout=REFERENCE_TIMEOUT_SECONDS, family="4")
            found = await run_probe(probe, self.resources)
            return found.outcome is Outcome.UP or (found.outcome is Outcome.DOWN and found.fault not in NETWORK_FAULTS)
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
    connected = [one for one in connect_times if one is not None]
    if not connected:
        return "no response"
    failed = len(connect_times) - len(connected)
    lost = f", {failed} of {len(connect_times)} lost" if failed else ""
    return (f"{min(connected) * 1000:.0f} ms" if min(connected) > 0 else "responds") + lost


def _evaluate_references(connect_times: list[list[float | None]]) -> str | None:
    """Return the network problem that the references show; each has a list of seconds, None for a failed connection."""
    answered = [each for each in connect_times if any(one is not None for one in each)]
    responding = [[one is None or one > PACKET_LOSS_SECONDS for one in each] for each in answered]
    if not responding:
        return f"none of {len(connect_times)} references responds"
    lost, connections = sum(map(sum, responding)), sum(map(len, responding))
    lossy = sum(map(any, responding))
    if lossy >= MIN_LOSSY_REFERENCES and lossy * 2 >= len(responding) and lost * 4 >= connections:
        return f"packets are lost on the way to {lossy} of {len(connect_times)} references"
    return None


def _route_problem(result: ProbeResult) -> str | None:
    """Return a problem when the kernel has no route to the address that was tried: this host lacks the route."""
    address = str(result.values.get("address") or "")
    family = ip_literal_family(address)
    if family is None:
        return None
    try:
        reachable = has_route(socket.AF_INET if family == 4 else socket.AF_INET6, (address, 9))  # noqa: PLR2004 - IPv4
    except OSError:
        return None
    return None if reachable else f"the host has no route to {address}"
