"""The disk below the journal: full, failing to sync, turned read-only. One daemon runs through all of it."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

from tests.environment.harness import DaemonHarness
from tests.environment.invariants import Result, check_journal, check_rows, check_slots
from tests.environment.network import PORTALS, SimulatedNetwork

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DISK_BYTES = 48 * 2**20


def scenario(scratch: Path, *, long: bool) -> Iterator[Result]:
    """Yield a result after each fault; the last one is about the whole scenario."""
    data = scratch / "data"
    data.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", data], check=True)
    with SimulatedNetwork(scratch):
        harness = DaemonHarness(scratch, data=data)
        try:
            harness.start(faulty=True)
            yield disk(harness, "disk full", lambda: fill(data), lambda: empty(data), long=long)
            for fault, call, number in (
                ("fsync fails", "posix/io/sync/*", 5),
                ("file system read-only", "posix/io/rw/pwrite", 30),
            ):
                inject, clear = f"enable name={call},failinfo={number}", f"disable name={call}"
                yield disk(
                    harness, fault, lambda c=inject: harness.fault(c), lambda c=clear: harness.fault(c), long=long
                )
            yield after_all(harness)
        finally:
            harness.kill()


def fill(data: Path) -> None:
    """Fill the rest of the disk."""
    with (data / "ballast").open("ab", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


def empty(data: Path) -> None:
    """Free the space."""
    (data / "ballast").unlink()


def disk(
    harness: DaemonHarness, fault: str, inject: Callable[[], None], clear: Callable[[], None], *, long: bool
) -> Result:
    """Writes fail for a while. Nothing is lost, not even the measurements of that time."""
    result, since = Result(fault=fault), harness.last
    waits: list[float] = []
    for _ in range(3 if long else 1):
        result.cases += 1
        lines = harness.logged("journal_write_failed"), harness.logged("journal_write_recovered")
        began = time.time_ns() // 1_000_000
        inject()
        harness.until(lambda: harness.metric("portal_monitor_journal_failing") == 1, f"{fault}: the metric shows it")
        before = harness.last
        harness.until(
            lambda: (harness.metric("portal_monitor_journal_pending_records") or 0) >= len(PORTALS), "measurements wait"
        )
        if long and fault == "disk full" and result.cases == 1:
            took = harness.until(lambda: harness.get("/-/ready")[0] == 503, "not ready", 120)
            result.measured = f"not ready after {took:.0f} s; "
        result.check(harness.last == before, "something was committed although writes fail")
        ended = time.time_ns() // 1_000_000
        clear()
        waits.append(harness.recovered(since))
        harness.until(lambda: harness.metric("portal_monitor_journal_failing") == 0, "the metric shows the end")
        meanwhile = {one.portal for one in harness.measurements(since) if began <= (one.started or 0) < ended}
        result.check(meanwhile, "the measurements of that time are lost")
        logged = (
            harness.logged("journal_write_failed") > lines[0] and harness.logged("journal_write_recovered") > lines[1]
        )
        result.check(logged, "it is not logged")
    harness.until(lambda: harness.get("/-/ready")[0] == 200, "ready again")
    check_rows(result, harness, since, "")
    result.measured += f"good probes again after {max(waits):.1f} s"
    return result


def after_all(harness: DaemonHarness) -> Result:
    """The daemon is killed after all that: everything is there."""
    result = Result(fault="every fault of the disk, one after the other", cases=1)
    slots = check_slots(result, harness)
    records = check_journal(result, harness)
    result.measured = f"{slots} slots, {records} records"
    return result
