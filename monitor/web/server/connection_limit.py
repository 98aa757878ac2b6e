"""Who is in: how many connections, and from where; a full house makes the most crowded address give way."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_NETWORK = 64
"""Bits of an IPv6 address that one visitor commands."""


@dataclass(slots=True, eq=False)
class Seat:
    """One connection; ``dismiss`` ends it at once, whatever it is doing."""

    address: str
    dismiss: Callable[[], object] = int


@dataclass(slots=True)
class Crowd:
    """At most ``most`` connections, at most ``per_address`` of one address."""

    most: int
    per_address: int
    refused: int = 0
    dismissed: int = 0
    _seats: dict[str, dict[Seat, None]] = field(default_factory=dict)
    _taken: int = 0

    def __len__(self) -> int:
        return self._taken

    def enter(self, address: str) -> Seat | None:
        """A seat, or None when this address has enough of them, or has most of a house that is full."""
        mine = len(self._seats.get(address, ()))
        if mine >= self.per_address or (self._taken >= self.most and not self._make_room(mine)):
            self.refused += 1
            return None
        seat = Seat(address)
        self._seats.setdefault(address, {})[seat] = None
        self._taken += 1
        return seat

    def leave(self, seat: Seat) -> None:
        """Give a seat back; once is enough."""
        seats = self._seats.get(seat.address, {})
        if seat in seats:
            del seats[seat]
            self._taken -= 1
            if not seats:
                del self._seats[seat.address]

    def clear(self) -> None:
        """Dismiss everybody."""
        for seat in [seat for seats in self._seats.values() for seat in seats]:
            self.leave(seat)
            seat.dismiss()

    def _make_room(self, mine: int) -> bool:
        """Dismiss the oldest connection of the address that has most, unless the newcomer would have as many."""
        crowded = max(self._seats.values(), key=len)
        if len(crowded) <= mine + 1:
            return False
        oldest = next(iter(crowded))
        self.leave(oldest)
        oldest.dismiss()
        self.dismissed += 1
        return True


def neighbourhood(host: str) -> str:
    """What counts as one address: an IPv4 address, or the /64 of an IPv6 address."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, _NETWORK), strict=False))
    return str(address)
