"""Who is in: how many connections, and from where; a full house makes the most crowded address give way."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_IPV6_PREFIX_BITS = 64
"""Bits of an IPv6 address that one visitor commands."""


@dataclass(slots=True, eq=False)
class Connection:
    """One connection; ``dismiss`` ends it at once, whatever it is doing."""

    client: str
    close: Callable[[], object] = int


@dataclass(slots=True)
class ConnectionLimiter:
    """At most ``most`` connections, at most ``per_address`` of one address."""

    max_connections: int
    max_connections_per_client: int
    rejected: int = 0
    evicted: int = 0
    _connections: dict[str, dict[Connection, None]] = field(default_factory=dict)
    _count: int = 0

    def __len__(self) -> int:
        return self._count

    def acquire(self, client: str) -> Connection | None:
        """A seat, or None when this address has enough of them, or has most of a house that is full."""
        mine = len(self._connections.get(client, ()))
        if mine >= self.max_connections_per_client or (
            self._count >= self.max_connections and not self._evict_oldest(mine)
        ):
            self.rejected += 1
            return None
        seat = Connection(client)
        self._connections.setdefault(client, {})[seat] = None
        self._count += 1
        return seat

    def release(self, connection: Connection) -> None:
        """Give a seat back; once is enough."""
        seats = self._connections.get(connection.client, {})
        if connection in seats:
            del seats[connection]
            self._count -= 1
            if not seats:
                del self._connections[connection.client]

    def close_all(self) -> None:
        """Dismiss everybody."""
        for seat in [seat for seats in self._connections.values() for seat in seats]:
            self.release(seat)
            seat.close()

    def _evict_oldest(self, client_count: int) -> bool:
        """Dismiss the oldest connection of the address that has most, unless the newcomer would have as many."""
        crowded = max(self._connections.values(), key=len)
        if len(crowded) <= client_count + 1:
            return False
        oldest = next(iter(crowded))
        self.release(oldest)
        oldest.close()
        self.evicted += 1
        return True


def client_key(host: str) -> str:
    """What counts as one address: an IPv4 address, or the /64 of an IPv6 address."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, _IPV6_PREFIX_BITS), strict=False))
    return str(address)
