"""Decides up, down or unknown from the measurements of a portal's state check."""

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
"""Consecutive unknown slots after which the state is unknown."""


def update(
    memory: PortalMemory, measurement: Measurement, portal: Portal, rules: StateRules, *, prober_failing: bool
) -> int | None:
    """Process the next measurement of the state check; return the slot from which a new base state holds, or None.

    Confirmation attempts only confirm or refute a failure: a slot whose failure was refuted is neither failing nor
    successful. With *prober_failing* nothing becomes down: the run continues until the prober recovers.
    """
    before = memory.base_state
    if measurement.outcome is Outcome.DOWN:
        slow = degraded.condition_holds(memory, f"slow {measurement.check}")
        memory.requires_down_slots = measurement.fault is Fault.TIMEOUT and slow
    if measurement.attempt > 1:
        _apply_confirmation_attempt(memory, measurement)
    elif measurement.outcome is Outcome.UNKNOWN:
        _apply_unknown(memory, measurement)
    else:
        _apply_scheduled_attempt(memory, measurement, rules)
    may_be_down = (portal.verified or memory.ever_up) and not prober_failing
    if measurement.outcome is Outcome.DOWN and is_failure_confirmed(memory, rules) and may_be_down:
        memory.base_state = State.DOWN.value
    if memory.base_state == before:
        return None
    return memory.unknown_since if memory.base_state == State.UNKNOWN.value else memory.run_since


def is_failure_confirmed(memory: PortalMemory, rules: StateRules) -> bool:
    """Return whether the run of failures is long enough: by attempts within the newest slot, or by slots.

    A slow portal that times out is only slower than before: that has to last from slot to slot.
    """
    attempts_suffice = memory.failed_attempts >= rules.down_attempts and not memory.requires_down_slots
    return memory.outcome == Outcome.DOWN.value and (attempts_suffice or memory.run_length >= rules.down_slots)


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
    if memory.run_length >= (1 if memory.base_state == State.UNKNOWN.value else rules.up_slots):
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
    """Process an unknown result: a single one neither breaks nor extends a run; an overlapped one is ignored."""
    memory.failed_attempts = 0
    if measurement.unknown_reason is UnknownReason.OVERLAPPED:
        return
    if memory.unknown_slots == 0:
        memory.unknown_since = measurement.slot
    memory.unknown_slots += 1
    if memory.unknown_slots >= MIN_UNKNOWN_SLOTS:
        memory.run_length, memory.outcome = 0, ""
        memory.base_state = State.UNKNOWN.value
