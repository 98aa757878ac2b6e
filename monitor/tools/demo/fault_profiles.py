"""The nouns of the demo weather, and what each temperament brings; when it comes is left to `weather`."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR


class Mode(StrEnum):
    """How a portal behaves towards one who asks."""

    FINE = "fine"
    SLOW = "slow"
    REFUSE = "refuse"  # nobody listens
    RESET = "reset"  # takes the request, then cuts the connection
    ERROR = "error"  # answers with `Condition.status`
    STALL = "stall"  # takes the request, then says nothing
    MAINTENANCE_PAGE = "maintenance_page"  # 503, Retry-After and a polite page
    BLOCKED = "blocked"  # 403 in the words of an application firewall
    WRONG_BODY = "wrong_body"  # 200, but the home page is an error text and every other page is empty


class Temperament(StrEnum):
    """What kind of weather a portal is prone to."""

    STEADY = "steady"
    SLOW_DAYS = "slow_days"
    OUTAGE_PRONE = "outage_prone"
    FLAPPING = "flapping"
    MAINTAINED = "maintained"
    GUARDED = "guarded"
    SLOPPY = "sloppy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A mode and its strength: the first byte comes after ``base * factor + delay`` seconds, in real time."""

    mode: Mode = Mode.FINE
    status: int = 200
    factor: float = 1.0
    delay: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """At most one event in each block of ``every`` seconds, begun and ended within it.

    ``start`` (from the block's begin) and ``lasting`` are ranges in fleet seconds. ``opening``, where given, takes the
    place of ``start`` in the very first block and makes its event certain.
    """

    name: str
    every: int
    chance: float
    start: tuple[int, int]
    lasting: tuple[int, int]
    forms: tuple[Condition, ...]
    opening: tuple[int, int] | None = None


FINE: Final = Condition()
OUTAGES: Final = (
    Condition(mode=Mode.REFUSE),
    Condition(mode=Mode.ERROR, status=500),
    Condition(mode=Mode.ERROR, status=502),
    Condition(mode=Mode.ERROR, status=503),
    Condition(mode=Mode.STALL),
    Condition(mode=Mode.RESET),
)
_FLAPS: Final = (Condition(mode=Mode.ERROR, status=502), Condition(mode=Mode.RESET))
_NIGHT_WORK: Final = (Condition(mode=Mode.MAINTENANCE_PAGE, status=503),)
_FIREWALL: Final = (Condition(mode=Mode.BLOCKED, status=403),)
_BROKEN_PAGE: Final = (Condition(mode=Mode.WRONG_BODY),)
_SLOWNESS: Final = (
    Condition(mode=Mode.SLOW, factor=6.0, delay=0.2),
    Condition(mode=Mode.SLOW, factor=12.0, delay=0.5),
    Condition(mode=Mode.SLOW, factor=20.0, delay=1.5),
)


def _rare() -> Pattern:
    span = (3 * MINUTE, 20 * MINUTE)
    return Pattern(name="rare", every=3 * DAY, chance=0.5, start=(0, 71 * HOUR), lasting=span, forms=OUTAGES)


def _outages() -> Pattern:
    start, span, soon = (10 * MINUTE, 5 * HOUR), (3 * MINUTE, 40 * MINUTE), (15 * MINUTE, HOUR)
    return Pattern(name="outage", every=6 * HOUR, chance=0.8, start=start, lasting=span, forms=OUTAGES, opening=soon)


def _flaps() -> Pattern:
    start, span = (0, 5 * MINUTE), (2 * MINUTE, 5 * MINUTE)
    return Pattern(name="flap", every=10 * MINUTE, chance=0.9, start=start, lasting=span, forms=_FLAPS)


def _mishaps(forms: tuple[Condition, ...]) -> Pattern:
    start, span = (10 * MINUTE, 5 * HOUR), (10 * MINUTE, 30 * MINUTE)
    return Pattern(name="mishap", every=6 * HOUR, chance=0.7, start=start, lasting=span, forms=forms)


def _once_a_day(start: tuple[int, int], lasting: tuple[int, int], forms: tuple[Condition, ...]) -> Pattern:
    return Pattern(name="daily", every=DAY, chance=0.85, start=start, lasting=lasting, forms=forms)


PATTERNS: Final[dict[Temperament, tuple[Pattern, ...]]] = {
    Temperament.STEADY: (_rare(),),
    # Fleet days begin at eight: the slow hours lie after lunch, the maintenance shortly before midnight.
    Temperament.SLOW_DAYS: (_rare(), _once_a_day((5 * HOUR, 6 * HOUR), (2 * HOUR, 4 * HOUR), _SLOWNESS)),
    Temperament.MAINTAINED: (_rare(), _once_a_day((15 * HOUR, 16 * HOUR), (30 * MINUTE, 90 * MINUTE), _NIGHT_WORK)),
    Temperament.OUTAGE_PRONE: (_outages(),),
    Temperament.FLAPPING: (_flaps(),),
    Temperament.GUARDED: (_mishaps(_FIREWALL),),
    Temperament.SLOPPY: (_mishaps(_BROKEN_PAGE),),
}
"""Where two patterns of one temperament meet, the one named first prevails."""

SHARES: Final[tuple[tuple[Temperament, float], ...]] = (
    (Temperament.STEADY, 0.45),
    (Temperament.SLOW_DAYS, 0.20),
    (Temperament.OUTAGE_PRONE, 0.15),
    (Temperament.MAINTAINED, 0.08),
    (Temperament.GUARDED, 0.06),
    (Temperament.SLOPPY, 0.06),
)
"""How often a temperament is drawn; flapping is never drawn but cast, so that a fleet has exactly one such portal."""
