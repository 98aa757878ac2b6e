"""``portal-monitor run`` with a clock that others set: CONFIG DATA HANDS, where the last is a file of :class:`Hands`.

A library that bends the time of a whole process (libfaketime) was tried: Python's own pauses fail under it as soon as
the monotonic clock is left real. So the clock is the one that the daemon is given; the monotonic one is the machine's.
"""

from __future__ import annotations

import asyncio
import mmap
import struct
import sys
from pathlib import Path

from monitor.config import load
from monitor.daemon.daemon import Daemon
from monitor.daemon.logs import configure_logging
from monitor.model.clock import SystemClock


class Hands:
    """By how many milliseconds a clock is wrong: eight bytes of a file that two processes map."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(8))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 8)

    def set(self, milliseconds: int) -> None:
        self._map[:] = struct.pack("q", milliseconds)

    def get(self) -> int:
        return int(struct.unpack("q", self._map[:])[0])


class SetClock(SystemClock):
    """The machine's clocks, the hour as wrong as the hands say."""

    def __init__(self, hands: Hands) -> None:
        self._hands = hands

    def now(self) -> int:
        return super().now() + self._hands.get()


async def main() -> None:
    config, data, hands = map(Path, sys.argv[1:])
    loaded = load(config)
    configure_logging("json")
    await Daemon(loaded, data, clock=SetClock(Hands(hands))).run()


if __name__ == "__main__":
    asyncio.run(main())
