"""Whether we ourselves can see, from what became of the newest look of every portal: a state of the prober."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.model.records import PROBER, State, StateChange, Void

if TYPE_CHECKING:
    from monitor.model.records import Measurement
    from monitor.states.portal_memory import Standing

OURS = {Void.BLIND, Void.PROBER}
"""Looks that took place and did not see. Those that never began say nothing of our sight."""

LEAST = 2
"""A single look that did not see is no news."""

LEAST_PORTALS = 5
"""Nor are a few portals of many: right after the start they may be all that was looked at."""


@dataclass(slots=True)
class Eyes:
    """One location's sight. Blind when more than half of the portals were last not seen, until at most a quarter is.

    ``since`` and ``spell`` are the first slot and the number of blind looks since most portals were last seen; both
    counts are of portals and follow from their standings.
    """

    state: str = State.UP.value
    at: int = -1
    since: int = 0
    spell: int = 0
    known: int = 0
    blind: int = 0

    @property
    def shut(self) -> bool:
        """Whether we cannot see."""
        return self.state == State.UNKNOWN.value

    def take(self, kept: Standing, one: Measurement, fleet: int) -> StateChange | None:
        """Note a first look at a home page of one of ``fleet`` portals; a change of the prober when it tips."""
        if one.void is not None and one.void not in OURS:
            return None
        blind = one.void is not None
        self.known += kept.blind is None
        self.blind += int(blind) - int(bool(kept.blind))
        kept.blind = blind
        most_seen = self.blind * 4 <= self.known
        if most_seen:
            self.spell = 0
        elif blind:
            self.since = self.since if self.spell else one.slot
            self.spell += 1
        if self.shut:
            return self._tip(one, State.UP, one.slot) if most_seen else None
        enough = self.spell >= LEAST and self.blind >= min(LEAST_PORTALS, fleet)
        if self.blind * 2 > self.known and enough:
            return self._tip(one, State.UNKNOWN, self.since)
        return None

    def _tip(self, one: Measurement, state: State, since: int) -> StateChange:
        previous = State(self.state)
        self.state, self.at = state.value, max(since, self.at + 1)
        blind = state is State.UNKNOWN
        return StateChange(
            portal=PROBER,
            location=one.location,
            at=self.at,
            state=state,
            previous=previous,
            fault=one.fault if blind else None,
            detail=one.detail if blind else "",
            cause=one.seq,
        )
