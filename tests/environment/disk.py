"""The disk below the journal: full, failing to sync, turned read-only. One daemon lives through all of it."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

from tests.environment.city import PORTALS, City
from tests.environment.stage import Stage
from tests.environment.verdict import Result, judge_memory, judge_rows, judge_slots

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DISK_BYTES = 48 * 2**20


def life(scratch: Path, *, long: bool) -> Iterator[Result]:
    """Each trouble as it is over; the last result is about the whole life."""
    data = scratch / "data"
    data.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", data], check=True)
    with City(scratch):
        stage = Stage(scratch, data=data)
        try:
            stage.start(faulty=True)
            yield disk(stage, "disk full", lambda: fill(data), lambda: empty(data), long=long)
            for trouble, call, number in (
                ("fsync fails", "posix/io/sync/*", 5),
                ("file system read-only", "posix/io/rw/pwrite", 30),
            ):
                hurt, ease = f"enable name={call},failinfo={number}", f"disable name={call}"
                yield disk(stage, trouble, lambda c=hurt: stage.fault(c), lambda c=ease: stage.fault(c), long=long)
            yield whole(stage)
        finally:
            stage.kill()


def fill(data: Path) -> None:
    """Take all that is left of the disk."""
    with (data / "ballast").open("ab", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


def empty(data: Path) -> None:
    """Give it back."""
    (data / "ballast").unlink()


def disk(stage: Stage, trouble: str, hurt: Callable[[], None], ease: Callable[[], None], *, long: bool) -> Result:
    """It does not take what it is given for a while. Nothing is lost, not even the looks of that time."""
    result, since = Result(trouble=trouble), stage.last
    waits: list[float] = []
    for _ in range(3 if long else 1):
        result.cases += 1
        lines = stage.logged("journal_cannot_remember"), stage.logged("journal_remembers_again")
        began = time.time_ns() // 1_000_000
        hurt()
        stage.until(lambda: stage.metric("portal_monitor_journal_failing") == 1, f"{trouble}: the metric says so")
        before = stage.last
        stage.until(lambda: (stage.metric("portal_monitor_journal_waiting_records") or 0) >= len(PORTALS), "looks wait")
        if long and trouble == "disk full" and result.cases == 1:
            took = stage.until(lambda: stage.get("/-/ready")[0] == 503, "readiness says so", 120)
            result.measured = f"not ready after {took:.0f} s; "
        result.check(stage.last == before, "something was committed although the disk refuses")
        ended = time.time_ns() // 1_000_000
        ease()
        waits.append(stage.well(since))
        stage.until(lambda: stage.metric("portal_monitor_journal_failing") == 0, "the metric says that it is over")
        meanwhile = {one.portal for one in stage.looks(since) if began <= (one.started or 0) < ended}
        result.check(meanwhile, "the looks of that time are not remembered")
        said = stage.logged("journal_cannot_remember") > lines[0] and stage.logged("journal_remembers_again") > lines[1]
        result.check(said, "the log does not say it")
    stage.until(lambda: stage.get("/-/ready")[0] == 200, "ready again")
    judge_rows(result, stage, since, "")
    result.measured += f"good looks again after {max(waits):.1f} s"
    return result


def whole(stage: Stage) -> Result:
    """The power goes after all that: everything is there."""
    result = Result(trouble="every trouble of the disk, one after the other", cases=1)
    slots = judge_slots(result, stage)
    records = judge_memory(result, stage)
    result.measured = f"{slots} slots, {records} records"
    return result
