"""The records of an incident: what went wrong where, what was seen, and everything that was said about it later.

An incident travels as a whole: each of its events carries all that is known by then, so a page can explain it long
after the looks behind it have left for the archive.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from monitor.model.records import State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from probes.result import Fault, Hop, Outcome, Scalar


class IncidentKind(enum.StrEnum):
    """What sort of trouble it is."""

    OUTAGE = "outage"
    DEGRADED = "degraded"
    FLAPPING = "flapping"
    BLIND = "blind"  # the prober itself cannot see


class Severity(enum.StrEnum):
    """How loudly it is told: a page wakes somebody, a notice can wait for the morning."""

    PAGE = "page"
    NOTICE = "notice"


class EventType(enum.StrEnum):
    """What an event says of its incident."""

    OPENED = "opened"
    UPDATED = "updated"
    RESOLVED = "resolved"


class EndReason(enum.StrEnum):
    """How an incident, or a portal's part in it, ended."""

    RECOVERED = "recovered"
    MAINTENANCE = "maintenance"
    FLAPPING = "flapping"
    WORSE = "worse"  # it went on as an incident of a graver kind
    BETTER = "better"  # it answers again, though not as well as it should
    REMOVED = "removed"  # the portal left the inventory, or was retired


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptSummary:
    """One look as evidence; times as in ``Measurement``."""

    check: str
    slot: int
    attempt: int
    outcome: Outcome
    fault: Fault | None = None
    void: str | None = None
    phase: str | None = None
    detail: str = ""
    started: int | None = None
    duration: float | None = None
    address: str | None = None
    family: int | None = None
    status: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AffectedPortal:
    """One portal's part in an incident.

    ``since`` and ``until`` are UTC ms, ``until`` is None while it lasts; ``down_ms`` sums the time in confirmed
    trouble, ``went`` is when the stretch that is going on began, None while we cannot see. ``looks`` are those that
    confirmed it, ``good`` is the slot of the last good look before. ``certificate`` holds the ``cert_`` values of the
    newest look that saw one. ``references`` are the words of our own sight around that time. ``shared`` are the keys by
    which a common cause is recognised, such as ``address:192.0.2.10``.
    """

    portal: str
    since: int
    state: State
    fault: Fault | None = None
    phase: str | None = None
    detail: str = ""
    address: str | None = None
    family: int | None = None
    good: int | None = None
    looks: tuple[AttemptSummary, ...] = ()
    hops: tuple[Hop, ...] = ()
    certificate: Mapping[str, Scalar] = field(default_factory=dict)
    references: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    until: int | None = None
    ending: EndReason | None = None
    went: int | None = None
    down_ms: int = 0

    def downtime_seconds(self, now_ms: int) -> float:
        """Seconds of confirmed trouble up to ``now`` (UTC ms)."""
        return (self.down_ms + (max(0, now_ms - self.went) if self.went is not None else 0)) / 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Everything known about one incident. ``opened`` and ``resolved`` are slots in UTC ms.

    ``shared`` is what all members have in common; empty while there is only one.
    """

    id: str
    kind: IncidentKind
    severity: Severity
    location: str
    opened: int
    members: tuple[AffectedPortal, ...]
    shared: tuple[str, ...] = ()
    resolved: int | None = None

    @property
    def ongoing(self) -> tuple[AffectedPortal, ...]:
        """The members whose trouble goes on."""
        return tuple(one for one in self.members if one.until is None)

    def affected_portal(self, portal: str) -> AffectedPortal | None:
        """The part of a portal, None when it has none."""
        return next((one for one in self.members if one.portal == portal), None)

    def downtime_seconds(self, now_ms: int) -> float:
        """Seconds of confirmed trouble of the member that suffered longest."""
        return max(one.downtime_seconds(now_ms) for one in self.members)


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentEvent:
    """Something happened to an incident; ``incident`` is how it stands after that. ``number`` counts from 1 within it.

    ``at`` is the slot from which the state change holds and ``confirmed`` when the look that tipped it had ended, both
    UTC ms. ``tell`` says whether people have to hear of it.
    """

    incident: Incident
    number: int
    step: EventType
    portal: str
    at: int
    confirmed: int
    tell: bool
    seq: int = 0


class NoteKind(enum.StrEnum):
    """What a person did."""

    ACKNOWLEDGED = "acknowledged"
    COMMENTED = "commented"


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentNote:
    """What a person said about an incident, when (UTC ms) and who. ``id`` is drawn where it was written."""

    id: str
    incident: str
    kind: NoteKind
    by: str
    text: str
    at: int
    seq: int = 0


class MessageStatus(enum.StrEnum):
    """What became of a message."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"  # a newer reminder says more


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What one target is to hear about one event, or once more about it as reminder number ``reminder``.

    ``happened`` is when the event was confirmed, ``created`` when the message was written down, both UTC ms.
    """

    incident: str
    number: int
    target: str
    severity: Severity
    happened: int
    created: int
    reminder: int = 0
    fate: MessageStatus = MessageStatus.WAITING
    settled: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxUpdate:
    """What happens to messages and notes beside a reader's step: written, said, or settled as ``fate`` at ``at``."""

    messages: tuple[Message, ...] = ()
    notes: tuple[IncidentNote, ...] = ()
    completed: tuple[tuple[Message, MessageStatus], ...] = ()
    completed_at: int = 0


def incident_id(portal: str, since_ms: int) -> str:
    """``hue-20261124T031500Z``: the portal and the second from which its trouble counts."""
    return f"{portal}-{datetime.fromtimestamp(since_ms // 1000, UTC):%Y%m%dT%H%M%SZ}"
