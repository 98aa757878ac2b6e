"""Portals that redirect to private addresses (SSRF), to other schemes, or in loops; a server inside counts requests."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from probes.result import Fault
from tests.hostile_portals.case import OUTSIDE, OUTSIDE_NAME, Case, Faults, Scene, both_ways, served
from tests.servers.dns import Reply
from tests.servers.raw import RawServer, answer, path_of, redirect

_numbers = itertools.count(1)

INWARD = (
    "http://127.0.0.1:{port}/",
    "http://127.5.5.5:{port}/",
    "http://[::1]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/",
    "http://[::127.0.0.1]:{port}/",
    "http://[64:ff9b::7f00:1]:{port}/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[64:ff9b:1::a00:1]/",
    "http://[2002:7f00:1::1]:{port}/",
    "http://[2002:a00:1::1]/",
    "http://[2001:0:7f00:1::1]/",
    "http://0.0.0.0:{port}/",
    "http://[::]:{port}/",
    "http://127.0.0.1.:{port}/",
    "http://127.1:{port}/",
    "http://127.0.1:{port}/",
    "http://2130706433:{port}/",
    "http://0x7f000001:{port}/",
    "http://0x7f.0.0.1:{port}/",
    "http://0x7f.1:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://017700000001:{port}/",
    "http://127.0.0.0x1:{port}/",
    "http://\uff11\uff12\uff17.0.0.1:{port}/",
    "http://127\u30020\u30020\u30021:{port}/",
    "http://%31%32%37.0.0.1:{port}/",
    "http://outside.test@127.0.0.1:{port}/",
    "http://[fe80::1%25lo]:{port}/",
    "http://inside.test:{port}/",
    "http://localhost:{port}/",
    "//127.0.0.1:{port}/",
    "https://127.0.0.1:{port}/",
    "http://169.254.169.254/latest/meta-data/",
    "http://metadata.test/computeMetadata/v1/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://[fe80::a9fe:a9fe]/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://198.18.0.1/",
    "http://192.0.2.1/",
    "http://240.0.0.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://[fc00::1]/",
    "http://[fec0::1]/",
    "http://[ff02::1]/",
    "http://[2001:db8::1]/",
)
"""Ways of writing an address inside; ``port`` is the port of a server on loopback that no redirect may reach."""

SCHEMES = (
    "file:///etc/passwd",
    "file://localhost/etc/passwd",
    "FILE:/etc/passwd",
    "javascript:alert(1)",
    "data:text/html,hello",
    "ftp://127.0.0.1/",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "ws://127.0.0.1/",
    "about:blank",
    "view-source:http://127.0.0.1/",
    "unix:/run/docker.sock",
    "mailto:someone@outside.test",
    "http://",
    "http://[::1",
    "http://outside.test:99999/",
    "http://outside.test:0/",
    "http://out side.test/",
    "http://\udcff\udcfe/",
    "\u202ehttp://outside.test/",
)


def sent_to(location: str, faults: Faults = Fault.REDIRECT_TARGET) -> Case:
    """A portal with a public address whose page redirects to ``location``."""

    @asynccontextmanager
    async def serve(scene: Scene) -> AsyncIterator[str]:
        scene.names.add("inside.test", a="127.0.0.1")
        scene.names.add("localhost", a="127.0.0.1")
        scene.names.add("metadata.test", a="169.254.169.254")
        async with RawServer([answer(b"inside")]) as four, RawServer([answer()], host="::1", port=four.port) as six:
            where = location.replace("{port}", str(four.port))
            async with RawServer([redirect(where)], host=OUTSIDE) as server:
                yield server.url(host=OUTSIDE_NAME)
            assert four.connections + six.connections == 0, "the server inside was reached"

    return served(f"a redirect to {ascii(location)[1:-1]}", faults, serve)


def rebound() -> Case:
    """A name that is outside when it is looked up first, and inside when it redirects to itself."""
    label = f"rebound-{next(_numbers)}.test"

    @asynccontextmanager
    async def serve(scene: Scene) -> AsyncIterator[str]:
        inward = Reply(addresses=("127.0.0.1",))
        scene.names.add(label, a=Reply(addresses=(OUTSIDE,), then=inward))
        async with (
            RawServer([redirect("/again")], host=OUTSIDE) as server,
            RawServer([answer(b"inside")], port=server.port) as inside_server,
        ):
            yield server.url(host=label)
            assert inside_server.connections == 0, "the server inside was reached"

    return served("a name that moves inside between two lookups", Fault.REDIRECT_TARGET, serve)


def allowed() -> Case:
    """The inventory names an address inside: it is probed, and may redirect within its own scope."""

    @asynccontextmanager
    async def serve(_scene: Scene) -> AsyncIterator[str]:
        def script(request: bytes) -> list[bytes]:
            return [answer()] if path_of(request) == "/in" else [redirect("/in")]

        async with RawServer(script) as server:
            yield server.url()

    return served("an address inside that the inventory names", None, serve)


def _page_to_page(request: bytes) -> list[bytes]:
    return [redirect("/a" if path_of(request) == "/b" else "/b")]


REDIRECTS: list[Case] = [
    *(sent_to(location) for location in INWARD),
    *(sent_to(location, (Fault.REDIRECT_TARGET, Fault.REDIRECT_LOOP)) for location in SCHEMES),
    sent_to("http:///127.0.0.1:{port}/", Fault.REDIRECT_LOOP),  # a path of its own host
    sent_to("/\\127.0.0.1:{port}/", Fault.REDIRECT_LOOP),
    rebound(),
    allowed(),
    *both_ways(
        [
            ("a page that redirects to itself", Fault.REDIRECT_LOOP, [redirect("/")]),
            ("two pages that redirect to each other", Fault.REDIRECT_LOOP, _page_to_page),
            (
                "a redirect with a cookie that helps nothing",
                Fault.REDIRECT_LOOP,
                [redirect("/", headers=["Set-Cookie: a=b"])],
            ),
            (
                "a redirect to a target of 60 KB",
                (Fault.REDIRECT_LOOP, Fault.HTTP_STATUS),
                [redirect("/" + "x" * 60_000)],
            ),
            (
                "a redirect with a target of control characters",
                (Fault.REDIRECT_LOOP, Fault.PROTOCOL),
                [redirect("/\x01\x1b[31m\x7f")],
            ),
            ("a redirect to no target", Fault.HTTP_STATUS, [redirect("")]),
        ]
    ),
]  # fmt: skip - a table
