"""Consumers of the journal: one feeds the state machine and writes state changes, one feeds the status cache."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from monitor.model.records import Measurement, State
from monitor.storage.journal.store import CheckpointUpdate

if TYPE_CHECKING:
    from monitor.model.clock import Clock
    from monitor.states.state_machine import StateMachine
    from monitor.states.status_cache import StatusCache
    from monitor.storage.journal.journal import Journal

log = structlog.get_logger(__name__)

STATES_CONSUMER = "states"
"""Name of the checkpoint of the state machine."""

CHECKPOINT_SECONDS = 5.0
"""Without a change the checkpoint is stored at most this often: processing rows again changes nothing."""

RECORDS_PER_YIELD = 50
"""Records put into the status cache before the event loop gets control: a few milliseconds of work."""


async def run_state_machine(journal: Journal, state_machine: StateMachine, clock: Clock, seq: int) -> None:
    """Feed the state machine with records after *seq*; commit its changes and its checkpoint in one transaction."""
    stored = clock.monotonic()
    while True:
        records = await journal.records_after(seq)
        if not records:
            await journal.wait_past(seq)
            continue
        changes = state_machine.process_all(record for record in records if isinstance(record, Measurement))
        seq = records[-1].seq
        if changes or clock.monotonic() - stored >= CHECKPOINT_SECONDS:
            state = state_machine.serialize()
            update = CheckpointUpdate(consumer=STATES_CONSUMER, seq=seq, state=state, changes=tuple(changes))
            await journal.commit(update)
            stored = clock.monotonic()
        for change in changes:
            write_log = log.warning if change.state is State.DOWN else log.info
            write_log(
                "state_changed",
                portal=change.portal,
                state=change.state.value,
                previous=change.previous.value,
                since_slot=change.at,
                fault=change.fault.value if change.fault else None,
                detail=change.detail,
            )


async def update_status_cache(journal: Journal, status_cache: StatusCache, seq: int) -> None:
    """Put records committed after *seq* into the status cache."""
    while True:
        records = await journal.records_after(seq)
        if not records:
            await journal.wait_past(seq)
            continue
        for number, record in enumerate(records, start=1):
            status_cache.update(record)
            if number % RECORDS_PER_YIELD == 0:
                await asyncio.sleep(0)
        seq = records[-1].seq
