"""Conditions, patterns and profiles of the demo's faults; `fault_schedule` decides when they happen."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR


class FaultMode(StrEnum):
    """How a portal responds to a request."""

    FINE = "fine"
    SLOW = "slow"
    REFUSE = "refuse"  # no process listens
    RESET = "reset"  # takes the request, then cuts the connection
    ERROR = "error"  # responds with `FaultCondition.status`
    STALL = "stall"  # takes the request, then sends nothing
    MAINTENANCE_PAGE = "maintenance_page"  # 503, Retry-After and a polite page
    BLOCKED = "blocked"  # 403 with the page of a web application firewall
    WRONG_BODY = "wrong_body"  # 200, but the home page is an error text and every other page is empty


class FaultProfile(StrEnum):
    """Which faults a portal has."""

    STEADY = "steady"
    SLOW_DAYS = "slow_days"
    OUTAGE_PRONE = "outage_prone"
    FLAPPING = "flapping"
    MAINTAINED = "maintained"
    FIREWALLED = "firewalled"
    WRONG_BODY = "wrong_body"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultCondition:
    """A mode and its strength: the first byte comes after ``base * factor + delay`` seconds, in real time."""

    mode: FaultMode = FaultMode.FINE
    status: int = 200
    factor: float = 1.0
    delay: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultPattern:
    """At most one event in each block of ``period_seconds``, with its start and end within the block.

    Ranges are in fleet seconds, those of the start from the begin of the block. ``first_start_range_seconds``, where
    given, replaces ``start_range_seconds`` in the first block and makes its event certain.
    """

    name: str
    period_seconds: int
    probability: float
    start_range_seconds: tuple[int, int]
    duration_range_seconds: tuple[int, int]
    conditions: tuple[FaultCondition, ...]
    first_start_range_seconds: tuple[int, int] | None = None


NO_FAULT: Final = FaultCondition()
OUTAGE_CONDITIONS: Final = (
    FaultCondition(mode=FaultMode.REFUSE),
    FaultCondition(mode=FaultMode.ERROR, status=500),
    FaultCondition(mode=FaultMode.ERROR, status=502),
    FaultCondition(mode=FaultMode.ERROR, status=503),
    FaultCondition(mode=FaultMode.STALL),
    FaultCondition(mode=FaultMode.RESET),
)
_SLOW_CONDITIONS: Final = (
    FaultCondition(mode=FaultMode.SLOW, factor=6.0, delay=0.2),
    FaultCondition(mode=FaultMode.SLOW, factor=12.0, delay=0.5),
    FaultCondition(mode=FaultMode.SLOW, factor=20.0, delay=1.5),
)

_RARE_OUTAGES: Final = FaultPattern(
    name="rare", period_seconds=3 * DAY, probability=0.5, conditions=OUTAGE_CONDITIONS,
    start_range_seconds=(0, 71 * HOUR), duration_range_seconds=(3 * MINUTE, 20 * MINUTE),
)  # fmt: skip
_FREQUENT_OUTAGES: Final = FaultPattern(
    name="outage", period_seconds=6 * HOUR, probability=0.8, conditions=OUTAGE_CONDITIONS,
    start_range_seconds=(10 * MINUTE, 5 * HOUR), duration_range_seconds=(3 * MINUTE, 40 * MINUTE),
    first_start_range_seconds=(15 * MINUTE, HOUR),
)  # fmt: skip
_FLAPPING: Final = FaultPattern(
    name="flap", period_seconds=10 * MINUTE, probability=0.9,
    conditions=(FaultCondition(mode=FaultMode.ERROR, status=502), FaultCondition(mode=FaultMode.RESET)),
    start_range_seconds=(0, 5 * MINUTE), duration_range_seconds=(2 * MINUTE, 5 * MINUTE),
)  # fmt: skip


def _occasional(condition: FaultCondition) -> FaultPattern:
    return FaultPattern(
        name="mishap", period_seconds=6 * HOUR, probability=0.7, conditions=(condition,),
        start_range_seconds=(10 * MINUTE, 5 * HOUR), duration_range_seconds=(10 * MINUTE, 30 * MINUTE),
    )  # fmt: skip


def _daily(start: tuple[int, int], duration: tuple[int, int], *conditions: FaultCondition) -> FaultPattern:
    return FaultPattern(
        name="daily", period_seconds=DAY, probability=0.85, conditions=conditions,
        start_range_seconds=start, duration_range_seconds=duration,
    )  # fmt: skip


_MAINTENANCE: Final = FaultCondition(mode=FaultMode.MAINTENANCE_PAGE, status=503)
PROFILE_PATTERNS: Final[dict[FaultProfile, tuple[FaultPattern, ...]]] = {
    FaultProfile.STEADY: (_RARE_OUTAGES,),
    # Fleet days begin at eight: the slow hours lie after lunch, the maintenance shortly before midnight.
    FaultProfile.SLOW_DAYS: (_RARE_OUTAGES, _daily((5 * HOUR, 6 * HOUR), (2 * HOUR, 4 * HOUR), *_SLOW_CONDITIONS)),
    FaultProfile.MAINTAINED: (
        _RARE_OUTAGES,
        _daily((15 * HOUR, 16 * HOUR), (30 * MINUTE, 90 * MINUTE), _MAINTENANCE),
    ),
    FaultProfile.OUTAGE_PRONE: (_FREQUENT_OUTAGES,),
    FaultProfile.FLAPPING: (_FLAPPING,),
    FaultProfile.FIREWALLED: (_occasional(FaultCondition(mode=FaultMode.BLOCKED, status=403)),),
    FaultProfile.WRONG_BODY: (_occasional(FaultCondition(mode=FaultMode.WRONG_BODY)),),
}
"""Where two patterns of a profile overlap, the first one applies."""

PROFILE_SHARES: Final[tuple[tuple[FaultProfile, float], ...]] = (
    (FaultProfile.STEADY, 0.45),
    (FaultProfile.SLOW_DAYS, 0.20),
    (FaultProfile.OUTAGE_PRONE, 0.15),
    (FaultProfile.MAINTAINED, 0.08),
    (FaultProfile.FIREWALLED, 0.06),
    (FaultProfile.WRONG_BODY, 0.06),
)
"""How often a profile is drawn; flapping is set in `names.csv` instead, so that a fleet has exactly one."""
