"""Protocol between the daemon and the scoring process, so that the daemon loads none of the scoring modules."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monitor.model.scores import ScorePoint
from monitor.storage.journal.store import JournalError


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRequest:
    """Score the history in ``data_dir`` by the rules in ``config_dir``, as of ``now_ms`` (UTC ms)."""

    config_dir: Path
    data_dir: Path
    now_ms: int

    def encode(self) -> bytes:
        """Encode the input of the process."""
        data = {"config": str(self.config_dir), "data": str(self.data_dir), "now": self.now_ms}
        return (json.dumps(data) + "\n").encode()

    @classmethod
    def decode(cls, line: str) -> ScoreRequest:
        """Decode the output of :meth:`encode`."""
        data = json.loads(line)
        return cls(config_dir=Path(data["config"]), data_dir=Path(data["data"]), now_ms=data["now"])


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreResult:
    """Result of a run: the text for Prometheus, and CPU seconds spent."""

    exposition: str
    cpu_seconds: float


def decode_line(line: bytes) -> list[ScorePoint] | ScoreResult:
    """Decode a line of output. Raises :class:`JournalError` with the error of a failed process."""
    data: Any = json.loads(line)
    if isinstance(data, list):
        return [ScorePoint(**one) for one in data]
    if "error" in data:
        raise JournalError(data["error"])
    return ScoreResult(**data)
