"""TLS of every broken kind, and of some odd kinds that must do."""

from __future__ import annotations

import ssl
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from probes.result import Fault
from tests.hostile_portals.case import PORTAL, Case, Faults, Scene, served
from tests.servers.handshakes import BlockingTls, HandshakeServer
from tests.servers.raw import Do, Step
from tests.servers.tls import NAMES, Authority, Pair, issue

Making = Callable[[Authority], ssl.SSLContext]


def presents(name: str, faults: Faults, make: Making, *, host: str = PORTAL, **keys: Any) -> Case:  # noqa: ANN401 - the probe's own
    """A good page behind the TLS that ``make`` makes."""

    @asynccontextmanager
    async def serve(scene: Scene) -> AsyncIterator[str]:
        with BlockingTls(make(scene.authority)) as server:
            yield server.url(host)

    return served(name, faults, serve, **keys)


def shakes(name: str, faults: Faults, steps: str | list[Step], **keys: Any) -> Case:  # noqa: ANN401 - the probe's own
    """A server that does something else instead of the handshake."""

    @asynccontextmanager
    async def serve(_scene: Scene) -> AsyncIterator[str]:
        async with HandshakeServer(steps) as server:
            yield server.url(host=PORTAL)

    return served(name, faults, serve, **keys)


def wants_a_client(name: str, version: ssl.TLSVersion) -> Case:
    """A server that requires a client certificate, and sends an alert when none comes."""

    @asynccontextmanager
    async def serve(scene: Scene) -> AsyncIterator[str]:
        context = scene.authority.valid()
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(scene.authority.ca_file)
        context.minimum_version = context.maximum_version = version
        with BlockingTls(context) as server:
            yield server.url(PORTAL)

    return served(name, Fault.TLS_OTHER, serve)


def _weak(context: ssl.SSLContext) -> ssl.SSLContext:
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def old_protocol(authority: Authority) -> ssl.SSLContext:
    """Speaks nothing newer than TLS 1.1, which OpenSSL does for those who ask for it by name."""
    context = _weak(authority.valid())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that is the point
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def _breakable() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - that is the point


def short_key(authority: Authority) -> ssl.SSLContext:
    key = _breakable()
    leaf = issue(NAMES[0], by=authority.root, key=key, names=NAMES)
    return authority.context(leaf, weak=True)


def short_root(authority: Authority) -> ssl.SSLContext:
    """A leaf like others, vouched for by an intermediate that anybody could break."""
    key = _breakable()
    middle = issue("Weak Intermediate", by=authority.root, key=key)
    return authority.context(issue(NAMES[0], by=middle, names=NAMES), middle, weak=True)


def by_name_alone(authority: Authority) -> ssl.SSLContext:
    """Accepts one server name, and no handshake without it."""
    context = authority.valid()

    def choose(_tls: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> int | None:
        return None if name == PORTAL else ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME

    context.sni_callback = choose
    return context


def chain(certificates: int) -> Making:
    """A good chain with many certificates after it that no verifier needs."""

    def make(authority: Authority) -> ssl.SSLContext:
        spare = [issue(f"Spare {number}", by=authority.root) for number in range(certificates)]
        return authority.context(authority.leaf(), *spare)

    return make


def deep(levels: int) -> Making:
    """Authorities that vouch for authorities."""

    def make(authority: Authority) -> ssl.SSLContext:
        line: list[Pair] = [authority.root]
        for level in range(levels):
            line.append(issue(f"Level {level}", by=line[-1]))
        return authority.context(issue(NAMES[0], by=line[-1], names=NAMES), *reversed(line[1:]))

    return make


def many_names(authority: Authority) -> ssl.SSLContext:
    names = (*NAMES, *(f"portal-{number}.test" for number in range(2500)))
    return authority.context(authority.leaf(names=names))


RECORD = b"\x16\x03\x03"

TLS: list[Case] = [
    presents("expired", Fault.TLS_EXPIRED, Authority.expired),
    presents("not yet valid", Fault.TLS_EXPIRED, Authority.not_yet_valid),
    presents("for another name", Fault.TLS_NAME, Authority.wrong_name),
    presents("self-signed", Fault.TLS_UNTRUSTED, Authority.self_signed),
    presents("by an unknown authority", Fault.TLS_UNTRUSTED, Authority.unknown_authority),
    presents("nothing newer than TLS 1.1", Fault.TLS_OTHER, old_protocol),
    presents("a key of 1024 bits", Fault.TLS_OTHER, short_key),
    presents("an authority with a key of 1024 bits", Fault.TLS_OTHER, short_root),
    presents("a server that wants to be asked by name, asked by name", None, by_name_alone),
    presents(
        "a server that wants to be asked by name, asked by address", Fault.TLS_OTHER, by_name_alone, host="127.0.0.1"
    ),
    presents("a chain of 60 certificates", None, chain(60)),
    presents("a chain of 400 certificates", Fault.TLS_OTHER, chain(400)),
    presents("ten authorities one above the other", None, deep(10)),
    presents("120 authorities one above the other", (Fault.TLS_UNTRUSTED, Fault.TLS_OTHER), deep(120)),
    presents("2,500 names", None, many_names),
    wants_a_client("a client certificate wanted, TLS 1.2", ssl.TLSVersion.TLSv1_2),
    wants_a_client("a client certificate wanted, TLS 1.3", ssl.TLSVersion.TLSv1_3),
    shakes("a handshake that stalls", Fault.TIMEOUT, "stall", timeout=1.5),
    shakes(
        "a handshake of a byte a second",
        Fault.TIMEOUT,
        [step for byte in RECORD * 9 for step in (bytes([byte]), 1.0)],
        timeout=1.5,
    ),
    shakes("a reset in the handshake", Fault.RESET, "reset"),
    shakes("an end in the handshake", Fault.RESET, [RECORD + b"\x00\x7a", Do.CLOSE]),
    shakes("HTTP instead of TLS", Fault.TLS_OTHER, "http"),
    shakes("noise instead of TLS", Fault.TLS_OTHER, [b"\x55" * 4000]),
    shakes("noise without end", Fault.TLS_OTHER, [b"\x55" * 65536] * 400),
    shakes("a record longer than any may be", Fault.TLS_OTHER, [RECORD + b"\xff\xff" + bytes(65535)]),
    shakes(
        "a hello longer than any may be", Fault.TLS_OTHER, [(RECORD + b"\x40\x00\x02\xff\xff\xff" + bytes(16380)) * 400]
    ),
    shakes("nothing newer than TLS 1.0", Fault.TLS_OTHER, "tls10"),
    shakes("no cipher in common", Fault.TLS_OTHER, "no cipher"),
    shakes("a name that the server does not know", Fault.TLS_OTHER, [b"\x15\x03\x03\x00\x02\x02\x70"]),
    shakes("an alert that does not exist", Fault.TLS_OTHER, [b"\x15\x03\x03\x00\x02\x02\xfe"]),
    shakes("warnings without end", (Fault.TLS_OTHER, Fault.RESET), [b"\x15\x03\x03\x00\x02\x01\x70" * 9000] * 50),
]  # fmt: skip - a table
