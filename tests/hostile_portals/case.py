"""One hostile behaviour: how it is served, and how a probe of it must end; and the place of all servers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from probes.result import Fault
from tests.servers.dns import NameServer
from tests.servers.raw import RawServer, Script
from tests.servers.tls import Authority

PORTAL = "portal.test"
"""A name that the name server knows at 127.0.0.1."""

OUTSIDE = "127.0.0.9"
"""Stands for a public address: loopback has none, and nothing here leaves this machine."""

OUTSIDE_NAME = "outside.test"


@dataclass(frozen=True)
class Scene:
    """What the servers have: a CA that the probes trust, and the name server that they query."""

    authority: Authority
    names: NameServer


Serving = Callable[[Scene], AbstractAsyncContextManager[str]]
"""Opens the servers of a case and yields the URL to probe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """``faults`` are those of which one must come, None for a good result; ``keys`` are the probe's own."""

    name: str
    faults: frozenset[Fault | None]
    serve: Serving
    keys: Mapping[str, Any] = field(default_factory=dict)

    def with_keys(self, **keys: Any) -> Case:  # noqa: ANN401 - the probe's own
        return replace(self, keys={**self.keys, **keys})


Faults = Fault | None | tuple[Fault | None, ...]


def _set(faults: Faults) -> frozenset[Fault | None]:
    return frozenset(faults if isinstance(faults, tuple) else (faults,))


def scripted(name: str, faults: Faults, script: Script, *, tls: bool = False, first: bool = False, **keys: Any) -> Case:  # noqa: ANN401 - the probe's own
    """A server that plays ``script``, over TLS if wanted, ``first`` without waiting for the request."""

    @asynccontextmanager
    async def serve(scene: Scene) -> AsyncIterator[str]:
        context = scene.authority.valid() if tls else None
        async with RawServer(script, tls=context, sends_first=first) as server:
            yield server.url(host=PORTAL)

    return Case(name=f"{name}, over TLS" if tls else name, faults=_set(faults), serve=serve, keys=keys)


def both_ways(rows: list[tuple[str, Faults, Script]], **keys: Any) -> list[Case]:  # noqa: ANN401 - the probe's own
    """Each row over plain HTTP and over TLS."""
    return [scripted(*row, tls=tls, **keys) for row in rows for tls in (False, True)]


def served(name: str, faults: Faults, serve: Serving, **keys: Any) -> Case:  # noqa: ANN401 - the probe's own
    """A case with servers of its own making."""
    return Case(name=name, faults=_set(faults), serve=serve, keys=keys)


@asynccontextmanager
async def scene(directory: Path) -> AsyncIterator[Scene]:
    """The scene, with the names that all cases share."""
    async with NameServer() as names:
        names.add(PORTAL, a="127.0.0.1")
        names.add(OUTSIDE_NAME, a=OUTSIDE)
        yield Scene(Authority(directory), names)
