"""How far each phase is from the truth: 20 probes a second at a server in another process that records its delays.

The truth of connect needs a path that can be slowed (``tests/servers/lag.py``); without root it is reported as missing.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from probes.resources import HttpSettings, ProbeResources
from probes.runner import run_probe
from probes.uptime import Uptime
from tests.servers import lag
from tests.servers.delays import Apart, Delays, Slow, apart

PROBES, RATE = 400, 20.0
GOAL_MS = 2.0
LONGEST = Delays(hello=0.1, first=0.2, body=0.1)
RESOLVE = CONNECT = 0.08
PHASES = ("resolve", "connect", "tls", "wait", "transfer")


class PageRecordingUptime(Uptime):
    """An uptime probe that keeps the page that it validated."""

    pages: ClassVar[dict[str, dict[str, float]]] = {}

    def validate_response(self, response: Any) -> None:  # noqa: ANN401 - any response of the client
        self.pages[self.url] = json.loads(response.body)
        super().validate_response(response)


async def probe_at_rate(servers: Apart, probes: int, rate: float) -> dict[str, dict[str, float]]:
    """The measured phases in seconds, by name; one name per probe, started at an even rate."""
    found: dict[str, dict[str, float]] = {}

    async def one(number: int, resources: ProbeResources) -> None:
        await asyncio.sleep(number / rate)
        name = f"n{number}.slow.test"
        result = await run_probe(PageRecordingUptime(url=servers.url % name, family="4"), resources)
        if result.fault is not None:
            raise RuntimeError(f"{name}: {result.fault} in {result.phase}: {result.detail}")
        found[name] = dict(result.hops[0].phases)

    settings = HttpSettings(name_servers=(servers.name_server,), ca_file=servers.ca_file)
    async with ProbeResources(settings) as resources, asyncio.TaskGroup() as group:
        for number in range(probes):
            group.create_task(one(number, resources))
    return found


def truths(servers: Apart, path: lag.Lag | None) -> dict[str, dict[str, float]]:
    """Return how long each phase took by the servers, in seconds, by name."""
    result: dict[str, dict[str, float]] = {}
    for query in servers.questions():
        result[query["name"]] = {"resolve": query["answered"] - query["came"]}
    for url, page in PageRecordingUptime.pages.items():
        truth = result[url.split("/")[2].partition(":")[0]]
        truth.update({phase: page[phase] for phase in ("tls", "wait", "transfer")})
        if path is not None:
            truth["connect"] = path.taken(int(page["port"]), page["accepted"])
    return result


def table(found: dict[str, dict[str, float]], truth: dict[str, dict[str, float]]) -> dict[str, tuple[float, ...]]:
    """Absolute error in milliseconds by phase: median, 95th percentile, greatest."""
    result: dict[str, tuple[float, ...]] = {}
    for phase in PHASES:
        errors = sorted(abs(found[name][phase] - truth[name][phase]) for name in found if phase in truth[name])
        if errors:
            result[phase] = tuple(1000 * errors[int(len(errors) * part)] for part in (0.5, 0.95, 0.999999))
    return result


@contextmanager
def apart_from_servers() -> Iterator[Callable[[], None]]:
    """Keep the servers on one core; the function that it yields moves this process to the others."""
    cores = os.sched_getaffinity(0)
    sys.setswitchinterval(0.001)  # the slow path is a thread of this process: it must not hold the probes up
    if len(cores) > 1:
        os.sched_setaffinity(0, {min(cores)})
    yield lambda: os.sched_setaffinity(0, cores - {min(cores)} or cores)
    os.sched_setaffinity(0, cores)


def measure(probes: int = PROBES, rate: float = RATE) -> dict[str, tuple[float, ...]]:
    """Run once, in this network or, where :func:`lag.in_own_network`, through the slow path."""
    with apart_from_servers() as move:
        return _measure(probes, rate, move)


def _measure(probes: int, rate: float, move: Callable[[], None]) -> dict[str, tuple[float, ...]]:
    with tempfile.TemporaryDirectory() as directory:
        if lag.in_own_network():
            with lag.Lag(CONNECT) as path, _servers(directory, lag.NEAR, lag.FAR) as servers:
                move()
                found = asyncio.run(probe_at_rate(servers, probes, rate))
                return table(found, truths(servers, path))
        with _servers(directory, "127.0.0.1", "127.0.0.1") as servers:
            move()
            found = asyncio.run(probe_at_rate(servers, probes, rate))
            return table(found, truths(servers, None))


def _servers(directory: str, listen: str, address: str) -> Any:  # noqa: ANN401 - a context manager of Apart
    slow = Slow(directory=Path(directory), longest=LONGEST, resolve=RESOLVE, listen=listen, address=address)
    return apart(slow)


def show(errors: dict[str, tuple[float, ...]]) -> None:
    print(f"absolute error of {PROBES} probes at {RATE:g} a second, in ms; goal: p95 below {GOAL_MS:g}")
    print(f"{'phase':10}{'p50':>8}{'p95':>8}{'max':>8}")
    for phase in PHASES:
        if phase in errors:
            print(f"{phase:10}" + "".join(f"{value:8.3f}" for value in errors[phase]))
        else:
            print(f"{phase:10}  no truth here: slowing the path needs root, /dev/net/tun, unshare and ip")


def main() -> int:
    """Print the table, in a separate network namespace where that is possible."""
    if not lag.in_own_network() and lag.possible():
        return lag.rerun("tests.bench.phase_accuracy")
    begun = time.monotonic()
    show(measure())
    print(f"took {time.monotonic() - begun:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
