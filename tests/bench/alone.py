"""The probe alone: one process that looks and stores nothing, beside blackbox_exporter asked over kept connections.

Both look at 1,000 targets, one hundred times a second, on the core that nginx and whoever asks the exporter leave free.
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
from tests.bench.accounts import usage
from tests.bench.peers import exporter
from tests.bench.row import CannotRun, Row, compared
from tests.bench.subject import nginx, pinned, urls

TARGETS, RATE = 1000, 100.0
ROUNDS, WARM, COUNTED = 5, 2.0, 6.0
WHY = """with OpenSSL 3.5 (Debian 13, and the image) it was met on the machine of \
[connection.md](connection.md#where-the-time-goes), which has both figures"""


def main(rounds: int = ROUNDS) -> list[Row]:
    cpu: tuple[list[float], list[float]] = ([], [])
    with tempfile.TemporaryDirectory() as scratch, nginx(Path(scratch)) as (port, ca):
        for number in range(rounds):
            for side in (0, 1) if number % 2 else (1, 0):
                counted = (ours, theirs)[side](Path(scratch), port, ca)
                cpu[side].append(counted)
                print(f"{('ours', 'theirs')[side]:>6}: {counted:.2f} CPU s a 1,000 looks", flush=True)
    return [compared("CPU a 1,000 looks: probe alone", *cpu, unit="s", most=1.1, why=WHY)]


def ours(_scratch: Path, port: int, ca: Path) -> float:
    """CPU seconds a 1,000 looks of ours; the process is this module, started again."""
    command = pinned(1, [sys.executable, "-m", "tests.bench.alone", str(port), str(ca)])
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        if process.stdout.readline() != "warm\n":
            raise CannotRun("the looks failed")
        before = usage(process.pid).cpu
        if process.stdout.readline() != "done\n":
            raise CannotRun("the looks failed")
        after = usage(process.pid).cpu
        process.terminate()
    return (after - before) / (RATE * COUNTED) * 1000


def theirs(scratch: Path, port: int, ca: Path) -> float:
    """CPU seconds a 1,000 looks of blackbox_exporter."""
    process, listen = exporter(scratch, ca)
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        with process:
            counted = asyncio.run(_asked(listen, urls(TARGETS, port), process.pid))
    finally:
        os.sched_setaffinity(0, cores)
    return counted / (RATE * COUNTED) * 1000


async def _asked(listen: str, targets: list[str], pid: int) -> float:
    async with aiohttp.ClientSession() as session:

        async def one(url: str) -> None:
            query = urllib.parse.urlencode({"module": "look", "target": url})
            async with session.get(f"http://{listen}/probe?{query}") as answer:
                if b"\nprobe_success 1" not in await answer.read():
                    raise CannotRun(f"blackbox_exporter could not see {url}")

        await _beat(one, targets, WARM)
        before = usage(pid).cpu
        await _beat(one, targets, COUNTED)
        return usage(pid).cpu - before


async def _beat(one, targets: list[str], seconds: float) -> None:  # noqa: ANN001 - a coroutine function of a url
    """Call ``one`` at an even rate."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with asyncio.TaskGroup() as group:
        for number in range(int(seconds * RATE)):
            await asyncio.sleep(began + number / RATE - loop.time())
            group.create_task(one(targets[number % len(targets)]))


async def look(port: int, ca: Path) -> None:
    """What the process of ours does: look, and say when the counted stretch begins and ends."""
    async with ProbeResources(HttpSettings(ca_file=ca)) as tools:
        probes = {url: Uptime(url=url, family="4", timeout=5) for url in urls(TARGETS, port)}

        async def one(url: str) -> None:
            result = await run_probe(probes[url], tools)
            if result.outcome is not Outcome.UP:
                raise CannotRun(f"{url}: {result.detail}")

        gc.collect()
        gc.freeze()
        await _beat(one, list(probes), WARM)
        print("warm", flush=True)
        await _beat(one, list(probes), COUNTED)
        print("done", flush=True)
        time.sleep(60)  # noqa: ASYNC251 - whoever reads our account ends us


if __name__ == "__main__":
    asyncio.run(look(int(sys.argv[1]), Path(sys.argv[2])))
