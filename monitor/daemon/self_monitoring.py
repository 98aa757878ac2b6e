"""Watching ourselves: nothing that delays a look by surprise, how late timers come, the slow gauges along the way."""

from __future__ import annotations

import asyncio
import gc
import sys
from typing import TYPE_CHECKING

from monitor.prober.host_health import LAG_SAMPLE_SECONDS
from monitor.storage.journal.size_limit import JournalSizeLimit

if TYPE_CHECKING:
    from monitor.daemon.metrics import SelfMetrics
    from monitor.prober.host_health import HostHealth
    from monitor.prober.scheduler import Scheduler
    from monitor.states.status_cache import StatusCache
    from monitor.storage.journal.journal import Journal


def tune_runtime() -> None:
    """Before the first look: what is loaded is never garbage, and a busy thread lets go of the interpreter sooner.

    A full collection over the loaded modules, or a thread that computes for 5 ms, is lateness of some look.
    """
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(0.001)


async def run_self_monitoring(  # noqa: PLR0913, PLR0917 - the parts that are watched
    journal: Journal,
    metrics: SelfMetrics,
    host_health: HostHealth,
    scheduler: Scheduler,
    status_cache: StatusCache,
    max_journal_bytes: int,
) -> None:
    """Twice a second tell ``machine`` and ``metrics`` how we are; ``limit`` is the journal's, in bytes. Never ends."""
    loop = asyncio.get_running_loop()
    guard = JournalSizeLimit(max_journal_bytes)
    while True:
        due = loop.time() + LAG_SAMPLE_SECONDS
        await asyncio.sleep(LAG_SAMPLE_SECONDS)
        lag = max(0.0, loop.time() - due)
        host_health.record_lag(lag)
        metrics.loop_lag.observe(lag)
        counted = journal.statistics
        metrics.journal_bytes.set(counted.size_bytes)
        metrics.journal_share.set(guard.check(counted).ratio)
        metrics.journal_waiting.set(counted.pending)
        metrics.journal_failing.set(int(bool(counted.last_error)))
        metrics.running_looks.set(scheduler.in_flight)
        metrics.blind.set(int(status_cache.self_check_failing()))
        metrics.last_look.set(status_cache.last_probe_ms / 1000)
