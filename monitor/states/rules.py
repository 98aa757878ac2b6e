"""Thresholds of the states, with their defaults; the modules that use them describe their effect."""

from __future__ import annotations

from dataclasses import dataclass

MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StateRules:
    """When a portal is down, up, degraded, flapping.

    ``down_attempts`` failed attempts within one slot, or ``down_slots`` failing slots in a row, make it down;
    ``up_slots`` successful slots in a row make it up. ``degraded_consecutive`` counts slots in a row of one check,
    ``flap_changes`` changes of state.
    """

    down_attempts: int = 3
    down_slots: int = 2
    up_slots: int = 2
    max_latency_seconds: float = 5.0
    min_certificate_days: float = 14.0
    degraded_consecutive: int = 3
    flap_changes: int = 5
    flap_window_ms: int = 30 * MINUTE_MS
