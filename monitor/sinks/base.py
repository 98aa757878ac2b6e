"""The interface of a sink and the closed set of its failures; independent of databases and of retries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

from pydantic import BaseModel, ConfigDict

from monitor.model.records import Measurement, StateChange
from monitor.model.rollups import Rollup
from monitor.model.scores import ScorePoint

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from monitor.model.rollups import Tier

SinkRecord = Measurement | StateChange | Rollup | ScorePoint

MAX_REASON_CHARS = 500
"""Characters of a sink's message that errors and the quarantine keep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteResult:
    """Result of an accepted batch.

    ``dropped_values`` counts values that the sink cannot hold (NaN, infinities, undeclared metrics),
    ``expired_records`` records that it did not store because they are older than its retention.
    """

    dropped_values: int = 0
    expired_records: int = 0


class SinkError(Exception):
    """A write failed; ``reason`` is the message of the sink or of the connection to it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TemporaryError(SinkError):
    """No connection, no response in time, too many requests, a server error: retry the same batch.

    ``retry_after_seconds`` is the pause that the server requested, or None.
    """

    def __init__(self, reason: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds


class BatchTooLarge(SinkError):
    """The batch is larger than the sink accepts; ``reason`` is the sink's message."""


class RecordRejected(SinkError):
    """At least one record of the batch can never be written; ``reason`` is the sink's message."""


class SinkUnavailable(SinkError):
    """The sink cannot be used until an operator fixes it: a wrong token, an unknown bucket, a wrong URL."""


class Sink(Protocol):
    """Writes records: the whole batch, or it raises. The same batch may come again and must then change nothing.

    A failed batch may be written in part: it is retried. A sink never retries, delays a write or blocks the event loop.
    """

    @property
    def name(self) -> str:
        """Name in checkpoints, logs and metrics; another name is another sink, which starts with the oldest record."""

    async def write(self, records: Sequence[SinkRecord]) -> WriteResult:
        """Write the batch. Raises: TemporaryError, BatchTooLarge, RecordRejected, SinkUnavailable."""

    async def close(self) -> None:
        """Close connections."""


@dataclass(frozen=True, slots=True)
class PortalLabels:
    """What a sink stores of a portal beside its id: its kind and its group."""

    portal_kind: str
    group: str


if TYPE_CHECKING:
    LabelLookup = Callable[[str], PortalLabels | None]
    """Portal id -> labels, or None for a portal that is no longer configured. Called again for every batch."""


class SinkSettings(BaseModel):
    """A sink kind: its fields are exactly the keys of its configuration block."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=False)

    kind: ClassVar[str]

    def open(self, name: str, label_lookup: LabelLookup) -> Sink:
        """Open a sink with these settings; it connects at the first write. Call it on the running loop."""
        raise NotImplementedError

    def open_tiers(self, name: str, label_lookup: LabelLookup) -> Mapping[Tier, Sink]:  # noqa: ARG002 - the interface
        """Open a sink for the rollups of each tier that it accepts, named after *name*; none by default."""
        return {}
