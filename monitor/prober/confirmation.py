"""Which failed looks are confirmed, and when; taking the looks is the measurer's part."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from monitor.model.records import STATE_CHECK
from probes.result import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.model.records import Check, Measurement

DEFAULT_DELAYS_SECONDS = (2.0, 5.0)
"""Seconds from the end of the failed look to each further one, unless the configuration says otherwise."""


@dataclass(slots=True)
class Confirmation:
    """A failure of the check that decides is looked at again ``after`` so many seconds from its end.

    ``unjudged`` are portals that cannot be down. A failure that all looks of a slot confirmed is known: whoever lies
    on the ground is looked at once a slot, not three times, until a look is good or could not see.
    """

    delays_seconds: tuple[float, ...] = DEFAULT_DELAYS_SECONDS
    excluded_from_evaluation: frozenset[str] = frozenset()
    _confirmed: set[str] = field(default_factory=set)

    def delays(self, check: Check, scheduled_attempt: Measurement) -> tuple[float, ...]:
        """When to look again after ``first``, in seconds from its end; empty for not at all."""
        if scheduled_attempt.outcome is not Outcome.DOWN:
            self._confirmed.discard(check.key)
            return ()
        wanted = (
            check.name == STATE_CHECK
            and check.portal not in self.excluded_from_evaluation
            and check.key not in self._confirmed
        )
        return self.delays_seconds if wanted else ()

    def record(self, check: Check, attempts: Sequence[Measurement]) -> None:
        """Remember what the looks of one slot, the first one included, have confirmed."""
        if len(attempts) > len(self.delays_seconds) > 0 and all(look.outcome is Outcome.DOWN for look in attempts):
            self._confirmed.add(check.key)
