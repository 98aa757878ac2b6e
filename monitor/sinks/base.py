"""The promise of a sink and the closed set of its failures; knows nothing of any database, and nothing of retrying."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteResult:
    """What became of an accepted batch.

    ``dropped`` counts values that the sink cannot hold (NaN, infinities, metrics that nobody declared), ``expired``
    records that it did not keep because they are older than what it keeps at all.
    """

    dropped_values: int = 0
    expired_records: int = 0


class TemporaryError(Exception):
    """Not now: no connection, no answer in time, too many requests, a server in trouble. Try the same batch again.

    ``retry_after`` is the pause in seconds that the server asked for, or None.
    """

    def __init__(self, reason: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after_seconds = retry_after_seconds


class BatchTooLarge(Exception):
    """The batch is larger than the sink takes at once; ``reason`` in its own words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class RecordRejected(Exception):
    """At least one record of the batch can never be written; ``reason`` in the sink's own words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SinkUnavailable(Exception):
    """This sink cannot be used until somebody mends it: a wrong token, an unknown bucket, a wrong address."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Sink(Protocol):
    """Takes records: all of a batch, or none for certain. The same batch may come again and must then change nothing.

    A failed batch may have been written in part, since it comes again. A sink never retries, never waits for better
    times and never holds the event loop.
    """

    @property
    def name(self) -> str:
        """Names the sink in bookmarks, logs and metrics; another name is another sink, which starts from the first."""

    async def write(self, records: Sequence[SinkRecord]) -> WriteResult:
        """Accept the batch, or raise :class:`Passing`, :class:`TooLarge`, :class:`Rejected` or :class:`Refused`."""

    async def close(self) -> None:
        """Let connections go."""


@dataclass(frozen=True, slots=True)
class PortalLabels:
    """What a sink tells of a portal beside its id: whose it is, and its group."""

    portal_kind: str
    group: str


if TYPE_CHECKING:
    LabelLookup = Callable[[str], PortalLabels | None]
    """Portal id -> label, or None for a portal that the configuration no longer has. Asked anew for every batch."""


class SinkSettings(BaseModel):
    """A sink kind: its fields are exactly the keys of its configuration block."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=False)

    kind: ClassVar[str]

    def open(self, name: str, label_lookup: LabelLookup) -> Sink:
        """A sink with these settings; connects when it first writes. Call it on the running loop."""
        raise NotImplementedError

    def open_tiers(self, name: str, label_lookup: LabelLookup) -> Mapping[Tier, Sink]:  # noqa: ARG002 - the promise
        """A sink for the figures of each tier that it takes, named after ``name``; none by default."""
        return {}
