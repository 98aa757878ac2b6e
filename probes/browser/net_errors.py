"""The border to Chromium's network: its error names become one of our closed set of faults."""

from __future__ import annotations

import re

from probes.result import Fault, ProbeFailed

_FAULTS: dict[str, Fault] = {
    "NAME_NOT_RESOLVED": Fault.DNS,
    "NAME_RESOLUTION_FAILED": Fault.DNS,
    "CONNECTION_REFUSED": Fault.CONNECT_REFUSED,
    "ADDRESS_UNREACHABLE": Fault.CONNECT_REFUSED,
    "CONNECTION_TIMED_OUT": Fault.CONNECT_TIMEOUT,
    "TIMED_OUT": Fault.TIMEOUT,
    "CONNECTION_RESET": Fault.RESET,
    "CONNECTION_CLOSED": Fault.RESET,
    "CONNECTION_ABORTED": Fault.RESET,
    "CONNECTION_FAILED": Fault.RESET,
    "EMPTY_RESPONSE": Fault.RESET,
    "SOCKET_NOT_CONNECTED": Fault.RESET,
    "TOO_MANY_REDIRECTS": Fault.REDIRECT_LOOP,
    "UNSAFE_REDIRECT": Fault.REDIRECT_TARGET,
    "INVALID_REDIRECT": Fault.REDIRECT_TARGET,
    "CERT_DATE_INVALID": Fault.TLS_EXPIRED,
    "CERT_COMMON_NAME_INVALID": Fault.TLS_NAME,
    "CERT_AUTHORITY_INVALID": Fault.TLS_UNTRUSTED,
    "CERT_REVOKED": Fault.TLS_UNTRUSTED,
    "HTTP_RESPONSE_CODE_FAILURE": Fault.HTTP_STATUS,
    "ABORTED": Fault.NOT_RENDERED,
    "INTERNET_DISCONNECTED": Fault.PROBER,
    "NETWORK_CHANGED": Fault.PROBER,
    "NETWORK_IO_SUSPENDED": Fault.PROBER,
    "INSUFFICIENT_RESOURCES": Fault.PROBER,
    "OUT_OF_MEMORY": Fault.PROBER,
    "NO_BUFFER_SPACE": Fault.PROBER,
}
"""By name without ``net::ERR_`` (net/base/net_error_list.h of Chromium)."""

EGRESS_DENIED = "the page is at an address that is not public, and not named in 'render: reach'"
"""Our own fence; whether others could see the page we do not know."""

_TLS = re.compile(r"SSL|CERT")


def to_failure(text: str) -> ProbeFailed:
    """The failure behind an error text such as ``net::ERR_CONNECTION_REFUSED``."""
    name = text.removeprefix("net::").removeprefix("ERR_")
    if name == "NETWORK_ACCESS_DENIED":
        return ProbeFailed(Fault.PROBER, EGRESS_DENIED)
    fault = _FAULTS.get(name) or (Fault.TLS_OTHER if _TLS.search(name) else Fault.PROTOCOL)
    return ProbeFailed(fault, f"the browser says {name.lower().replace('_', ' ')}")
