"""The demo weather: a pure function of (seed, portal, fleet second); acting on it is left to the sites.

Fleet second 0 is eight in the morning of the first day. A pattern cuts time into equal blocks and puts at most one
event into each, so any moment is answered by looking at one block per pattern: no state, no history to replay, and the
same answer in the fleet, in a test and in a benchmark.
"""

from dataclasses import dataclass
from hashlib import blake2b
from math import exp, inf
from statistics import NormalDist
from typing import Final, TypeAlias

from monitor.tools.demo.fault_profiles import FINE, MINUTE, PATTERNS, SHARES, Condition, Mode, Pattern, Temperament

__all__ = ["Condition", "Event", "Mode", "Spell", "Temperament", "condition", "events", "first_byte", "spell"]

Event: TypeAlias = tuple[float, float, Mode]
"""From fleet second, to fleet second (half open), and what it was like."""

CALM: Final = 5 * MINUTE
"""No event begins before this fleet second: whoever starts to watch first learns what "fine" looks like."""

FASTEST_S: Final = 0.010
SLOWEST_S: Final = 0.120
_MEDIAN_S: Final = (0.018, 0.060)
_SIGMA: Final = 0.35
_NORMAL: Final = NormalDist()


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """A condition and the fleet second until which it surely holds (the spell after it may be the same again)."""

    condition: Condition
    until: float


def draw(*key: object) -> float:
    """Give a number strictly between 0 and 1 that depends on the key alone, on every machine and in every run."""
    digest = blake2b("/".join(map(str, key)).encode(), digest_size=8).digest()
    return ((int.from_bytes(digest) >> 12) + 0.5) / 2**52  # 52 bits, so that no rounding reaches 1.0


def temperament(seed: int, portal: str) -> Temperament:
    """Draw what a portal that was not cast for a part is prone to."""
    left = draw(seed, portal, "temperament")
    for kind, share in SHARES:
        left -= share
        if left < 0:
            return kind
    return Temperament.STEADY  # the shares' sum may miss 1 by a rounding error


def condition(seed: int, portal: str, at_seconds: float, temper: Temperament | None = None) -> Condition:
    """Say how the portal behaves at that fleet second; ``temper`` replaces the drawn temperament."""
    return spell(seed, portal, at_seconds, temper).condition


def spell(seed: int, portal: str, at_seconds: float, temper: Temperament | None = None) -> Spell:
    """Say how the portal behaves at that fleet second and for how long that is sure."""
    until = inf
    for pattern in PATTERNS[temper or temperament(seed, portal)]:
        block = int(at_seconds // pattern.every)
        start, end, form = _event(seed, portal, pattern, block)
        if start <= at_seconds < end:
            return Spell(condition=form, until=min(until, end))
        until = min(until, start if at_seconds < start else (block + 1.0) * pattern.every)
    return Spell(condition=FINE, until=until)


def events(seed: int, portal: str, start: float, end: float, temper: Temperament | None = None) -> list[Event]:
    """List everything but fine weather between two fleet seconds, clipped to them, in order, without overlap."""
    found: list[Event] = []
    temper = temper or temperament(seed, portal)
    at = start
    while at < end:
        now = spell(seed, portal, at, temper)
        mode, until = now.condition.mode, min(now.until, end)
        if mode is not Mode.FINE:
            if found and found[-1][1:] == (at, mode):
                at = found.pop()[0]
            found.append((at, until, mode))
        at = until
    return found


def first_byte(seed: int, portal: str, count: int) -> float:
    """Give the seconds to the first byte of the portal's ``count``-th answer in fine weather (log-normal, clipped)."""
    low, high = _MEDIAN_S
    median = low + (high - low) * draw(seed, portal, "median")
    seconds = median * exp(_SIGMA * _NORMAL.inv_cdf(draw(seed, portal, "first byte", count)))
    return min(max(seconds, FASTEST_S), SLOWEST_S)


def _event(seed: int, portal: str, pattern: Pattern, block: int) -> tuple[float, float, Condition]:
    """Find the block's event; an empty one, at the block's end, where there is none."""
    key = (seed, portal, pattern.name, block)
    certain = pattern.opening if block == 0 else None
    start = block * pattern.every + _within(certain or pattern.start, draw(*key, "start"))
    if start < CALM or (certain is None and draw(*key, "chance") > pattern.chance):
        nowhere = (block + 1.0) * pattern.every
        return nowhere, nowhere, FINE
    end = start + _within(pattern.lasting, draw(*key, "lasting"))
    return start, end, pattern.forms[int(draw(*key, "form") * len(pattern.forms))]


def _within(limits: tuple[int, int], share: float) -> float:
    low, high = limits
    return low + (high - low) * share
