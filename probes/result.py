"""What one execution of a probe returns: outcome, fault, values, hops and screenshots."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

Scalar = bool | int | float | str


class Fault(enum.StrEnum):
    """Why an attempt failed. The set is closed: dashboards, rules and archives rely on it."""

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
    INTERNAL_ERROR = "internal_error"


class Outcome(enum.StrEnum):
    """Outcome of an attempt. ``unknown``: the prober could not tell; it never counts against a portal."""

    UP = "up"
    DOWN = "down"
    UNKNOWN = "unknown"


class ProbeFailed(Exception):
    """Report that an attempt failed with ``fault``; ``detail`` is one readable sentence without secrets."""

    def __init__(self, fault: Fault, detail: str) -> None:
        super().__init__(detail)
        self.fault = fault
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """Describe one request of an attempt: ``phases`` in seconds, only those that ran; ``family`` is 4, 6 or None."""

    url: str
    phases: Mapping[str, float]
    family: int | None = None
    address: str | None = None
    status: int | None = None
    location: str | None = None


@dataclass(frozen=True, slots=True)
class Screenshot:
    """Hold one screenshot: ``at_seconds`` after the load's start, None for the last one, which is the whole screen.

    ``fingerprint`` is 16 hex digits that differ in few bits for similar images; empty where it was not computed.
    """

    at_seconds: float | None
    content_type: str
    body: bytes
    fingerprint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """Hold the result of one attempt. ``duration`` is in seconds; ``values`` holds only metrics that occurred."""

    outcome: Outcome
    fault: Fault | None = None
    phase: str | None = None
    detail: str = ""
    duration: float
    values: Mapping[str, Scalar]
    hops: tuple[Hop, ...] = ()
    screenshots: tuple[Screenshot, ...] = ()
