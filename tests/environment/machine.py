"""Faults of the host: descriptors, processor, resolver. One daemon runs through all of them."""

from __future__ import annotations

import resource
import time
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.model.incidents import NoteKind
from monitor.storage.inbox import new_note, submit_note
from probes.result import Fault, Outcome
from tests.environment.harness import DaemonHarness
from tests.environment.invariants import Result, check_journal, check_rows, check_slots
from tests.environment.network import FIRST_NAMES, PORTALS, SECOND_NAMES, SimulatedNetwork

if TYPE_CHECKING:
    from collections.abc import Iterator


def scenario(scratch: Path, *, long: bool) -> Iterator[Result]:
    """Yield a result after each fault; the last one is about the whole scenario."""
    target = {"name": "on-call", "url": "json://127.0.0.1:9/unused"}
    with SimulatedNetwork(scratch) as network:
        harness = DaemonHarness(scratch, notify={"targets": [target]})
        try:
            harness.start()
            yield descriptors(harness, long=long)
            yield stopped(harness, 60.0 if long else 4.0)
            yield resolver(harness, network, long=long)
            yield outage(harness, network, "descriptors, standstill, resolver")
        finally:
            harness.kill()


def descriptors(harness: DaemonHarness, *, long: bool) -> Result:
    """None is left, or a few; what was committed stays, and notes written meanwhile are imported."""
    result, since = Result(fault="no file descriptors"), harness.last
    waits: list[float] = []
    for spare in (0, 1, 2, 3, 5, 8) if long else (0,):
        result.cases += 1
        note = new_note("p1-20260101T000000Z", NoteKind.COMMENTED, "An", f"with {spare} left", 0)
        submit_note(harness.data, note)
        began = harness.last
        open_now = {int(one.name) for one in Path(f"/proc/{harness.pid}/fd").iterdir()}
        lowest = next(one for one in range(10_000) if one not in open_now)
        before = harness.limit(resource.RLIMIT_NOFILE, lowest + spare)
        slots = 6 if long else 2
        harness.until(lambda n=slots, at=began: _slots(harness, at) >= n, "slots pass without descriptors")
        submit_note(harness.data, new_note("p1-20260101T000000Z", NoteKind.COMMENTED, "Bình", f"during {spare}", 0))
        time.sleep(1.0)  # notes are imported twice a second
        harness.limit(resource.RLIMIT_NOFILE, before[0])
        waits.append(harness.recovered(since))
        if spare == 0:
            unknown = [one for one in harness.measurements(began) if "Too many open files" in one.detail]
            result.check(unknown, "no result names missing descriptors")
        folder = harness.data / "inbox"
        harness.until(lambda f=folder: not list(f.glob("*.json")), "notes are imported")
        result.check(not list(folder.glob("*.bad")), "a note was set aside as invalid because of our own fault")
    harness.until(lambda: harness.get("/-/ready")[0] == 200, "pages are served again")
    check_rows(result, harness, since, "Too many open files|references responds|resolver does not respond|OSError")
    result.measured = f"good probes again after {max(waits):.1f} s"
    return result


def _slots(harness: DaemonHarness, since: int) -> int:
    return len({one.slot // 1000 for one in harness.measurements(since)})


def stopped(harness: DaemonHarness, seconds: float) -> Result:
    """Every late slot is recorded as late."""
    result, since = Result(fault=f"stopped for {seconds:g} s", cases=1), harness.last
    harness.stop_for(seconds)
    took = harness.recovered(since)
    late = [one for one in harness.measurements(since) if "exceeds misfire_grace_time" in one.detail]
    # A slot that is at most the misfire grace time late is probed, or overlapped.
    least = int((seconds - 2.5) / 1.5) * len(harness.portals)
    result.check(len(late) >= least, f"{len(late)} slots are recorded as late, not {least}")
    check_rows(result, harness, since, "")
    result.measured = f"{len(late)} slots late, good probes again after {took:.1f} s"
    return result


def resolver(harness: DaemonHarness, network: SimulatedNetwork, *, long: bool) -> Result:
    """The name server moves; the old one goes away before or after that."""
    result, since = Result(fault="resolver replaced"), harness.last
    waits: list[float] = []
    here, there = FIRST_NAMES, SECOND_NAMES
    for first in ("new", "old", "new", "old") if long else ("old",):
        result.cases += 1
        began = harness.last
        if first == "old":
            network.close_names(here)
            harness.until(lambda at=began: _dns_unknown(harness, at) >= len(PORTALS), "DNS fails")
            network.open_names(there)
            network.use_names(there)
        else:
            network.open_names(there)
            network.use_names(there)
            harness.until(lambda to=there: network.query_count(to) > 0, "the new one is queried")
            network.close_names(here)
        waits.append(harness.recovered(since))
        here, there = there, here
    check_rows(result, harness, since, "the resolver does not respond|portals stopped answering|was reachable")
    result.measured = f"good probes again after {max(waits):.1f} s"
    return result


def _dns_unknown(harness: DaemonHarness, since: int) -> int:
    """Count probes that found no name and were not charged; on a loaded machine the load may be the recorded reason."""
    return sum(one.fault is Fault.DNS and one.outcome is Outcome.UNKNOWN for one in harness.measurements(since))


def outage(harness: DaemonHarness, network: SimulatedNetwork, fault: str) -> Result:
    """After all that a real outage is found and notified; then the daemon is killed, and everything is there."""
    result = Result(fault=f"{fault}, one after the other", cases=1)
    network.broken.add("p3")
    took = harness.until(lambda: harness.states().get("p3") == "down", "a real outage is found")
    harness.until(lambda: any(one.incident.startswith("p3-") for one in harness.messages()), "it is notified")
    check_rows(result, harness, 0, ".", broken={"p3"})
    slots = check_slots(result, harness)
    records = check_journal(result, harness)
    result.measured = f"{slots} slots, {records} records, a real outage found in {took:.1f} s"
    return result
