"""Certificate facts from DER bytes: expiry of the leaf, of what was presented and of the chain that was verified."""

from __future__ import annotations

import functools
import hashlib
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

    from probes.result import Scalar

_FILETYPE_DER = 2
"""SSL_FILETYPE_ASN1 of ssl.h, for the certificate objects below Python 3.13's public API."""

MAX_NAME_LENGTH = 128
"""Longest label value and column: a certificate's names are text of the portal."""


def der_chain(tls_object: ssl.SSLObject, method: str) -> tuple[bytes, ...]:
    """Return DER certificates, leaf first. Public since Python 3.13; earlier the private object has the same method."""
    public = getattr(tls_object, method, None)
    if public is not None:
        return tuple(public() or ())
    inner = getattr(getattr(tls_object, "_sslobj", None), method, None)
    found = inner() if inner is not None else None
    return tuple(certificate.public_bytes(_FILETYPE_DER) for certificate in found or ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """Hold the facts of one certificate; ``not_before`` and ``not_after`` are seconds since the epoch."""

    subject: str
    issuer: str
    fingerprint: str
    not_before: float
    not_after: float


def read_certificate(der: bytes) -> Certificate | None:
    """Parse one DER certificate; None when it is malformed, as a self-made one may be."""
    return _parse_cached(der) if len(der) < _MAX_CACHED_BYTES else _parse(der)


def _parse(der: bytes) -> Certificate | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # formal flaws of the portal's certificate
            certificate = x509.load_der_x509_certificate(der)
            return Certificate(
                subject=certificate.subject.rfc4514_string()[:MAX_NAME_LENGTH],
                issuer=certificate.issuer.rfc4514_string()[:MAX_NAME_LENGTH],
                fingerprint=hashlib.sha256(der).hexdigest(),
                not_before=certificate.not_valid_before_utc.timestamp(),
                not_after=certificate.not_valid_after_utc.timestamp(),
            )
    except (ValueError, x509.InvalidVersion, UnsupportedAlgorithm):
        return None


_MAX_CACHED_BYTES = 8192
"""Longest certificate, in bytes, that is cached after parsing; a hostile portal sends a new long one each time."""
_parse_cached = functools.lru_cache(maxsize=512)(_parse)


def metric_values(presented_chain: Sequence[bytes], verified_chain: Sequence[bytes]) -> dict[str, Scalar]:
    """Return the certificate metrics of a hop.

    *presented_chain* is what the server sent, leaf first; *verified_chain* is what the trust store accepted. They
    differ when a server sends certificates that no verifier needs; then only the verified chain matters to clients.
    """
    presented = [certificate for der in presented_chain if (certificate := read_certificate(der)) is not None]
    leaf = read_certificate(presented_chain[0]) if presented_chain else None
    if leaf is None:
        return {}
    values: dict[str, Scalar] = {
        "cert_subject": leaf.subject,
        "cert_issuer": leaf.issuer,
        "cert_fingerprint": leaf.fingerprint,
        "cert_leaf_expiry": leaf.not_after,
        "cert_earliest_expiry": min(certificate.not_after for certificate in presented),
    }
    if (until := earliest_expiry(verified_chain)) is not None:
        values["cert_chain_expiry"] = until
    return values


def earliest_expiry(chain: Sequence[bytes]) -> float | None:
    """Return when the first certificate of a chain expires, in seconds since the epoch."""
    expiries = [certificate.not_after for der in chain if (certificate := read_certificate(der)) is not None]
    return min(expiries, default=None)
