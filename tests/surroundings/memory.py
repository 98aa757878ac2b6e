"""No memory for a browser: looks that need one are void and say so, the others go on, and later there is one again."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitor.schedule import offset
from probes.base import Outcome
from tests.surroundings.city import PORTALS, City
from tests.surroundings.stage import Stage
from tests.surroundings.verdict import Result, judge_memory, judge_rows, judge_slots

if TYPE_CHECKING:
    from collections.abc import Iterator

EVERY = 130
"""Seconds between two renderings: the shortest that a rendering with its browser's start may have."""

SOON = 5.0


def life(scratch: Path, *, long: bool) -> Iterator[Result]:
    """The kernel's word about memory is a file of ours, mounted over its own."""
    told = scratch / "meminfo"
    real = Path("/proc/meminfo").read_text()
    told.write_text(real)
    subprocess.run(["mount", "--bind", told, "/proc/meminfo"], check=True)
    checks: dict[str, Any] = {
        "uptime": {"interval": "1500ms", "timeout": "450ms", "family": "4"},
        "latency": {"enabled": False},
        "mobile": {"enabled": True, "interval": f"{EVERY}s", "timeout": "10s", "runs": 1},
    }
    with City(scratch) as city:
        stage = Stage(scratch, portals=(_next(),), checks=checks)
        try:
            told.write_text("MemTotal: 2000000 kB\nMemAvailable: 100000 kB\n")
            stage.start()
            yield gate(stage, city, told, real)
        finally:
            stage.kill()


def _next() -> str:
    """The portal whose next rendering comes soonest, but not before the daemon runs."""
    now = time.time_ns() // 1_000_000 + int(SOON * 1000)
    return min(PORTALS, key=lambda one: (offset(f"{one}/mobile", EVERY * 1000) - now) % (EVERY * 1000))


def gate(stage: Stage, city: City, told: Path, real: str) -> Result:
    """Void while there is none, a rendering at the next slot after there is."""
    result = Result(trouble="no memory for the browser", cases=1)

    def renderings(outcome: Outcome) -> list[str]:
        return [one.detail for one in stage.looks() if one.check == "mobile" and one.outcome is outcome]

    stage.until(lambda: renderings(Outcome.VOID), "a rendering is void", EVERY + 30)
    words = renderings(Outcome.VOID)[0]
    result.check("MB of memory are left" in words, f"the reason is {words!r}")
    result.check(set(stage.states().values()) == {"up"}, "the other looks do not go on")
    told.write_text(real)
    took = stage.until(lambda: renderings(Outcome.UP), "a rendering succeeds", 2 * EVERY + 60)
    judge_rows(result, stage, 0, "MB of memory are left")
    city.broken.clear()
    slots = judge_slots(result, stage)
    judge_memory(result, stage)
    result.measured = f"void, then rendered {took:.0f} s later (a slot every {EVERY} s); {slots} slots"
    return result
