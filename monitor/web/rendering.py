"""Renders templates without blocking the event loop, and caches responses so that many clients share one rendering."""

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
"""How long a rendering may run before other tasks run: probes measure latencies on the same loop."""

MAX_QUEUED_RENDERS = 16
"""Renderings that may wait; each cache renders one at a time, because concurrent slices would add up."""


class TooManyRequests(Exception):
    """Too many renderings wait; the request is refused."""


class CooperativeYield:
    """Yields to other tasks whenever a time slice is used up."""

    def __init__(self) -> None:
        self._slice_started = time.perf_counter()

    async def __call__(self) -> None:
        """Yield if the slice is used up; call it between small pieces of work."""
        if time.perf_counter() - self._slice_started > TIME_SLICE_SECONDS:
            await asyncio.sleep(0)
            self._slice_started = time.perf_counter()


class Templates:
    """The templates of this package. All values are escaped."""

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
            self._environment.get_template(name)  # compiled now, not while probes run

    async def render(self, template: str, **values: Any) -> bytes:  # noqa: ANN401 - each template has its own values
        """Render a page in time slices."""
        yield_if_due = CooperativeYield()
        parts: list[str] = []
        for part in self._environment.get_template(template).generate(values):
            parts.append(part)
            await yield_if_due()
        return "".join(parts).encode()


async def join_cooperatively(pieces: Iterable[str], separator: str = "") -> str:
    """Join pieces that take time to produce, yielding between them."""
    yield_if_due = CooperativeYield()
    parts: list[str] = []
    for piece in pieces:
        parts.append(piece)
        await yield_if_due()
    return separator.join(parts)


@dataclass(slots=True)
class _CacheEntry(Generic[Body]):
    body: Body | None = None
    rendered_at: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class ResponseCache(Generic[Body]):
    """Caches rendered bodies for ``max_age_seconds``. Requests for a body that is being rendered wait for it.

    Different bodies are rendered one after the other; raises :class:`TooManyRequests` when too many wait.
    """

    def __init__(self, clock: Clock, max_age_seconds: float, max_entries: int = 64) -> None:
        self._clock = clock
        self._max_age_seconds = max_age_seconds
        self._max_entries = max_entries
        self._entries: OrderedDict[Hashable, _CacheEntry[Body]] = OrderedDict()
        self._render_permit = asyncio.Semaphore()
        self._queued = 0

    async def get(self, key: Hashable, render: Callable[[], Awaitable[Body]]) -> Body:
        """Return the body of ``key``, rendered again when it is too old."""
        entry = self._entries.setdefault(key, _CacheEntry())
        self._entries.move_to_end(key)
        while len(self._entries) > self._max_entries:
            self._entries.popitem(last=False)
        async with entry.lock:
            if entry.body is None or self._clock.monotonic() - entry.rendered_at >= self._max_age_seconds:
                entry.body = await self._render(render)
                entry.rendered_at = self._clock.monotonic()
            return entry.body

    async def _render(self, render: Callable[[], Awaitable[Body]]) -> Body:
        if self._queued >= MAX_QUEUED_RENDERS:
            raise TooManyRequests
        self._queued += 1
        try:
            async with self._render_permit:
                return await render()
        finally:
            self._queued -= 1
