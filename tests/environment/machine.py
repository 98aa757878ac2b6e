"""The machine fails below the daemon: descriptors, processor, resolver. One daemon lives through all of it."""

from __future__ import annotations

import re
import resource
import time
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.model.incidents import NoteKind
from monitor.storage.inbox import new_note, submit_note
from probes.result import Fault, Outcome
from tests.environment.city import FIRST_NAMES, PORTALS, SECOND_NAMES, City
from tests.environment.stage import Stage
from tests.environment.verdict import Result, judge_memory, judge_rows, judge_slots

if TYPE_CHECKING:
    from collections.abc import Iterator


def life(scratch: Path, *, long: bool) -> Iterator[Result]:
    """Each trouble as it is over; the last result is about the whole life."""
    target = {"name": "on-call", "url": "json://127.0.0.1:9/nobody"}
    with City(scratch) as city:
        stage = Stage(scratch, notify={"targets": [target]})
        try:
            stage.start()
            yield descriptors(stage, long=long)
            yield stopped(stage, 60.0 if long else 4.0)
            yield resolver(stage, city, long=long)
            yield outage(stage, city, "descriptors, standstill, resolver")
        finally:
            stage.kill()


def descriptors(stage: Stage, *, long: bool) -> Result:
    """None is left, or a few; what was committed stays, and whoever left a note meanwhile is heard."""
    result, since = Result(trouble="no file descriptors"), stage.last
    waits: list[float] = []
    for spare in (0, 1, 2, 3, 5, 8) if long else (0,):
        result.cases += 1
        note = new_note("p1-20260101T000000Z", NoteKind.COMMENTED, "An", f"with {spare} left", 0)
        submit_note(stage.data, note)
        began = stage.last
        open_now = {int(one.name) for one in Path(f"/proc/{stage.pid}/fd").iterdir()}
        lowest = next(one for one in range(10_000) if one not in open_now)
        before = stage.limit(resource.RLIMIT_NOFILE, lowest + spare)
        slots = 6 if long else 2
        stage.until(lambda n=slots, at=began: _slots(stage, at) >= n, "slots pass without descriptors")
        submit_note(stage.data, new_note("p1-20260101T000000Z", NoteKind.COMMENTED, "Bình", f"during {spare}", 0))
        time.sleep(1.0)  # the clerk looks twice a second
        stage.limit(resource.RLIMIT_NOFILE, before[0])
        waits.append(stage.well(since))
        if spare == 0:
            blind = [one for one in stage.looks(began) if "Too many open files" in one.detail]
            result.check(blind, "no look says that descriptors are missing")
        folder = stage.data / "inbox"
        stage.until(lambda f=folder: not list(f.glob("*.json")), "notes are taken in")
        result.check(not list(folder.glob("*.bad")), "a note was put aside as bad because of our own trouble")
    stage.until(lambda: stage.get("/-/ready")[0] == 200, "pages are served again")
    judge_rows(result, stage, since, "Too many open files|references answers|resolver does not answer|OSError")
    result.measured = f"good looks again after {max(waits):.1f} s"
    return result


def _slots(stage: Stage, since: int) -> int:
    return len({one.slot // 1000 for one in stage.looks(since)})


def stopped(stage: Stage, seconds: float) -> Result:
    """Not a single look is late without saying so."""
    result, since = Result(trouble=f"stopped for {seconds:g} s", cases=1), stage.last
    stage.stop_for(seconds)
    took = stage.well(since)
    voids = [one for one in stage.looks(since) if re.search("s late", one.detail)]
    least = int((seconds - 2.5) / 1.5) * len(stage.portals)  # what is at most `grace` late is looked at, or overlapped
    result.check(len(voids) >= least, f"{len(voids)} slots are told as late, not {least}")
    judge_rows(result, stage, since, "")
    result.measured = f"{len(voids)} slots late, good looks again after {took:.1f} s"
    return result


def resolver(stage: Stage, city: City, *, long: bool) -> Result:
    """The name server moves; the old one goes away before or after that."""
    result, since = Result(trouble="resolver replaced"), stage.last
    waits: list[float] = []
    here, there = FIRST_NAMES, SECOND_NAMES
    for first in ("new", "old", "new", "old") if long else ("old",):
        result.cases += 1
        began = stage.last
        if first == "old":
            city.close_names(here)
            stage.until(lambda at=began: _blind(stage, at) >= len(PORTALS), "the resolver is missed")
            city.open_names(there)
            city.use_names(there)
        else:
            city.open_names(there)
            city.use_names(there)
            stage.until(lambda to=there: city.asked(to) > 0, "the new one is asked")
            city.close_names(here)
        waits.append(stage.well(since))
        here, there = there, here
    judge_rows(result, stage, since, "the resolver does not answer|portals stopped answering|could be seen")
    result.measured = f"good looks again after {max(waits):.1f} s"
    return result


def _blind(stage: Stage, since: int) -> int:
    """Looks that found no name and were not charged; on a loaded machine the load is the reason that is told."""
    return sum(one.fault is Fault.DNS and one.outcome is Outcome.VOID for one in stage.looks(since))


def outage(stage: Stage, city: City, trouble: str) -> Result:
    """After all that a real outage is found and told; then the power goes, and everything is there."""
    result = Result(trouble=f"{trouble}, one after the other", cases=1)
    city.broken.add("p3")
    took = stage.until(lambda: stage.states().get("p3") == "down", "a real outage is found")
    stage.until(lambda: any(one.incident.startswith("p3-") for one in stage.messages()), "it is told")
    judge_rows(result, stage, 0, ".", broken={"p3"})
    slots = judge_slots(result, stage)
    records = judge_memory(result, stage)
    result.measured = f"{slots} slots, {records} records, a real outage found in {took:.1f} s"
    return result
