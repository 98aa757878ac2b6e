"""Translate the error names of Chromium's network into the closed set of faults."""

from __future__ import annotations

import re

from probes.result import Fault, ProbeFailed

_FAULTS: dict[str, Fault] = {
    name: fault
    for fault, names in (
        (Fault.DNS, ("NAME_NOT_RESOLVED", "NAME_RESOLUTION_FAILED")),
        (Fault.CONNECT_REFUSED, ("CONNECTION_REFUSED", "ADDRESS_UNREACHABLE")),
        (Fault.CONNECT_TIMEOUT, ("CONNECTION_TIMED_OUT",)),
        (Fault.TIMEOUT, ("TIMED_OUT",)),
        (Fault.RESET, ("CONNECTION_RESET", "CONNECTION_CLOSED", "CONNECTION_ABORTED", "CONNECTION_FAILED")),
        (Fault.RESET, ("EMPTY_RESPONSE", "SOCKET_NOT_CONNECTED")),
        (Fault.REDIRECT_LOOP, ("TOO_MANY_REDIRECTS",)),
        (Fault.REDIRECT_TARGET, ("UNSAFE_REDIRECT", "INVALID_REDIRECT")),
        (Fault.TLS_EXPIRED, ("CERT_DATE_INVALID",)),
        (Fault.TLS_NAME, ("CERT_COMMON_NAME_INVALID",)),
        (Fault.TLS_UNTRUSTED, ("CERT_AUTHORITY_INVALID", "CERT_REVOKED")),
        (Fault.HTTP_STATUS, ("HTTP_RESPONSE_CODE_FAILURE",)),
        (Fault.NOT_RENDERED, ("ABORTED",)),
        (Fault.INTERNAL_ERROR, ("INTERNET_DISCONNECTED", "NETWORK_CHANGED", "NETWORK_IO_SUSPENDED")),
        (Fault.INTERNAL_ERROR, ("INSUFFICIENT_RESOURCES", "OUT_OF_MEMORY", "NO_BUFFER_SPACE")),
    )
    for name in names
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
