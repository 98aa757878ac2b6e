"""Those who read the journal past their bookmark: the fold that writes states, the board that pages show."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from monitor.model.records import Measurement, State
from monitor.storage.journal.store import Advance

if TYPE_CHECKING:
    from monitor.model.clock import Clock
    from monitor.states.state_machine import Fold
    from monitor.states.status_cache import Board
    from monitor.storage.journal.journal import Journal

log = structlog.get_logger(__name__)

STATES = "states"
"""The fold's bookmark."""

REMARK_SECONDS = 5.0
"""A step without a change is stored at most this often: reading it again after a crash changes nothing."""


BREATH = 50
"""Records shown on the board before others get a turn: a few milliseconds' work."""


async def fold_states(journal: Journal, fold: Fold, clock: Clock, seq: int) -> None:
    """Feed the fold with what is committed after ``seq``; its changes and its bookmark are one transaction."""
    stored = clock.monotonic()
    while True:
        records = await journal.after(seq)
        if not records:
            await journal.news(seq)
            continue
        changes = fold.feed_all(record for record in records if isinstance(record, Measurement))
        seq = records[-1].seq
        if changes or clock.monotonic() - stored >= REMARK_SECONDS:
            await journal.commit(Advance(reader=STATES, seq=seq, memo=fold.memo(), changes=tuple(changes)))
            stored = clock.monotonic()
        for change in changes:
            tell = log.warning if change.state is State.DOWN else log.info
            tell(
                "state_changed",
                portal=change.portal,
                state=change.state.value,
                previous=change.previous.value,
                since_slot=change.at,
                fault=change.fault.value if change.fault else None,
                detail=change.detail,
            )


async def follow_board(journal: Journal, board: Board, seq: int) -> None:
    """Show on the board what is committed after ``seq``."""
    while True:
        records = await journal.after(seq)
        if not records:
            await journal.news(seq)
            continue
        for number, record in enumerate(records, start=1):
            board.take(record)
            if number % BREATH == 0:
                await asyncio.sleep(0)
        seq = records[-1].seq
