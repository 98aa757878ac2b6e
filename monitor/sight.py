"""Can we see? Before a failure is charged to a portal, references and the rest of the fleet say whether we can."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from yarl import URL

from probes.address import literal_family
from probes.base import Fault, Outcome, ProbeResult
from probes.observe import observe
from probes.uptime import Uptime

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.clock import Clock
    from monitor.model import Check
    from probes.instruments import Instruments

SILENCE = {Fault.DNS, Fault.CONNECT_REFUSED, Fault.CONNECT_TIMEOUT, Fault.TIMEOUT, Fault.RESET}
"""Faults that our own network can produce. All others prove that somebody answered."""

FRESH_SECONDS = 5.0
"""How long an answer of the references holds: a burst of failures asks them once."""

REFERENCE_TIMEOUT = 3.0


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

    A portal stops by failing after it was once good; one that was never good, as the closed ones, tells nothing of us.
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
    _answers: dict[str, bool] = field(default_factory=dict)
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def judge(self, check: Check, result: ProbeResult) -> str | None:
        """Why ``result`` must not be charged to its portal, or None when it may. Notes what was seen either way."""
        if result.outcome is Outcome.VOID or _local(check, result):
            return None
        self._note(check.portal, ok=result.outcome is Outcome.UP)
        if result.outcome is Outcome.UP:
            return None
        reason = await self._references_fail(result.fault) if result.fault in SILENCE else None
        return reason or self._fleet_fails(check)

    def _note(self, portal: str, *, ok: bool) -> None:
        seen = self._fleet.setdefault(portal, _Seen())
        seen.at, seen.ok, seen.proven = self.clock.monotonic(), ok, ok or seen.proven

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
        return None

    async def _references_fail(self, fault: Fault) -> str | None:
        """Ask all references at once, at most every few seconds; one answer is enough.

        Where a name could not be resolved only references with a name can speak: an address proves nothing of DNS.
        """
        wanted = [one for one in self.references if fault is not Fault.DNS or one.named] or list(self.references)
        if not wanted:
            return None
        async with self._asking:
            now = self.clock.monotonic()
            if self._asked is None or now - self._asked > FRESH_SECONDS:
                answers = await asyncio.gather(*[self._reachable(reference) for reference in self.references])
                self._answers = {one.name: answer for one, answer in zip(self.references, answers, strict=True)}
                self._asked = self.clock.monotonic()
        if any(self._answers.get(one.name, True) for one in wanted):
            return None
        return f"none of {len(wanted)} references answers"

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


def _local(check: Check, result: ProbeResult) -> bool:
    """Whether the look stayed on this machine, where no network can stand between."""
    host = str(result.values.get("address") or URL(check.probe.url).host or "")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
