"""Decides which failed probes are confirmed, and when; the check runner runs the confirmation attempts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from monitor.model.records import STATE_CHECK
from probes.result import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.model.records import Check, Measurement

DEFAULT_DELAYS_SECONDS = (2.0, 5.0)
"""Default seconds from the end of the scheduled attempt to each confirmation attempt."""


@dataclass(slots=True)
class Confirmation:
    """Confirms failures of the state check, ``delays_seconds`` after the end of the scheduled attempt.

    Portals in ``excluded_from_evaluation`` cannot be down, so they are not confirmed. A failure that all attempts of a
    slot confirmed is not confirmed again: the portal is probed once a slot until an attempt is up or unknown.
    """

    delays_seconds: tuple[float, ...] = DEFAULT_DELAYS_SECONDS
    excluded_from_evaluation: frozenset[str] = frozenset()
    _confirmed: set[str] = field(default_factory=set)

    def delays(self, check: Check, scheduled_attempt: Measurement) -> tuple[float, ...]:
        """Return when to confirm *scheduled_attempt*, in seconds from its end; empty for no confirmation."""
        if scheduled_attempt.outcome is not Outcome.DOWN:
            self._confirmed.discard(check.key)
            return ()
        excluded = check.portal in self.excluded_from_evaluation
        wanted = check.name == STATE_CHECK and not excluded and check.key not in self._confirmed
        return self.delays_seconds if wanted else ()

    def record(self, check: Check, attempts: Sequence[Measurement]) -> None:
        """Remember whether the attempts of one slot, the scheduled one included, confirmed a failure."""
        if len(attempts) > len(self.delays_seconds) > 0 and all(one.outcome is Outcome.DOWN for one in attempts):
            self._confirmed.add(check.key)
