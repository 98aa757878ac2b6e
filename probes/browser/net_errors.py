"""Translate the error names of Chromium's network into the closed set of faults."""

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
    "INTERNET_DISCONNECTED": Fault.INTERNAL_ERROR,
    "NETWORK_CHANGED": Fault.INTERNAL_ERROR,
    "NETWORK_IO_SUSPENDED": Fault.INTERNAL_ERROR,
    "INSUFFICIENT_RESOURCES": Fault.INTERNAL_ERROR,
    "OUT_OF_MEMORY": Fault.INTERNAL_ERROR,
    "NO_BUFFER_SPACE": Fault.INTERNAL_ERROR,
}
"""Faults by error name without ``net::ERR_`` (net/base/net_error_list.h of Chromium)."""

EGRESS_DENIED = "the page is at a private address that 'browser: allowed_networks' does not list"
"""Detail of a load that our own egress filter stopped; whether others can load the page is unknown."""

_TLS = re.compile(r"SSL|CERT")


def to_failure(text: str) -> ProbeFailed:
    """Return the failure of an error text such as ``net::ERR_CONNECTION_REFUSED``."""
    name = text.removeprefix("net::").removeprefix("ERR_")
    if name == "NETWORK_ACCESS_DENIED":
        return ProbeFailed(Fault.INTERNAL_ERROR, EGRESS_DENIED)
    fault = _FAULTS.get(name) or (Fault.TLS_OTHER if _TLS.search(name) else Fault.PROTOCOL)
    return ProbeFailed(fault, f"browser error: {name.lower().replace('_', ' ')}")
