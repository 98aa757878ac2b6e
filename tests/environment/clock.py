"""The clock is set while the daemon runs, by an hour and by a year, forward and back; a suspended machine has the same.

The wall clock of a machine that slept is ahead of its monotonic clock: to the daemon that is a step forward.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from monitor.model.records import State, UnknownReason
from monitor.prober.schedule import MAX_GAP_MS
from probes.result import Outcome
from tests.environment.harness import DaemonHarness
from tests.environment.invariants import Result, check_journal, check_rows
from tests.environment.network import SimulatedNetwork

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EVERY = 3
HOUR, YEAR = 3_600_000, 365 * 86_400_000
PORTALS = ("p1", "p2")
SET = "the host's clock was stepped"


def scenario(scratch: Path, *, long: bool) -> Iterator[Result]:
    """Two portals, probed every 3 s, since a missed day is written slot for slot."""
    uptime = {"interval": f"{EVERY}s", "timeout": "900ms", "family": "4"}
    with SimulatedNetwork(scratch) as network:
        harness = DaemonHarness(
            scratch,
            portals=PORTALS,
            checks={"uptime": uptime, "latency": {"enabled": False}},
            confirm={"delays": ["200ms", "400ms"]},
            archive={"enabled": False},  # else the year would seal this day
        )
        try:
            harness.start()
            if long:
                yield forward(harness, "an hour forward", HOUR)
                yield back_within_a_day(harness)
            yield forward(harness, "a year forward", YEAR)
            yield back(harness, "a year back", -YEAR)
            if long:
                yield back(harness, "ten years back", -10 * YEAR)
                yield forward(harness, "nine years forward", 9 * YEAR)
            yield after_all(harness, network)
        finally:
            harness.kill()


def _set(harness: DaemonHarness, by: int) -> int:
    """Set the clock; return the time that it shows now."""
    harness.clock_offset.set(harness.clock_offset.get() + by)
    return _now(harness)


def _now(harness: DaemonHarness) -> int:
    return time.time_ns() // 1_000_000 + harness.clock_offset.get()


def _recovered(harness: DaemonHarness, since: int, seconds: float = 120.0) -> float:
    """Wait until every portal was probed by the new time; return the seconds that it took."""
    now = _now(harness)

    def seen() -> bool:
        good = (one for one in harness.measurements(since) if one.outcome is Outcome.UP)
        return {one.portal for one in good if 0 <= (one.started or 0) - now < 10 * HOUR} == set(PORTALS)

    return harness.until(seen, "probes go on by the new time", seconds)


def forward(harness: DaemonHarness, fault: str, by: int) -> Result:
    """Skipped slots are unknown with their reason, of a year the first slot and the last day; probes go on at once."""
    result, since = Result(fault=f"clock set {fault}", cases=1), harness.last
    logged_before = harness.logged("clock_stepped")
    now = _set(harness, by)
    took = _recovered(harness, since)
    harness.until(lambda: harness.logged("clock_stepped") > logged_before, "the step is logged")
    late = [one for one in harness.measurements(since) if one.unknown_reason is UnknownReason.LATE and one.slot < now]
    least = (min(by, MAX_GAP_MS) // (EVERY * 1000) - 2) * len(PORTALS)
    result.check(len(late) >= least, f"{len(late)} slots are recorded as late, not {least}")
    times = {(one.key, one.slot) for one in late}
    result.check(len(times) == len(late), "a slot has two outcomes")
    check_rows(result, harness, since, SET)
    result.measured = f"{len(late)} slots recorded as late, good probes again after {took:.1f} s"
    return result


def back_within_a_day(harness: DaemonHarness) -> Result:
    """Slots that have their outcome are not probed again: probes wait for the time, and readiness shows it."""
    result = Result(fault="clock set an hour back, and forward again", cases=1)
    since, logged_before = harness.last, harness.logged("clock_stepped")
    _set(harness, -HOUR)
    harness.until(lambda: harness.logged("clock_stepped") > logged_before, "the step is logged")
    took = harness.until(lambda: harness.get("/-/ready")[0] == 503, "not ready", 150)
    result.measured = f"not ready after {took:.0f} s; "
    before = len(harness.measurements())
    _set(harness, HOUR)
    took = _recovered(harness, since)
    harness.until(lambda: harness.get("/-/ready")[0] == 200, "ready again")
    again = [(one.key, one.slot) for one in harness.measurements()]
    result.check(len(again) == len(set(again)), "a slot has two outcomes")
    result.check(len(again) > before, "no probe went on")
    check_rows(result, harness, since, SET)
    result.measured += f"good probes again {took:.1f} s after the time is right"
    return result


def back(harness: DaemonHarness, fault: str, by: int) -> Result:
    """The time was wrong before: probes, states and pages go on by the new time without a restart."""
    result, since = Result(fault=f"clock set {fault}", cases=1), harness.last
    logged_before = harness.logged("clock_stepped")
    _set(harness, by)
    took = _recovered(harness, since)
    harness.until(lambda: harness.logged("clock_stepped") > logged_before, "the step is logged")
    harness.until(lambda: harness.get("/-/ready")[0] == 200, "ready")
    harness.until(lambda: set(harness.states().values()) == {"up"}, "the pages show it")
    check_rows(result, harness, since, SET)
    result.measured = f"good probes again after {took:.1f} s"
    return result


def after_all(harness: DaemonHarness, network: SimulatedNetwork) -> Result:
    """After all that an outage is found with the right time; then the daemon is killed."""
    result, since = Result(fault="all clocks, one after the other", cases=1), harness.last
    broke = _now(harness)
    network.broken.add("p2")
    took = harness.until(lambda: harness.states().get("p2") == "down", "a real outage is found")
    ages = [one.at - broke for one in harness.changes(since) if one.portal == "p2" and one.state is State.DOWN]
    result.check(ages and abs(ages[0]) < HOUR // 60, f"the outage is dated {ages} ms after it began")
    slots = [(one.key, one.slot) for one in harness.measurements()]
    result.check(len(slots) == len(set(slots)), "a slot has two outcomes")
    records = check_journal(result, harness)
    result.measured = f"{len(slots)} slots, {records} records, a real outage found in {took:.1f} s"
    return result
