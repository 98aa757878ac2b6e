"""Turns measurements into states: a pure function of the journal; the same rows and rules give the same history.

A portal is ``down`` after ``down_attempts`` failed attempts within one slot or ``down_slots`` failing slots in a row,
``up`` after ``up_slots`` slots in a row whose scheduled attempt succeeded (one after ``unknown``); either counts from
the first slot of the run. It is ``unknown`` after two unknown slots in a row, ``degraded`` when it is up and a
condition of degraded.py holds, ``maintenance`` from the first measurement inside a window until the first conclusive
one after it, and flapping when it changes ``flap_changes`` times within ``flap_window_ms``. Time is that of the slots
alone, so a replay needs no clock.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from monitor.model.records import MAX_CLOCK_STEP_BACK_MS, PROBER_PORTAL, STATE_CHECK, Expect, State, StateChange
from monitor.states import degraded, up_down
from monitor.states.maintenance import MaintenanceCalendar
from monitor.states.portal_memory import PortalMemory
from monitor.states.prober_state import ProberState
from monitor.states.rules import StateRules
from probes.probe import Probe
from probes.registry import PROBE_KINDS
from probes.result import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor.model.records import Measurement, Portal
    from monitor.states.maintenance import MaintenanceOccurrence

_FLAPPING_STATES = {State.UP.value, State.DEGRADED.value, State.DOWN.value}
"""The states between which a portal flaps."""


class StateMachine:
    """Processes measurements in journal order. Late and repeated slots are ignored; locations are evaluated separately.

    A check's slots come in order, unless the clock was set back. A step of more than a day means that the clock was
    wrong before: states are kept, and times count from the new time.

    A retired portal is not evaluated. A portal with an unverified URL cannot be down before it was up once. While the
    prober's self-check fails, nothing becomes down. Maintenance is that of the configuration at processing time: a
    window that is added later changes no earlier state, since changes are rows.
    """

    def __init__(
        self,
        portals: Iterable[Portal],
        rules: StateRules,
        calendar: MaintenanceCalendar | None = None,
        *,
        saved_state: str = "",
    ) -> None:
        """Continue from *saved_state*, a result of :meth:`serialize`."""
        saved: dict[str, dict[str, object]] = json.loads(saved_state or "{}")
        self._portal_memories: dict[str, PortalMemory] = {}
        self._prober_states: dict[str, ProberState] = {}
        for key, values in saved.items():
            portal, _, location = key.partition("@")
            if portal == PROBER_PORTAL:
                self._prober_states[location] = ProberState(**values)  # type: ignore[arg-type] # as asdict wrote it
            else:
                self._portal_memories[key] = PortalMemory(**values)  # type: ignore[arg-type] # the same
        self._serialized: dict[str, str] = {}
        self.reconfigure(portals, rules, calendar or MaintenanceCalendar())

    def reconfigure(self, portals: Iterable[Portal], rules: StateRules, calendar: MaintenanceCalendar) -> None:
        """Continue with another configuration; drop the memory of removed portals."""
        self.portals = {portal.id: portal for portal in portals}
        self.rules, self.calendar = rules, calendar
        self._evaluated_count = sum(portal.expect is not Expect.RETIRED for portal in self.portals.values())
        for key in [key for key in self._portal_memories if key.partition("@")[0] not in self.portals]:
            prober_state, removed = self._prober_states[key.partition("@")[2]], self._portal_memories.pop(key)
            prober_state.known_portals -= removed.self_check_failed is not None
            prober_state.failed_portals -= bool(removed.self_check_failed)
            self._serialized.pop(key, None)
        self._serialized = {key: text for key, text in self._serialized.items() if key in self._portal_memories}

    def serialize(self) -> str:
        """Return the whole memory as JSON text for the checkpoint; only changed parts are serialized again."""
        probers = {f"{PROBER_PORTAL}@{location}": one for location, one in self._prober_states.items()}
        everything: dict[str, PortalMemory | ProberState] = {**probers, **self._portal_memories}
        for key, memory in everything.items():
            if key not in self._serialized:
                self._serialized[key] = f"{json.dumps(key)}:{json.dumps(asdict(memory), separators=(',', ':'))}"
        return f"{{{','.join(self._serialized[key] for key in everything)}}}"

    def process_all(self, measurements: Iterable[Measurement]) -> list[StateChange]:
        """Process consecutive measurements of the journal; return their state changes."""
        return [change for one in measurements for change in self.process(one)]

    def process(self, measurement: Measurement) -> list[StateChange]:
        """Process the next measurement; return its state changes: of the prober first, then of the portal."""
        portal = self.portals.get(measurement.portal)
        if portal is None or portal.expect is Expect.RETIRED:
            return []
        key = f"{measurement.portal}@{measurement.location}"
        memory = self._portal_memories.setdefault(key, PortalMemory())
        prober_state = self._prober_states.setdefault(measurement.location, ProberState())
        _handle_clock_step_back(memory, prober_state, measurement)
        if not _accept_if_newer(memory, measurement):
            return []
        self._serialized.pop(key, None)
        memory.latest_slot = max(memory.latest_slot, measurement.slot)
        changes = []
        if measurement.check == STATE_CHECK and measurement.attempt == 1:
            self._serialized.pop(f"{PROBER_PORTAL}@{measurement.location}", None)
            if (change := prober_state.update(memory, measurement, self._evaluated_count)) is not None:
                changes.append(change)
        return changes + self._evaluate(memory, measurement, portal)

    def _evaluate(self, memory: PortalMemory, measurement: Measurement, portal: Portal) -> list[StateChange]:
        window = self.calendar.occurrence_at(portal, memory.latest_slot)
        base_since = None
        if measurement.check == STATE_CHECK:
            failing = self._prober_states[measurement.location].is_failing
            base_since = up_down.update(memory, measurement, portal, self.rules, prober_failing=failing)
            memory.down_in_maintenance = memory.down_in_maintenance or memory.base_state == State.DOWN.value
        condition_since = self._update_conditions(memory, measurement)
        if window is not None:
            return self._enter_maintenance(memory, measurement, window)
        if memory.state == State.MAINTENANCE.value:
            return self._leave_maintenance(memory, measurement)
        flapping_ended = self._end_flapping(memory, measurement)
        since = next((slot for slot in (base_since, condition_since) if slot is not None), measurement.slot)
        return flapping_ended + self._update_state(memory, measurement, since)

    def _update_conditions(self, memory: PortalMemory, measurement: Measurement) -> int | None:
        """Update conditions only while the home page responds: failures together with it are one outage, not two."""
        if memory.base_state != State.UP.value or memory.outcome == Outcome.DOWN.value:
            if memory.base_state != State.UP.value:
                memory.conditions.clear()
            return None
        return degraded.update_conditions(memory, measurement, self.rules) if measurement.attempt == 1 else None

    def _enter_maintenance(
        self, memory: PortalMemory, measurement: Measurement, occurrence: MaintenanceOccurrence
    ) -> list[StateChange]:
        if memory.state == State.MAINTENANCE.value:
            return []
        memory.down_in_maintenance, memory.flapping = False, False
        memory.recent_changes.clear()
        detail = f"{occurrence.window.reason} (approved by {occurrence.window.approved_by})"
        return [_state_change(memory, measurement, State.MAINTENANCE, measurement.slot, detail)]

    def _leave_maintenance(self, memory: PortalMemory, measurement: Measurement) -> list[StateChange]:
        """Leave maintenance: one success is enough to be up, a failure that was confirmed inside still counts."""
        if measurement.check != STATE_CHECK:
            return []
        succeeded = measurement.outcome is Outcome.UP
        if succeeded:
            memory.base_state = State.UP.value
        confirmed = up_down.is_failure_confirmed(memory, self.rules)
        if not succeeded and not confirmed and memory.unknown_slots < up_down.MIN_UNKNOWN_SLOTS:
            return []
        state = self._effective_state(memory)
        detail = "maintenance is over"
        if state in {State.UP, State.DEGRADED} and memory.down_in_maintenance:
            detail = "maintenance is over; it was down inside and has recovered"
        elif state is State.DOWN:
            detail = f"still down at the end of maintenance: {measurement.detail}"
        elif state is State.DEGRADED:
            detail = degraded.describe_conditions(memory, self.rules)
        return [_state_change(memory, measurement, state, measurement.slot, detail)]

    def _end_flapping(self, memory: PortalMemory, measurement: Measurement) -> list[StateChange]:
        """Return the change that ends flapping, when nothing changed for ``flap_window_ms``."""
        if not memory.flapping or memory.latest_slot - memory.changed_at < self.rules.flap_window_ms:
            return []
        memory.flapping = False
        memory.recent_changes.clear()
        detail = f"no change for {self.rules.flap_window_ms // 60_000} min"
        return [_state_change(memory, measurement, State(memory.state), measurement.slot, detail)]

    def _update_state(self, memory: PortalMemory, measurement: Measurement, at_ms: int) -> list[StateChange]:
        state = self._effective_state(memory)
        if state.value == memory.state:
            return []
        if {memory.state, state.value} <= _FLAPPING_STATES:
            since = measurement.slot - self.rules.flap_window_ms
            memory.recent_changes = [*(at for at in memory.recent_changes if at > since), measurement.slot]
            memory.flapping = memory.flapping or len(memory.recent_changes) >= self.rules.flap_changes
        detail = degraded.describe_conditions(memory, self.rules) if state is State.DEGRADED else measurement.detail
        return [_state_change(memory, measurement, state, at_ms, detail)]

    @staticmethod
    def _effective_state(memory: PortalMemory) -> State:
        up = memory.base_state == State.UP.value
        return State.DEGRADED if up and degraded.is_degraded(memory) else State(memory.base_state)


def _handle_clock_step_back(memory: PortalMemory, prober_state: ProberState, measurement: Measurement) -> None:
    """Drop the times of a clock that was wrong by more than a day."""
    if measurement.check != STATE_CHECK:
        if measurement.slot < memory.check_slots.get(measurement.check, -1) - MAX_CLOCK_STEP_BACK_MS:
            del memory.check_slots[measurement.check]
        return
    if measurement.slot < memory.slot - MAX_CLOCK_STEP_BACK_MS:
        memory.slot, memory.attempt, memory.latest_slot, memory.changed_at = -1, 0, -1, -1
        memory.run_since = min(memory.run_since, measurement.slot)
        memory.unknown_since = min(memory.unknown_since, measurement.slot)
        memory.recent_changes.clear()
        prober_state.changed_at = min(prober_state.changed_at, measurement.slot - 1)
        prober_state.failing_since = min(prober_state.failing_since, measurement.slot)


def _accept_if_newer(memory: PortalMemory, measurement: Measurement) -> bool:
    """Return whether *measurement* is newer than all of its check, and record it. Confirmations: state check only."""
    if measurement.check == STATE_CHECK:
        if (measurement.slot, measurement.attempt) <= (memory.slot, memory.attempt):
            return False
        if measurement.attempt > 1 and measurement.slot != memory.slot:
            return False
        memory.slot, memory.attempt = measurement.slot, measurement.attempt
        return True
    probe = PROBE_KINDS.get(measurement.kind, Probe)
    is_representative = probe.is_representative(measurement.attempt, measurement.values)
    if not is_representative or measurement.slot <= memory.check_slots.get(measurement.check, -1):
        return False
    memory.check_slots[measurement.check] = measurement.slot
    return True


def _state_change(memory: PortalMemory, measurement: Measurement, state: State, at_ms: int, detail: str) -> StateChange:
    """Record and return the change. Its time is always later than that of the previous change."""
    previous = State(memory.state)
    memory.state, memory.changed_at = state.value, max(at_ms, memory.changed_at + 1)
    return StateChange(
        portal=measurement.portal,
        location=measurement.location,
        at=memory.changed_at,
        state=state,
        previous=previous,
        flapping=memory.flapping,
        fault=measurement.fault if state in {State.DOWN, State.UNKNOWN} else None,
        detail=detail,
        cause=measurement.seq,
    )
