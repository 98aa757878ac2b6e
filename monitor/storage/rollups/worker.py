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
from monitor.storage.rollups.compute import RollupProgress

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

ROLLUPS_PER_LINE = 200
"""Rollups in a line: some 150 KB, a few milliseconds to read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RollupRequest:
    """Roll up what is due in ``directory`` at ``now`` (UTC ms), after what ``progress`` says was rolled up before."""

    directory: Path
    tier: Tier
    zone: str
    now_ms: int
    progress: RollupProgress

    def encode(self) -> bytes:
        """The input of the process."""
        return (json.dumps(asdict(self) | {"directory": str(self.directory)}) + "\n").encode()

    @classmethod
    def decode(cls, line: str) -> RollupRequest:
        """What :meth:`encode` wrote."""
        said = json.loads(line)
        told = {
            "directory": Path(said["directory"]),
            "tier": Tier(said["tier"]),
            "progress": RollupProgress(**said["progress"]),
        }
        return cls(**(said | told))


def decode_line(line: bytes) -> list[Rollup] | RollupProgress:
    """A line of output. Raises :class:`JournalError` with the words of a process that failed."""
    said: Any = json.loads(line)
    if isinstance(said, list):
        return [Rollup(**(one | {"tier": Tier(one["tier"])})) for one in said]
    if "error" in said:
        raise JournalError(said["error"])
    return RollupProgress(**said)


def _encode_line(message: Sequence[Rollup] | RollupProgress | str) -> str:
    if isinstance(message, str):
        return json.dumps({"error": message}) + "\n"
    value = asdict(message) if isinstance(message, RollupProgress) else [asdict(one) for one in message]
    return json.dumps(value, separators=(",", ":")) + "\n"


def main(input_stream: TextIO = sys.stdin, output_stream: TextIO = sys.stdout) -> int:
    """Do what the order says; the exit code is 0 when all of it was done."""
    with suppress(OSError):
        os.nice(19)
    order = RollupRequest.decode(input_stream.readline())
    try:
        periods, progress = compute.due_periods(order.directory, order.tier, order.zone, order.now_ms, order.progress)
        for start, end in periods:
            output_stream.writelines(
                _encode_line(some) for some in _chunks(compute.compute_rollups(order.directory, order.tier, start, end))
            )
        output_stream.write(_encode_line(progress))
    except (JournalError, OSError) as error:
        output_stream.write(_encode_line(str(error)))
        return 1
    return 0


def _chunks(rollups: Sequence[Rollup]) -> list[Sequence[Rollup]]:
    return [rollups[first : first + ROLLUPS_PER_LINE] for first in range(0, len(rollups), ROLLUPS_PER_LINE)]


if __name__ == "__main__":
    raise SystemExit(main())
