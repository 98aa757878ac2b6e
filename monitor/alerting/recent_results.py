"""What is remembered of the looks at one portal, so that an incident can tell what was seen before and during it.

Healthy portals leave nothing in the memo: what a page needs of them is in their newest look, which the journal has.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from monitor.model.incidents import Glance
from monitor.model.records import DECIDING, Void
from monitor.storage.journal.incident_rows import glance_from
from probes.result import Hop, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monitor.model.records import Measurement
    from probes.result import Scalar

MOST_LOOKS = 8
"""Looks that an incident shows of one portal."""

KEPT_MS = 900_000
"""A look that was not good is forgotten after so long when nothing came of it."""

_CERTIFICATE = ("cert_subject", "cert_issuer", "cert_leaf_expiry", "cert_earliest_expiry")


@dataclass(frozen=True, slots=True)
class Seen:
    """One look with its journal number and its requests."""

    seq: int
    glance: Glance
    hops: tuple[Hop, ...] = ()


_DOUBTS = {Void.BLIND.value, Void.PROBER.value}
"""Void looks that say something of our sight; a look that was late or overlapped says nothing of it."""


@dataclass(slots=True)
class Witness:
    """Memory of one portal: looks that were not plainly good, and what the good ones knew.

    ``heard`` is what our references said last, with the slot of the look that made us ask.
    """

    looks: list[Seen] = field(default_factory=list)
    good: list[int] = field(default_factory=list)
    certificate: dict[str, Scalar] = field(default_factory=dict)
    heard: tuple[int, str] = (-1, "")
    newest: Seen | None = None

    def feed(self, one: Measurement) -> None:
        """Take the next look of the portal, of whatever check."""
        found = {name: one.values[name] for name in _CERTIFICATE if name in one.values}
        self.certificate = found or self.certificate
        if "references" in one.values:
            self.heard = (one.slot, str(one.values["references"]))
        plain = one.outcome is Outcome.UP and one.attempt == 1
        if plain and one.check == DECIDING and one.slot > max(self.good, default=-1):
            self.good = [*self.good[-1:], one.slot]
        seen = Seen(one.seq, glance_of(one), one.hops)
        if plain:
            self.newest = seen
        else:
            self.looks = [kept for kept in self.looks if kept.glance.slot >= one.slot - KEPT_MS][1 - MOST_LOOKS :]
            self.looks.append(seen)

    def tipping(self, seq: int) -> Seen | None:
        """The look with that journal number."""
        known = [*self.looks, *([self.newest] if self.newest else [])]
        return next((one for one in reversed(known) if one.seq == seq), None)

    def since(self, slot: int) -> tuple[Glance, ...]:
        """The looks of ``slot`` and later that were not plainly good."""
        return tuple(one.glance for one in self.looks if one.glance.slot >= slot)

    def references(self, slot: int) -> tuple[str, ...]:
        """What we know of our own sight for the looks of ``slot`` and later."""
        words = [one.detail for one in self.since(slot) if one.void in _DOUBTS and one.detail]
        heard = [self.heard[1]] if self.heard[0] >= slot else []
        return tuple(dict.fromkeys([*words, *heard]))

    def last_good(self, slot: int) -> int | None:
        """The newest good slot before ``slot``."""
        return max((one for one in self.good if one < slot), default=None)

    def kept(self) -> dict[str, Any] | None:
        """What goes into the memo; None for a portal that is plainly well."""
        if not self.looks:
            return None
        looks = [[one.seq, asdict(one.glance), [asdict(hop) for hop in one.hops]] for one in self.looks]
        return {"looks": looks, "good": self.good, "certificate": self.certificate, "heard": self.heard}


def witness_from(kept: Mapping[str, Any]) -> Witness:
    """The witness of its memo."""
    looks = [Seen(seq, glance_from(look), tuple(Hop(**hop) for hop in hops)) for seq, look, hops in kept["looks"]]
    slot, heard = kept["heard"]
    certificate = dict(kept["certificate"])
    return Witness(looks=looks, good=list(kept["good"]), certificate=certificate, heard=(slot, heard))


def glance_of(one: Measurement) -> Glance:
    """A measurement as evidence."""
    address, family, status = _where(one.hops, one.values)
    return Glance(
        check=one.check,
        slot=one.slot,
        attempt=one.attempt,
        outcome=one.outcome,
        fault=one.fault,
        void=one.void.value if one.void else None,
        phase=one.phase,
        detail=one.detail,
        started=one.started,
        duration=one.duration,
        address=address,
        family=family,
        status=status,
    )


def _where(hops: Sequence[Hop], values: Mapping[str, Scalar]) -> tuple[str | None, int | None, int | None]:
    """Address, family and status of the last request that got somewhere, or of the look's own values."""
    last = next((hop for hop in reversed(hops) if hop.address), hops[-1] if hops else None)
    address, family, status = values.get("address"), values.get("ip_family"), values.get("status")
    return (
        (last.address if last else None) or (str(address) if address else None),
        (last.family if last else None) or (int(family) if family else None),
        (last.status if last else None) or (int(status) if status else None),
    )
