"""The rollup process, ``python -m monitor.storage.rollups.worker``: the daemon neither computes nor loads DuckDB.

Its input is one request as JSON. Each line of output is a list of rollups; the last line is their progress, or the
error.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitor.model.rollups import Rollup, Tier
from monitor.storage.journal.store import JournalError
from monitor.storage.rollups import compute
from monitor.storage.rollups.compute import RollupProgress
from monitor.storage.worker_process import lower_priority

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

ROLLUPS_PER_LINE = 200
"""Rollups in a line: about 150 KB, a few milliseconds to decode."""


@dataclass(frozen=True, slots=True)
class RollupRequest:
    """Roll up what is due in ``directory`` at ``now_ms`` (UTC ms), after ``progress``."""

    directory: Path
    tier: Tier
    zone: str
    now_ms: int
    progress: RollupProgress

    def encode(self) -> bytes:
        """Encode the input of the process."""
        return (json.dumps(asdict(self) | {"directory": str(self.directory)}) + "\n").encode()

    @classmethod
    def decode(cls, line: str) -> RollupRequest:
        """Decode the output of :meth:`encode`."""
        data = json.loads(line)
        data["directory"], data["tier"] = Path(data["directory"]), Tier(data["tier"])
        return cls(**data | {"progress": RollupProgress(**data["progress"])})


def decode_line(line: bytes) -> list[Rollup] | RollupProgress:
    """Decode a line of output. Raises :class:`JournalError` with the error of a process that failed."""
    data: Any = json.loads(line)
    if isinstance(data, list):
        return [Rollup(**(one | {"tier": Tier(one["tier"])})) for one in data]
    if "error" in data:
        raise JournalError(data["error"])
    return RollupProgress(**data)


def _encode_line(message: Sequence[Rollup] | RollupProgress | str) -> str:
    if isinstance(message, str):
        return json.dumps({"error": message}) + "\n"
    value = asdict(message) if isinstance(message, RollupProgress) else [asdict(one) for one in message]
    return json.dumps(value, separators=(",", ":")) + "\n"


def main(input_stream: TextIO = sys.stdin, output_stream: TextIO = sys.stdout) -> int:
    """Execute the request and return the exit code, 0 for success."""
    lower_priority()
    request = RollupRequest.decode(input_stream.readline())
    try:
        directory, tier = request.directory, request.tier
        periods, progress = compute.due_periods(directory, tier, request.zone, request.now_ms, request.progress)
        for start, end in periods:
            chunks = _chunks(compute.compute_rollups(directory, tier, start, end))
            output_stream.writelines(map(_encode_line, chunks))
        output_stream.write(_encode_line(progress))
    except (JournalError, OSError) as error:
        output_stream.write(_encode_line(str(error)))
        return 1
    return 0


def _chunks(rollups: Sequence[Rollup]) -> list[Sequence[Rollup]]:
    return [rollups[first : first + ROLLUPS_PER_LINE] for first in range(0, len(rollups), ROLLUPS_PER_LINE)]


if __name__ == "__main__":
    raise SystemExit(main())
