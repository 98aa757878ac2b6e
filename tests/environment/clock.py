"""The clock is set while the daemon runs, by an hour and by a year, forth and back; what a suspended machine sees too.

A machine that slept finds its hour ahead of its monotonic clock: to the daemon that is a step forward.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from monitor.model.records import State, UnknownReason
from monitor.prober.schedule import MAX_GAP_MS
from probes.result import Outcome
from tests.environment.city import City
from tests.environment.stage import Stage
from tests.environment.verdict import Result, judge_memory, judge_rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EVERY = 3
HOUR, YEAR = 3_600_000, 365 * 86_400_000
PORTALS = ("p1", "p2")
SET = "the clock of this machine was set"


def life(scratch: Path, *, long: bool) -> Iterator[Result]:
    """Two portals, looked at every 3 s, since a day that was missed is written slot for slot."""
    uptime = {"interval": f"{EVERY}s", "timeout": "900ms", "family": "4"}
    with City(scratch) as city:
        stage = Stage(
            scratch,
            portals=PORTALS,
            checks={"uptime": uptime, "latency": {"enabled": False}},
            confirm={"after": ["200ms", "400ms"]},
            archive={"enabled": False},  # else the year would seal this day, which is another story
        )
        try:
            stage.start()
            if long:
                yield forward(stage, "an hour forward", HOUR)
                yield back_within_a_day(stage)
            yield forward(stage, "a year forward", YEAR)
            yield back(stage, "a year back", -YEAR)
            if long:
                yield back(stage, "ten years back", -10 * YEAR)
                yield forward(stage, "nine years forward", 9 * YEAR)
            yield whole(stage, city)
        finally:
            stage.kill()


def _set(stage: Stage, by: int) -> int:
    """Set the clock; the hour that it shows now."""
    stage.hands.set(stage.hands.get() + by)
    return _now(stage)


def _now(stage: Stage) -> int:
    return time.time_ns() // 1_000_000 + stage.hands.get()


def _well(stage: Stage, since: int, seconds: float = 120.0) -> float:
    """Wait until every portal was looked at by the new hour; the seconds that it took."""
    now = _now(stage)

    def seen() -> bool:
        good = (one for one in stage.looks(since) if one.outcome is Outcome.UP)
        return {one.portal for one in good if 0 <= (one.started or 0) - now < 10 * HOUR} == set(PORTALS)

    return stage.until(seen, "looks go on by the new hour", seconds)


def forward(stage: Stage, trouble: str, by: int) -> Result:
    """What was skipped is void and says so, of a year the first slot and the last day; looks go on at once."""
    result, since, said = Result(trouble=f"clock set {trouble}", cases=1), stage.last, stage.logged("clock_stepped")
    now = _set(stage, by)
    took = _well(stage, since)
    stage.until(lambda: stage.logged("clock_stepped") > said, "the log says so")
    late = [one for one in stage.looks(since) if one.void is UnknownReason.LATE and one.slot < now]
    least = (min(by, MAX_GAP_MS) // (EVERY * 1000) - 2) * len(PORTALS)
    result.check(len(late) >= least, f"{len(late)} slots are told as late, not {least}")
    times = {(one.key, one.slot) for one in late}
    result.check(len(times) == len(late), "a slot has two outcomes")
    judge_rows(result, stage, since, SET)
    result.measured = f"{len(late)} slots told as late, good looks again after {took:.1f} s"
    return result


def back_within_a_day(stage: Stage) -> Result:
    """Slots that have their outcome are not looked at again: looks wait for the hour, and it is said."""
    result = Result(trouble="clock set an hour back, and forward again", cases=1)
    since, said = stage.last, stage.logged("clock_stepped")
    _set(stage, -HOUR)
    stage.until(lambda: stage.logged("clock_stepped") > said, "the log says so")
    took = stage.until(lambda: stage.get("/-/ready")[0] == 503, "readiness says so", 150)
    result.measured = f"not ready after {took:.0f} s; "
    before = len(stage.looks())
    _set(stage, HOUR)
    took = _well(stage, since)
    stage.until(lambda: stage.get("/-/ready")[0] == 200, "ready again")
    again = [(one.key, one.slot) for one in stage.looks()]
    result.check(len(again) == len(set(again)), "a slot has two outcomes")
    result.check(len(again) > before, "no look went on")
    judge_rows(result, stage, since, SET)
    result.measured += f"good looks again {took:.1f} s after the hour is right"
    return result


def back(stage: Stage, trouble: str, by: int) -> Result:
    """It was a wrong hour before: looks, states and pages go on by the new one without a restart."""
    result, since, said = Result(trouble=f"clock set {trouble}", cases=1), stage.last, stage.logged("clock_stepped")
    _set(stage, by)
    took = _well(stage, since)
    stage.until(lambda: stage.logged("clock_stepped") > said, "the log says so")
    stage.until(lambda: stage.get("/-/ready")[0] == 200, "ready")
    stage.until(lambda: set(stage.states().values()) == {"up"}, "the pages show it")
    judge_rows(result, stage, since, SET)
    result.measured = f"good looks again after {took:.1f} s"
    return result


def whole(stage: Stage, city: City) -> Result:
    """After all that an outage is found, dated by the right hour, and told; then the power goes."""
    result, since = Result(trouble="all clocks, one after the other", cases=1), stage.last
    broke = _now(stage)
    city.broken.add("p2")
    took = stage.until(lambda: stage.states().get("p2") == "down", "a real outage is found")
    ages = [one.at - broke for one in stage.changes(since) if one.portal == "p2" and one.state is State.DOWN]
    result.check(ages and abs(ages[0]) < HOUR // 60, f"the outage is dated {ages} ms after it began")
    slots = [(one.key, one.slot) for one in stage.looks()]
    result.check(len(slots) == len(set(slots)), "a slot has two outcomes")
    records = judge_memory(result, stage)
    result.measured = f"{len(slots)} slots, {records} records, a real outage found in {took:.1f} s"
    return result
