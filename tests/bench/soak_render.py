"""A soak of the browser: 300 loads with crashes, hangs, kills and cancellations; what is left of it afterwards."""
# ruff: noqa: ASYNC110, ASYNC240 - processes and servers have no event to wait for

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from probes.browser.pool import BrowserPoolSettings
from probes.browser.process_tree import PROC, descendants, tree_memory_bytes
from probes.mobile import Mobile
from probes.resources import ProbeResources
from probes.runner import run_probe
from tests.servers.hostile import Hostile, hostile

LOADS = 300
EVERY = 10
"""Of so many loads one has each disturbance, the others are of good pages."""

DISTURBANCES = ("crash", "hang", "busy", "kill", "cancel")


async def one(resources: ProbeResources, site: Hostile, number: int) -> str:
    """Make one load, with the disturbance that is due; return how it ended."""
    disturbance = DISTURBANCES[number % EVERY] if number % EVERY < len(DISTURBANCES) else ""
    path = {"": "/good", "busy": "/busy"}.get(disturbance, "/never")
    probe = Mobile(url=site.at(path), timeout=5.0, profiles=("mobile-real",))
    task = asyncio.create_task(run_probe(probe, resources))
    if disturbance in {"crash", "hang", "kill", "cancel"}:
        await _disturb(site, task, disturbance)
    await asyncio.wait([task])
    if task.cancelled():
        return f"{disturbance}: cancelled"
    found = task.result()
    return f"{disturbance or 'good'}: {found.outcome.value}{f' ({found.fault.value})' if found.fault else ''}"


async def _disturb(site: Hostile, task: asyncio.Task[object], disturbance: str) -> None:
    """Wait until the page loads, then disturb it."""
    before = site.requests["/endless"]
    while site.requests["/endless"] == before and not task.done():
        await asyncio.sleep(0.02)
    if disturbance == "cancel":
        task.cancel()
        return
    word = b"probes.browser.worker" if disturbance == "kill" else b"--type=renderer"
    number = signal.SIGSTOP if disturbance == "hang" else signal.SIGKILL
    found = []
    for process in descendants(os.getpid()):
        with suppress(OSError):
            if word in (PROC / str(process) / "cmdline").read_bytes():
                found.append(process)
    if found:
        os.kill(max(found), number)  # the newest: of the pages' processes, the one of this load


async def soak(loads: int) -> None:
    """Make the loads, and print what became of them and what is left."""
    began, ends, memory = time.monotonic(), Counter[str](), []
    async with (
        hostile() as site,
        ProbeResources(browser_settings=BrowserPoolSettings(min_speed_ratio=0.0, niceness=0)) as resources,
    ):
        for number in range(loads):
            ends[await one(resources, site, number)] += 1
            if number % EVERY == EVERY - 1:
                memory.append((tree_memory_bytes(os.getpid()), _own()))
                line = f"{number + 1:>4} loads  {time.monotonic() - began:>6.0f} s"
                print(
                    f"{line}  all {memory[-1][0] / 2**20:>5.0f} MiB  daemon {memory[-1][1] / 2**20:>5.1f} MiB",
                    flush=True,
                )
    for end, count in sorted(ends.items()):
        print(f"{count:>5}  {end}")
    print(f"processes left: {len(descendants(os.getpid()))}")
    left = sorted(path.name for path in Path(tempfile.gettempdir()).iterdir())
    print(f"files left: {len(left)} {' '.join(left)}".rstrip())
    half = len(memory) // 2 or 1
    early, late = (sum(own for _, own in part) / len(part) / 2**20 for part in (memory[:half], memory[half:]))
    print(f"daemon's memory: {early:.1f} MiB in the first half, {late:.1f} MiB in the second")


def _own() -> int:
    """Resident bytes of this process alone."""
    return int((PROC / "self" / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="r") as scratch:  # no other program writes here
        tempfile.tempdir = os.environ["TMPDIR"] = scratch
        asyncio.run(soak(int(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1].isdecimal() else LOADS))


if __name__ == "__main__":
    main()
