"""The records of an incident: affected portals, the attempts that confirmed it, events, notes and messages.

Each event contains the whole incident as known by then, so a page can explain it long after its measurements have
left the journal for the archive.
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
    """What kind of problem an incident is."""

    OUTAGE = "outage"
    DEGRADED = "degraded"
    FLAPPING = "flapping"
    PROBER = "prober"  # the self-check of the prober failed


class Severity(enum.StrEnum):
    """How urgent an incident is: a page wakes an operator, a notice can wait for the morning."""

    PAGE = "page"
    NOTICE = "notice"


class EventType(enum.StrEnum):
    """What an event changes about its incident."""

    OPENED = "opened"
    UPDATED = "updated"
    RESOLVED = "resolved"


class EndReason(enum.StrEnum):
    """Why an incident, or a portal's part in it, ended."""

    RECOVERED = "recovered"
    MAINTENANCE = "maintenance"
    FLAPPING = "flapping"
    WORSE = "worse"  # it continues as an incident of a more severe kind
    BETTER = "better"  # the portal answers again, but is degraded
    REMOVED = "removed"  # the portal left the inventory, or was retired


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptSummary:
    """One attempt, as an incident shows it; times as in ``Measurement``."""

    check: str
    slot: int
    attempt: int
    outcome: Outcome
    fault: Fault | None = None
    unknown_reason: str | None = None
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

    ``since`` and ``until`` are UTC ms, ``until`` is None while it is ongoing. ``down_ms`` sums the time of confirmed
    failure; ``failing_since`` is the start of the current one, None while the state is unknown. ``attempts`` are those
    that confirmed it, ``last_good`` is the slot of the last successful one before. ``certificate`` holds the ``cert_``
    values of the newest attempt that has them. ``references`` are the results of the self-check around that time.
    ``shared`` are the keys by which a common cause is recognised, such as ``address:192.0.2.10``.
    """

    portal: str
    since: int
    state: State
    fault: Fault | None = None
    phase: str | None = None
    detail: str = ""
    address: str | None = None
    family: int | None = None
    last_good: int | None = None
    attempts: tuple[AttemptSummary, ...] = ()
    hops: tuple[Hop, ...] = ()
    certificate: Mapping[str, Scalar] = field(default_factory=dict)
    references: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    until: int | None = None
    end_reason: EndReason | None = None
    failing_since: int | None = None
    down_ms: int = 0

    def downtime_seconds(self, now_ms: int) -> float:
        """Return the seconds of confirmed failure up to ``now_ms`` (UTC ms)."""
        return (self.down_ms + (max(0, now_ms - self.failing_since) if self.failing_since is not None else 0)) / 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """All that is known about one incident. ``opened`` and ``resolved`` are slots in UTC ms.

    ``shared`` are the keys that all affected portals have in common; empty while there is only one.
    """

    id: str
    kind: IncidentKind
    severity: Severity
    location: str
    opened: int
    portals: tuple[AffectedPortal, ...]
    shared: tuple[str, ...] = ()
    resolved: int | None = None

    @property
    def ongoing(self) -> tuple[AffectedPortal, ...]:
        """The portals whose part is ongoing."""
        return tuple(one for one in self.portals if one.until is None)

    def affected_portal(self, portal: str) -> AffectedPortal | None:
        """Return the part of a portal, None when it has none."""
        return next((one for one in self.portals if one.portal == portal), None)

    def downtime_seconds(self, now_ms: int) -> float:
        """Return the longest downtime of an affected portal, in seconds up to ``now_ms`` (UTC ms)."""
        return max(one.downtime_seconds(now_ms) for one in self.portals)


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentEvent:
    """A change of an incident; ``incident`` is its content after that. ``number`` counts from 1 within it.

    ``at`` is the slot from which the state change holds and ``confirmed`` the end of the attempt that confirmed it,
    both UTC ms. ``notify``: whether notifications are sent.
    """

    incident: Incident
    number: int
    type: EventType
    portal: str
    at: int
    confirmed: int
    notify: bool
    seq: int = 0


class NoteKind(enum.StrEnum):
    """What an operator did."""

    ACKNOWLEDGED = "acknowledged"
    COMMENTED = "commented"


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentNote:
    """What an operator wrote about an incident, when (UTC ms) and who. ``id`` is drawn by the command that wrote it."""

    id: str
    incident: str
    kind: NoteKind
    by: str
    text: str
    at: int
    seq: int = 0


class MessageStatus(enum.StrEnum):
    """The status of a message."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"  # replaced by a newer reminder


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A notification of one target about one event, or about it again as reminder number ``reminder``.

    ``occurred_at`` is when the event was confirmed, ``created`` when the message was stored, both UTC ms.
    """

    incident: str
    number: int
    target: str
    severity: Severity
    occurred_at: int
    created: int
    reminder: int = 0
    status: MessageStatus = MessageStatus.WAITING
    completed_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxUpdate:
    """Messages and notes to store outside a checkpoint update, and messages completed at ``completed_at`` (UTC ms)."""

    messages: tuple[Message, ...] = ()
    notes: tuple[IncidentNote, ...] = ()
    completed: tuple[tuple[Message, MessageStatus], ...] = ()
    completed_at: int = 0


def incident_id(portal: str, since_ms: int) -> str:
    """Return ``hue-20261124T031500Z``: the portal and the second from which its downtime counts."""
    return f"{portal}-{datetime.fromtimestamp(since_ms // 1000, UTC):%Y%m%dT%H%M%SZ}"
