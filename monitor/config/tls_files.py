"""Load the certificate and the key of the web server, and describe what is wrong with the files."""

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
    """A file cannot be used; ``field`` is ``certificate`` or ``key``, the message is the end of a sentence."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateKeyPair:
    """PEM files: the certificate with the chain below it, and its private key without a password."""

    certificate: Path
    key: Path

    def validate(self) -> x509.Certificate:
        """Validate both files and return the certificate. Raises :class:`TlsFileError`."""
        certificate = _certificate(_read("certificate", self.certificate))
        public_key = _public_key(_read("key", self.key))
        if _public_bytes(certificate.public_key()) != _public_bytes(public_key):
            raise TlsFileError("key", "is not the key of the certificate")
        try:
            self.load_into(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
        except (OSError, ValueError) as error:  # such as a key that OpenSSL finds too short
            reason = getattr(error, "reason", None) or type(error).__name__
            raise TlsFileError("certificate", f"is rejected by OpenSSL: {reason}") from None
        return certificate

    def server_context(self) -> ssl.SSLContext:
        """Return a server context with TLS 1.2 and 1.3 only and HTTP/1.1. The files must be validated before."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
        context.set_alpn_protocols(["http/1.1"])
        self.load_into(context)
        return context

    def load_into(self, context: ssl.SSLContext) -> None:
        """Read the files again into a context in use: new connections use the new certificate."""
        context.load_cert_chain(self.certificate, self.key, password=lambda: "")


def validity_problem(certificate: x509.Certificate) -> str:
    """Return why clients will reject the certificate today; empty when they will not."""
    now = datetime.now(UTC)
    if now > certificate.not_valid_after_utc:
        return f"the certificate expired on {certificate.not_valid_after_utc:%Y-%m-%d}"
    if now < certificate.not_valid_before_utc:
        return f"the certificate is not valid before {certificate.not_valid_before_utc:%Y-%m-%d}"
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
        raise TlsFileError("key", "is encrypted with a password, which is not supported") from None
    except ValueError:
        raise TlsFileError("key", "holds no private key in PEM") from None


def _public_bytes(key: CertificatePublicKeyTypes | PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
