"""What one execution of a probe returns: outcome, fault, values, hops and screenshots."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

Scalar = bool | int | float | str


class Fault(enum.StrEnum):
    """Why a look failed. A closed set: dashboards, rules and archives rely on it."""

    DNS = "dns"
    CONNECT_REFUSED = "connect_refused"
    CONNECT_TIMEOUT = "connect_timeout"
    TLS_EXPIRED = "tls_expired"
    TLS_NAME = "tls_name"
    TLS_UNTRUSTED = "tls_untrusted"
    TLS_OTHER = "tls_other"
    TIMEOUT = "timeout"
    RESET = "reset"
    HTTP_STATUS = "http_status"
    REDIRECT_LOOP = "redirect_loop"
    REDIRECT_TARGET = "redirect_target"
    BODY_MISMATCH = "body_mismatch"
    BODY_TOO_LARGE = "body_too_large"
    PROTOCOL = "protocol"
    BLOCKED = "blocked"
    NOT_RENDERED = "not_rendered"
    CRASHED = "crashed"
    PROBER = "prober"


class Outcome(enum.StrEnum):
    """The verdict of one look. ``void`` means that we could not see; it is never charged to a portal."""

    UP = "up"
    DOWN = "down"
    VOID = "void"


class ProbeFailed(Exception):
    """Raised by a probe: the look failed for ``fault``; ``detail`` is one human sentence without secrets."""

    def __init__(self, fault: Fault, detail: str) -> None:
        super().__init__(detail)
        self.fault = fault
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One request of a look: ``phases`` in seconds, only those that ran; ``family`` is 4, 6 or None for a literal."""

    url: str
    phases: Mapping[str, float]
    family: int | None = None
    address: str | None = None
    status: int | None = None
    location: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Screenshot:
    """What a look saw: ``at`` is seconds after its start, None for the last picture, which is the whole screen.

    ``type`` is the content type of ``body``. ``print`` is 16 hex digits that differ in few bits for pictures that look
    alike; empty where nobody computed it.
    """

    at_seconds: float | None
    content_type: str
    body: bytes
    fingerprint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """What one look found. ``duration`` in seconds; ``values`` holds only metrics that occurred, never a filler 0."""

    outcome: Outcome
    fault: Fault | None = None
    phase: str | None = None
    detail: str = ""
    duration: float
    values: Mapping[str, Scalar]
    hops: tuple[Hop, ...] = ()
    screenshots: tuple[Screenshot, ...] = ()
