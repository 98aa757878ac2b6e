"""What the fold remembers of one portal, seen from one location; plain values that fit into JSON."""

from __future__ import annotations

from dataclasses import dataclass, field

from monitor.model.records import State


@dataclass(slots=True)
class PortalMemory:
    """``state`` is what the last change said, ``at`` its time; ``base`` what looks at the home page have confirmed.

    The run: ``run`` slots in a row, from slot ``since``, whose first look had ``outcome``. ``looks`` counts the failed
    looks of the newest slot; ``patient``: they do not suffice, see verdict.py. ``marks`` and ``slots`` belong to
    signs.py, ``moves`` holds the times of the last changes between up, degraded and down. ``fell``: it was down inside
    of the maintenance that is going on.
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
