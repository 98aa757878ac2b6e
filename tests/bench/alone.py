"""The probe alone: one process that probes and stores nothing, beside blackbox_exporter over kept connections.

Both probe 1,000 targets, one hundred times a second, on the core that nginx and the client of the exporter leave free.
"""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import tempfile
import time
import urllib.parse
from pathlib import Path

import aiohttp

from probes.resources import HttpSettings, ProbeResources
from probes.result import Outcome
from probes.runner import run_probe
from probes.uptime import Uptime
from tests.bench.peers import exporter
from tests.bench.process_usage import usage
from tests.bench.row import CannotRun, Row, compared
from tests.bench.subject import nginx, pinned, urls

TARGETS, RATE = 1000, 100.0
ROUNDS, WARM, COUNTED = 5, 2.0, 6.0
WHY = """with OpenSSL 3.5 (Debian 13, and the image) it was met on the machine of \
[connection.md](connection.md#where-the-time-goes), which has both values"""


def main(rounds: int = ROUNDS) -> list[Row]:
    cpu: tuple[list[float], list[float]] = ([], [])
    with tempfile.TemporaryDirectory() as scratch, nginx(Path(scratch)) as (port, ca):
        for number in range(rounds):
            for side in (0, 1) if number % 2 else (1, 0):
                counted = (ours, theirs)[side](Path(scratch), port, ca)
                cpu[side].append(counted)
                print(f"{('ours', 'theirs')[side]:>6}: {counted:.2f} CPU s per 1,000 probes", flush=True)
    return [compared("CPU per 1,000 probes: probe alone", *cpu, unit="s", most=1.1, why=WHY)]


def ours(_scratch: Path, port: int, ca: Path) -> float:
    """CPU seconds per 1,000 probes of ours; the process is this module, started again."""
    command = pinned(1, [sys.executable, "-m", "tests.bench.alone", str(port), str(ca)])
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        if process.stdout.readline() != "warm\n":
            raise CannotRun("the probes failed")
        before = usage(process.pid).cpu
        if process.stdout.readline() != "done\n":
            raise CannotRun("the probes failed")
        after = usage(process.pid).cpu
        process.terminate()
    return (after - before) / (RATE * COUNTED) * 1000


def theirs(scratch: Path, port: int, ca: Path) -> float:
    """CPU seconds per 1,000 probes of blackbox_exporter."""
    process, listen = exporter(scratch, ca)
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        with process:
            counted = asyncio.run(_scrape(listen, urls(TARGETS, port), process.pid))
    finally:
        os.sched_setaffinity(0, cores)
    return counted / (RATE * COUNTED) * 1000


async def _scrape(listen: str, targets: list[str], pid: int) -> float:
    async with aiohttp.ClientSession() as session:

        async def one(url: str) -> None:
            query = urllib.parse.urlencode({"module": "http", "target": url})
            async with session.get(f"http://{listen}/probe?{query}") as response:
                if b"\nprobe_success 1" not in await response.read():
                    raise CannotRun(f"blackbox_exporter could not probe {url}")

        await _at_even_rate(one, targets, WARM)
        before = usage(pid).cpu
        await _at_even_rate(one, targets, COUNTED)
        return usage(pid).cpu - before


async def _at_even_rate(one, targets: list[str], seconds: float) -> None:  # noqa: ANN001 - a coroutine function of a url
    """Call ``one`` at an even rate."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with asyncio.TaskGroup() as group:
        for number in range(int(seconds * RATE)):
            await asyncio.sleep(began + number / RATE - loop.time())
            group.create_task(one(targets[number % len(targets)]))


async def probe_targets(port: int, ca: Path) -> None:
    """Probe in our process, and print when the counted time begins and ends."""
    async with ProbeResources(HttpSettings(ca_file=ca)) as resources:
        probes = {url: Uptime(url=url, family="4", timeout=5) for url in urls(TARGETS, port)}

        async def one(url: str) -> None:
            result = await run_probe(probes[url], resources)
            if result.outcome is not Outcome.UP:
                raise CannotRun(f"{url}: {result.detail}")

        gc.collect()
        gc.freeze()
        await _at_even_rate(one, list(probes), WARM)
        print("warm", flush=True)
        await _at_even_rate(one, list(probes), COUNTED)
        print("done", flush=True)
        time.sleep(60)  # noqa: ASYNC251 - the parent reads our CPU usage and ends us


if __name__ == "__main__":
    asyncio.run(probe_targets(int(sys.argv[1]), Path(sys.argv[2])))
