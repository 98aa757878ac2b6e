"""Recent attempts of one portal, so that an incident can show what was measured before and during it.

Healthy portals are not in the checkpoint: what a page needs of them is in their newest measurement in the journal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from monitor.model.incidents import AttemptSummary
from monitor.model.records import STATE_CHECK, Measurement, UnknownReason
from monitor.storage.journal.incident_rows import attempt_from_dict
from probes.result import Hop, Outcome, Scalar

MAX_ATTEMPTS = 8  # attempts that an incident shows of one portal
RETENTION_MS = 900_000  # how long an attempt that was not a plain success is kept when no state change follows

_CERTIFICATE_VALUES = ("cert_subject", "cert_issuer", "cert_leaf_expiry", "cert_earliest_expiry")


@dataclass(frozen=True, slots=True)
class RecentAttempt:
    """One attempt with its sequence number and its hops."""

    seq: int
    summary: AttemptSummary
    hops: tuple[Hop, ...] = ()


_SELF_CHECK_REASONS = {UnknownReason.SELF_CHECK.value, UnknownReason.INTERNAL_ERROR.value}
"""Reasons that concern the prober's self-check; a slot that was late or overlapped does not."""


@dataclass(slots=True)
class RecentAttempts:
    """Attempts of one portal that were not plain successes, and facts from those that were.

    ``latest_references`` is the newest result of the reference checks, with the slot of the attempt that caused them.
    """

    attempts: list[RecentAttempt] = field(default_factory=list)
    good_slots: list[int] = field(default_factory=list)
    certificate: dict[str, Scalar] = field(default_factory=dict)
    latest_references: tuple[int, str] = (-1, "")
    newest: RecentAttempt | None = None

    def add(self, measurement: Measurement) -> None:
        """Take the next measurement of the portal, from any check."""
        certificate = {name: measurement.values[name] for name in _CERTIFICATE_VALUES if name in measurement.values}
        self.certificate = certificate or self.certificate
        if "references" in measurement.values:
            self.latest_references = (measurement.slot, str(measurement.values["references"]))
        plain = measurement.outcome is Outcome.UP and measurement.attempt == 1
        if plain and measurement.check == STATE_CHECK and measurement.slot > max(self.good_slots, default=-1):
            self.good_slots = [*self.good_slots[-1:], measurement.slot]
        attempt = RecentAttempt(measurement.seq, summarize_attempt(measurement), measurement.hops)
        if plain:
            self.newest = attempt
        else:
            kept = [one for one in self.attempts if one.summary.slot >= measurement.slot - RETENTION_MS]
            self.attempts = [*kept[1 - MAX_ATTEMPTS :], attempt]

    def find(self, seq: int) -> RecentAttempt | None:
        """Return the attempt with that sequence number."""
        known = [*self.attempts, *([self.newest] if self.newest else [])]
        return next((one for one in reversed(known) if one.seq == seq), None)

    def since(self, slot: int) -> tuple[AttemptSummary, ...]:
        """Return the attempts of ``slot`` and later that were not plain successes."""
        return tuple(one.summary for one in self.attempts if one.summary.slot >= slot)

    def references(self, slot: int) -> tuple[str, ...]:
        """Return what is known of the prober's self-check for the attempts of ``slot`` and later."""
        details = [one.detail for one in self.since(slot) if one.unknown_reason in _SELF_CHECK_REASONS and one.detail]
        references = [self.latest_references[1]] if self.latest_references[0] >= slot else []
        return tuple(dict.fromkeys([*details, *references]))

    def last_good(self, slot: int) -> int | None:
        """Return the newest good slot before ``slot``."""
        return max((one for one in self.good_slots if one < slot), default=None)

    def dump_state(self) -> dict[str, Any] | None:
        """Return the state for the checkpoint; None for a healthy portal."""
        if not self.attempts:
            return None
        attempts = [[one.seq, asdict(one.summary), [asdict(hop) for hop in one.hops]] for one in self.attempts]
        return {
            "attempts": attempts,
            "good_slots": self.good_slots,
            "certificate": self.certificate,
            "references": self.latest_references,
        }


def recent_attempts_from(state: Mapping[str, Any]) -> RecentAttempts:
    """Restore the recent attempts from the state of the checkpoint."""
    attempts = [
        RecentAttempt(seq, attempt_from_dict(summary), tuple(Hop(**hop) for hop in hops))
        for seq, summary, hops in state["attempts"]
    ]
    slot, references = state["references"]
    return RecentAttempts(
        attempts=attempts,
        good_slots=list(state["good_slots"]),
        certificate=dict(state["certificate"]),
        latest_references=(slot, references),
    )


def summarize_attempt(measurement: Measurement) -> AttemptSummary:
    """Return the summary of a measurement that an incident keeps."""
    address, family, status = _destination(measurement.hops, measurement.values)
    return AttemptSummary(
        check=measurement.check,
        slot=measurement.slot,
        attempt=measurement.attempt,
        outcome=measurement.outcome,
        fault=measurement.fault,
        unknown_reason=measurement.unknown_reason.value if measurement.unknown_reason else None,
        phase=measurement.phase,
        detail=measurement.detail,
        started=measurement.started,
        duration=measurement.duration,
        address=address,
        family=family,
        status=status,
    )


def _destination(hops: Sequence[Hop], values: Mapping[str, Scalar]) -> tuple[str | None, int | None, int | None]:
    """Return address, family and status of the last request that reached an address, else of the measured values."""
    last = next((hop for hop in reversed(hops) if hop.address), hops[-1] if hops else None)
    address, family, status = values.get("address"), values.get("ip_family"), values.get("status")
    return (
        (last.address if last else None) or (str(address) if address else None),
        (last.family if last else None) or (int(family) if family else None),
        (last.status if last else None) or (int(status) if status else None),
    )
