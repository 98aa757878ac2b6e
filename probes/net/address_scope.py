"""The scope of an IP address; one rule for probes and for the egress filter of the browser.

Only the standard library is imported here: the egress filter starts before anything else.
"""

from __future__ import annotations

import enum
import functools
import ipaddress

_GLOBAL_UNICAST_V6 = ipaddress.ip_network("2000::/3")
"""The only part of IPv6 that is allocated for global unicast (RFC 4291)."""

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_IPV4_COMPATIBLE = ipaddress.ip_network("::/96")
_THIS_NETWORK = ipaddress.ip_network("0.0.0.0/8")
"""Linux treats a connection to 0.0.0.0 as one to itself."""


class AddressScope(enum.StrEnum):
    """List who can reach an address: the Internet, a private network, the hosts on this link, this host alone."""

    PUBLIC = "public"
    PRIVATE = "private"
    LINK_LOCAL = "link-local"
    LOOPBACK = "loopback"


@functools.lru_cache(maxsize=4096)
def address_scope(address: str) -> AddressScope:
    """Return the scope of an IP address. An IPv6 address that embeds an IPv4 address has the scope of that one."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        parsed = _embedded_ipv4(parsed) or parsed
    if parsed.is_loopback or parsed.is_unspecified or parsed in _THIS_NETWORK:
        return AddressScope.LOOPBACK
    if parsed.is_link_local:
        return AddressScope.LINK_LOCAL
    public = parsed.is_global and not parsed.is_multicast and (parsed.version == 4 or parsed in _GLOBAL_UNICAST_V6)  # noqa: PLR2004 - the IP version
    return AddressScope.PUBLIC if public else AddressScope.PRIVATE


def _embedded_ipv4(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that packets reach: mapped, compatible, by 6to4, or by a NAT64 gateway (RFC 6052)."""
    if address.ipv4_mapped is not None or address.sixtofour is not None:
        return address.ipv4_mapped or address.sixtofour
    low = int(address) & 0xFFFFFFFF
    if address in _NAT64 or (address in _IPV4_COMPATIBLE and low > 1):
        return ipaddress.IPv4Address(low)
    return None
