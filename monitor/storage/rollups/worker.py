"""The process that rolls up: ``python -m monitor.rollup_worker``, so that the daemon neither computes nor holds DuckDB.

Its input is one order as JSON. Each line of output is a list of rollups; the last line tells how far they reach, or
what failed.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitor.model.rollups import Rollup, Tier
from monitor.storage.journal.store import JournalError
from monitor.storage.rollups import compute
from monitor.storage.rollups.compute import Progress

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

LINE = 200
"""Rollups in a line: some 150 KB, a few milliseconds to read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Roll up what is due in ``directory`` at ``now`` (UTC ms), after what ``progress`` says was rolled up before."""

    directory: Path
    tier: Tier
    zone: str
    now: int
    progress: Progress

    def encode(self) -> bytes:
        """The input of the process."""
        return (json.dumps(asdict(self) | {"directory": str(self.directory)}) + "\n").encode()

    @classmethod
    def decode(cls, line: str) -> Order:
        """What :meth:`encode` wrote."""
        said = json.loads(line)
        told = {
            "directory": Path(said["directory"]),
            "tier": Tier(said["tier"]),
            "progress": Progress(**said["progress"]),
        }
        return cls(**(said | told))


def decode(line: bytes) -> list[Rollup] | Progress:
    """A line of output. Raises :class:`JournalError` with the words of a process that failed."""
    said: Any = json.loads(line)
    if isinstance(said, list):
        return [Rollup(**(one | {"tier": Tier(one["tier"])})) for one in said]
    if "error" in said:
        raise JournalError(said["error"])
    return Progress(**said)


def _line(said: Sequence[Rollup] | Progress | str) -> str:
    if isinstance(said, str):
        return json.dumps({"error": said}) + "\n"
    value = asdict(said) if isinstance(said, Progress) else [asdict(one) for one in said]
    return json.dumps(value, separators=(",", ":")) + "\n"


def main(given: TextIO = sys.stdin, answers: TextIO = sys.stdout) -> int:
    """Do what the order says; the exit code is 0 when all of it was done."""
    with suppress(OSError):
        os.nice(19)
    order = Order.decode(given.readline())
    try:
        periods, progress = compute.due(order.directory, order.tier, order.zone, order.now, order.progress)
        for start, end in periods:
            answers.writelines(_line(some) for some in _parts(compute.roll(order.directory, order.tier, start, end)))
        answers.write(_line(progress))
    except (JournalError, OSError) as error:
        answers.write(_line(str(error)))
        return 1
    return 0


def _parts(rollups: Sequence[Rollup]) -> list[Sequence[Rollup]]:
    return [rollups[first : first + LINE] for first in range(0, len(rollups), LINE)]


if __name__ == "__main__":
    raise SystemExit(main())
