"""What the daemon orders from its renderer and what comes back, as records and as lines of JSON."""

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
    """One load to make: ``url`` on the device ``profile``, over within ``timeout`` seconds, saying ``agent``.

    ``blocked`` hosts are never asked. ``reach`` are networks that may be reached though they are not of the Internet.
    ``largest`` is the most bytes that the page may send, ``memory`` the most that
    one of its processes may take. ``best`` is the best benchmark index known of this host (0: none yet) and ``share``
    the part of it that it must still reach. ``prove`` asks for the canary first. ``trace`` is a file for the trace.
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
        """As one line of JSON."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_json_line(cls, line: bytes) -> LoadRequest:
        """From such a line."""
        told = json.loads(line)
        return cls(**(told | {"blocked_hosts": tuple(told["blocked"]), "allowed_networks": tuple(told["reach"])}))

    def egress_exceptions(self) -> str:
        """What may be reached beside the Internet, as ``fence`` reads it: ``reach``, and a host written as an address.

        A name is no reason to let a page in anywhere: whoever holds a portal's zone could let it lead to us.
        """
        parts = urlsplit(self.url)
        host, usual = parts.hostname or "", {"http": 80, "https": 443}
        ports = {parts.port or usual.get(parts.scheme, 0), *usual.values()}
        own = LOOPBACK_ADDRESSES if host == "localhost" or host.endswith(".localhost") else (host,)
        return "\n".join(
            (*self.allowed_networks, *(f"{one} {port}" for one in own if _is_ip_address(one) for port in ports))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenshotFile:
    """A picture that the renderer left in its scratch directory as ``file``; the rest as in probes.base.Picture."""

    file: str
    content_type: str
    at_seconds: float | None = None
    fingerprint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadResponse:
    """What became of an order.

    ``fault`` with ``detail`` and ``phase`` says why it failed; :attr:`Fault.PROBER` where we could not see. ``memory``
    is what the browser and all that belongs to it took in the end, in bytes. ``proved``: the canary was asked and well.
    ``spoiled``: this browser is not to be used again. ``fenced``: the kernel kept its pages to the Internet.
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
        """As one line of JSON."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_json_line(cls, line: bytes) -> LoadResponse:
        """From such a line. Raises ValueError when it is none."""
        told: dict[str, Any] = json.loads(line)
        told["fault"] = Fault(told["fault"]) if told["fault"] else None
        told["pictures"] = tuple(ScreenshotFile(**one) for one in told["pictures"])
        return cls(**told)
