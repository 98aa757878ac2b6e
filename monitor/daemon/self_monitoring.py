"""Watching ourselves: nothing that delays a look by surprise, how late timers come, the slow gauges along the way."""

from __future__ import annotations

import asyncio
import gc
import sys
from typing import TYPE_CHECKING

from monitor.prober.host_health import BEAT_SECONDS
from monitor.storage.journal.size_limit import SpaceGuard

if TYPE_CHECKING:
    from monitor.daemon.metrics import SelfMetrics
    from monitor.prober.host_health import Machine
    from monitor.prober.scheduler import Pulse
    from monitor.states.status_cache import Board
    from monitor.storage.journal.journal import Journal


def settle() -> None:
    """Before the first look: what is loaded is never garbage, and a busy thread lets go of the interpreter sooner.

    A full collection over the loaded modules, or a thread that computes for 5 ms, is lateness of some look.
    """
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(0.001)


async def keep_watch(  # noqa: PLR0913, PLR0917 - the parts that are watched
    journal: Journal, metrics: SelfMetrics, machine: Machine, pulse: Pulse, board: Board, limit: int
) -> None:
    """Twice a second tell ``machine`` and ``metrics`` how we are; ``limit`` is the journal's, in bytes. Never ends."""
    loop = asyncio.get_running_loop()
    guard = SpaceGuard(limit)
    while True:
        due = loop.time() + BEAT_SECONDS
        await asyncio.sleep(BEAT_SECONDS)
        lag = max(0.0, loop.time() - due)
        machine.beat(lag)
        metrics.loop_lag.observe(lag)
        counted = journal.statistics
        metrics.journal_bytes.set(counted.bytes)
        metrics.journal_share.set(guard.look(counted).share)
        metrics.journal_waiting.set(counted.waiting)
        metrics.journal_failing.set(int(bool(counted.failing)))
        metrics.running_looks.set(pulse.running)
        metrics.blind.set(int(board.blind()))
        metrics.last_look.set(board.last_look / 1000)
