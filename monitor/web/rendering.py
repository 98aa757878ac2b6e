"""Templates to bytes without holding the event loop, and a shelf that lets many readers share one rendering."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from jinja2 import Environment, PackageLoader, StrictUndefined

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable, Iterable

    from monitor.model.clock import Clock

Body = TypeVar("Body")

SLICE_SECONDS = 0.004
"""How long a rendering may run before others have their turn: probes measure latencies on the same loop."""


QUEUE = 16
"""Renderings that may wait for their turn; each shelf makes one at a time, or their slices would add up."""


class Crowded(Exception):
    """So many renderings wait that one more will not be made."""


class Pause:
    """Gives way to other work whenever a slice of time is used up."""

    def __init__(self) -> None:
        self._began = time.perf_counter()

    async def __call__(self) -> None:
        """Call it between small pieces of work."""
        if time.perf_counter() - self._began > SLICE_SECONDS:
            await asyncio.sleep(0)
            self._began = time.perf_counter()


class Stencils:
    """The templates of this package. Everything written into them is escaped."""

    def __init__(self) -> None:
        self._environment = Environment(
            loader=PackageLoader("monitor.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        for name in self._environment.list_templates():
            self._environment.get_template(name)  # compiled now, not while somebody measures

    async def fill(self, template: str, **values: Any) -> bytes:  # noqa: ANN401 - a template takes what it names
        """The page, made slice by slice."""
        pause = Pause()
        parts: list[str] = []
        for part in self._environment.get_template(template).generate(values):
            parts.append(part)
            await pause()
        return "".join(parts).encode()


async def join(pieces: Iterable[str], separator: str = "") -> str:
    """Join pieces that take a moment each to make."""
    pause = Pause()
    parts: list[str] = []
    for piece in pieces:
        parts.append(piece)
        await pause()
    return separator.join(parts)


@dataclass(slots=True)
class _Kept(Generic[Body]):
    body: Body | None = None
    made: float = 0.0
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)


class Shelf(Generic[Body]):
    """Keeps a few rendered bodies for ``seconds``. Who asks for one that is being made waits for it.

    Different ones are made one after the other; raises :class:`Crowded` when too many wait.
    """

    def __init__(self, clock: Clock, seconds: float, room: int = 64) -> None:
        self._clock = clock
        self._seconds = seconds
        self._room = room
        self._kept: OrderedDict[Hashable, _Kept[Body]] = OrderedDict()
        self._pen = asyncio.Semaphore()
        self._queue = 0

    async def get(self, key: Hashable, make: Callable[[], Awaitable[Body]]) -> Body:
        """The body of ``key``, made anew when it is older than the shelf keeps it."""
        kept = self._kept.setdefault(key, _Kept())
        self._kept.move_to_end(key)
        while len(self._kept) > self._room:
            self._kept.popitem(last=False)
        async with kept.busy:
            if kept.body is None or self._clock.monotonic() - kept.made >= self._seconds:
                kept.body = await self._write(make)
                kept.made = self._clock.monotonic()
            return kept.body

    async def _write(self, make: Callable[[], Awaitable[Body]]) -> Body:
        if self._queue >= QUEUE:
            raise Crowded
        self._queue += 1
        try:
            async with self._pen:
                return await make()
        finally:
            self._queue -= 1
