"""The protocol of daemon and sealing process: one request, entries of the catalog, one result."""

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
    """Seal the days of ``zone`` that ended ``grace_ms`` before ``now_ms`` (UTC ms)."""

    directory: Path
    zone: str
    grace_ms: int
    now_ms: int
    memory_limit: str = duckdb_session.SEAL_MEMORY_LIMIT


def encode_request(request: SealRequest, retention_days: int | None) -> str:
    """Encode the first line of input; retention as in :func:`monitor.storage.archive.compaction.run_maintenance`."""
    return json.dumps(asdict(request) | {"directory": str(request.directory), "retention_days": retention_days}) + "\n"


def decode_line(line: str) -> tuple[ArchiveUpdate | None, dict[str, Any]]:
    """Decode a line of output: (entry for the catalog, {}) or (None, result)."""
    data = json.loads(line)
    if "statements" in data:
        return ArchiveUpdate(statements=tuple((sql, tuple(values)) for sql, values in data["statements"])), {}
    return None, data
