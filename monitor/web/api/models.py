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


@with_config(ConfigDict(extra="forbid"))
class ApiModel(TypedDict):
    """Base of all models: a response has the declared keys and no others."""


class Error(ApiModel):
    """Reason of an error response, as one sentence."""

    error: str


class ProberResponse(ApiModel):
    """State of the prober: unknown while its self-check fails, up otherwise."""

    location: str
    state: State
    since: Timestamp | None
    reason: str


class PortalNameResponse(ApiModel):
    """Names of a portal."""

    vi: str
    en: str


class CheckResponse(ApiModel):
    """One check of a portal."""

    name: str
    kind: str
    url: str
    interval_seconds: float


class AttemptResponse(ApiModel):
    """Result of one slot of a check. A fault is the portal's, an unknown reason is the prober's."""

    slot: Timestamp
    started: Timestamp | None
    outcome: Outcome
    fault: Fault | None
    unknown_reason: UnknownReason | None
    duration: Annotated[float | None, Field(description="Seconds.")]
    detail: str


class PortalResponse(ApiModel):
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


class PortalsResponse(ApiModel):
    """The inventory."""

    prober: ProberResponse
    portals: list[PortalResponse]


class HopResponse(ApiModel):
    """One request of an attempt; phases in seconds."""

    url: str
    phases: dict[str, float]
    family: Annotated[int | None, Field(description="4 or 6; null for a host that is an IP address.")]
    address: str | None
    status: int | None
    location: str | None


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


class MeasurementsResponse(ApiModel):
    """Measurements, newest first."""

    measurements: list[MeasurementResponse]


class AttemptSummaryResponse(ApiModel):
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


class AffectedPortalResponse(ApiModel):
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


class IncidentResponse(ApiModel):
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


class IncidentsResponse(ApiModel):
    """Incidents, newest first."""

    incidents: list[IncidentResponse]


class EventResponse(ApiModel):
    """An event of an incident; ``notified``: whether targets are notified of it."""

    number: int
    type: EventType
    portal: str
    at: Timestamp
    notified: bool


class NoteResponse(ApiModel):
    """A note of an operator."""

    kind: NoteKind
    by: str
    text: str
    at: Timestamp


class MessageResponse(ApiModel):
    """A message to a target about an event, and its status."""

    target: str
    event: int
    reminder: int
    created: Timestamp
    status: MessageStatus
    completed_at: Timestamp | None


class Timeline(ApiModel):
    """History of an incident."""

    events: list[EventResponse]
    notes: list[NoteResponse]
    messages: list[MessageResponse]


class IncidentDetailResponse(IncidentResponse, Timeline):
    """An incident with events, notes and messages."""
