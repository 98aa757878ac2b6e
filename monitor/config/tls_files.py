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


class TlsFault(Exception):
    """A file cannot be used; ``where`` is ``certificate`` or ``key``, the message says what is wrong with it."""

    def __init__(self, where: str, message: str) -> None:
        super().__init__(message)
        self.where = where


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """PEM files: the certificate with the chain below it, and its private key without a password."""

    certificate: Path
    key: Path

    def judge(self) -> x509.Certificate:
        """The certificate, once both files were found good. Raises :class:`TlsFault`."""
        found = _certificate(_read("certificate", self.certificate))
        held = _public_key(_read("key", self.key))
        if _plain(found.public_key()) != _plain(held):
            raise TlsFault("key", "is not the key of the certificate")
        try:
            self.renew(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
        except (OSError, ValueError) as error:  # such as a key that OpenSSL finds too short
            reason = getattr(error, "reason", None) or type(error).__name__
            raise TlsFault("certificate", f"is refused by OpenSSL: {reason}") from None
        return found

    def context(self) -> ssl.SSLContext:
        """For a server: TLS 1.2 and 1.3 alone, HTTP/1.1. The files were judged before."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
        context.set_alpn_protocols(["http/1.1"])
        self.renew(context)
        return context

    def renew(self, context: ssl.SSLContext) -> None:
        """Read the files again into a context that is in use: connections from now on are given the new ones."""
        context.load_cert_chain(self.certificate, self.key, password=lambda: "")


def trouble_in_time(certificate: x509.Certificate) -> str:
    """Why clients will refuse the certificate today; empty when they need not."""
    now = datetime.now(UTC)
    if now > certificate.not_valid_after_utc:
        return f"the certificate ended on {certificate.not_valid_after_utc:%Y-%m-%d}"
    if now < certificate.not_valid_before_utc:
        return f"the certificate begins on {certificate.not_valid_before_utc:%Y-%m-%d}"
    return ""


def _read(where: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TlsFault(where, f"cannot be read: {error.strerror}") from None


def _certificate(text: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificates(text)[0]
    except ValueError:
        raise TlsFault("certificate", "holds no certificate in PEM") from None


def _public_key(text: bytes) -> PublicKeyTypes:
    try:
        return load_pem_private_key(text, password=None).public_key()
    except TypeError:
        raise TlsFault("key", "is locked with a password; nobody is there to type it") from None
    except ValueError:
        raise TlsFault("key", "holds no private key in PEM") from None


def _plain(key: CertificatePublicKeyTypes | PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
