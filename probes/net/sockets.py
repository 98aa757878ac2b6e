"""Where a connection may go and whom it trusts: routes of this machine, doors that stay shut, the TLS context."""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING, Any

from probes.net.address_scope import AddressScope, address_scope

if TYPE_CHECKING:
    from probes.trace import HopTrace


class NoRoute(OSError):
    """This machine has no route to the address: our trouble, not the portal's."""


class RedirectToPrivateAddress(OSError):
    """A portal sent us to an address that is nearer to us than its own. We do not knock at our own doors for it."""


def open_socket(hop: HopTrace, address: str, port: int) -> socket.socket:
    """A socket for the hop, after refusing to go inward for others, or to blame a portal for a route we do not have.

    The first hop goes where the inventory says. A redirect leads to public addresses, or stays in the zone that it
    came from. ``address`` is an IP address. Raises :class:`Inward`, :class:`NoRoute`, OSError.
    """
    hop.address = address
    found = address_scope(address)
    if hop.previous_scope is not None and found not in {AddressScope.PUBLIC, hop.previous_scope}:
        raise RedirectToPrivateAddress(f"a {hop.previous_scope} address redirects to {address}, which is {found}")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    if not has_route(family, (address, port)):
        raise NoRoute(f"this machine has no route to {address}")
    return socket.socket(family, socket.SOCK_STREAM)


_NO_ROUTE_ERRNOS = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EINVAL}


def has_route(family: int, target: tuple[Any, ...]) -> bool:
    """Ask the kernel whether it could send to an address; connecting a datagram socket sends nothing.

    Raises OSError for what is no statement about routes, such as a lack of descriptors.
    """
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect(target)
    except OSError as error:
        if error.errno in _NO_ROUTE_ERRNOS:
            return False
        raise
    return True
