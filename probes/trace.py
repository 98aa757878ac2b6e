"""The slate of one look: phases and facts are written as they happen, so that a timeout still tells how far it came."""

from __future__ import annotations

import enum
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from probes.result import Hop

if TYPE_CHECKING:
    from collections.abc import Mapping

    from probes.result import Scalar, Screenshot


class HopEvent(enum.IntEnum):
    """The boundaries inside one hop, in the order in which they can occur."""

    __hash__ = int.__hash__  # an enumeration's own is no C, and marks are looked up dozens of times a look

    STARTED = 0
    RESOLVED = 1
    CONNECT_STARTED = 2
    CONNECTED = 3
    TLS_ESTABLISHED = 4
    SENT = 5
    FIRST_BYTE = 6
    ENDED = 7


PHASES: Mapping[HopEvent, str] = {
    HopEvent.RESOLVED: "resolve",
    HopEvent.CONNECTED: "connect",
    HopEvent.TLS_ESTABLISHED: "tls",
    HopEvent.SENT: "send",
    HopEvent.FIRST_BYTE: "wait",
    HopEvent.ENDED: "transfer",
}
"""The phase that ends with each mark. Phases are the gaps between marks, so they sum to the hop's time exactly.

From RESOLVED to DIALED we make ready to connect. That is no time of the network's: it counts to ``send``, as the rest
of what we take ourselves until the request is out, and to ``connect`` where it never was.
"""


@dataclass(slots=True)
class HopTrace:
    """A hop while it happens. The wire marks it; :meth:`record` freezes it.

    ``url`` and ``location`` hold no secrets: no user, password, query or session. ``within`` is the zone of the address
    that redirected to this hop, None for the first one; ``heard`` when the server was heard last.
    """

    url: str
    family: int | None = None
    uses_tls: bool = False
    is_ip_literal: bool = False
    previous_scope: str | None = None
    address: str | None = None
    status: int | None = None
    location: str | None = None
    http_version: float | None = None
    last_received_at: float | None = None
    bytes_wire: int = 0
    tls_version: str | None = None
    presented_chain: tuple[bytes, ...] = ()
    verified_chain: tuple[bytes, ...] = ()
    event_times: dict[HopEvent, float] = field(default_factory=dict)
    _final_phases: dict[str, float] | None = None

    def record_event(self, event: HopEvent, at: float | None = None) -> None:
        """Note that a boundary was crossed; the first time counts."""
        if event not in self.event_times:
            self.event_times[event] = time.perf_counter() if at is None else at

    def start_clock(self, at: float | None = None) -> None:
        """Start the clock at the first step that leaves this process: what a client prepares is its own time."""
        if self.event_times.keys() <= {HopEvent.STARTED}:
            self.event_times[HopEvent.STARTED] = time.perf_counter() if at is None else at

    @property
    def phase(self) -> str:
        """The phase that was running last: the one after the newest mark that this hop will have at all."""
        last = max((mark for mark in self.event_times if mark is not HopEvent.ENDED), default=HopEvent.STARTED)
        for mark, name in PHASES.items():
            skipped = (mark is HopEvent.RESOLVED and self.is_ip_literal) or (
                mark is HopEvent.TLS_ESTABLISHED and not self.uses_tls
            )
            if mark > last and not skipped:
                return name
        return "transfer"

    def phases(self) -> dict[str, float]:
        """Seconds of every phase that ran; the last stretch belongs to the phase that was running when it broke off."""
        if self._final_phases is not None:
            return self._final_phases
        result: dict[str, float] = {}
        previous, own = self.event_times[HopEvent.STARTED], 0.0
        for mark, name in PHASES.items():
            if mark is HopEvent.CONNECTED and HopEvent.SENT in self.event_times:
                dialed = max(self.event_times.get(HopEvent.CONNECT_STARTED, previous), previous)
                own, previous = dialed - previous, dialed
            if (at := self.event_times.get(mark)) is not None:
                # A server that speaks before it is asked has its first byte before SENT: no phase runs backwards.
                took = max(at, previous) - previous
                result[self.phase if mark is HopEvent.ENDED else name] = took + (own if mark is HopEvent.SENT else 0.0)
                previous = max(at, previous)
        if HopEvent.ENDED in self.event_times:
            self._final_phases = result
        return result

    def to_hop(self) -> Hop:
        """Freeze what is known so far."""
        return Hop(
            url=self.url,
            phases=self.phases(),
            family=self.family,
            address=self.address,
            status=self.status,
            location=self.location,
        )


@dataclass(slots=True)
class Trace:
    """What one look has seen so far. ``observe`` holds it, the probe writes on it, nobody else touches it."""

    started: float = field(default_factory=time.perf_counter)
    values: dict[str, Scalar] = field(default_factory=dict)
    hops: list[HopTrace] = field(default_factory=list)
    screenshots: list[Screenshot] = field(default_factory=list)
    phase: str | None = None

    def set_values(self, **values: Scalar | None) -> None:
        """Note metric values by their declared names; None means that it did not occur and leaves no mark."""
        for name, value in values.items():
            if value is not None:
                self.values[name] = value

    def start_hop(self, hop: HopTrace) -> HopTrace:
        """Begin a hop now."""
        hop.record_event(HopEvent.STARTED)
        self.hops.append(hop)
        return hop

    def current_phase(self) -> str | None:
        """The phase that the look is in, or broke off in; empty when it ended and was judged by what it found."""
        if self.phase is not None:
            return self.phase
        return self.hops[-1].phase if self.hops else None
