"""A process that takes looks when told to, one JSON line each, and looks at a good portal all the while.

It has a process of its own so that its memory is what looks take, and nothing of the servers'. Orders come on stdin:
``{"number": 1, "url": ..., "keys": {...}}`` for a look, ``{"rest": true}`` for the good looks since the last such
order. Answers leave on stdout. It ends with stdin.
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
"""Seconds from one good look to the next."""


def stood(address: str) -> AddressScope:
    """How far an address reaches, when one of loopback stands for a public one."""
    return AddressScope.PUBLIC if address == OUTSIDE else address_scope(address)


def told(result: ProbeResult) -> dict[str, Any]:
    """What is worth telling of a look. Strings that no UTF-8 can hold would end this process here."""
    return {
        "outcome": result.outcome.value,
        "fault": result.fault.value if result.fault else None,
        "phase": result.phase,
        "detail": result.detail,
        "words": [value for value in result.values.values() if isinstance(value, str)]
        + [text for hop in result.hops for text in (hop.url, hop.location or "")],
    }


class Observer:
    """The looks of this process."""

    def __init__(self, tools: ProbeResources, good: str) -> None:
        self._tools = tools
        self._good = Latency(url=good, family="4", timeout=5.0)
        self._rest: list[tuple[float, float, bool]] = []

    async def watch(self) -> None:
        """Look at the good portal on an even beat: how late each look began, how long it took, whether it was up."""
        due = time.perf_counter()
        while True:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            late = time.perf_counter() - due
            result = await run_probe(self._good, self._tools)
            self._rest.append((late, result.duration, result.outcome is Outcome.UP))
            due = max(due + EVERY, time.perf_counter())

    def rest(self) -> None:
        seen, self._rest = self._rest, []
        gc.collect()
        _say({"rest": seen})

    async def look(self, order: dict[str, Any]) -> None:
        """One look, timed from outside."""
        probe = Uptime(url=order["url"], **({"family": "4"} | order["keys"]))
        began = time.perf_counter()
        result = await run_probe(probe, self._tools)
        over = time.perf_counter() - began - probe.deadline
        _say({"number": order["number"], "over": over, **told(result)})


def _say(answer: dict[str, Any]) -> None:
    os.write(1, json.dumps(answer, ensure_ascii=False).encode() + b"\n")


async def main(names: str, authority: str, good: str) -> None:
    sockets.address_scope = client.address_scope = stood
    settings = HttpSettings(name_servers=(names,), ca_file=Path(authority))
    loop = asyncio.get_running_loop()
    orders = asyncio.StreamReader(limit=1 << 20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    async with ProbeResources(settings) as tools, asyncio.TaskGroup() as group:
        observer = Observer(tools, good)
        watching = group.create_task(observer.watch())
        while line := await orders.readline():
            order = json.loads(line)
            if "rest" in order:
                observer.rest()
            else:
                group.create_task(observer.look(order))
        watching.cancel()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
