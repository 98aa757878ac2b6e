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

LAG_SAMPLE_SECONDS = 0.5
"""How often :meth:`Machine.beat` is to be called."""

_MAX_SAMPLES = 256
_OVERLOAD_FAULTS = {Fault.DNS, Fault.CONNECT_TIMEOUT, Fault.TIMEOUT, Fault.RESET}
"""Faults that a machine without time for us can produce. All others prove an answer that we had the time to read."""

_CLOCK_FAULTS = {Fault.TLS_EXPIRED, Fault.TLS_UNTRUSTED}
"""Faults that a wrong clock can produce as well: whether a certificate holds depends on the hour."""

_CLOCK_STEP_HOLD_SECONDS = 60.0
"""A clock that was set is doubted for so many seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostLimits:
    """Beyond these the machine is in trouble: seconds of the loop's lag, load per processor, seconds of a clock step.

    ``slow``: a good look that took longer (seconds) is doubted too, while the machine is in trouble.
    """

    lag: float = 1.0
    load: float = 8.0
    step: float = 2.0
    slow_probe_seconds: float = 5.0


@dataclass(slots=True)
class HostHealth:
    """Remembers the last minutes of lag and clock steps. ``load`` gives the load average of the last minute."""

    clock: Clock
    limits: HostLimits = field(default_factory=HostLimits)
    load_average: Callable[[], float] = lambda: os.getloadavg()[0]
    cpu_count: int = field(default_factory=lambda: os.cpu_count() or 1)
    _last_sample: float | None = None
    _clock_offset: float | None = None
    _lags: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=_MAX_SAMPLES))
    _clock_steps: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=_MAX_SAMPLES))

    def record_lag(self, lag_seconds: float) -> None:
        """Note by how many seconds a timer came late, and whether the clock was set since the beat before."""
        now = self.clock.monotonic()
        offset = self.clock.now() / 1000 - now
        if lag_seconds > self.limits.lag:
            self._lags.append((now, lag_seconds))
        if self._clock_offset is not None and abs(offset - self._clock_offset) > self.limits.step:
            self._clock_steps.append((now, offset - self._clock_offset))
        self._last_sample, self._clock_offset = now, offset

    def problem(self, check: Check, result: ProbeResult) -> str | None:
        """Why ``result`` tells of this machine rather than of the portal, or None."""
        slow = result.outcome is Outcome.UP and result.duration > self.limits.slow_probe_seconds
        if not (slow or result.fault in _OVERLOAD_FAULTS or result.fault in _CLOCK_FAULTS) or is_loopback(
            check, result
        ):
            return None
        now = self.clock.monotonic()
        if (step := self._newest(self._clock_steps, now - result.duration - _CLOCK_STEP_HOLD_SECONDS)) is not None:
            return f"the clock of this machine was set by {step:.1f} s"
        if result.fault in _CLOCK_FAULTS:
            return None
        lag = self._newest(self._lags, now - result.duration)
        overdue = now - self._last_sample - LAG_SAMPLE_SECONDS if self._last_sample is not None else 0.0
        if lag is not None or overdue > self.limits.lag:
            return f"the monitor itself was {max(lag or 0.0, overdue):.1f} s late"
        load = self.load_average() / self.cpu_count
        return f"the load of this machine is {load:.1f} per processor" if load > self.limits.load else None

    @staticmethod
    def _newest(samples: deque[tuple[float, float]], since: float) -> float | None:
        return samples[-1][1] if samples and samples[-1][0] >= since else None


def is_loopback(check: Check, result: ProbeResult) -> bool:
    """Whether the look stayed on this machine, where no network can stand between."""
    host = str(result.values.get("address") or URL(check.probe.url).host or "")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
