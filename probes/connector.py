"""The timed connection: aiohttp without cache, reuse or address racing, marking every boundary on the current hop.

aiohttp reports no TLS event and races address families by default; both would falsify phases. The marks come from
places that its public API offers: the resolver, the socket factory, ``SSLContext.sslobject_class`` and trace hooks.
"""

from __future__ import annotations

import errno
import functools
import socket
import ssl
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler

from probes.address import is_public
from probes.resolver import NameNotResolved
from probes.trace import LiveHop, Mark

if TYPE_CHECKING:
    import asyncio
    from pathlib import Path
    from types import SimpleNamespace

    from probes.resolver import Resolver

current_hop: ContextVar[LiveHop] = ContextVar("current_hop")
"""The hop that the running task is on. asyncio carries it into the transport's callbacks."""


class NoRoute(OSError):
    """This machine has no route to the address: our trouble, not the portal's."""


class Inward(OSError):
    """A public portal sent us to an address that is not public. We do not knock at our own doors on its behalf."""


class TimedSocket(socket.socket):
    """Marks the end of connect when the event loop asks for its outcome, which is the earliest moment anybody knows."""

    def getsockopt(self, *args: Any) -> Any:  # noqa: ANN401 - overloaded by its arguments
        """Read an option; SO_ERROR is what tells a loop how a connect ended."""
        value = super().getsockopt(*args)
        if args == (socket.SOL_SOCKET, socket.SO_ERROR) and value == 0:
            current_hop.get().mark(Mark.CONNECTED)
        return value


class TimedSSLObject(ssl.SSLObject):
    """Marks the end of TLS when the handshake is done, and of connect before it if no socket has done so."""

    def do_handshake(self) -> None:
        """Step the handshake; asyncio calls this until it no longer wants to read."""
        hop = current_hop.get()
        hop.mark(Mark.CONNECTED)
        try:
            super().do_handshake()
        except ssl.SSLWantReadError:
            raise
        except ssl.SSLError:
            hop.presented = _chain(self, "get_unverified_chain")
            raise
        hop.mark(Mark.SECURED)
        hop.tls_version = self.version()
        hop.presented = _chain(self, "get_unverified_chain")
        if self.context.verify_mode is ssl.CERT_REQUIRED:
            hop.verified = _chain(self, "get_verified_chain")


def _chain(tls: ssl.SSLObject, method: str) -> tuple[bytes, ...]:
    """DER certificates, leaf first. Public since Python 3.13; before, the same call lives one level below."""
    public = getattr(tls, method, None)
    if public is not None:
        return tuple(public() or ())
    inner = getattr(getattr(tls, "_sslobj", None), method, None)
    found = inner() if inner is not None else None
    return tuple(ssl.PEM_cert_to_DER_cert(certificate.public_bytes()) for certificate in found or ())


class TimedResponseHandler(ResponseHandler):
    """Counts and times what arrives; aiohttp's own events only know of complete headers."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Mark the end of connect for plain connections if no socket has done so."""
        current_hop.get().mark(Mark.CONNECTED)
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Take what arrived. Runs in the context of the look that opened the connection."""
        if data:
            hop = current_hop.get()
            hop.heard = time.perf_counter()
            hop.mark(Mark.FIRST_BYTE, hop.heard)
            hop.bytes_wire += len(data)
        super().data_received(data)

    def eof_received(self) -> None:
        """Note the end of what arrives: an answer without a length ends with its connection."""
        current_hop.get().heard = time.perf_counter()
        super().eof_received()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Note why. Within a body, aiohttp only tells that it is incomplete."""
        if isinstance(exc, OSError):
            current_hop.get().lost = exc.errno
        super().connection_lost(exc)


class _OneAddress(AbstractResolver):
    """Gives aiohttp exactly one address of the hop's family, so that it cannot try another behind our back."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[Any]:
        """Resolve for the current hop; aiohttp's own idea of the family is ignored."""
        hop = current_hop.get()
        hop.begin()
        family = socket.AF_INET6 if hop.family == 6 else socket.AF_INET  # noqa: PLR2004 - the IP version
        found = await self._resolver.addresses(host, family)
        if not found.addresses:
            raise NameNotResolved(f"{host}: no address", absent=True)
        hop.begin(found.asked)
        hop.mark(Mark.RESOLVED, found.answered)
        return [
            ResolveResult(
                hostname=host, host=found.addresses[0], port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST
            )
        ]

    async def close(self) -> None:
        """The owner of the resolver closes it."""


def _open_socket(address: aiohttp.AddrInfoType) -> socket.socket:
    """Note where the look goes, and refuse to blame a portal for a route that this machine does not have."""
    family, kind, protocol, _, target = address
    hop = current_hop.get()
    if hop.literal:
        hop.begin()
    hop.address = str(target[0])
    if not hop.inward and not is_public(hop.address):
        raise Inward(f"a public address redirects to {hop.address}")
    if not routed(family, target):
        raise NoRoute(f"this machine has no route to {hop.address}")
    return TimedSocket(family, kind, protocol)


_NO_ROUTE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EINVAL}


def routed(family: int, target: tuple[Any, ...]) -> bool:
    """Ask the kernel whether it could send to an address; connecting a datagram socket sends nothing.

    Raises OSError for what is no statement about routes, such as a lack of descriptors.
    """
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect(target)
    except OSError as error:
        if error.errno in _NO_ROUTE:
            return False
        raise
    return True


async def _headers_sent(_session: aiohttp.ClientSession, _context: SimpleNamespace, _event: object) -> None:
    current_hop.get().mark(Mark.SENT)


def tracing() -> aiohttp.TraceConfig:
    """The one event that only aiohttp can tell: the request is written."""
    config = aiohttp.TraceConfig()
    config.on_request_headers_sent.append(_headers_sent)
    return config


_OLD_SERVERS = 0x4
"""SSL_OP_LEGACY_SERVER_CONNECT of ssl.h, in ``ssl`` since Python 3.12: a server may lack secure renegotiation."""


def tls_context(*, verify: bool, ca_file: Path | None) -> ssl.SSLContext:
    """A client context that times its handshakes. Raises OSError or ssl.SSLError when ``ca_file`` is not usable.

    The verdict must be the one of a citizen's browser, and the same under every Python: version 3.13 began to refuse
    certificates for formal flaws that browsers accept, OpenSSL 3 refuses old servers that browsers still talk to, and
    both accept an authority in ``ca_file`` that is not a root only when told to.
    """
    context = ssl.create_default_context()
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.options |= _OLD_SERVERS
    context.set_alpn_protocols(["http/1.1"])
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.sslobject_class = TimedSSLObject
    return context


def timed_connector(resolver: Resolver) -> aiohttp.TCPConnector:
    """A connector that never reuses, caches or races. One may serve all looks; it keeps nothing between them."""
    connector = aiohttp.TCPConnector(
        resolver=_OneAddress(resolver),
        use_dns_cache=False,
        force_close=True,
        limit=0,
        happy_eyeballs_delay=None,
        socket_factory=_open_socket,
    )
    # The protocol class has no public switch. Without it the first byte falls back to the end of the headers.
    connector._factory = functools.partial(  # type: ignore[assignment]  # noqa: SLF001
        TimedResponseHandler,
        loop=connector._loop,  # noqa: SLF001
    )
    return connector
