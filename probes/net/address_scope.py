"""How far an address reaches: the one answer for looks and for the fence around the browser.

Nothing but the standard library is imported here: the fence stands before anything else runs.
"""

from __future__ import annotations

import enum
import functools
import ipaddress

_GLOBAL_UNICAST_V6 = ipaddress.ip_network("2000::/3")
"""The only part of IPv6 that has been given out for the whole world (RFC 4291)."""

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_IPV4_COMPATIBLE = ipaddress.ip_network("::/96")
_THIS_NETWORK = ipaddress.ip_network("0.0.0.0/8")
"""Linux takes a connection to 0.0.0.0 for one to itself."""


class AddressScope(enum.StrEnum):
    """Who can reach an address: everybody, those inside some network, this link's neighbours, this machine alone."""

    PUBLIC = "public"
    PRIVATE = "private"
    LINK_LOCAL = "link-local"
    LOOPBACK = "loopback"


@functools.lru_cache(maxsize=4096)
def address_scope(address: str) -> AddressScope:
    """How far an IP address reaches. An IPv6 address that stands for an IPv4 one reaches as far as that."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        found = _embedded_ipv4(found) or found
    if found.is_loopback or found.is_unspecified or found in _THIS_NETWORK:
        return AddressScope.LOOPBACK
    if found.is_link_local:
        return AddressScope.LINK_LOCAL
    everywhere = found.is_global and not found.is_multicast and (found.version == 4 or found in _GLOBAL_UNICAST_V6)  # noqa: PLR2004 - the IP version
    return AddressScope.PUBLIC if everywhere else AddressScope.PRIVATE


def _embedded_ipv4(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address where packets end: mapped, compatible, by 6to4, or by a NAT64 gateway (RFC 6052)."""
    if address.ipv4_mapped is not None or address.sixtofour is not None:
        return address.ipv4_mapped or address.sixtofour
    low = int(address) & 0xFFFFFFFF
    if address in _NAT64 or (address in _IPV4_COMPATIBLE and low > 1):
        return ipaddress.IPv4Address(low)
    return None
