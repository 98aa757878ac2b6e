"""``portal-monitor run`` with an adjustable clock: CONFIG DATA OFFSET, the last a file of :class:`ClockOffset`.

A library that changes the time of a whole process (libfaketime) was tried: Python's own pauses fail under it as soon as
the monotonic clock is left real. So a clock is passed to the daemon; the monotonic one is the machine's.
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


class ClockOffset:
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


class AdjustableClock(SystemClock):
    """The machine's clocks, the wall clock shifted by the offset."""

    def __init__(self, clock_offset: ClockOffset) -> None:
        self._offset = clock_offset

    def now(self) -> int:
        return super().now() + self._offset.get()


async def main() -> None:
    config, data, clock_offset = map(Path, sys.argv[1:])
    loaded = load(config)
    configure_logging("json")
    await Daemon(loaded, data, clock=AdjustableClock(ClockOffset(clock_offset))).run()


if __name__ == "__main__":
    asyncio.run(main())
