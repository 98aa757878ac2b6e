"""No memory for a browser: page loads are unknown with their reason, other probes go on, and later pages load again."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitor.prober.schedule import slot_offset_ms
from probes.result import Outcome
from tests.environment.harness import DaemonHarness
from tests.environment.invariants import Result, check_journal, check_rows, check_slots
from tests.environment.network import NETWORK, PORTALS, SimulatedNetwork

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.model.records import Measurement

EVERY = 130
"""Seconds between two renderings: the shortest that a rendering with its browser's start may have."""

SOON = 15.0

TOO_LITTLE_MEMORY = "MB of memory available"


def scenario(scratch: Path, *, long: bool) -> Iterator[Result]:
    """A file of ours is mounted over the kernel's /proc/meminfo."""
    meminfo = scratch / "meminfo"
    real = Path("/proc/meminfo").read_text()
    meminfo.write_text(real)
    subprocess.run(["mount", "--bind", meminfo, "/proc/meminfo"], check=True)
    checks: dict[str, Any] = {
        "uptime": {"interval": "1500ms", "timeout": "450ms", "family": "4"},
        "latency": {"enabled": False},
        "mobile": {"enabled": True, "interval": f"{EVERY}s", "timeout": "10s", "runs": 1},
    }
    with SimulatedNetwork(scratch):
        harness = DaemonHarness(scratch, portals=(_next(),), checks=checks, browser={"allowed_networks": [NETWORK]})
        try:
            meminfo.write_text("MemTotal: 2000000 kB\nMemAvailable: 100000 kB\n")
            harness.start()
            yield memory_limit(harness, meminfo, real)
        finally:
            harness.kill()


def _next() -> str:
    """The portal whose next rendering comes soonest, but not before the daemon runs."""
    now = time.time_ns() // 1_000_000 + int(SOON * 1000)
    return min(PORTALS, key=lambda one: (slot_offset_ms(f"{one}/mobile", EVERY * 1000) - now) % (EVERY * 1000))


def memory_limit(harness: DaemonHarness, meminfo: Path, real: str) -> Result:
    """Unknown while there is none; at the next slot after there is, a browser starts.

    On a busy machine its page load may still be unknown, since its times would be wrong there; that is no failure.
    """
    result = Result(fault="no memory for the browser", cases=1)

    def renderings() -> list[Measurement]:
        return [one for one in harness.measurements() if one.check == "mobile"]

    harness.until(renderings, "a rendering is due", EVERY + 30)
    first = renderings()[0]
    result.check(
        first.outcome is Outcome.UNKNOWN and TOO_LITTLE_MEMORY in first.detail,
        f"not unknown for lack of memory: {first}",
    )
    result.check(set(harness.states().values()) == {"up"}, "the other probes do not go on")
    meminfo.write_text(real)
    took = harness.until(lambda: len(renderings()) > 1, "a browser starts", 2 * EVERY)
    second = renderings()[1]
    result.check(second.duration and TOO_LITTLE_MEMORY not in second.detail, f"no browser was started: {second}")
    check_rows(
        result, harness, 0, f"{TOO_LITTLE_MEMORY}|throttling has no effect|this host|browser worker did not respond"
    )
    slots = check_slots(result, harness)
    check_journal(result, harness)
    became = "rendered" if second.outcome is Outcome.UP else f"a browser started ({second.detail})"
    result.measured = f"unknown, then {became} {took:.0f} s later, a slot every {EVERY} s; {slots} slots"
    return result
