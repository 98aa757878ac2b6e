"""What the fold remembers of one portal, seen from one location; plain values that fit into JSON."""

from __future__ import annotations

from dataclasses import dataclass, field

from monitor.model.records import State


@dataclass(slots=True)
class Standing:
    """``state`` is what the last change said, ``at`` its time; ``base`` what looks at the home page have confirmed.

    The run: ``run`` slots in a row, from slot ``since``, whose first look had ``outcome``. ``looks`` counts the failed
    looks of the newest slot; ``patient``: they do not suffice, see verdict.py. ``marks`` and ``slots`` belong to
    signs.py, ``moves`` holds the times of the last changes between up, degraded and down. ``fell``: it was down inside
    of the maintenance that is going on.
    """

    state: str = State.UNKNOWN.value
    at: int = -1
    base: str = State.UNKNOWN.value
    proven: bool = False
    clock: int = -1
    slot: int = -1
    attempt: int = 0
    outcome: str = ""
    run: int = 0
    since: int = 0
    looks: int = 0
    patient: bool = False
    voids: int = 0
    blind_since: int = 0
    blind: bool | None = None
    fell: bool = False
    flapping: bool = False
    moves: list[int] = field(default_factory=list)
    marks: dict[str, list[int]] = field(default_factory=dict)
    slots: dict[str, int] = field(default_factory=dict)
