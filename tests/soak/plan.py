"""What a soak does and when: a course is a list of lives of the daemon and a list of steps; pure, from a seed.

Ten times means: whatever the shipped configuration and the demo's weather count in real time passes ten times as fast.
A home page is looked at every 6 s instead of every minute, its other page every 30 s instead of every five minutes, a
failure is confirmed after 0.2 and 0.5 s instead of 2 and 5, flapping is five changes within 3 minutes instead of 30,
and ten seconds of weather pass in one. Half an hour of soak is five hours of a fleet's day. What a single look may take
stays as the demo has it: a page does not answer sooner because the clock runs.

One thing is quicker still: four renderings a day would be one in 36 minutes, so a page is rendered every 3 minutes.
"""

from __future__ import annotations

import enum
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.tools.demo.fault_profiles import FaultMode
from monitor.tools.demo.portals import Trait, portal_specs

if TYPE_CHECKING:
    from monitor.tools.demo.portals import PortalSpec

SPEED = 10.0
UPTIME_S = 60.0 / SPEED
LATENCY_S = 300.0 / SPEED
CONFIRM_S = (2.0 / SPEED, 5.0 / SPEED)
FLAP_WINDOW_S = 1800.0 / SPEED
SHARED_S = 120.0 / SPEED
SCORES_S = 300.0 / SPEED
RENDER_S = 180.0
SEED = 7

BREAKING = (
    FaultMode.REFUSE,
    FaultMode.RESET,
    FaultMode.ERROR,
    FaultMode.STALL,
    FaultMode.MAINTENANCE_PAGE,
    FaultMode.BLOCKED,
)
"""What a portal cannot do without being down; slow and wrong pages may or may not be."""

_LASTS = (2.0, 75.0)
"""How long (seconds) a fault that the soak causes lasts: some are over before anybody could confirm them."""


class Do(enum.StrEnum):
    """Everything that a step may be."""

    BREAK = "break"  # a portal: `what` is its mode
    MEND = "mend"
    STOP_DATABASE = "stop database"
    START_DATABASE = "start database"
    HALT_DATABASE = "halt database"  # it takes connections and answers nothing
    GO_ON_DATABASE = "go on database"
    BUSY_DATABASE = "busy database"  # nginx answers 503 before it
    FREE_DATABASE = "free database"
    SHUT_WEBHOOK = "shut webhook"  # it answers 503
    OPEN_WEBHOOK = "open webhook"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """``at`` counts the seconds in which the daemon has looked, over all its lives."""

    at: float
    do: Do
    portal: str = ""
    what: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One life of the daemon: so many seconds of looking, how it ends, and how long nobody is there afterwards."""

    seconds: float
    killed: bool
    absence: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """All of a soak. ``profiles`` and ``pages`` are what is rendered."""

    portals: int
    profiles: tuple[str, ...]
    pages: tuple[str, ...]
    spans: tuple[Span, ...]
    steps: tuple[Step, ...]


def course(minutes: float) -> Course:
    """The course of that length; below three minutes one with a single kill and few faults."""
    seconds = minutes * 60.0
    return _short(seconds) if minutes < 3.0 else _long(seconds)


def _short(seconds: float) -> Course:
    """One portal breaks before a kill of the daemon and is mended after it, one breaks after it; databases as well."""
    first, second, third = (part.id for part in portal_specs(3, SEED))
    half = seconds * 0.46
    steps = (
        Step(at=0.5, do=Do.BREAK, portal=first, what=FaultMode.REFUSE.value),
        Step(at=half * 0.7, do=Do.STOP_DATABASE),
        Step(at=half + 1.0, do=Do.BREAK, portal=second, what=FaultMode.ERROR.value),
        Step(at=half + 1.5, do=Do.MEND, portal=first),
        Step(at=half + 2.0, do=Do.START_DATABASE),
        Step(at=half + 4.0, do=Do.BREAK, portal=third, what=FaultMode.RESET.value),
        Step(at=half + 4.5, do=Do.MEND, portal=third),
        Step(at=seconds - 1.0, do=Do.MEND, portal=second),
    )
    spans = (Span(seconds=half, killed=True, absence=1.0), Span(seconds=seconds - half, killed=False))
    profiles = ("mobile-real", "desktop", "mobile")  # so many that one is due soon, whenever this begins
    return Course(portals=6, profiles=profiles, pages=("home", "search"), spans=spans, steps=steps)


def _long(seconds: float) -> Course:
    """Three short lives, and two long ones by which memory is judged; the second ends the soak."""
    portals = 12
    spans = (
        Span(seconds=seconds * 0.06, killed=False, absence=4.0),
        Span(seconds=seconds * 0.06, killed=True, absence=0.0),
        Span(seconds=seconds * 0.06, killed=True, absence=9.0),
        Span(seconds=seconds * 0.32, killed=False, absence=20.0),
        Span(seconds=seconds * 0.50, killed=False),
    )
    dice = random.Random(SEED)  # noqa: S311 - a story, no secret
    servers = [
        *_outage(seconds, 0.05, 0.02, Do.STOP_DATABASE, Do.START_DATABASE),
        *_outage(seconds, 0.11, 0.02, Do.HALT_DATABASE, Do.GO_ON_DATABASE),
        *_outage(seconds, 0.20, 0.04, Do.BUSY_DATABASE, Do.FREE_DATABASE),
        *_outage(seconds, 0.26, 0.03, Do.SHUT_WEBHOOK, Do.OPEN_WEBHOOK),
        *_outage(seconds, 0.52, 0.05, Do.STOP_DATABASE, Do.START_DATABASE),
        *_outage(seconds, 0.62, 0.01, Do.HALT_DATABASE, Do.GO_ON_DATABASE),
        *_outage(seconds, 0.72, 0.02, Do.SHUT_WEBHOOK, Do.OPEN_WEBHOOK),
        *_outage(seconds, 0.80, 0.03, Do.BUSY_DATABASE, Do.FREE_DATABASE),
        *_outage(seconds, 0.90, 0.02, Do.STOP_DATABASE, Do.START_DATABASE),
    ]
    steps = sorted([*servers, *_faults(seconds, portal_specs(portals, SEED), dice)], key=lambda step: step.at)
    return Course(portals=portals, profiles=("mobile",), pages=("home",), spans=spans, steps=tuple(steps))


def _outage(seconds: float, at: float, lasts: float, begin: Do, end: Do) -> tuple[Step, Step]:
    return Step(at=at * seconds, do=begin), Step(at=(at + lasts) * seconds, do=end)


def _faults(seconds: float, fleet: tuple[PortalSpec, ...], dice: random.Random) -> list[Step]:
    """Every quarter of a minute or so a portal breaks, each way in its turn, beside what the weather does."""
    able = [part.id for part in fleet if part.trait is not Trait.RETIRED]
    free = dict.fromkeys(able, 0.0)
    found: list[Step] = []
    at, number = 10.0, 0
    while at < seconds - _LASTS[1]:
        ready = [portal for portal in able if free[portal] <= at]
        if ready:
            portal, mode = dice.choice(ready), BREAKING[number % len(BREAKING)]
            until = at + dice.uniform(*_LASTS)
            found.append(Step(at=at, do=Do.BREAK, portal=portal, what=mode.value))
            found.append(Step(at=until, do=Do.MEND, portal=portal))
            free[portal] = until + dice.uniform(20.0, 90.0)
            number += 1
        at += dice.uniform(8.0, 22.0)
    return found
