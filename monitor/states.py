"""From measurements to confirmed states: a pure fold over the journal; the same rows give the same history."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from monitor.model import Expect, Measurement, State, StateChange, Void
from probes.base import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor.model import Portal

DECIDING = "uptime"
"""The check whose looks decide the state of a portal: uptime of its home page."""

VOIDS_TO_UNKNOWN = 2
"""So many slots in a row without sight, and we no longer know."""


@dataclass(slots=True)
class _Standing:
    """What the fold remembers of one portal, seen from one location: its state, and the run that is going on."""

    state: str = State.UNKNOWN.value
    proven: bool = False
    slot: int = -1
    outcome: str = ""
    run: int = 0
    since: int = 0
    voids: int = 0
    blind_since: int = 0


class Fold:
    """Feeds on measurements in journal order. A change needs a run of equal outcomes and counts from its first slot.

    ``down_after`` failures in a row make ``down``, ``up_after`` successes ``up`` (one is enough when the state was
    unknown), two void slots in a row ``unknown``. A single void slot neither breaks nor lengthens a run of looks, and
    an overlapped slot says nothing: the look that lay over it does. A retired portal is not judged. One whose address
    nobody has verified cannot be down before it was once up. Each location is judged by itself.
    """

    def __init__(self, portals: Iterable[Portal], *, down_after: int, up_after: int, memo: str = "") -> None:
        """Continue from ``memo``, as :meth:`memo` gave it."""
        self._standings = {key: _Standing(**kept) for key, kept in json.loads(memo or "{}").items()}
        self._texts: dict[str, str] = {}
        self.change(portals, down_after, up_after)

    def change(self, portals: Iterable[Portal], down_after: int, up_after: int) -> None:
        """Go on under another configuration; what is remembered of portals that are gone is dropped."""
        self.portals = {portal.id: portal for portal in portals}
        self.down_after, self.up_after = down_after, up_after
        for key in [key for key in self._standings if key.partition("@")[0] not in self.portals]:
            del self._standings[key]
            self._texts.pop(key, None)

    def memo(self) -> str:
        """All that the fold remembers, as JSON text that belongs to the bookmark; only what moved is written anew."""
        for key, kept in self._standings.items():
            if key not in self._texts:
                self._texts[key] = f"{json.dumps(key)}:{json.dumps(asdict(kept), separators=(',', ':'))}"
        return f"{{{','.join(self._texts[key] for key in self._standings)}}}"

    def feed(self, one: Measurement) -> StateChange | None:
        """Take the next measurement; a change when it tips its portal's state. Late and repeated slots are ignored."""
        portal = self.portals.get(one.portal)
        if one.check != DECIDING or one.attempt != 1 or portal is None or portal.expect is Expect.RETIRED:
            return None
        key = f"{one.portal}@{one.location}"
        kept = self._standings.setdefault(key, _Standing())
        if one.slot <= kept.slot:
            return None
        kept.slot = one.slot
        self._texts.pop(key, None)
        if one.void is Void.OVERLAPPED:
            return None
        state, since = self._blind(kept, one) if one.outcome is Outcome.VOID else self._seen(kept, one, portal)
        previous = State(kept.state)
        if state is previous:
            return None
        kept.state = state.value
        return StateChange(
            portal=one.portal,
            location=one.location,
            at=since,
            state=state,
            previous=previous,
            fault=one.fault,
            detail=one.detail,
            cause=one.seq,
        )

    def feed_all(self, measurements: Iterable[Measurement]) -> list[StateChange]:
        """The changes that a stretch of the journal makes."""
        return [change for one in measurements if (change := self.feed(one)) is not None]

    @staticmethod
    def _blind(kept: _Standing, one: Measurement) -> tuple[State, int]:
        if kept.voids == 0:
            kept.blind_since = one.slot
        kept.voids += 1
        if kept.voids < VOIDS_TO_UNKNOWN:
            return State(kept.state), one.slot
        kept.run, kept.outcome = 0, ""
        return State.UNKNOWN, kept.blind_since

    def _seen(self, kept: _Standing, one: Measurement, portal: Portal) -> tuple[State, int]:
        kept.voids = 0
        if one.outcome.value != kept.outcome:
            kept.outcome, kept.run, kept.since = one.outcome.value, 0, one.slot
        kept.run += 1
        state = State(kept.state)
        if one.outcome is Outcome.UP:
            kept.proven = True
            if kept.run >= (1 if state is State.UNKNOWN else self.up_after):
                return State.UP, kept.since
        elif kept.run >= self.down_after and (portal.verified or kept.proven):
            return State.DOWN, kept.since
        return state, kept.since
