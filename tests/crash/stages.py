"""A page that outlives the killed: in which stages a process was when it died, told by a file that it has mapped."""

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
    """One number a stage in a shared file: how many are inside of it now. The parent reads it after the death."""

    def __init__(self, path: Path, stages: tuple[str, ...]) -> None:
        self.path, self.stages = path, stages
        if not path.exists():
            path.write_bytes(bytes(_CELL.size * len(stages)))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)

    def __getitem__(self, stage: str) -> int:
        return int(_CELL.unpack_from(self._map, self._place(stage))[0])

    def add(self, stage: str, number: int) -> None:
        """Go in or out."""
        place = self._place(stage)
        _CELL.pack_into(self._map, place, _CELL.unpack_from(self._map, place)[0] + number)

    def _place(self, stage: str) -> int:
        return _CELL.size * self.stages.index(stage)

    @property
    def active(self) -> set[str]:
        """The stages that somebody is inside of."""
        return {stage for stage in self.stages if self[stage]}

    def clear(self) -> None:
        """A new life begins."""
        self._map[:] = bytes(len(self._map))

    def close(self) -> None:
        self._map.close()

    @contextmanager
    def inside(self, stage: str) -> Iterator[None]:
        """The block is the stage; an empty name is none."""
        if stage:
            self.add(stage, 1)
        try:
            yield
        finally:
            if stage:
                self.add(stage, -1)


def watch(page: Page, owner: Any, name: str, stage: str | Callable[..., str]) -> None:  # noqa: ANN401 - class or module
    """Let ``owner.name`` tell the page while it runs. ``stage`` may be asked with the arguments of the call."""
    inner = getattr(owner, name)

    def which(*given: object, **named: object) -> str:
        return stage if isinstance(stage, str) else stage(*given, **named)

    @functools.wraps(inner)
    async def waiting(*given: object, **named: object) -> object:
        with page.inside(which(*given, **named)):
            return await inner(*given, **named)

    @functools.wraps(inner)
    def plain(*given: object, **named: object) -> object:
        with page.inside(which(*given, **named)):
            return inner(*given, **named)

    setattr(owner, name, waiting if asyncio.iscoroutinefunction(inner) else plain)
