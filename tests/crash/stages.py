"""A memory-mapped page that shows in which stages a process was when it was killed."""

from __future__ import annotations

import asyncio
import functools
import mmap
import struct
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_CELL = struct.Struct("<i")


class Page:
    """One counter per stage in a shared file: the calls inside it now. The parent reads it after the kill."""

    def __init__(self, path: Path, stages: tuple[str, ...]) -> None:
        self.path, self.stages = path, stages
        if not path.exists():
            path.write_bytes(bytes(_CELL.size * len(stages)))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)

    def __getitem__(self, stage: str) -> int:
        return int(_CELL.unpack_from(self._map, self._place(stage))[0])

    def add(self, stage: str, number: int) -> None:
        """Enter or leave a stage."""
        place = self._place(stage)
        _CELL.pack_into(self._map, place, _CELL.unpack_from(self._map, place)[0] + number)

    def _place(self, stage: str) -> int:
        return _CELL.size * self.stages.index(stage)

    @property
    def active(self) -> set[str]:
        """The stages with a call inside."""
        return {stage for stage in self.stages if self[stage]}

    def clear(self) -> None:
        """Reset all counters."""
        self._map[:] = bytes(len(self._map))

    def close(self) -> None:
        self._map.close()

    @contextmanager
    def inside(self, stage: str) -> Iterator[None]:
        """Mark the block as the stage; an empty name means none."""
        if stage:
            self.add(stage, 1)
        try:
            yield
        finally:
            if stage:
                self.add(stage, -1)


def watch(page: Page, owner: Any, name: str, stage: str | Callable[..., str]) -> None:  # noqa: ANN401 - class or module
    """Mark the stage on the page while ``owner.name`` runs. ``stage`` may be a function of the call's arguments."""
    inner = getattr(owner, name)

    def stage_of(*arguments: object, **keywords: object) -> str:
        return stage if isinstance(stage, str) else stage(*arguments, **keywords)

    @functools.wraps(inner)
    async def watched_coroutine(*arguments: object, **keywords: object) -> object:
        with page.inside(stage_of(*arguments, **keywords)):
            return await inner(*arguments, **keywords)

    @functools.wraps(inner)
    def watched_function(*arguments: object, **keywords: object) -> object:
        with page.inside(stage_of(*arguments, **keywords)):
            return inner(*arguments, **keywords)

    setattr(owner, name, watched_coroutine if asyncio.iscoroutinefunction(inner) else watched_function)
