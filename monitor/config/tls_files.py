"""Our own TLS: a certificate and a key from files to a context, and in words what is wrong with them."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes, PublicKeyTypes


class TlsFileError(Exception):
    """A file cannot be used; ``where`` is ``certificate`` or ``key``, the message says what is wrong with it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateKeyPair:
    """PEM files: the certificate with the chain below it, and its private key without a password."""

    certificate: Path
    key: Path

    def validate(self) -> x509.Certificate:
        """The certificate, once both files were found good. Raises :class:`TlsFault`."""
        found = _certificate(_read("certificate", self.certificate))
        held = _public_key(_read("key", self.key))
        if _public_bytes(found.public_key()) != _public_bytes(held):
            raise TlsFileError("key", "is not the key of the certificate")
        try:
            self.load_into(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
        except (OSError, ValueError) as error:  # such as a key that OpenSSL finds too short
            reason = getattr(error, "reason", None) or type(error).__name__
            raise TlsFileError("certificate", f"is refused by OpenSSL: {reason}") from None
        return found

    def server_context(self) -> ssl.SSLContext:
        """For a server: TLS 1.2 and 1.3 alone, HTTP/1.1. The files were judged before."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
        context.set_alpn_protocols(["http/1.1"])
        self.load_into(context)
        return context

    def load_into(self, context: ssl.SSLContext) -> None:
        """Read the files again into a context that is in use: connections from now on are given the new ones."""
        context.load_cert_chain(self.certificate, self.key, password=lambda: "")


def validity_problem(certificate: x509.Certificate) -> str:
    """Why clients will refuse the certificate today; empty when they need not."""
    now = datetime.now(UTC)
    if now > certificate.not_valid_after_utc:
        return f"the certificate ended on {certificate.not_valid_after_utc:%Y-%m-%d}"
    if now < certificate.not_valid_before_utc:
        return f"the certificate begins on {certificate.not_valid_before_utc:%Y-%m-%d}"
    return ""


def _read(field: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TlsFileError(field, f"cannot be read: {error.strerror}") from None


def _certificate(pem: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificates(pem)[0]
    except ValueError:
        raise TlsFileError("certificate", "holds no certificate in PEM") from None


def _public_key(pem: bytes) -> PublicKeyTypes:
    try:
        return load_pem_private_key(pem, password=None).public_key()
    except TypeError:
        raise TlsFileError("key", "is locked with a password; nobody is there to type it") from None
    except ValueError:
        raise TlsFileError("key", "holds no private key in PEM") from None


def _public_bytes(key: CertificatePublicKeyTypes | PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
