"""Connection limits, in total and per client; at the limit the client with most connections loses its oldest one."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field

_IPV6_PREFIX_BITS = 64  # prefix of an IPv6 address that belongs to one client


@dataclass(slots=True, eq=False)
class Connection:
    """One connection; ``close`` ends it at once."""

    client: str
    close: Callable[[], object] = int


@dataclass(slots=True)
class ConnectionLimiter:
    """Counts connections in total and per client, and closes or rejects those above the limits."""

    max_connections: int
    max_connections_per_client: int
    rejected: int = 0
    evicted: int = 0
    _connections: dict[str, dict[Connection, None]] = field(default_factory=dict)
    _count: int = 0

    def __len__(self) -> int:
        return self._count

    def acquire(self, client: str) -> Connection | None:
        """Return a connection, or None when the client is at its limit, or has most of all at the total limit."""
        count, is_full = len(self._connections.get(client, ())), self._count >= self.max_connections
        if count >= self.max_connections_per_client or (is_full and not self._evict_oldest(count)):
            self.rejected += 1
            return None
        connection = Connection(client)
        self._connections.setdefault(client, {})[connection] = None
        self._count += 1
        return connection

    def release(self, connection: Connection) -> None:
        """Remove a connection; a second call has no effect."""
        connections = self._connections.get(connection.client, {})
        if connection in connections:
            del connections[connection]
            self._count -= 1
            if not connections:
                del self._connections[connection.client]

    def close_all(self) -> None:
        """Close every connection."""
        for connection in [one for connections in self._connections.values() for one in connections]:
            self.release(connection)
            connection.close()

    def _evict_oldest(self, client_count: int) -> bool:
        """Close the oldest connection of the client that has most, unless the new client would then have as many."""
        largest = max(self._connections.values(), key=len)
        if len(largest) <= client_count + 1:
            return False
        oldest = next(iter(largest))
        self.release(oldest)
        oldest.close()
        self.evicted += 1
        return True


def client_key(host: str) -> str:
    """Return what counts as one client: an IPv4 address, or the /64 of an IPv6 address."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, _IPV6_PREFIX_BITS), strict=False))
    return str(address)
