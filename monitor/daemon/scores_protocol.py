"""What the daemon and the process of scores say to each other, so that the daemon loads none of what scores need."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monitor.model.scores import ScorePoint
from monitor.storage.journal.store import JournalError


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRequest:
    """Score what ``data`` holds by the rules in ``config``, as of ``now`` (UTC ms)."""

    config_dir: Path
    data_dir: Path
    now_ms: int

    def encode(self) -> bytes:
        """The input of the process."""
        return (
            json.dumps({"config": str(self.config_dir), "data": str(self.data_dir), "now": self.now_ms}) + "\n"
        ).encode()

    @classmethod
    def decode(cls, line: str) -> ScoreRequest:
        """What :meth:`encode` wrote."""
        said = json.loads(line)
        return cls(config_dir=Path(said["config"]), data_dir=Path(said["data"]), now_ms=said["now"])


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreResult:
    """What a run came to: the text for Prometheus, and processor seconds spent."""

    text: str
    cost: float


def decode_line(line: bytes) -> list[ScorePoint] | ScoreResult:
    """A line of output. Raises :class:`JournalError` with the words of a process that failed."""
    said: Any = json.loads(line)
    if isinstance(said, list):
        return [ScorePoint(**one) for one in said]
    if "error" in said:
        raise JournalError(said["error"])
    return ScoreResult(**said)
