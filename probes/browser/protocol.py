"""The protocol between the daemon and its browser worker: requests and responses as records and as JSON lines."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from probes.result import Fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from probes.result import Scalar


LOOPBACK_ADDRESSES = ("127.0.0.1", "::1")


def _is_ip_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadRequest:
    """Request one load of ``url`` on the device ``profile`` within ``timeout_seconds``.

    ``blocked_hosts`` are never requested; ``allowed_networks`` may be reached besides the Internet. ``max_page_bytes``
    limits the bytes of the page, ``memory_limit_bytes`` the memory of one of its processes. ``best_benchmark_index`` is
    the best one measured on this host (0: none yet), of which ``min_speed_ratio`` must be reached.
    ``verify_throttling`` requests the calibration first. ``trace_file`` is a destination for the trace.
    """

    url: str
    profile: str
    timeout_seconds: float
    user_agent: str
    blocked_hosts: tuple[str, ...] = ()
    allowed_networks: tuple[str, ...] = ()
    max_page_bytes: int = 50_000_000
    memory_limit_bytes: int = 1_500_000_000
    best_benchmark_index: float = 0.0
    min_speed_ratio: float = 0.0
    verify_throttling: bool = False
    trace_file: str = ""

    def to_json_line(self) -> bytes:
        """Encode as one line of JSON."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_json_line(cls, line: bytes) -> LoadRequest:
        """Decode one line of JSON."""
        data = json.loads(line)
        return cls(**(data | {name: tuple(data[name]) for name in ("blocked_hosts", "allowed_networks")}))

    def egress_exceptions(self) -> str:
        """Return what may be reached besides the Internet, in the egress filter's format.

        That is ``allowed_networks`` and a host that is an IP address. A name opens nothing: an attacker who controls
        a portal's DNS zone could point it at this host.
        """
        parts = urlsplit(self.url)
        host, default_ports = parts.hostname or "", {"http": 80, "https": 443}
        ports = {parts.port or default_ports.get(parts.scheme, 0), *default_ports.values()}
        hosts = LOOPBACK_ADDRESSES if host == "localhost" or host.endswith(".localhost") else (host,)
        own = [f"{address} {port}" for address in hosts if _is_ip_address(address) for port in ports]
        return "\n".join((*self.allowed_networks, *own))


@dataclass(frozen=True, slots=True)
class ScreenshotFile:
    """Name a screenshot that the worker wrote to ``file`` in its temporary directory; see probes.result.Screenshot."""

    file: str
    content_type: str
    at_seconds: float | None = None
    fingerprint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadResponse:
    """Hold the result of a load request.

    ``fault``, ``detail`` and ``phase`` describe a failure; :attr:`Fault.INTERNAL_ERROR` if the prober could not tell.
    ``memory_bytes`` is the memory of the whole process tree after the load. ``throttling_verified``: the calibration
    ran and succeeded. ``browser_broken``: do not use this browser again. ``egress_filtered``: the kernel filtered.
    """

    values: Mapping[str, Scalar] = field(default_factory=dict)
    fault: Fault | None = None
    detail: str = ""
    phase: str | None = None
    screenshots: tuple[ScreenshotFile, ...] = ()
    memory_bytes: int = 0
    throttling_verified: bool = False
    browser_broken: bool = False
    egress_filtered: bool = False

    def to_json_line(self) -> bytes:
        """Encode as one line of JSON."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_json_line(cls, line: bytes) -> LoadResponse:
        """Decode one line of JSON. Raises ValueError if it is malformed."""
        data: dict[str, Any] = json.loads(line)
        data["fault"] = Fault(data["fault"]) if data["fault"] else None
        data["screenshots"] = tuple(ScreenshotFile(**entry) for entry in data["screenshots"])
        return cls(**data)
