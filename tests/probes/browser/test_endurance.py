"""Two thousand probes leave nothing behind: no memory, no descriptors, no connection, no answer of a name server."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from probes.result import Fault, Outcome
from tests.servers.dns import Reply
from tests.servers.handshakes import HandshakeServer
from tests.servers.ports import free_port
from tests.servers.raw import Do, RawServer, answer, redirect

if TYPE_CHECKING:
    from tests.servers.dns import NameServer
    from tests.servers.tls import Authority

ProbeUrl = Any


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0  # noqa: PTH208 - a count


async def open_descriptors() -> int:
    """Open descriptors once closed transports are gone; c-ares closes its sockets on a thread."""
    for _ in range(20):
        await asyncio.sleep(0.02)
    gc.collect()
    return descriptors()


async def test_every_probe_queries_the_name_server_and_connects_anew(probe_url: ProbeUrl, names: NameServer) -> None:
    async with RawServer([answer()]) as server:
        for _ in range(20):
            assert (await probe_url(server.url(host="portal.test"))).outcome is Outcome.UP
    assert names.queried_types("portal.test") == ["A"] * 20
    assert server.connections == 20


async def test_only_the_first_of_two_hundred_addresses_is_tried(probe_url: ProbeUrl, names: NameServer) -> None:
    many = ("127.0.0.1", *(f"127.1.{n // 250}.{n % 250 + 1}" for n in range(199)))
    names.add("many.test", a=Reply(addresses=many))
    refused = await probe_url(f"http://many.test:{free_port()}/")
    assert (refused.fault, refused.hops[0].address) == (Fault.CONNECT_REFUSED, "127.0.0.1")
    names.add("many.test", a=Reply(addresses=many[::-1]))
    async with RawServer([answer()]) as server:
        result = await probe_url(server.url(host="many.test"))
    assert result.hops[0].address == many[-1]
    assert result.fault is Fault.CONNECT_REFUSED, "no second address is tried"


async def test_probes_of_every_ending_leak_no_descriptor_and_no_thread(
    probe_url: ProbeUrl, names: NameServer, authority: Authority
) -> None:
    names.add("silent.test", a=Reply(silent=True))
    async with (
        RawServer([answer()], tls=authority.valid()) as good,
        RawServer([answer()], tls=authority.expired()) as expired,
        RawServer([redirect("/")]) as loop,
        RawServer([Do.RESET]) as reset,
        RawServer([Do.STALL]) as stall,
        RawServer([b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 1_000_000]) as large,
        HandshakeServer("stall") as handshake,
    ):
        urls = [server.url(host="portal.test") for server in (good, expired, loop, reset, stall, large, handshake)]
        urls += ["http://silent.test/", "http://nowhere.test/", f"http://127.0.0.1:{free_port()}/"]

        async def probe_all() -> None:
            await asyncio.gather(*(probe_url(url, timeout=0.5, max_body=100_000) for url in urls * 3))
            tasks = [asyncio.create_task(probe_url(url)) for url in urls]
            await asyncio.sleep(0.05)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        await probe_all()
        before, threads = await open_descriptors(), threading.active_count()
        for _ in range(3):
            await probe_all()
        after = await open_descriptors()
    assert after <= before
    assert threading.active_count() <= threads


@pytest.mark.slow
async def test_memory_does_not_grow_over_two_thousand_probes(
    probe_url: ProbeUrl, authority: Authority, names: NameServer
) -> None:
    names.log = _Short()

    def script(request: bytes) -> list[Any]:
        del server.requests[:]
        if b" /reset" in request:
            return [Do.RESET]
        return [redirect("/?x=1") if b" /hop" in request else answer(b"x" * 20_000)]

    async with RawServer(script, tls=authority.valid()) as server:

        async def probes(count: int) -> None:
            for number in range(count // 20):
                paths = ("/", "/hop", "/reset", f"/{number}")
                await asyncio.gather(*(probe_url(server.url(path, host="portal.test")) for path in paths * 5))

        await probes(400)
        gc.collect()
        tracemalloc.start()
        await probes(200)
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        await probes(2000)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert after - before < 200_000, "less than a hundred bytes a probe"


class _Short(list[Any]):
    """A log that forgets: the test's own servers must not grow either."""

    def append(self, _entry: object) -> None:
        pass
