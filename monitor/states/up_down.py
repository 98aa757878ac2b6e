"""Up, down or unknown: what the looks at a portal's home page confirm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.model.records import State, UnknownReason
from monitor.states import degraded
from probes.result import Fault, Outcome

if TYPE_CHECKING:
    from monitor.model.records import Measurement, Portal
    from monitor.states.portal_memory import PortalMemory
    from monitor.states.rules import StateRules

MIN_UNKNOWN_SLOTS = 2
"""So many slots in a row without sight, and we no longer know."""


def update(
    memory: PortalMemory, measurement: Measurement, portal: Portal, rules: StateRules, *, prober_failing: bool
) -> int | None:
    """Take the next look at the home page; the slot from which a new ``base`` holds, None when it stays.

    Looks that confirm a failure add to it or refute it, and say nothing else: a slot whose failure was refuted is
    neither failing nor good. With ``hold`` nothing becomes down: the run goes on until it is believed.
    """
    before = memory.base_state
    if measurement.outcome is Outcome.DOWN:
        memory.requires_down_slots = measurement.fault is Fault.TIMEOUT and degraded.condition_holds(
            memory, f"slow {measurement.check}"
        )
    if measurement.attempt > 1:
        _apply_confirmation_attempt(memory, measurement)
    elif measurement.outcome is Outcome.VOID:
        _apply_unknown(memory, measurement)
    else:
        _apply_scheduled_attempt(memory, measurement, rules)
    believed = (portal.verified or memory.ever_up) and not prober_failing
    if measurement.outcome is Outcome.DOWN and is_failure_confirmed(memory, rules) and believed:
        memory.base_state = State.DOWN.value
    if memory.base_state == before:
        return None
    return memory.unknown_since if memory.base_state == State.UNKNOWN.value else memory.run_since


def is_failure_confirmed(memory: PortalMemory, rules: StateRules) -> bool:
    """Whether the run of failures is long enough: by looks within the newest slot, or by slots.

    A portal that is slow already and now takes too long is slower still: that has to last from slot to slot.
    """
    looks_suffice = memory.failed_attempts >= rules.down_looks and not memory.requires_down_slots
    return memory.outcome == Outcome.DOWN.value and (looks_suffice or memory.run_length >= rules.down_after)


def _apply_scheduled_attempt(memory: PortalMemory, measurement: Measurement, rules: StateRules) -> None:
    memory.unknown_slots = 0
    if measurement.outcome.value != memory.outcome:
        memory.outcome, memory.run_length, memory.run_since = measurement.outcome.value, 0, measurement.slot
    memory.run_length += 1
    if measurement.outcome is Outcome.DOWN:
        memory.failed_attempts = 1
        return
    memory.failed_attempts = 0
    memory.ever_up = True
    if memory.run_length >= (1 if memory.base_state == State.UNKNOWN.value else rules.up_after):
        memory.base_state = State.UP.value


def _apply_confirmation_attempt(memory: PortalMemory, measurement: Measurement) -> None:
    if memory.outcome != Outcome.DOWN.value or memory.failed_attempts == 0:
        return
    if measurement.outcome is Outcome.DOWN:
        memory.failed_attempts += 1
    elif measurement.outcome is Outcome.UP:
        memory.outcome, memory.run_length, memory.failed_attempts = "", 0, 0
        memory.ever_up = True


def _apply_unknown(memory: PortalMemory, measurement: Measurement) -> None:
    """A single void slot neither breaks nor lengthens a run; an overlapped one says nothing."""
    memory.failed_attempts = 0
    if measurement.void is UnknownReason.OVERLAPPED:
        return
    if memory.unknown_slots == 0:
        memory.unknown_since = measurement.slot
    memory.unknown_slots += 1
    if memory.unknown_slots >= MIN_UNKNOWN_SLOTS:
        memory.run_length, memory.outcome = 0, ""
        memory.base_state = State.UNKNOWN.value
