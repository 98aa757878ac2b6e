"""The numbers behind the states, with their defaults; what they do stands where each is used."""

from __future__ import annotations

from dataclasses import dataclass

MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StateRules:
    """When a portal is down, up, degraded, flapping.

    ``down_looks`` failed looks within one slot, or ``down_after`` failing slots in a row, make it down; ``up_after``
    good slots in a row make it up. ``latency`` is in seconds, ``flap_window`` in ms; ``degraded_after`` counts looks in
    a row of one check, ``flap_changes`` changes of state.
    """

    down_looks: int = 3
    down_after: int = 2
    up_after: int = 2
    max_latency_seconds: float = 5.0
    min_certificate_days: float = 14.0
    degraded_consecutive: int = 3
    flap_changes: int = 5
    flap_window_ms: int = 30 * MINUTE_MS
