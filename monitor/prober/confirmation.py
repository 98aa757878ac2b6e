"""Which failed looks are confirmed, and when; taking the looks is the measurer's part."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from monitor.model.records import DECIDING
from probes.result import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.model.records import Check, Measurement

AFTER = (2.0, 5.0)
"""Seconds from the end of the failed look to each further one, unless the configuration says otherwise."""


@dataclass(slots=True)
class Confirmation:
    """A failure of the check that decides is looked at again ``after`` so many seconds from its end.

    ``unjudged`` are portals that cannot be down. A failure that all looks of a slot confirmed is known: whoever lies
    on the ground is looked at once a slot, not three times, until a look is good or could not see.
    """

    after: tuple[float, ...] = AFTER
    unjudged: frozenset[str] = frozenset()
    _known: set[str] = field(default_factory=set)

    def times(self, check: Check, first: Measurement) -> tuple[float, ...]:
        """When to look again after ``first``, in seconds from its end; empty for not at all."""
        if first.outcome is not Outcome.DOWN:
            self._known.discard(check.key)
            return ()
        wanted = check.name == DECIDING and check.portal not in self.unjudged and check.key not in self._known
        return self.after if wanted else ()

    def note(self, check: Check, looks: Sequence[Measurement]) -> None:
        """Remember what the looks of one slot, the first one included, have confirmed."""
        if len(looks) > len(self.after) > 0 and all(look.outcome is Outcome.DOWN for look in looks):
            self._known.add(check.key)
