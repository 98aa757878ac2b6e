"""Response models of the JSON API: handlers return them, the OpenAPI description is generated from them."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict  # required by pydantic before Python 3.12

from monitor.model.incidents import EndReason, EventType, IncidentKind, MessageStatus, NoteKind, Severity
from monitor.model.records import Expect, PortalKind, State, UnknownReason
from probes.result import Fault, Outcome, Scalar

Timestamp = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""ISO 8601 in UTC to the millisecond, such as ``2026-08-01T00:00:00.000Z``."""

forbid_extra_keys = with_config(ConfigDict(extra="forbid"))
"""A response has these keys and no others."""


@forbid_extra_keys
class Error(TypedDict):
    """Reason of an error response, as one sentence."""

    error: str


@forbid_extra_keys
class ProberResponse(TypedDict):
    """State of the prober: unknown while its self-check fails, up otherwise."""

    location: str
    state: State
    since: Timestamp | None
    reason: str


@forbid_extra_keys
class PortalNameResponse(TypedDict):
    """Names of a portal."""

    vi: str
    en: str


@forbid_extra_keys
class CheckResponse(TypedDict):
    """One check of a portal."""

    name: str
    kind: str
    url: str
    interval_seconds: float


@forbid_extra_keys
class AttemptResponse(TypedDict):
    """Result of one slot of a check. A fault is the portal's, an unknown reason is the prober's."""

    slot: Timestamp
    started: Timestamp | None
    outcome: Outcome
    fault: Fault | None
    unknown_reason: UnknownReason | None
    duration: Annotated[float | None, Field(description="Seconds.")]
    detail: str


@forbid_extra_keys
class PortalResponse(TypedDict):
    """A portal of the inventory with its state and its latest result."""

    id: str
    code: str | None
    name: PortalNameResponse
    kind: PortalKind
    group: str
    url: str
    expect: Expect
    redirects_to: str | None
    verified: bool
    merged_into: str | None
    state: State
    since: Timestamp | None
    flapping: bool
    reason: str
    latest: AttemptResponse | None
    checks: list[CheckResponse]


@forbid_extra_keys
class PortalsResponse(TypedDict):
    """The inventory."""

    prober: ProberResponse
    portals: list[PortalResponse]


@forbid_extra_keys
class HopResponse(TypedDict):
    """One request of an attempt; phases in seconds."""

    url: str
    phases: dict[str, float]
    family: Annotated[int | None, Field(description="4 or 6; null for a host that is an IP address.")]
    address: str | None
    status: int | None
    location: str | None


@forbid_extra_keys
class MeasurementResponse(AttemptResponse):
    """A measurement of the journal; ``values`` has only what was measured."""

    seq: int
    portal: str
    check: str
    kind: str
    location: str
    attempt: int
    phase: str | None
    start_delay: Annotated[float | None, Field(description="Seconds.")]
    config: str
    values: dict[str, Scalar]
    hops: list[HopResponse]


@forbid_extra_keys
class MeasurementsResponse(TypedDict):
    """Measurements, newest first."""

    measurements: list[MeasurementResponse]


@forbid_extra_keys
class AttemptSummaryResponse(TypedDict):
    """An attempt that confirmed the problem."""

    check: str
    slot: Timestamp
    attempt: int
    started: Timestamp | None
    duration: Annotated[float | None, Field(description="Seconds.")]
    outcome: Outcome
    fault: Fault | None
    unknown_reason: str | None
    phase: str | None
    detail: str
    address: str | None
    family: int | None
    status: int | None


@forbid_extra_keys
class AffectedPortalResponse(TypedDict):
    """One portal's part in an incident."""

    portal: str
    state: State
    since: Timestamp
    until: Timestamp | None
    end_reason: EndReason | None
    downtime_seconds: float
    fault: Fault | None
    phase: str | None
    detail: str
    address: str | None
    family: int | None
    certificate: dict[str, Scalar]
    last_good: Timestamp | None
    references: list[str]
    attempts: list[AttemptSummaryResponse]
    hops: list[HopResponse]
    shared: list[str]


@forbid_extra_keys
class IncidentResponse(TypedDict):
    """An incident after its newest event; ``updated`` is the slot of that event."""

    id: str
    kind: IncidentKind
    severity: Severity
    location: str
    opened: Timestamp
    updated: Timestamp
    resolved: Timestamp | None
    downtime_seconds: float
    shared: Annotated[list[str], Field(description="What all its portals have in common, where there are several.")]
    portals: list[AffectedPortalResponse]


@forbid_extra_keys
class IncidentsResponse(TypedDict):
    """Incidents, newest first."""

    incidents: list[IncidentResponse]


@forbid_extra_keys
class EventResponse(TypedDict):
    """An event of an incident; ``notified``: whether targets are notified of it."""

    number: int
    type: EventType
    portal: str
    at: Timestamp
    notified: bool


@forbid_extra_keys
class NoteResponse(TypedDict):
    """A note of an operator."""

    kind: NoteKind
    by: str
    text: str
    at: Timestamp


@forbid_extra_keys
class MessageResponse(TypedDict):
    """A message to a target about an event, and its status."""

    target: str
    event: int
    reminder: int
    created: Timestamp
    status: MessageStatus
    completed_at: Timestamp | None


@forbid_extra_keys
class Timeline(TypedDict):
    """History of an incident."""

    events: list[EventResponse]
    notes: list[NoteResponse]
    messages: list[MessageResponse]


@forbid_extra_keys
class IncidentDetailResponse(IncidentResponse, Timeline):
    """An incident with events, notes and messages."""
