"""Memory of the state machine for one portal at one location; plain values that fit into JSON."""

from __future__ import annotations

from dataclasses import dataclass, field

from monitor.model.records import State


@dataclass(slots=True)
class PortalMemory:
    """``state`` and ``changed_at`` are those of the last change; ``base_state`` is what the state check confirmed.

    The run: ``run_length`` slots in a row, from slot ``run_since``, whose scheduled attempt had ``outcome``.
    ``failed_attempts`` counts the failed attempts of the newest slot; with ``requires_down_slots`` they do not suffice,
    see up_down.py. ``conditions`` belong to degraded.py, ``check_slots`` holds the newest slot of the other checks,
    ``recent_changes`` the times of the last changes between up, degraded and down. ``down_in_maintenance``: it was
    down inside the current maintenance.
    """

    state: str = State.UNKNOWN.value
    changed_at: int = -1
    base_state: str = State.UNKNOWN.value
    ever_up: bool = False
    latest_slot: int = -1
    slot: int = -1
    attempt: int = 0
    outcome: str = ""
    run_length: int = 0
    run_since: int = 0
    failed_attempts: int = 0
    requires_down_slots: bool = False
    unknown_slots: int = 0
    unknown_since: int = 0
    self_check_failed: bool | None = None
    down_in_maintenance: bool = False
    flapping: bool = False
    recent_changes: list[int] = field(default_factory=list)
    conditions: dict[str, list[int]] = field(default_factory=dict)
    check_slots: dict[str, int] = field(default_factory=dict)
