"""Translate the errors of aiohttp, ssl and the kernel into the closed set of faults, in one place."""

from __future__ import annotations

import errno
import ssl

import aiohttp
from aiohttp import http_exceptions

from probes.net.resolver import NameNotResolved
from probes.net.sockets import NoRoute, RedirectToPrivateAddress
from probes.result import Fault, ProbeFailed

_CERTIFICATE_FAULTS = (
    ({9, 10}, Fault.TLS_EXPIRED),  # not yet valid, has expired
    ({62, 64}, Fault.TLS_NAME),  # host name, IP address
    ({2, 18, 19, 20, 21, 24, 25, 26, 27, 28}, Fault.TLS_UNTRUSTED),  # issuer not found, self-signed, invalid CA, ...
)
"""Faults by OpenSSL's verify codes, x509_vfy.h."""

_OWN_FAULTS = (
    (NameNotResolved, Fault.DNS),
    (NoRoute, Fault.INTERNAL_ERROR),
    (RedirectToPrivateAddress, Fault.REDIRECT_TARGET),
)
"""Faults by this package's own errors, whose text is the detail."""

_LOCAL_ERRNOS = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EPERM, errno.EACCES}
_LOCAL_ERRNOS |= {errno.EADDRNOTAVAIL, errno.ENETUNREACH, errno.ENETDOWN}
_RESET_ERRNOS = {errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED, errno.ENOTCONN, errno.ESHUTDOWN}


def from_timeout(phase: str | None, seconds: float) -> ProbeFailed:
    """Return the failure of an attempt that timed out in *phase*."""
    detail = f"timeout after {seconds:g} s in phase {phase or 'start'}"
    if phase == "resolve":
        return ProbeFailed(Fault.DNS, detail)
    return ProbeFailed(Fault.CONNECT_TIMEOUT if phase == "connect" else Fault.TIMEOUT, detail)


def from_certificate_error(error: ssl.CertificateError) -> ProbeFailed:
    """Return the failure of a certificate that was not accepted; OpenSSL's message is the detail."""
    code = getattr(error, "verify_code", None)
    detail = getattr(error, "verify_message", "") or str(error)
    fault = next((fault for codes, fault in _CERTIFICATE_FAULTS if code in codes), Fault.TLS_OTHER)
    return ProbeFailed(fault, detail)


def from_os_error(error: OSError, phase: str | None) -> ProbeFailed:  # noqa: PLR0911 - one line per family of errors
    """Return the failure of an OS error; an error that only this host can cause is an internal error."""
    detail = error.strerror or str(error)
    number = error.errno
    for kind, fault in _OWN_FAULTS:
        if isinstance(error, kind):
            return ProbeFailed(fault, str(error))
    if isinstance(error, ssl.SSLError):
        return ProbeFailed(Fault.TLS_OTHER, error.reason or detail)
    if number in _LOCAL_ERRNOS:
        return ProbeFailed(Fault.INTERNAL_ERROR, detail)
    if number in {errno.ECONNREFUSED, errno.EHOSTUNREACH}:
        return ProbeFailed(Fault.CONNECT_REFUSED, detail)
    if number == errno.ETIMEDOUT:
        return ProbeFailed(Fault.CONNECT_TIMEOUT if phase == "connect" else Fault.TIMEOUT, detail)
    if number in _RESET_ERRNOS or isinstance(error, ConnectionError):
        return ProbeFailed(Fault.RESET, detail or "connection closed")
    return ProbeFailed(Fault.PROTOCOL, detail)


def from_exception(error: Exception, phase: str | None) -> ProbeFailed:
    """Return the failure of any error that a hop can raise. Other errors are bugs and are raised again."""
    match error:
        case ProbeFailed():
            return error
        case ssl.CertificateError():
            return from_certificate_error(error)
        case aiohttp.ServerDisconnectedError():
            return ProbeFailed(Fault.RESET, f"connection closed in phase {phase}")
        case OSError():
            return from_os_error(error, phase)
        case aiohttp.ClientPayloadError():
            return _protocol_failure(error.__cause__ or error)
        case aiohttp.ClientError() | http_exceptions.HttpProcessingError():
            return _protocol_failure(error)
    raise error


def _protocol_failure(error: BaseException) -> ProbeFailed:
    """Return the failure of a response that is not HTTP, or not the HTTP that it announced.

    The text of an aiohttp error may hold the whole URL with its query; its message alone does not.
    """
    message = getattr(error, "message", None)
    text = " ".join(str(error if message is None else message).split())[:200]
    return ProbeFailed(Fault.PROTOCOL, text or type(error).__name__)
