"""The shape of every answer of the JSON API, declared once: handlers fill it, the OpenAPI description is made of it."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict  # pydantic's own; that of typing will do from Python 3.12 on

from monitor.model.incidents import EndReason, EventType, IncidentKind, MessageStatus, NoteKind, Severity
from monitor.model.records import Expect, PortalKind, State, UnknownReason
from probes.result import Fault, Outcome, Scalar

Timestamp = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""ISO 8601 in UTC to the millisecond, such as ``2026-08-01T00:00:00.000Z``."""

forbid_extra_keys = with_config(ConfigDict(extra="forbid"))
"""An answer has these keys and no others."""


@forbid_extra_keys
class Refusal(TypedDict):
    """Why there is no answer, in one sentence."""

    error: str


@forbid_extra_keys
class Prober(TypedDict):
    """Our own sight: unknown while we cannot see, up otherwise."""

    location: str
    state: State
    since: Timestamp | None
    reason: str


@forbid_extra_keys
class Name(TypedDict):
    """What a portal is called."""

    vi: str
    en: str


@forbid_extra_keys
class CheckOf(TypedDict):
    """One thing that is looked at again and again."""

    name: str
    kind: str
    url: str
    interval_seconds: float


@forbid_extra_keys
class Look(TypedDict):
    """What became of one slot of a check. A fault is the portal's, void is ours."""

    slot: Timestamp
    started: Timestamp | None
    outcome: Outcome
    fault: Fault | None
    void: UnknownReason | None
    duration: Annotated[float | None, Field(description="Seconds.")]
    detail: str


@forbid_extra_keys
class PortalOf(TypedDict):
    """A portal of the inventory with its state and its newest look."""

    id: str
    code: str | None
    name: Name
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
    last_look: Look | None
    checks: list[CheckOf]


@forbid_extra_keys
class Portals(TypedDict):
    """The inventory."""

    prober: Prober
    portals: list[PortalOf]


@forbid_extra_keys
class HopOf(TypedDict):
    """One request of a look; phases in seconds."""

    url: str
    phases: dict[str, float]
    family: Annotated[int | None, Field(description="4 or 6; none for a host that is written as an address.")]
    address: str | None
    status: int | None
    location: str | None


@forbid_extra_keys
class MeasurementOf(Look):
    """A look as the journal holds it; ``values`` has only what was measured."""

    seq: int
    portal: str
    check: str
    kind: str
    location: str
    attempt: int
    phase: str | None
    lateness: Annotated[float | None, Field(description="Seconds.")]
    config: str
    values: dict[str, Scalar]
    hops: list[HopOf]


@forbid_extra_keys
class Measurements(TypedDict):
    """Measurements, newest first."""

    measurements: list[MeasurementOf]


@forbid_extra_keys
class GlanceOf(TypedDict):
    """A look that confirmed the trouble."""

    check: str
    slot: Timestamp
    attempt: int
    started: Timestamp | None
    duration: Annotated[float | None, Field(description="Seconds.")]
    outcome: Outcome
    fault: Fault | None
    void: str | None
    phase: str | None
    detail: str
    address: str | None
    family: int | None
    status: int | None


@forbid_extra_keys
class MemberOf(TypedDict):
    """One portal's part in an incident."""

    portal: str
    state: State
    since: Timestamp
    until: Timestamp | None
    ending: EndReason | None
    downtime_seconds: float
    fault: Fault | None
    phase: str | None
    detail: str
    address: str | None
    family: int | None
    certificate: dict[str, Scalar]
    last_good: Timestamp | None
    references: list[str]
    looks: list[GlanceOf]
    hops: list[HopOf]
    shared: list[str]


@forbid_extra_keys
class IncidentOf(TypedDict):
    """How an incident stands; ``updated`` is the slot of its newest event."""

    id: str
    kind: IncidentKind
    severity: Severity
    location: str
    opened: Timestamp
    updated: Timestamp
    resolved: Timestamp | None
    downtime_seconds: float
    shared: Annotated[list[str], Field(description="What all its portals have in common, where there are several.")]
    portals: list[MemberOf]


@forbid_extra_keys
class Incidents(TypedDict):
    """Incidents, newest first."""

    incidents: list[IncidentOf]


@forbid_extra_keys
class EventOf(TypedDict):
    """Something happened to an incident; ``told``: whether people had to hear of it."""

    number: int
    step: EventType
    portal: str
    at: Timestamp
    told: bool


@forbid_extra_keys
class NoteOf(TypedDict):
    """What a person said."""

    kind: NoteKind
    by: str
    text: str
    at: Timestamp


@forbid_extra_keys
class MessageOf(TypedDict):
    """What a target is to hear about an event, and what became of it."""

    target: str
    event: int
    reminder: int
    created: Timestamp
    fate: MessageStatus
    settled: Timestamp | None


@forbid_extra_keys
class Course(TypedDict):
    """What led to where an incident stands."""

    events: list[EventOf]
    notes: list[NoteOf]
    messages: list[MessageOf]


@forbid_extra_keys
class IncidentWhole(IncidentOf, Course):
    """An incident with events, notes and messages."""
