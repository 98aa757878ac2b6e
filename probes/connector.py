"""Where a connection may go and whom it trusts: routes of this machine, doors that stay shut, the TLS context."""

from __future__ import annotations

import errno
import re
import socket
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any

from probes.zones import Zone, zone

if TYPE_CHECKING:
    from probes.trace import LiveHop


class NoRoute(OSError):
    """This machine has no route to the address: our trouble, not the portal's."""


class Inward(OSError):
    """A portal sent us to an address that is nearer to us than its own. We do not knock at our own doors for it."""


def open_socket(hop: LiveHop, address: str, port: int) -> socket.socket:
    """A socket for the hop, after refusing to go inward for others, or to blame a portal for a route we do not have.

    The first hop goes where the inventory says. A redirect leads to public addresses, or stays in the zone that it
    came from. ``address`` is an IP address. Raises :class:`Inward`, :class:`NoRoute`, OSError.
    """
    hop.address = address
    found = zone(address)
    if hop.within is not None and found not in {Zone.PUBLIC, hop.within}:
        raise Inward(f"a {hop.within} address redirects to {address}, which is {found}")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    if not routed(family, (address, port)):
        raise NoRoute(f"this machine has no route to {address}")
    return socket.socket(family, socket.SOCK_STREAM)


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


_OLD_SERVERS = 0x4
"""SSL_OP_LEGACY_SERVER_CONNECT of ssl.h, in ``ssl`` since Python 3.12: a server may lack secure renegotiation."""


_HASHED = re.compile(r"[0-9a-f]{8}\.\d+")
"""How OpenSSL names a certificate in a directory of authorities."""

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


def _authorities() -> str:
    """The system's authorities as PEM text, to be held in memory.

    ``load_default_certs`` would leave OpenSSL to look into the directory in every handshake for every certificate that
    it does not know, which is each portal's own: that takes a third of the handshake's time, on the event loop.
    """
    paths = ssl.get_default_verify_paths()
    files = [Path(paths.cafile)] if paths.cafile else []
    if paths.capath:
        files += sorted(file for file in Path(paths.capath).iterdir() if _HASHED.fullmatch(file.name))
    found: dict[str, None] = {}
    for file in files:
        found |= dict.fromkeys(_CERTIFICATE.findall(file.read_text(errors="replace")))
    return "\n".join(found)


def tls_context(*, verify: bool, ca_file: Path | None) -> ssl.SSLContext:
    """A client context. Raises OSError or ssl.SSLError when ``ca_file`` or the system's authorities are not usable.

    The verdict must be the one of a citizen's browser, and the same under every Python: version 3.13 began to refuse
    certificates for formal flaws that browsers accept, OpenSSL 3 refuses old servers that browsers still talk to, and
    both accept an authority in ``ca_file`` that is not a root only when told to.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.options |= _OLD_SERVERS
    context.set_alpn_protocols(["http/1.1"])
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif authorities := _authorities():
        context.load_verify_locations(cadata=authorities)
    return context
