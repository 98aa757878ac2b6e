"""The border to aiohttp, ssl and the kernel: their errors become one of our closed set of faults, in one place."""

from __future__ import annotations

import errno
import ssl

import aiohttp
from aiohttp import http_exceptions

from probes.net.resolver import NameNotResolved
from probes.net.sockets import Inward, NoRoute
from probes.result import Failed, Fault

# OpenSSL's verify codes, x509_vfy.h
_EXPIRED = {9, 10}  # not yet valid, has expired
_WRONG_NAME = {62, 64}  # host name, IP address
_UNTRUSTED = {2, 18, 19, 20, 21, 24, 25, 26, 27, 28}  # issuer not found, self-signed, invalid authority, ...

_OURS = {
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOBUFS,
    errno.ENOMEM,
    errno.EADDRNOTAVAIL,
    errno.ENETUNREACH,
    errno.ENETDOWN,
    errno.EPERM,
    errno.EACCES,
}
_RESET = {errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED, errno.ENOTCONN, errno.ESHUTDOWN}


def of_timeout(phase: str | None, seconds: float) -> Failed:
    """The failure of a look that used up its time in ``phase``."""
    detail = f"no end after {seconds:g} s, in phase {phase or 'start'}"
    if phase == "resolve":
        return Failed(Fault.DNS, detail)
    return Failed(Fault.CONNECT_TIMEOUT if phase == "connect" else Fault.TIMEOUT, detail)


def of_certificate(error: ssl.CertificateError) -> Failed:
    """The failure of a certificate that was not accepted; OpenSSL's words are kept as detail."""
    code = getattr(error, "verify_code", None)
    detail = getattr(error, "verify_message", "") or str(error)
    if code in _EXPIRED:
        return Failed(Fault.TLS_EXPIRED, detail)
    if code in _WRONG_NAME:
        return Failed(Fault.TLS_NAME, detail)
    if code in _UNTRUSTED:
        return Failed(Fault.TLS_UNTRUSTED, detail)
    return Failed(Fault.TLS_OTHER, detail)


def of_os_error(error: OSError, phase: str | None) -> Failed:  # noqa: PLR0911 - one line per family of errors
    """The failure behind an operating-system error; what only this machine can have done is charged to the prober."""
    detail = error.strerror or str(error)
    number = error.errno
    if isinstance(error, NameNotResolved):
        return Failed(Fault.DNS, str(error))
    if isinstance(error, NoRoute):
        return Failed(Fault.PROBER, str(error))
    if isinstance(error, Inward):
        return Failed(Fault.REDIRECT_TARGET, str(error))
    if isinstance(error, ssl.SSLError):
        return Failed(Fault.TLS_OTHER, error.reason or detail)
    if number in _OURS:
        return Failed(Fault.PROBER, detail)
    if number in {errno.ECONNREFUSED, errno.EHOSTUNREACH}:
        return Failed(Fault.CONNECT_REFUSED, detail)
    if number == errno.ETIMEDOUT:
        return Failed(Fault.CONNECT_TIMEOUT if phase == "connect" else Fault.TIMEOUT, detail)
    if number in _RESET or isinstance(error, ConnectionError):
        return Failed(Fault.RESET, detail or "connection closed")
    return Failed(Fault.PROTOCOL, detail)


def translate(error: Exception, phase: str | None) -> Failed:
    """Name the fault of anything that a hop can raise. What is none of these is a bug of ours: it is raised again."""
    match error:
        case Failed():
            return error
        case ssl.CertificateError():
            return of_certificate(error)
        case aiohttp.ServerDisconnectedError():
            return Failed(Fault.RESET, f"connection closed in phase {phase}")
        case OSError():
            return of_os_error(error, phase)
        case aiohttp.ClientPayloadError():
            return _protocol(error.__cause__ or error)
        case aiohttp.ClientError() | http_exceptions.HttpProcessingError():
            return _protocol(error)
    raise error


def _protocol(error: BaseException) -> Failed:
    """What the server said is not HTTP, or not the HTTP that it announced.

    An aiohttp error as text may hold the whole address, with its query; its message alone does not.
    """
    message = getattr(error, "message", None)
    text = " ".join(str(error if message is None else message).split())[:200]
    return Failed(Fault.PROTOCOL, text or type(error).__name__)
