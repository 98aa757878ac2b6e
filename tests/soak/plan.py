"""What a soak does and when: a plan is a list of runs of the daemon and a list of steps; pure, from a seed.

Ten times means: times of the shipped configuration and of the demo's fault schedule pass ten times as fast.
A home page is probed every 6 s instead of every minute, its other page every 30 s instead of every five minutes, a
failure is confirmed after 0.2 and 0.5 s instead of 2 and 5, flapping is five changes within 3 minutes instead of 30,
and ten seconds of the fault schedule pass in one. Half an hour of soak is five hours of a fleet's day. The
timeouts of a probe stay as in the demo: a page does not answer sooner because the clock is faster.

One thing is faster still: four renderings a day would be one in 36 minutes, so a page is rendered every 3 minutes.
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
CORRELATION_S = 120.0 / SPEED
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

_FAULT_SECONDS = (2.0, 75.0)
"""How long (seconds) a fault that the soak causes length: some end before they could be confirmed."""


class Action(enum.StrEnum):
    """What a step does."""

    BREAK = "break"  # a portal: `what` is its mode
    RESTORE = "restore"
    STOP_DATABASE = "stop database"
    START_DATABASE = "start database"
    HALT_DATABASE = "halt database"  # it accepts connections and does not respond
    GO_ON_DATABASE = "go on database"
    BUSY_DATABASE = "busy database"  # nginx answers 503 before it
    FREE_DATABASE = "free database"
    SHUT_WEBHOOK = "shut webhook"  # it answers 503
    OPEN_WEBHOOK = "open webhook"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """``at`` counts the seconds in which the daemon has probed, over all its runs."""

    at: float
    action: Action
    portal: str = ""
    what: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRun:
    """One run of the daemon: so many seconds of probing, how it ends, and how long no daemon runs afterwards."""

    seconds: float
    killed: bool
    downtime_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SoakPlan:
    """The plan of a soak. ``profiles`` and ``pages`` are what is rendered."""

    portals: int
    profiles: tuple[str, ...]
    pages: tuple[str, ...]
    runs: tuple[PlannedRun, ...]
    steps: tuple[Step, ...]


def soak_plan(minutes: float) -> SoakPlan:
    """Return the plan of that length; below three minutes one with a single kill and few faults."""
    seconds = minutes * 60.0
    return _short(seconds) if minutes < 3.0 else _long(seconds)


def _short(seconds: float) -> SoakPlan:
    """One portal fails before a kill of the daemon and recovers after it, one fails after it; databases as well."""
    first, second, third = (part.id for part in portal_specs(3, SEED))
    half = seconds * 0.46
    steps = (
        Step(at=0.5, action=Action.BREAK, portal=first, what=FaultMode.REFUSE.value),
        Step(at=half * 0.7, action=Action.STOP_DATABASE),
        Step(at=half + 1.0, action=Action.BREAK, portal=second, what=FaultMode.ERROR.value),
        Step(at=half + 1.5, action=Action.RESTORE, portal=first),
        Step(at=half + 2.0, action=Action.START_DATABASE),
        Step(at=half + 4.0, action=Action.BREAK, portal=third, what=FaultMode.RESET.value),
        Step(at=half + 4.5, action=Action.RESTORE, portal=third),
        Step(at=seconds - 1.0, action=Action.RESTORE, portal=second),
    )
    runs = (
        PlannedRun(seconds=half, killed=True, downtime_seconds=1.0),
        PlannedRun(seconds=seconds - half, killed=False),
    )
    profiles = ("mobile-real", "desktop", "mobile")  # so many that one is due soon, at any time of the day
    return SoakPlan(portals=6, profiles=profiles, pages=("home", "search"), runs=runs, steps=steps)


def _long(seconds: float) -> SoakPlan:
    """Three short runs, and two long ones by which memory is evaluated; the second ends the soak."""
    portals = 12
    runs = (
        PlannedRun(seconds=seconds * 0.06, killed=False, downtime_seconds=4.0),
        PlannedRun(seconds=seconds * 0.06, killed=True, downtime_seconds=0.0),
        PlannedRun(seconds=seconds * 0.06, killed=True, downtime_seconds=9.0),
        PlannedRun(seconds=seconds * 0.32, killed=False, downtime_seconds=20.0),
        PlannedRun(seconds=seconds * 0.50, killed=False),
    )
    dice = random.Random(SEED)  # noqa: S311 - no secret
    servers = [
        *_outage(seconds, 0.05, 0.02, Action.STOP_DATABASE, Action.START_DATABASE),
        *_outage(seconds, 0.11, 0.02, Action.HALT_DATABASE, Action.GO_ON_DATABASE),
        *_outage(seconds, 0.20, 0.04, Action.BUSY_DATABASE, Action.FREE_DATABASE),
        *_outage(seconds, 0.26, 0.03, Action.SHUT_WEBHOOK, Action.OPEN_WEBHOOK),
        *_outage(seconds, 0.52, 0.05, Action.STOP_DATABASE, Action.START_DATABASE),
        *_outage(seconds, 0.62, 0.01, Action.HALT_DATABASE, Action.GO_ON_DATABASE),
        *_outage(seconds, 0.72, 0.02, Action.SHUT_WEBHOOK, Action.OPEN_WEBHOOK),
        *_outage(seconds, 0.80, 0.03, Action.BUSY_DATABASE, Action.FREE_DATABASE),
        *_outage(seconds, 0.90, 0.02, Action.STOP_DATABASE, Action.START_DATABASE),
    ]
    steps = sorted([*servers, *_faults(seconds, portal_specs(portals, SEED), dice)], key=lambda step: step.at)
    return SoakPlan(portals=portals, profiles=("mobile",), pages=("home",), runs=runs, steps=tuple(steps))


def _outage(seconds: float, at: float, length: float, begin: Action, end: Action) -> tuple[Step, Step]:
    return Step(at=at * seconds, action=begin), Step(at=(at + length) * seconds, action=end)


def _faults(seconds: float, fleet: tuple[PortalSpec, ...], dice: random.Random) -> list[Step]:
    """Every quarter of a minute or so a portal fails, each way in its turn, besides the fault schedule."""
    able = [part.id for part in fleet if part.trait is not Trait.RETIRED]
    free = dict.fromkeys(able, 0.0)
    found: list[Step] = []
    at, number = 10.0, 0
    while at < seconds - _FAULT_SECONDS[1]:
        ready = [portal for portal in able if free[portal] <= at]
        if ready:
            portal, mode = dice.choice(ready), BREAKING[number % len(BREAKING)]
            until = at + dice.uniform(*_FAULT_SECONDS)
            found.append(Step(at=at, action=Action.BREAK, portal=portal, what=mode.value))
            found.append(Step(at=until, action=Action.RESTORE, portal=portal))
            free[portal] = until + dice.uniform(20.0, 90.0)
            number += 1
        at += dice.uniform(8.0, 22.0)
    return found
