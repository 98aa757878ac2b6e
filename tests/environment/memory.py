"""No memory for a browser: looks that need one are void and say so, the others go on, and later there is one again."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitor.prober.schedule import slot_offset_ms
from probes.result import Outcome
from tests.environment.city import NETWORK, PORTALS, City
from tests.environment.stage import Stage
from tests.environment.verdict import Result, judge_memory, judge_rows, judge_slots

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.model.records import Measurement

EVERY = 130
"""Seconds between two renderings: the shortest that a rendering with its browser's start may have."""

SOON = 15.0

GATE = "MB of memory are left"


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
    with City(scratch):
        stage = Stage(scratch, portals=(_next(),), checks=checks, render={"reach": [NETWORK]})
        try:
            told.write_text("MemTotal: 2000000 kB\nMemAvailable: 100000 kB\n")
            stage.start()
            yield gate(stage, told, real)
        finally:
            stage.kill()


def _next() -> str:
    """The portal whose next rendering comes soonest, but not before the daemon runs."""
    now = time.time_ns() // 1_000_000 + int(SOON * 1000)
    return min(PORTALS, key=lambda one: (slot_offset_ms(f"{one}/mobile", EVERY * 1000) - now) % (EVERY * 1000))


def gate(stage: Stage, told: Path, real: str) -> Result:
    """Void while there is none; at the next slot after there is, a browser starts.

    On a busy machine its rendering may still be void, since a load says nothing there; that is told, and no failure.
    """
    result = Result(trouble="no memory for the browser", cases=1)

    def renderings() -> list[Measurement]:
        return [one for one in stage.looks() if one.check == "mobile"]

    stage.until(renderings, "a rendering is due", EVERY + 30)
    first = renderings()[0]
    result.check(first.outcome is Outcome.VOID and GATE in first.detail, f"not void for want of memory: {first}")
    result.check(set(stage.states().values()) == {"up"}, "the other looks do not go on")
    told.write_text(real)
    took = stage.until(lambda: len(renderings()) > 1, "a browser starts", 2 * EVERY)
    second = renderings()[1]
    result.check(second.duration and GATE not in second.detail, f"no browser was started: {second}")
    judge_rows(result, stage, 0, f"{GATE}|throttling takes no effect|this host|the browser did not answer")
    slots = judge_slots(result, stage)
    judge_memory(result, stage)
    became = "rendered" if second.outcome is Outcome.UP else f"a browser started ({second.detail})"
    result.measured = f"void, then {became} {took:.0f} s later, a slot every {EVERY} s; {slots} slots"
    return result
