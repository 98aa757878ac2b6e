"""A throw-away certificate authority that can be wrong in every way; its keys last as long as a test."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("localhost", "127.0.0.1", "::1", "portal.test", "xn--cng-hra4746b.test")


Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class Pair:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: Key

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def expiry(self) -> float:
        """Seconds since the epoch."""
        return self.certificate.not_valid_after_utc.timestamp()


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def issue(
    common_name: str,
    *,
    by: Pair | None = None,
    key: Key | None = None,
    names: tuple[str, ...] = (),
    days: tuple[float, float] = (-1.0, 90.0),
) -> Pair:
    """Make a certificate valid from ``days[0]`` to ``days[1]`` days from now; with names a leaf, else an authority.

    ``by`` None signs it with its own key; a ``key`` given is certified again, as in cross-signing.
    """
    key = key or ec.generate_private_key(ec.SECP256R1())
    signer = by.key if by else key
    now = datetime.now(UTC)
    draft = (
        x509.CertificateBuilder()
        .subject_name(_name(common_name))
        .issuer_name(by.certificate.subject if by else _name(common_name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=not names, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if names:
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        alternatives = x509.SubjectAlternativeName([_alternative(name) for name in names])
        draft = draft.add_extension(usage, critical=False).add_extension(alternatives, critical=False)
    else:
        draft = draft.add_extension(_for_signing(), critical=True)
    return Pair(draft.sign(signer, hashes.SHA256()), key)


def _for_signing() -> x509.KeyUsage:
    unused = dict.fromkeys(
        ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
        False,
    )
    return x509.KeyUsage(**unused, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False)


class Authority:
    """A root that the tests trust by ``ca_file``, with contexts for servers that it vouches for, or not."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.root = issue("Test Root", days=(-1.0, 3650.0))
        self.ca_file = directory / "root.pem"
        self.ca_file.write_bytes(self.root.certificate.public_bytes(Encoding.PEM))

    def leaf(self, *, days: tuple[float, float] = (-1.0, 90.0), names: tuple[str, ...] = NAMES) -> Pair:
        return issue(names[0], by=self.root, names=names, days=days)

    def context(self, leaf: Pair, *chain: Pair, weak: bool = False) -> ssl.SSLContext:
        """A server that presents ``leaf`` and then ``chain``, in this order; ``weak`` keys need to be allowed."""
        return self.context_of(leaf.der, leaf, *chain, weak=weak)

    def context_of(self, der: bytes, leaf: Pair, *chain: Pair, weak: bool = False) -> ssl.SSLContext:
        """The same with any bytes in the place of the leaf's certificate; OpenSSL alone must be able to read them."""
        path = self._directory / f"{leaf.certificate.serial_number:x}.pem"
        parts = [one.certificate.public_bytes(Encoding.PEM) for one in chain]
        key = leaf.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(b"".join([ssl.DER_cert_to_PEM_cert(der).encode(), *parts, key]))
        path.chmod(0o600)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if weak:
            context.set_ciphers("DEFAULT:@SECLEVEL=0")
        context.load_cert_chain(path)
        return context

    def valid(self) -> ssl.SSLContext:
        return self.context(self.leaf())

    def expired(self) -> ssl.SSLContext:
        return self.context(self.leaf(days=(-90.0, -2.0)))

    def not_yet_valid(self) -> ssl.SSLContext:
        return self.context(self.leaf(days=(2.0, 90.0)))

    def wrong_name(self) -> ssl.SSLContext:
        return self.context(self.leaf(names=("elsewhere.test",)))

    def self_signed(self) -> ssl.SSLContext:
        return self.context(issue("localhost", names=NAMES))

    def unknown_authority(self) -> ssl.SSLContext:
        return self.context(issue("localhost", by=issue("Unknown Root"), names=NAMES))

    def cross_signed(self) -> tuple[ssl.SSLContext, Pair, Pair, Pair]:
        """Context, leaf, intermediate, and its expired twin, which no verifier needs but which is sent."""
        intermediate = issue("Test Intermediate", by=self.root, days=(-1.0, 60.0))
        retired = issue("Retired Root", days=(-900.0, -3.0))
        twin = issue("Test Intermediate", by=retired, key=intermediate.key, days=(-800.0, -5.0))
        leaf = issue("localhost", by=intermediate, names=NAMES, days=(-1.0, 30.0))
        return self.context(leaf, intermediate, twin), leaf, intermediate, twin
