"""Open a socket for a hop: routes of this host, and redirects into private networks."""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING, Any

from probes.net.address_scope import AddressScope, address_scope

if TYPE_CHECKING:
    from probes.trace import HopTrace


class NoRoute(OSError):
    """Report that this host has no route to the address: a problem of the prober, not of the portal."""


class RedirectToPrivateAddress(OSError):
    """Report a redirect from one address into a narrower scope (SSRF); it is not followed."""


def open_socket(hop: HopTrace, address: str, port: int) -> socket.socket:
    """Return a socket for the hop, after the checks for a private redirect target and for a missing route.

    The first hop may have any address of the inventory. A redirect leads to public addresses or stays in the scope
    that it came from. *address* is an IP address. Raises RedirectToPrivateAddress, NoRoute, OSError.
    """
    hop.address = address
    scope = address_scope(address)
    if hop.previous_scope is not None and scope not in {AddressScope.PUBLIC, hop.previous_scope}:
        raise RedirectToPrivateAddress(f"redirect from a {hop.previous_scope} address to {address} ({scope})")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    if not has_route(family, (address, port)):
        raise NoRoute(f"this machine has no route to {address}")
    return socket.socket(family, socket.SOCK_STREAM)


_NO_ROUTE_ERRNOS = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EINVAL}


def has_route(family: int, target: tuple[Any, ...]) -> bool:
    """Return whether the kernel has a route to an address; connecting a datagram socket sends nothing.

    Raises OSError for errors that do not concern routes, such as a lack of descriptors.
    """
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect(target)
    except OSError as error:
        if error.errno in _NO_ROUTE_ERRNOS:
            return False
        raise
    return True
