"""How far an address reaches: the one answer for looks and for the fence around the browser.

Nothing but the standard library is imported here: the fence stands before anything else runs.
"""

from __future__ import annotations

import enum
import functools
import ipaddress

_EVERYWHERE_V6 = ipaddress.ip_network("2000::/3")
"""The only part of IPv6 that has been given out for the whole world (RFC 4291)."""

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_COMPATIBLE = ipaddress.ip_network("::/96")
_THIS_NETWORK = ipaddress.ip_network("0.0.0.0/8")
"""Linux takes a connection to 0.0.0.0 for one to itself."""


class Zone(enum.StrEnum):
    """Who can reach an address: everybody, those inside some network, this link's neighbours, this machine alone."""

    PUBLIC = "public"
    PRIVATE = "private"
    LINK = "link-local"
    LOOPBACK = "loopback"


@functools.lru_cache(maxsize=4096)
def zone(address: str) -> Zone:
    """How far an IP address reaches. An IPv6 address that stands for an IPv4 one reaches as far as that."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        found = _inside(found) or found
    if found.is_loopback or found.is_unspecified or found in _THIS_NETWORK:
        return Zone.LOOPBACK
    if found.is_link_local:
        return Zone.LINK
    everywhere = found.is_global and not found.is_multicast and (found.version == 4 or found in _EVERYWHERE_V6)  # noqa: PLR2004 - the IP version
    return Zone.PUBLIC if everywhere else Zone.PRIVATE


def _inside(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address where packets end: mapped, compatible, by 6to4, or by a NAT64 gateway (RFC 6052)."""
    if address.ipv4_mapped is not None or address.sixtofour is not None:
        return address.ipv4_mapped or address.sixtofour
    low = int(address) & 0xFFFFFFFF
    if address in _NAT64 or (address in _COMPATIBLE and low > 1):
        return ipaddress.IPv4Address(low)
    return None
