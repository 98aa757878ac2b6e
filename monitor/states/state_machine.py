"""From measurements to states: a pure fold over the journal; the same rows under the same rules give the same history.

A portal is ``down`` after ``down_looks`` failed looks within one slot or ``down_after`` failing slots in a row, ``up``
after ``up_after`` slots in a row whose first look was good (one after ``unknown``), and either counts from the first
slot of the run. It is ``unknown`` after two slots in a row in which we did not see, ``degraded`` when it is up and a
mark of judging/signs.py holds, ``maintenance`` from the first look inside of a window until the first evidence after
it, and marked as flapping when it changes ``flap_changes`` times within ``flap_window``. Time passes with the slots of
the looks alone, so a replay needs no clock.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from monitor.model.records import DECIDING, PROBER, STEP_BACK, Expect, Measurement, State, StateChange
from monitor.states import degraded, up_down
from monitor.states.maintenance import Calendar
from monitor.states.portal_memory import Standing
from monitor.states.prober_state import Eyes
from monitor.states.rules import Rules
from probes.probe import Probe
from probes.registry import KINDS
from probes.result import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor.model.records import Portal
    from monitor.states.maintenance import Occurrence

_MOVING = {State.UP.value, State.DEGRADED.value, State.DOWN.value}
"""The states between which a portal flaps."""


class Fold:
    """Feeds on measurements in journal order. Late and repeated slots are ignored; each location is judged by itself.

    A check's slots come in order, unless the clock was set back. By more than a day it showed a wrong hour before: what
    is known then holds on, and times count from the new hour.

    A retired portal is not judged. One whose address nobody has verified cannot be down before it was once up. While
    the prober cannot see, nothing becomes down. Maintenance is that of the configuration at the time of folding: a
    window that is told later changes nothing that was folded before, since changes are rows.
    """

    def __init__(
        self, portals: Iterable[Portal], rules: Rules, calendar: Calendar | None = None, *, memo: str = ""
    ) -> None:
        """Continue from ``memo``, as :meth:`memo` gave it."""
        kept: dict[str, dict[str, object]] = json.loads(memo or "{}")
        self._standings: dict[str, Standing] = {}
        self._eyes: dict[str, Eyes] = {}
        for key, values in kept.items():
            portal, _, location = key.partition("@")
            if portal == PROBER:
                self._eyes[location] = Eyes(**values)  # type: ignore[arg-type] # as asdict wrote it
            else:
                self._standings[key] = Standing(**values)  # type: ignore[arg-type] # the same
        self._texts: dict[str, str] = {}
        self.change(portals, rules, calendar or Calendar())

    def change(self, portals: Iterable[Portal], rules: Rules, calendar: Calendar) -> None:
        """Go on under another configuration; what is remembered of portals that are gone is dropped."""
        self.portals = {portal.id: portal for portal in portals}
        self.rules, self.calendar = rules, calendar
        self._judged = sum(portal.expect is not Expect.RETIRED for portal in self.portals.values())
        for key in [key for key in self._standings if key.partition("@")[0] not in self.portals]:
            eyes, gone = self._eyes[key.partition("@")[2]], self._standings.pop(key)
            eyes.known -= gone.blind is not None
            eyes.blind -= bool(gone.blind)
            self._texts.pop(key, None)
        self._texts = {key: text for key, text in self._texts.items() if key in self._standings}

    def memo(self) -> str:
        """All that the fold remembers, as JSON text that belongs to the bookmark; only what moved is written anew."""
        everything: dict[str, Standing | Eyes] = {f"{PROBER}@{where}": eyes for where, eyes in self._eyes.items()}
        everything |= self._standings
        for key, kept in everything.items():
            if key not in self._texts:
                self._texts[key] = f"{json.dumps(key)}:{json.dumps(asdict(kept), separators=(',', ':'))}"
        return f"{{{','.join(self._texts[key] for key in everything)}}}"

    def feed_all(self, measurements: Iterable[Measurement]) -> list[StateChange]:
        """The changes that a stretch of the journal makes."""
        return [change for one in measurements for change in self.feed(one)]

    def feed(self, one: Measurement) -> list[StateChange]:
        """Take the next measurement; the changes that it tips, mostly none: of the prober first, then of its portal."""
        portal = self.portals.get(one.portal)
        if portal is None or portal.expect is Expect.RETIRED:
            return []
        key = f"{one.portal}@{one.location}"
        kept = self._standings.setdefault(key, Standing())
        eyes = self._eyes.setdefault(one.location, Eyes())
        deciding = one.check == DECIDING
        _follow_clock(kept, eyes, one, deciding=deciding)
        if not _is_news(kept, one, deciding=deciding):
            return []
        self._texts.pop(key, None)
        kept.clock = max(kept.clock, one.slot)
        told = []
        if deciding and one.attempt == 1:
            self._texts.pop(f"{PROBER}@{one.location}", None)
            if (change := eyes.take(kept, one, self._judged)) is not None:
                told.append(change)
        told += self._judge(kept, one, portal, eyes)
        return told

    def _judge(self, kept: Standing, one: Measurement, portal: Portal, eyes: Eyes) -> list[StateChange]:
        window = self.calendar.in_force(portal, kept.clock)
        base = None
        if one.check == DECIDING:
            base = up_down.take(kept, one, portal, self.rules, hold=eyes.shut)
            kept.fell = kept.fell or kept.base == State.DOWN.value
        turned = self._marks(kept, one)
        if window is not None:
            return self._enter(kept, one, window)
        if kept.state == State.MAINTENANCE.value:
            return self._leave(kept, one)
        calm = self._calm_down(kept, one)
        since = next((slot for slot in (base, turned) if slot is not None), one.slot)
        return calm + self._tell(kept, one, since)

    def _marks(self, kept: Standing, one: Measurement) -> int | None:
        """Signs count only while the home page answers: what fails together with it is one outage, not two."""
        if kept.base != State.UP.value or kept.outcome == Outcome.DOWN.value:
            if kept.base != State.UP.value:
                kept.marks.clear()
            return None
        return degraded.note(kept, one, self.rules) if one.attempt == 1 else None

    def _enter(self, kept: Standing, one: Measurement, window: Occurrence) -> list[StateChange]:
        if kept.state == State.MAINTENANCE.value:
            return []
        kept.fell, kept.flapping = False, False
        kept.moves.clear()
        words = f"{window.window.reason} (approved by {window.window.approved_by})"
        return [_change(kept, one, State.MAINTENANCE, one.slot, words)]

    def _leave(self, kept: Standing, one: Measurement) -> list[StateChange]:
        """The window is over: one good look is enough to be up, a failure that was confirmed inside still counts."""
        if one.check != DECIDING:
            return []
        good = one.outcome is Outcome.UP
        if good:
            kept.base = State.UP.value
        if not good and not up_down.failed(kept, self.rules) and kept.voids < up_down.VOIDS_TO_UNKNOWN:
            return []
        state = self._state(kept)
        words = "maintenance is over"
        if state in {State.UP, State.DEGRADED} and kept.fell:
            words = "maintenance is over; it was down inside and has recovered"
        elif state is State.DOWN:
            words = f"still down at the end of maintenance: {one.detail}"
        elif state is State.DEGRADED:
            words = degraded.why(kept, self.rules)
        return [_change(kept, one, state, one.slot, words)]

    def _calm_down(self, kept: Standing, one: Measurement) -> list[StateChange]:
        """The message that flapping ended: nothing changed for as long as the window of its changes."""
        if not kept.flapping or kept.clock - kept.at < self.rules.flap_window:
            return []
        kept.flapping = False
        kept.moves.clear()
        words = f"no change for {self.rules.flap_window // 60_000} min"
        return [_change(kept, one, State(kept.state), one.slot, words)]

    def _tell(self, kept: Standing, one: Measurement, at: int) -> list[StateChange]:
        state = self._state(kept)
        if state.value == kept.state:
            return []
        if {kept.state, state.value} <= _MOVING:
            kept.moves = [move for move in kept.moves if move > one.slot - self.rules.flap_window] + [one.slot]
            kept.flapping = kept.flapping or len(kept.moves) >= self.rules.flap_changes
        words = degraded.why(kept, self.rules) if state is State.DEGRADED else one.detail
        return [_change(kept, one, state, at, words)]

    @staticmethod
    def _state(kept: Standing) -> State:
        up = kept.base == State.UP.value
        return State.DEGRADED if up and degraded.degraded(kept) else State(kept.base)


def _follow_clock(kept: Standing, eyes: Eyes, one: Measurement, *, deciding: bool) -> None:
    """Forget the times of a clock that was wrong by more than a day."""
    if not deciding:
        if one.slot < kept.slots.get(one.check, -1) - STEP_BACK:
            del kept.slots[one.check]
        return
    if one.slot < kept.slot - STEP_BACK:
        kept.slot, kept.attempt, kept.clock, kept.at = -1, 0, -1, -1
        kept.since, kept.blind_since = min(kept.since, one.slot), min(kept.blind_since, one.slot)
        kept.moves.clear()
        eyes.at, eyes.since = min(eyes.at, one.slot - 1), min(eyes.since, one.slot)


def _is_news(kept: Standing, one: Measurement, *, deciding: bool) -> bool:
    """Whether the look is newer than all of its check; notes it then. Confirming looks count for the home page only."""
    if deciding:
        if (one.slot, one.attempt) <= (kept.slot, kept.attempt):
            return False
        if one.attempt > 1 and one.slot != kept.slot:
            return False
        kept.slot, kept.attempt = one.slot, one.attempt
        return True
    speaks = KINDS.get(one.kind, Probe).speaks(one.attempt, one.values)
    if not speaks or one.slot <= kept.slots.get(one.check, -1):
        return False
    kept.slots[one.check] = one.slot
    return True


def _change(kept: Standing, one: Measurement, state: State, at: int, words: str) -> StateChange:
    """The change, noted as told. Its time is later than that of the change before, whatever the looks say."""
    previous = State(kept.state)
    kept.state, kept.at = state.value, max(at, kept.at + 1)
    return StateChange(
        portal=one.portal,
        location=one.location,
        at=kept.at,
        state=state,
        previous=previous,
        flapping=kept.flapping,
        fault=one.fault if state in {State.DOWN, State.UNKNOWN} else None,
        detail=words,
        cause=one.seq,
    )
