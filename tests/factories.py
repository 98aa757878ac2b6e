"""Realistic records for tests: each factory gives a complete one, and keyword arguments replace its fields."""
# ruff: noqa: ANN401 - a factory takes whatever fields its record has

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from monitor.model.records import Check, Measurement, Portal, PortalKind, State, StateChange, UnknownReason
from probes.registry import PROBE_KINDS
from probes.result import Fault, Hop, Outcome, ProbeResult

if TYPE_CHECKING:
    from collections.abc import Iterator

    from probes.result import Scalar

SLOT = 1_785_542_400_000
"""2026-08-01T00:00:00Z in UTC milliseconds, on every grid that tests use."""

MINUTE = 60_000
DAY = 86_400_000

PHASES = {"resolve": 0.012, "connect": 0.031, "tls": 0.058, "send": 0.001, "wait": 0.187, "transfer": 0.043}
"""Seconds of a good hop; they sum to 0.332."""


def portal(**overrides: Any) -> Portal:
    """A province's portal that answers; ``id``, ``name_vi``, ... as in the model."""
    identity = overrides.get("id", "ha-noi")
    url = overrides.get("url", f"https://{identity}.example.gov.vn")
    fields: dict[str, Any] = {
        "id": identity,
        "name_vi": "Cổng Dịch vụ công thành phố Hà Nội",
        "name_en": "Public Service Portal of Hà Nội",
        "kind": PortalKind.PROVINCE,
        "group": identity,
        "url": url,
        "code": "H26",
        "pages": {"home": f"{url}/"},
        "status_2026": "active",
        "confidence": "seen",
    }
    return Portal(**(fields | overrides))


def check(kind: str = "uptime", **overrides: Any) -> Check:
    """A check of a home page every minute; a ``probe`` given replaces the one made from ``kind`` and ``url``."""
    portal_id = overrides.get("portal", "ha-noi")
    url = overrides.pop("url", f"https://{portal_id}.example.gov.vn/")
    fields: dict[str, Any] = {"portal": portal_id, "name": kind, "page": "home", "interval": 60.0}
    if "probe" not in overrides:
        fields["probe"] = PROBE_KINDS[kind](url=url)
    return Check(**(fields | overrides))


def values(**overrides: Scalar) -> dict[str, Scalar]:
    """Return what a successful probe over IPv4 measures."""
    phases: dict[str, Scalar] = {f"{name}_seconds": seconds for name, seconds in PHASES.items()}
    found: dict[str, Scalar] = {
        "first_resolve_seconds": PHASES["resolve"],
        "status": 200,
        "http_version": 1.1,
        "redirects": 0,
        "ssl": True,
        "content_length": 18_204,
        "bytes_body": 71_345,
        "bytes_wire": 18_731,
        "ip_family": 4,
        "ipv4_success": True,
        "ipv4_seconds": sum(PHASES.values()),
        "cert_leaf_expiry": SLOT / 1000 + 90 * 86_400.0,
        "cert_earliest_expiry": SLOT / 1000 + 90 * 86_400.0,
        "cert_chain_expiry": SLOT / 1000 + 90 * 86_400.0,
        "cert_subject": "CN=*.example.gov.vn,O=Ủy ban nhân dân thành phố Hà Nội,C=VN",
        "cert_issuer": "CN=Example Issuing CA,C=VN",
        "cert_fingerprint": "ab" * 32,
        "tls_version": "TLSv1.3",
        "address": "192.0.2.10",
        "final_url": "https://ha-noi.example.gov.vn/",
    }
    return phases | found | overrides


def hop(**overrides: Any) -> Hop:
    """A good hop over IPv4."""
    fields: dict[str, Any] = {
        "url": "https://ha-noi.example.gov.vn/",
        "phases": dict(PHASES),
        "family": 4,
        "address": "192.0.2.10",
        "status": 200,
    }
    return Hop(**(fields | overrides))


def result(**overrides: Any) -> ProbeResult:
    """Return a successful probe with one hop."""
    fields: dict[str, Any] = {
        "outcome": Outcome.UP,
        "duration": sum(PHASES.values()),
        "values": values(),
        "hops": (hop(),),
    }
    return ProbeResult(**(fields | overrides))


def measurement(**overrides: Any) -> Measurement:
    """Return a measurement before its commit: a success by default, a plain failure when only ``outcome`` is down."""
    slot = overrides.get("slot", SLOT)
    fields: dict[str, Any] = {
        "portal": "ha-noi",
        "check": overrides.get("kind", "uptime"),
        "location": "hn-1",
        "slot": slot,
        "attempt": 1,
        "kind": "uptime",
        "outcome": Outcome.UP,
        "started": slot + 7,
        "duration": sum(PHASES.values()),
        "start_delay": 0.007,
        "config": "c0ffee12",
        "values": values(),
    }
    if overrides.get("outcome") is Outcome.DOWN:
        fields |= {
            "fault": Fault.CONNECT_TIMEOUT,
            "phase": "connect",
            "detail": "no end after 10 s, in phase connect",
            "duration": 10.0,
            "values": {"resolve_seconds": 0.012, "connect_seconds": 9.988, "redirects": 0, "ip_family": 4},
            "hops": (hop(phases={"resolve": 0.012, "connect": 9.988}, status=None),),
        }
    if overrides.get("outcome") is Outcome.UNKNOWN:
        fields |= {
            "unknown_reason": UnknownReason.STOPPED,
            "started": None,
            "duration": None,
            "start_delay": None,
            "values": {},
        }
    return Measurement(**(fields | overrides))


def measurements(count: int, *, interval: int = MINUTE, **overrides: Any) -> Iterator[Measurement]:
    """Measurements of ``count`` slots in a row, ``interval`` milliseconds apart, from ``slot`` (default SLOT)."""
    first = overrides.pop("slot", SLOT)
    for number in range(count):
        yield measurement(**overrides, slot=first + number * interval)


def change(**overrides: Any) -> StateChange:
    """The portal went down."""
    fields: dict[str, Any] = {
        "portal": "ha-noi",
        "location": "hn-1",
        "at": SLOT,
        "state": State.DOWN,
        "previous": State.UP,
        "fault": Fault.CONNECT_TIMEOUT,
        "detail": "no end after 10 s, in phase connect",
        "cause": 1,
    }
    return StateChange(**(fields | overrides))
