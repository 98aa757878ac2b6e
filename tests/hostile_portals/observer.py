"""A process that runs one probe for each request, one JSON line each, and probes a good portal all the while.

It is a separate process so that its memory is that of the probes, without the servers'. Requests come on stdin:
``{"number": 1, "url": ..., "keys": {...}}`` for a probe, ``{"rest": true}`` for the good probes since the last such
request. Responses leave on stdout. It ends with stdin.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from probes.http import client
from probes.latency import Latency
from probes.net import sockets
from probes.net.address_scope import AddressScope, address_scope
from probes.resources import HttpSettings, ProbeResources
from probes.result import Outcome, ProbeResult
from probes.runner import run_probe
from probes.uptime import Uptime
from tests.hostile_portals.case import OUTSIDE

EVERY = 0.1
"""Seconds from one good probe to the next."""


def stood(address: str) -> AddressScope:
    """How far an address reaches, when one of loopback stands for a public one."""
    return AddressScope.PUBLIC if address == OUTSIDE else address_scope(address)


def summarize(result: ProbeResult) -> dict[str, Any]:
    """The texts of a result. Strings that no UTF-8 can hold would end this process here."""
    return {
        "outcome": result.outcome.value,
        "fault": result.fault.value if result.fault else None,
        "phase": result.phase,
        "detail": result.detail,
        "words": [value for value in result.values.values() if isinstance(value, str)]
        + [text for hop in result.hops for text in (hop.url, hop.location or "")],
    }


class Observer:
    """The probes of this process."""

    def __init__(self, resources: ProbeResources, good: str) -> None:
        self._resources = resources
        self._good = Latency(url=good, family="4", timeout=5.0)
        self._rest: list[tuple[float, float, bool]] = []

    async def watch(self) -> None:
        """Probe the good portal at an even rate: how late each probe began, how long it took, whether it was up."""
        due = time.perf_counter()
        while True:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            late = time.perf_counter() - due
            result = await run_probe(self._good, self._resources)
            self._rest.append((late, result.duration, result.outcome is Outcome.UP))
            due = max(due + EVERY, time.perf_counter())

    def rest(self) -> None:
        seen, self._rest = self._rest, []
        gc.collect()
        _write({"rest": seen})

    async def probe(self, request: dict[str, Any]) -> None:
        """One probe, timed from outside."""
        probe = Uptime(url=request["url"], **({"family": "4"} | request["keys"]))
        began = time.perf_counter()
        result = await run_probe(probe, self._resources)
        over = time.perf_counter() - began - probe.deadline
        _write({"number": request["number"], "over": over, **summarize(result)})


def _write(answer: dict[str, Any]) -> None:
    os.write(1, json.dumps(answer, ensure_ascii=False).encode() + b"\n")


async def main(names: str, authority: str, good: str) -> None:
    sockets.address_scope = client.address_scope = stood
    settings = HttpSettings(name_servers=(names,), ca_file=Path(authority))
    loop = asyncio.get_running_loop()
    requests = asyncio.StreamReader(limit=1 << 20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(requests), sys.stdin)
    async with ProbeResources(settings) as resources, asyncio.TaskGroup() as group:
        observer = Observer(resources, good)
        watching = group.create_task(observer.watch())
        while line := await requests.readline():
            request = json.loads(line)
            if "rest" in request:
                observer.rest()
            else:
                group.create_task(observer.probe(request))
        watching.cancel()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
