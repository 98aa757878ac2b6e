"""Is it us? What this machine says of itself when a look failed or was slow; good looks cost it nothing."""

from __future__ import annotations

import ipaddress
import os
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from yarl import URL

from probes.result import Fault, Outcome, ProbeResult

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.model.clock import Clock
    from monitor.model.records import Check

BEAT_SECONDS = 0.5
"""How often :meth:`Machine.beat` is to be called."""

_KEPT = 256
_SLOWED = {Fault.DNS, Fault.CONNECT_TIMEOUT, Fault.TIMEOUT, Fault.RESET}
"""Faults that a machine without time for us can produce. All others prove an answer that we had the time to read."""

_DATED = {Fault.TLS_EXPIRED, Fault.TLS_UNTRUSTED}
"""Faults that a wrong clock can produce as well: whether a certificate holds depends on the hour."""

_AFTER_STEP = 60.0
"""A clock that was set is doubted for so many seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Beyond these the machine is in trouble: seconds of the loop's lag, load per processor, seconds of a clock step.

    ``slow``: a good look that took longer (seconds) is doubted too, while the machine is in trouble.
    """

    lag: float = 1.0
    load: float = 8.0
    step: float = 2.0
    slow: float = 5.0


@dataclass(slots=True)
class Machine:
    """Remembers the last minutes of lag and clock steps. ``load`` gives the load average of the last minute."""

    clock: Clock
    limits: Limits = field(default_factory=Limits)
    load: Callable[[], float] = lambda: os.getloadavg()[0]
    processors: int = field(default_factory=lambda: os.cpu_count() or 1)
    _beat: float | None = None
    _offset: float | None = None
    _lags: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=_KEPT))
    _steps: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=_KEPT))

    def beat(self, lag: float) -> None:
        """Note by how many seconds a timer came late, and whether the clock was set since the beat before."""
        now = self.clock.monotonic()
        offset = self.clock.now() / 1000 - now
        if lag > self.limits.lag:
            self._lags.append((now, lag))
        if self._offset is not None and abs(offset - self._offset) > self.limits.step:
            self._steps.append((now, offset - self._offset))
        self._beat, self._offset = now, offset

    def trouble(self, check: Check, result: ProbeResult) -> str | None:
        """Why ``result`` tells of this machine rather than of the portal, or None."""
        slow = result.outcome is Outcome.UP and result.duration > self.limits.slow
        if not (slow or result.fault in _SLOWED or result.fault in _DATED) or on_this_machine(check, result):
            return None
        now = self.clock.monotonic()
        if (step := self._newest(self._steps, now - result.duration - _AFTER_STEP)) is not None:
            return f"the clock of this machine was set by {step:.1f} s"
        if result.fault in _DATED:
            return None
        lag = self._newest(self._lags, now - result.duration)
        overdue = now - self._beat - BEAT_SECONDS if self._beat is not None else 0.0
        if lag is not None or overdue > self.limits.lag:
            return f"the monitor itself was {max(lag or 0.0, overdue):.1f} s late"
        load = self.load() / self.processors
        return f"the load of this machine is {load:.1f} per processor" if load > self.limits.load else None

    @staticmethod
    def _newest(noted: deque[tuple[float, float]], since: float) -> float | None:
        return noted[-1][1] if noted and noted[-1][0] >= since else None


def on_this_machine(check: Check, result: ProbeResult) -> bool:
    """Whether the look stayed on this machine, where no network can stand between."""
    host = str(result.values.get("address") or URL(check.probe.url).host or "")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
