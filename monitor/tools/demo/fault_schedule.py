"""The fault schedule of the demo: a pure function of (seed, portal, fleet second); `site` applies it.

Fleet second 0 is eight in the morning of the first day. A pattern divides time into equal blocks with at most one
event each, so the condition at any time follows from one block per pattern: no state, no history to replay, and the
same result in the fleet, in a test and in a benchmark.
"""

from dataclasses import dataclass
from hashlib import blake2b
from math import exp, inf
from statistics import NormalDist
from typing import Final, TypeAlias

from monitor.tools.demo.fault_profiles import (
    MINUTE,
    NO_FAULT,
    PROFILE_PATTERNS,
    PROFILE_SHARES,
    FaultCondition,
    FaultMode,
    FaultPattern,
    FaultProfile,
)

__all__ = [
    "FaultCondition",
    "FaultEvent",
    "FaultInterval",
    "FaultMode",
    "FaultProfile",
    "condition_at",
    "fault_events",
    "fault_interval_at",
    "first_byte_seconds",
]

FaultEvent: TypeAlias = tuple[float, float, FaultMode]
"""From fleet second, to fleet second (half open), mode."""

INITIAL_FAULT_FREE_SECONDS: Final = 5 * MINUTE
"""No event begins before this fleet second: an observer first sees the state without faults."""

MIN_FIRST_BYTE_SECONDS: Final = 0.010
MAX_FIRST_BYTE_SECONDS: Final = 0.120
_MEDIAN_RANGE_SECONDS: Final = (0.018, 0.060)
_SIGMA: Final = 0.35
_NORMAL: Final = NormalDist()


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultInterval:
    """A condition and the fleet second until which it certainly holds (the next interval may have the same)."""

    condition: FaultCondition
    until_seconds: float


def hash_uniform(*key: object) -> float:
    """Return a number strictly between 0 and 1 that depends on the key alone, on every host and in every run."""
    digest = blake2b("/".join(map(str, key)).encode(), digest_size=8).digest()
    return ((int.from_bytes(digest) >> 12) + 0.5) / 2**52  # 52 bits, so that no rounding reaches 1.0


def draw_fault_profile(seed: int, portal: str) -> FaultProfile:
    """Draw the profile of a portal without a fixed one."""
    remaining = hash_uniform(seed, portal, "temperament")
    for profile, share in PROFILE_SHARES:
        remaining -= share
        if remaining < 0:
            return profile
    return FaultProfile.STEADY  # the shares' sum may miss 1 by a rounding error


def condition_at(seed: int, portal: str, at_seconds: float, profile: FaultProfile | None = None) -> FaultCondition:
    """Return the condition of the portal at a fleet second; *profile* replaces the drawn one."""
    return fault_interval_at(seed, portal, at_seconds, profile).condition


def fault_interval_at(seed: int, portal: str, at_seconds: float, profile: FaultProfile | None = None) -> FaultInterval:
    """Return the condition of the portal at a fleet second and until when it certainly holds."""
    until = inf
    for pattern in PROFILE_PATTERNS[profile or draw_fault_profile(seed, portal)]:
        block = int(at_seconds // pattern.period_seconds)
        start, end, condition = _block_event(seed, portal, pattern, block)
        if start <= at_seconds < end:
            return FaultInterval(condition=condition, until_seconds=min(until, end))
        until = min(until, start if at_seconds < start else (block + 1.0) * pattern.period_seconds)
    return FaultInterval(condition=NO_FAULT, until_seconds=until)


def fault_events(
    seed: int, portal: str, start_seconds: float, end_seconds: float, profile: FaultProfile | None = None
) -> list[FaultEvent]:
    """List the faults between two fleet seconds, clipped to them, in order, without overlap."""
    found: list[FaultEvent] = []
    profile = profile or draw_fault_profile(seed, portal)
    at = start_seconds
    while at < end_seconds:
        now = fault_interval_at(seed, portal, at, profile)
        mode, until = now.condition.mode, min(now.until_seconds, end_seconds)
        if mode is not FaultMode.FINE:
            if found and found[-1][1:] == (at, mode):
                at = found.pop()[0]
            found.append((at, until, mode))
        at = until
    return found


def first_byte_seconds(seed: int, portal: str, count: int) -> float:
    """Return the seconds to the first byte of the portal's *count*-th response without fault (log-normal, clipped)."""
    low, high = _MEDIAN_RANGE_SECONDS
    median = low + (high - low) * hash_uniform(seed, portal, "median")
    seconds = median * exp(_SIGMA * _NORMAL.inv_cdf(hash_uniform(seed, portal, "first byte", count)))
    return min(max(seconds, MIN_FIRST_BYTE_SECONDS), MAX_FIRST_BYTE_SECONDS)


def _block_event(seed: int, portal: str, pattern: FaultPattern, block: int) -> tuple[float, float, FaultCondition]:
    """Return the event of a block; an empty one at the end of the block where there is none."""
    key = (seed, portal, pattern.name, block)
    certain = pattern.first_start_range_seconds if block == 0 else None
    offset = _interpolate(certain or pattern.start_range_seconds, hash_uniform(*key, "start"))
    start = block * pattern.period_seconds + offset
    if start < INITIAL_FAULT_FREE_SECONDS or (certain is None and hash_uniform(*key, "chance") > pattern.probability):
        block_end = (block + 1.0) * pattern.period_seconds
        return block_end, block_end, NO_FAULT
    end = start + _interpolate(pattern.duration_range_seconds, hash_uniform(*key, "lasting"))
    return start, end, pattern.conditions[int(hash_uniform(*key, "form") * len(pattern.conditions))]


def _interpolate(limits: tuple[int, int], share: float) -> float:
    low, high = limits
    return low + (high - low) * share
