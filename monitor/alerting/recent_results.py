"""What is remembered of the looks at one portal, so that an incident can tell what was seen before and during it.

Healthy portals leave nothing in the memo: what a page needs of them is in their newest look, which the journal has.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from monitor.model.incidents import AttemptSummary
from monitor.model.records import STATE_CHECK, UnknownReason
from monitor.storage.journal.incident_rows import attempt_from_dict
from probes.result import Hop, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monitor.model.records import Measurement
    from probes.result import Scalar

MAX_ATTEMPTS = 8
"""Looks that an incident shows of one portal."""

RETENTION_MS = 900_000
"""A look that was not good is forgotten after so long when nothing came of it."""

_CERTIFICATE_VALUES = ("cert_subject", "cert_issuer", "cert_leaf_expiry", "cert_earliest_expiry")


@dataclass(frozen=True, slots=True)
class RecentAttempt:
    """One look with its journal number and its requests."""

    seq: int
    summary: AttemptSummary
    hops: tuple[Hop, ...] = ()


_SELF_CHECK_REASONS = {UnknownReason.BLIND.value, UnknownReason.PROBER.value}
"""Void looks that say something of our sight; a look that was late or overlapped says nothing of it."""


@dataclass(slots=True)
class RecentAttempts:
    """Memory of one portal: looks that were not plainly good, and what the good ones knew.

    ``heard`` is what our references said last, with the slot of the look that made us ask.
    """

    attempts: list[RecentAttempt] = field(default_factory=list)
    good_slots: list[int] = field(default_factory=list)
    certificate: dict[str, Scalar] = field(default_factory=dict)
    latest_references: tuple[int, str] = (-1, "")
    newest: RecentAttempt | None = None

    def add(self, measurement: Measurement) -> None:
        """Take the next look of the portal, of whatever check."""
        found = {name: measurement.values[name] for name in _CERTIFICATE_VALUES if name in measurement.values}
        self.certificate = found or self.certificate
        if "references" in measurement.values:
            self.latest_references = (measurement.slot, str(measurement.values["references"]))
        plain = measurement.outcome is Outcome.UP and measurement.attempt == 1
        if plain and measurement.check == STATE_CHECK and measurement.slot > max(self.good_slots, default=-1):
            self.good_slots = [*self.good_slots[-1:], measurement.slot]
        seen = RecentAttempt(measurement.seq, summarize_attempt(measurement), measurement.hops)
        if plain:
            self.newest = seen
        else:
            self.attempts = [kept for kept in self.attempts if kept.summary.slot >= measurement.slot - RETENTION_MS][
                1 - MAX_ATTEMPTS :
            ]
            self.attempts.append(seen)

    def find(self, seq: int) -> RecentAttempt | None:
        """The look with that journal number."""
        known = [*self.attempts, *([self.newest] if self.newest else [])]
        return next((one for one in reversed(known) if one.seq == seq), None)

    def since(self, slot: int) -> tuple[AttemptSummary, ...]:
        """The looks of ``slot`` and later that were not plainly good."""
        return tuple(one.summary for one in self.attempts if one.summary.slot >= slot)

    def references(self, slot: int) -> tuple[str, ...]:
        """What we know of our own sight for the looks of ``slot`` and later."""
        words = [one.detail for one in self.since(slot) if one.void in _SELF_CHECK_REASONS and one.detail]
        heard = [self.latest_references[1]] if self.latest_references[0] >= slot else []
        return tuple(dict.fromkeys([*words, *heard]))

    def last_good(self, slot: int) -> int | None:
        """The newest good slot before ``slot``."""
        return max((one for one in self.good_slots if one < slot), default=None)

    def dump_state(self) -> dict[str, Any] | None:
        """What goes into the memo; None for a portal that is plainly well."""
        if not self.attempts:
            return None
        looks = [[one.seq, asdict(one.summary), [asdict(hop) for hop in one.hops]] for one in self.attempts]
        return {
            "looks": looks,
            "good": self.good_slots,
            "certificate": self.certificate,
            "heard": self.latest_references,
        }


def recent_attempts_from(state: Mapping[str, Any]) -> RecentAttempts:
    """The witness of its memo."""
    looks = [
        RecentAttempt(seq, attempt_from_dict(look), tuple(Hop(**hop) for hop in hops))
        for seq, look, hops in state["looks"]
    ]
    slot, heard = state["heard"]
    certificate = dict(state["certificate"])
    return RecentAttempts(
        attempts=looks, good_slots=list(state["good"]), certificate=certificate, latest_references=(slot, heard)
    )


def summarize_attempt(measurement: Measurement) -> AttemptSummary:
    """A measurement as evidence."""
    address, family, status = _destination(measurement.hops, measurement.values)
    return AttemptSummary(
        check=measurement.check,
        slot=measurement.slot,
        attempt=measurement.attempt,
        outcome=measurement.outcome,
        fault=measurement.fault,
        void=measurement.void.value if measurement.void else None,
        phase=measurement.phase,
        detail=measurement.detail,
        started=measurement.started,
        duration=measurement.duration,
        address=address,
        family=family,
        status=status,
    )


def _destination(hops: Sequence[Hop], values: Mapping[str, Scalar]) -> tuple[str | None, int | None, int | None]:
    """Address, family and status of the last request that got somewhere, or of the look's own values."""
    last = next((hop for hop in reversed(hops) if hop.address), hops[-1] if hops else None)
    address, family, status = values.get("address"), values.get("ip_family"), values.get("status")
    return (
        (last.address if last else None) or (str(address) if address else None),
        (last.family if last else None) or (int(family) if family else None),
        (last.status if last else None) or (int(status) if status else None),
    )
