"""Name servers that answer late, never, wrongly or too much, and names with one family alone."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from probes.result import Fault
from tests.hostile_portals.case import Case, Faults, Scene, served
from tests.servers.dns import REFUSED, SERVFAIL, Reply, Twist
from tests.servers.raw import RawServer, answer

_numbers = itertools.count(1)
HOME = ("127.0.0.1",)
MANY = (*HOME, *(f"127.1.{n // 250}.{n % 250 + 1}" for n in range(199)))
NOT_IMPLEMENTED = 4


def named(name: str, faults: Faults, a: Reply, aaaa: Reply | None = None, **keys: Any) -> Case:  # noqa: ANN401 - the probe's own
    """A good server behind a name of its own, for which the name server returns ``a`` and ``aaaa``."""
    label = f"name-{next(_numbers)}.test"

    @asynccontextmanager
    async def serve(scene: Scene) -> AsyncIterator[str]:
        scene.names.add(label, a=a, aaaa=aaaa)
        host = "::1" if aaaa is not None and aaaa.addresses else "127.0.0.1"
        async with RawServer([answer()], host=host) as server:
            yield server.url(host=label)

    return served(name, faults, serve, **({"timeout": 2.0} | keys))


NAMES: list[Case] = [
    named("an answer that comes late", None, Reply(addresses=HOME, delay=0.7)),
    named("an answer that comes too late", Fault.DNS, Reply(addresses=HOME, delay=3.5)),
    named("no answer ever", Fault.DNS, Reply(silent=True)),
    named("no such name", Fault.DNS, Reply(rcode=3)),
    named("a name without addresses", Fault.DNS, Reply()),
    named("a name server that fails", Fault.DNS, Reply(rcode=SERVFAIL)),
    named("a name server that refuses", Fault.DNS, Reply(rcode=REFUSED)),
    named("a name server that cannot", Fault.DNS, Reply(rcode=NOT_IMPLEMENTED)),
    named("seven bytes of junk", Fault.DNS, Reply(junk=True)),
    named("60,000 bytes of junk", Fault.DNS, Reply(addresses=HOME, twist=Twist.FLOOD)),
    named("an answer with another query's number", Fault.DNS, Reply(addresses=HOME, twist=Twist.ID)),
    named("an answer to another question", Fault.DNS, Reply(addresses=HOME, twist=Twist.QUESTION)),
    named("a forged answer before the true one", None, Reply(addresses=HOME, twist=Twist.SPOOFED)),
    named("a name that points at itself", Fault.DNS, Reply(addresses=HOME, twist=Twist.POINTER)),
    named("cut off, and whole over TCP", None, Reply(addresses=HOME, twist=Twist.TRUNCATED, tcp=True)),
    named("cut off, and silent over TCP", Fault.DNS, Reply(addresses=HOME, twist=Twist.TRUNCATED)),
    named("aliases in a circle", Fault.DNS, Reply(aliases=("one.test", "two.test", "one.test"))),
    named("aliases with an address at their end", None, Reply(aliases=("one.test", "two.test"), addresses=HOME)),
    named("two hundred addresses", None, Reply(addresses=MANY)),
    named("an address of this link alone", Fault.DNS, Reply(addresses=("169.254.169.254",))),
    named("IPv4 alone", None, Reply(addresses=HOME), Reply(), family="auto"),
    named("IPv4 alone, and an error for IPv6", None, Reply(addresses=HOME), Reply(rcode=SERVFAIL), family="auto"),
    named("IPv6 alone", None, Reply(), Reply(addresses=("::1",)), family="auto"),
]
