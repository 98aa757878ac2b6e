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

TIME_SLICE_SECONDS = 0.004
"""How long a rendering may run before others have their turn: probes measure latencies on the same loop."""


MAX_QUEUED_RENDERS = 16
"""Renderings that may wait for their turn; each shelf makes one at a time, or their slices would add up."""


class TooManyRequests(Exception):
    """So many renderings wait that one more will not be made."""


class CooperativeYield:
    """Gives way to other work whenever a slice of time is used up."""

    def __init__(self) -> None:
        self._slice_started = time.perf_counter()

    async def __call__(self) -> None:
        """Call it between small pieces of work."""
        if time.perf_counter() - self._slice_started > TIME_SLICE_SECONDS:
            await asyncio.sleep(0)
            self._slice_started = time.perf_counter()


class Templates:
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

    async def render(self, template: str, **values: Any) -> bytes:  # noqa: ANN401 - a template takes what it names
        """The page, made slice by slice."""
        pause = CooperativeYield()
        parts: list[str] = []
        for part in self._environment.get_template(template).generate(values):
            parts.append(part)
            await pause()
        return "".join(parts).encode()


async def join_cooperatively(pieces: Iterable[str], separator: str = "") -> str:
    """Join pieces that take a moment each to make."""
    pause = CooperativeYield()
    parts: list[str] = []
    for piece in pieces:
        parts.append(piece)
        await pause()
    return separator.join(parts)


@dataclass(slots=True)
class _CacheEntry(Generic[Body]):
    body: Body | None = None
    rendered_at: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class ResponseCache(Generic[Body]):
    """Keeps a few rendered bodies for ``seconds``. Who asks for one that is being made waits for it.

    Different ones are made one after the other; raises :class:`Crowded` when too many wait.
    """

    def __init__(self, clock: Clock, max_age_seconds: float, max_entries: int = 64) -> None:
        self._clock = clock
        self._max_age_seconds = max_age_seconds
        self._max_entries = max_entries
        self._entries: OrderedDict[Hashable, _CacheEntry[Body]] = OrderedDict()
        self._render_permit = asyncio.Semaphore()
        self._queued = 0

    async def get(self, key: Hashable, render: Callable[[], Awaitable[Body]]) -> Body:
        """The body of ``key``, made anew when it is older than the shelf keeps it."""
        kept = self._entries.setdefault(key, _CacheEntry())
        self._entries.move_to_end(key)
        while len(self._entries) > self._max_entries:
            self._entries.popitem(last=False)
        async with kept.lock:
            if kept.body is None or self._clock.monotonic() - kept.rendered_at >= self._max_age_seconds:
                kept.body = await self._render(render)
                kept.rendered_at = self._clock.monotonic()
            return kept.body

    async def _render(self, render: Callable[[], Awaitable[Body]]) -> Body:
        if self._queued >= MAX_QUEUED_RENDERS:
            raise TooManyRequests
        self._queued += 1
        try:
            async with self._render_permit:
                return await render()
        finally:
            self._queued -= 1
