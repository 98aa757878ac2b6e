"""A temporary certificate authority: a root, one intermediate, and valid or invalid server certificates.

All files are written with mode 0600 into one directory and are worthless outside loopback. `fleet` decides which portal
presents which certificate.
"""

import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from itertools import count
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LOOPBACK: Final = ("127.0.0.1",)
_KEY_USAGES: Final = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedKey:
    """A key and its subject name."""

    name: x509.Name
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))


class CertificateAuthority:
    """Signs server certificates; a client has to trust ``ca_file`` alone."""

    def __init__(self, directory: Path) -> None:
        """Create root and intermediate and write ``ca.pem`` (the root alone) into the directory."""
        self._directory = directory
        self._file_numbers = count(1)
        directory.mkdir(parents=True, exist_ok=True)
        since, until = _validity_period(days=3650)
        root = NamedKey(name=_x509_name("Cơ quan chứng thực gốc (minh họa)"))
        self._intermediate_key = NamedKey(name=_x509_name("Cơ quan chứng thực cấp dưới (minh họa)"))
        root_cert = _sign(_certificate_builder(root, since, until), root, root, path_length=1)
        self._root_certificate = root_cert
        draft = _certificate_builder(self._intermediate_key, since, until)
        self._intermediate_certificate = _sign(draft, self._intermediate_key, root, path_length=0)
        self.ca_file = directory / "ca.pem"
        write_private(self.ca_file, root_cert.public_bytes(Encoding.PEM))

    def issue(
        self,
        names: Sequence[str],
        ips: Sequence[str] = LOOPBACK,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
    ) -> ssl.SSLContext:
        """Return a server context with leaf and intermediate (default: valid from an hour ago for 90 days)."""
        since, until = _validity_period(days=90)
        owner = NamedKey(name=_x509_name(names[0]))
        draft = _certificate_builder(owner, not_before or since, not_after or until)
        leaf = _sign(_with_server_extensions(draft, names, ips), owner, self._intermediate_key)
        # A browser shows the whole chain.
        return self._server_context(names[0], owner, leaf, self._intermediate_certificate, self._root_certificate)

    def expiring(self, names: Sequence[str], days: float) -> ssl.SSLContext:
        """Return a valid certificate that expires in *days* from now."""
        return self.issue(names, not_after=datetime.now(UTC) + timedelta(days=days))

    def expired(self, names: Sequence[str]) -> ssl.SSLContext:
        """Return a certificate that expired yesterday."""
        now = datetime.now(UTC)
        return self.issue(names, LOOPBACK, now - timedelta(days=91), now - timedelta(days=1))

    def wrong_name(self) -> ssl.SSLContext:
        """Return a valid certificate for another host: neither ``localhost`` nor a loopback address."""
        return self.issue(["cong-khac.invalid"], ips=())

    def self_signed(self, names: Sequence[str]) -> ssl.SSLContext:
        """Return a self-signed certificate."""
        owner = NamedKey(name=_x509_name(names[0]))
        draft = _with_server_extensions(_certificate_builder(owner, *_validity_period(days=90)), names, LOOPBACK)
        return self._server_context(names[0], owner, _sign(draft, owner, owner))

    def _server_context(self, name: str, subject: NamedKey, *chain: x509.Certificate) -> ssl.SSLContext:
        path = self._directory / f"{next(self._file_numbers):04}-{name}.pem"
        secret = subject.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_private(path, secret + b"".join(one.public_bytes(Encoding.PEM) for one in chain))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


def write_private(path: Path, content: bytes) -> None:
    """Write a file with mode 0600 from its first byte on."""
    path.unlink(missing_ok=True)  # else an older file would keep its wider mode
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


def _validity_period(*, days: float) -> tuple[datetime, datetime]:
    now = datetime.now(UTC)
    return now - timedelta(hours=1), now + timedelta(days=days)


def _x509_name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _certificate_builder(subject: NamedKey, not_before: datetime, not_after: datetime) -> x509.CertificateBuilder:
    key = subject.key.public_key()
    draft = x509.CertificateBuilder(subject_name=subject.name, public_key=key)
    draft = draft.serial_number(x509.random_serial_number()).not_valid_before(not_before).not_valid_after(not_after)
    return draft.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)


def _with_server_extensions(
    builder: x509.CertificateBuilder, names: Sequence[str], ips: Sequence[str]
) -> x509.CertificateBuilder:
    alternatives = [*map(x509.DNSName, names), *(x509.IPAddress(ip_address(ip)) for ip in ips)]
    builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    return builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)


def _sign(
    builder: x509.CertificateBuilder, subject: NamedKey, issuer: NamedKey, path_length: int | None = None
) -> x509.Certificate:
    """Sign a draft; with a path length it becomes an authority. The extensions are those of strict clients."""
    is_authority = path_length is not None
    allowed = {"key_cert_sign", "crl_sign"} if is_authority else {"digital_signature"}
    usage = x509.KeyUsage(**{use: use in allowed for use in _KEY_USAGES})
    builder = builder.issuer_name(issuer.name)
    builder = builder.add_extension(x509.BasicConstraints(ca=is_authority, path_length=path_length), critical=True)
    builder = builder.add_extension(usage, critical=True)
    if issuer is not subject:
        key_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
        builder = builder.add_extension(key_id, critical=False)
    return builder.sign(issuer.key, hashes.SHA256())
