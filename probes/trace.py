"""The trace of one attempt: phases and facts are recorded as they happen, so that a timeout shows how far it came."""

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
    """List the boundaries inside one hop, in the order in which they can occur."""

    __hash__ = int.__hash__  # Enum's own hash is not in C, and events are looked up dozens of times an attempt

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
"""The phase that ends with each event. Phases are the gaps between events, so they sum to the hop's time exactly.

From RESOLVED to CONNECT_STARTED the prober prepares the socket. That is not network time: it counts towards ``send``,
as the rest of the prober's own time until the request is sent, and towards ``connect`` where no request was sent.
"""


@dataclass(slots=True)
class HopTrace:
    """Record a hop while it runs. The connection adds events; :meth:`to_hop` freezes them.

    ``url`` and ``location`` hold no secrets: no user, password, query or session. ``previous_scope`` is the scope of
    the address that redirected to this hop, None for the first one; ``last_received_at`` is the time of the last data.
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
        """Record the time of a boundary; the first time counts."""
        if event not in self.event_times:
            self.event_times[event] = time.perf_counter() if at is None else at

    def start_clock(self, at: float | None = None) -> None:
        """Start the clock at the first step that leaves this process; preparation is the client's own time."""
        if self.event_times.keys() <= {HopEvent.STARTED}:
            self.event_times[HopEvent.STARTED] = time.perf_counter() if at is None else at

    @property
    def phase(self) -> str:
        """Return the phase that was running last: the one after the newest event, without phases this hop skips."""
        last = max((event for event in self.event_times if event is not HopEvent.ENDED), default=HopEvent.STARTED)
        skipped = {HopEvent.RESOLVED: self.is_ip_literal, HopEvent.TLS_ESTABLISHED: not self.uses_tls}
        for event, name in PHASES.items():
            if event > last and not skipped.get(event):
                return name
        return "transfer"

    def phases(self) -> dict[str, float]:
        """Return the seconds of every phase that ran; the last segment belongs to the phase that was interrupted."""
        if self._final_phases is not None:
            return self._final_phases
        result: dict[str, float] = {}
        previous, own = self.event_times[HopEvent.STARTED], 0.0
        for event, name in PHASES.items():
            if event is HopEvent.CONNECTED and HopEvent.SENT in self.event_times:
                started = max(self.event_times.get(HopEvent.CONNECT_STARTED, previous), previous)
                own, previous = started - previous, started
            if (at := self.event_times.get(event)) is not None:
                # A server that sends before the request has its first byte before SENT: no phase is negative.
                took = max(at, previous) - previous + (own if event is HopEvent.SENT else 0.0)
                result[self.phase if event is HopEvent.ENDED else name] = took
                previous = max(at, previous)
        if HopEvent.ENDED in self.event_times:
            self._final_phases = result
        return result

    def to_hop(self) -> Hop:
        """Return an immutable copy of what is known so far."""
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
    """Hold what one attempt recorded so far. ``run_probe`` owns it; only the probe writes to it."""

    started: float = field(default_factory=time.perf_counter)
    values: dict[str, Scalar] = field(default_factory=dict)
    hops: list[HopTrace] = field(default_factory=list)
    screenshots: list[Screenshot] = field(default_factory=list)
    phase: str | None = None

    def set_values(self, **values: Scalar | None) -> None:
        """Set metric values by their declared names; None means that a value did not occur and is skipped."""
        for name, value in values.items():
            if value is not None:
                self.values[name] = value

    def start_hop(self, hop: HopTrace) -> HopTrace:
        """Start a hop now."""
        hop.record_event(HopEvent.STARTED)
        self.hops.append(hop)
        return hop

    def current_phase(self) -> str | None:
        """Return the current or interrupted phase; empty when the attempt ended and only its content was checked."""
        if self.phase is not None:
            return self.phase
        return self.hops[-1].phase if self.hops else None
