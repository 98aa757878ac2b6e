"""What the daemon and the sealing process send each other: one request, entries of the catalog, one last line."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from monitor.storage.archive import duckdb_session
from monitor.storage.journal.store import Chore

DURABLE = "durable\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a sweep is to do: seal what closed ``grace`` (ms) before ``now`` (UTC ms), in days of ``zone``."""

    directory: Path
    zone: str
    grace: int
    now: int
    memory: str = duckdb_session.MEMORY


def encode_order(order: Order, keep: int | None) -> str:
    """The first line of input; ``keep`` as in :func:`monitor.storage.archive.compaction.tend`."""
    return json.dumps(asdict(order) | {"directory": str(order.directory), "keep": keep}) + "\n"


def decode(line: str) -> tuple[Chore | None, dict[str, Any]]:
    """A line of output: (entry for the ledger, {}) or (None, the last word)."""
    said = json.loads(line)
    if "statements" in said:
        return Chore(statements=tuple((sql, tuple(values)) for sql, values in said["statements"])), {}
    return None, said
