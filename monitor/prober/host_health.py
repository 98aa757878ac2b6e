"""Checks whether this host, not the portal, explains a failed or slow probe; fast successes cost nothing."""

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
"""Seconds between calls of :meth:`HostHealth.record_lag`."""

_MAX_SAMPLES = 256
_OVERLOAD_FAULTS = {Fault.DNS, Fault.CONNECT_TIMEOUT, Fault.TIMEOUT, Fault.RESET}
"""Faults that an overloaded host can produce. All others prove a response that the host had time to read."""

_CLOCK_FAULTS = {Fault.TLS_EXPIRED, Fault.TLS_UNTRUSTED}
"""Faults that a wrong clock can produce as well: the validity of a certificate depends on the time."""

_CLOCK_STEP_HOLD_SECONDS = 60.0
"""Seconds for which a stepped clock makes results doubtful."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostLimits:
    """Limits of a healthy host: event loop lag in seconds, load per CPU, clock step in seconds.

    While the host is not healthy, successful probes longer than ``slow_probe_seconds`` are doubted too.
    """

    max_loop_lag: float = 1.0
    max_load_per_cpu: float = 8.0
    max_clock_step: float = 2.0
    slow_probe_seconds: float = 5.0


@dataclass(slots=True)
class HostHealth:
    """Keeps recent lags and clock steps. ``load_average`` returns the load average of the last minute."""

    clock: Clock
    limits: HostLimits = field(default_factory=HostLimits)
    load_average: Callable[[], float] = lambda: os.getloadavg()[0]
    cpu_count: int = field(default_factory=lambda: os.cpu_count() or 1)
    _last_sample: float | None = None
    _clock_offset: float | None = None
    _lags: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=_MAX_SAMPLES))
    _clock_steps: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=_MAX_SAMPLES))

    def record_lag(self, lag_seconds: float) -> None:
        """Record the delay of a timer in seconds, and a clock step since the previous call."""
        now = self.clock.monotonic()
        offset = self.clock.now() / 1000 - now
        if lag_seconds > self.limits.max_loop_lag:
            self._lags.append((now, lag_seconds))
        if self._clock_offset is not None and abs(offset - self._clock_offset) > self.limits.max_clock_step:
            self._clock_steps.append((now, offset - self._clock_offset))
        self._last_sample, self._clock_offset = now, offset

    def problem(self, check: Check, result: ProbeResult) -> str | None:
        """Return why *result* is not charged to the portal but to this host, or None."""
        slow = result.outcome is Outcome.UP and result.duration > self.limits.slow_probe_seconds
        if not (slow or result.fault in _OVERLOAD_FAULTS | _CLOCK_FAULTS) or is_loopback(check, result):
            return None
        now = self.clock.monotonic()
        if (step := self._newest(self._clock_steps, now - result.duration - _CLOCK_STEP_HOLD_SECONDS)) is not None:
            return f"the host's clock was stepped by {step:.1f} s"
        if result.fault in _CLOCK_FAULTS:
            return None
        lag = self._newest(self._lags, now - result.duration)
        overdue = now - self._last_sample - LAG_SAMPLE_SECONDS if self._last_sample is not None else 0.0
        if lag is not None or overdue > self.limits.max_loop_lag:
            return f"the event loop was {max(lag or 0.0, overdue):.1f} s late"
        load = self.load_average() / self.cpu_count
        return f"the load of the host is {load:.1f} per CPU" if load > self.limits.max_load_per_cpu else None

    @staticmethod
    def _newest(samples: deque[tuple[float, float]], since: float) -> float | None:
        return samples[-1][1] if samples and samples[-1][0] >= since else None


def is_loopback(check: Check, result: ProbeResult) -> bool:
    """Return whether the probe stayed on this host, so that no network was involved."""
    host = str(result.values.get("address") or URL(check.probe.url).host or "")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
