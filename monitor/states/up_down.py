"""Up, down or unknown: what the looks at a portal's home page confirm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.model.records import State, Void
from monitor.states import degraded
from probes.result import Fault, Outcome

if TYPE_CHECKING:
    from monitor.model.records import Measurement, Portal
    from monitor.states.portal_memory import Standing
    from monitor.states.rules import Rules

VOIDS_TO_UNKNOWN = 2
"""So many slots in a row without sight, and we no longer know."""


def take(kept: Standing, one: Measurement, portal: Portal, rules: Rules, *, hold: bool) -> int | None:
    """Take the next look at the home page; the slot from which a new ``base`` holds, None when it stays.

    Looks that confirm a failure add to it or refute it, and say nothing else: a slot whose failure was refuted is
    neither failing nor good. With ``hold`` nothing becomes down: the run goes on until it is believed.
    """
    before = kept.base
    if one.outcome is Outcome.DOWN:
        kept.patient = one.fault is Fault.TIMEOUT and degraded.holds(kept, f"slow {one.check}")
    if one.attempt > 1:
        _confirm(kept, one)
    elif one.outcome is Outcome.VOID:
        _blind(kept, one)
    else:
        _first(kept, one, rules)
    believed = (portal.verified or kept.proven) and not hold
    if one.outcome is Outcome.DOWN and failed(kept, rules) and believed:
        kept.base = State.DOWN.value
    if kept.base == before:
        return None
    return kept.blind_since if kept.base == State.UNKNOWN.value else kept.since


def failed(kept: Standing, rules: Rules) -> bool:
    """Whether the run of failures is long enough: by looks within the newest slot, or by slots.

    A portal that is slow already and now takes too long is slower still: that has to last from slot to slot.
    """
    looks_suffice = kept.looks >= rules.down_looks and not kept.patient
    return kept.outcome == Outcome.DOWN.value and (looks_suffice or kept.run >= rules.down_after)


def _first(kept: Standing, one: Measurement, rules: Rules) -> None:
    kept.voids = 0
    if one.outcome.value != kept.outcome:
        kept.outcome, kept.run, kept.since = one.outcome.value, 0, one.slot
    kept.run += 1
    if one.outcome is Outcome.DOWN:
        kept.looks = 1
        return
    kept.looks = 0
    kept.proven = True
    if kept.run >= (1 if kept.base == State.UNKNOWN.value else rules.up_after):
        kept.base = State.UP.value


def _confirm(kept: Standing, one: Measurement) -> None:
    if kept.outcome != Outcome.DOWN.value or kept.looks == 0:
        return
    if one.outcome is Outcome.DOWN:
        kept.looks += 1
    elif one.outcome is Outcome.UP:
        kept.outcome, kept.run, kept.looks = "", 0, 0
        kept.proven = True


def _blind(kept: Standing, one: Measurement) -> None:
    """A single void slot neither breaks nor lengthens a run; an overlapped one says nothing."""
    kept.looks = 0
    if one.void is Void.OVERLAPPED:
        return
    if kept.voids == 0:
        kept.blind_since = one.slot
    kept.voids += 1
    if kept.voids >= VOIDS_TO_UNKNOWN:
        kept.run, kept.outcome = 0, ""
        kept.base = State.UNKNOWN.value
