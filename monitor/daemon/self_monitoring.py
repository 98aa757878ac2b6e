"""Self-monitoring: tunes the interpreter against delays, measures event loop lag, updates gauges."""

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
    """Exclude loaded modules from garbage collection, and make a busy thread release the interpreter sooner.

    A full collection over the loaded modules, or a thread that computes for 5 ms, delays the start of a probe.
    """
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(0.001)


async def run_self_monitoring(  # noqa: PLR0913, PLR0917 - the parts that are monitored
    journal: Journal, metrics: SelfMetrics, host: HostHealth, scheduler: Scheduler, cache: StatusCache, max_bytes: int
) -> None:
    """Update *host* and *metrics* twice a second; *max_bytes* is the size limit of the journal. Never returns."""
    loop = asyncio.get_running_loop()
    size_limit = JournalSizeLimit(max_bytes)
    while True:
        due = loop.time() + LAG_SAMPLE_SECONDS
        await asyncio.sleep(LAG_SAMPLE_SECONDS)
        lag = max(0.0, loop.time() - due)
        host.record_lag(lag)
        metrics.loop_lag.observe(lag)
        statistics = journal.statistics
        metrics.journal_bytes.set(statistics.size_bytes)
        metrics.journal_size_limit_ratio.set(size_limit.check(statistics).ratio)
        metrics.journal_pending.set(statistics.pending)
        metrics.journal_failing.set(int(bool(statistics.last_error)))
        metrics.probes_in_flight.set(scheduler.in_flight)
        metrics.self_check_success.set(int(not cache.self_check_failing()))
        metrics.last_probe.set(cache.last_probe_ms / 1000)
