"""What the daemon and the sealing process send each other: one request, entries of the catalog, one last line."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from monitor.storage.archive import duckdb_session
from monitor.storage.journal.store import ArchiveUpdate

DURABLE_ACK = "durable\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class SealRequest:
    """What a sweep is to do: seal what closed ``grace`` (ms) before ``now`` (UTC ms), in days of ``zone``."""

    directory: Path
    zone: str
    grace_ms: int
    now_ms: int
    memory_limit: str = duckdb_session.SEAL_MEMORY_LIMIT


def encode_request(request: SealRequest, retention_days: int | None) -> str:
    """The first line of input; ``keep`` as in :func:`monitor.storage.archive.compaction.tend`."""
    return json.dumps(asdict(request) | {"directory": str(request.directory), "keep": retention_days}) + "\n"


def decode_line(line: str) -> tuple[ArchiveUpdate | None, dict[str, Any]]:
    """A line of output: (entry for the ledger, {}) or (None, the last word)."""
    said = json.loads(line)
    if "statements" in said:
        return ArchiveUpdate(statements=tuple((sql, tuple(values)) for sql, values in said["statements"])), {}
    return None, said
