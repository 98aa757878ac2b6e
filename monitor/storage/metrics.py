"""What the archive and the rollups say about themselves; read from their statistics whenever somebody looks."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge, Histogram

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client import CollectorRegistry

    from monitor.model.rollups import Tier
    from monitor.storage.archive.job import ArchiveStatistics
    from monitor.storage.rollups.job import RollupStatistics

SWEEP_BUCKETS = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)
_TIER = ("tier",)


def watch_archive(registry: CollectorRegistry, counted: ArchiveStatistics) -> None:
    """Expose what the keeper counts; once for a registry."""

    def gauge(name: str, text: str, value: Callable[[], float]) -> None:
        Gauge(f"portal_monitor_archive_{name}", text, registry=registry).set_function(value)

    gauge("files", "Sealed files.", lambda: counted.files)
    gauge("rows", "Rows in sealed files.", lambda: counted.rows)
    gauge("size_bytes", "Sealed files on disk.", lambda: counted.bytes)
    gauge("sealed_until_timestamp_seconds", "End of the newest sealed day.", lambda: timestamp(counted.sealed_until))
    gauge("failing", "Whether the last sweep failed.", lambda: int(bool(counted.failing)))
    gauge("held_back", "Whether sealed rows stay for a reader that is behind.", lambda: int(bool(counted.held_back)))
    removed = Counter("portal_monitor_journal_trimmed_rows", "Rows that left the journal, sealed.", registry=registry)
    sweeps = Histogram(
        "portal_monitor_archive_sweep_seconds",
        "Duration of a sweep that sealed something.",
        registry=registry,
        buckets=SWEEP_BUCKETS,
    )
    counted.on_trim, counted.on_sweep = removed.inc, sweeps.observe


def watch_rollups(registry: CollectorRegistry, counted: dict[Tier, RollupStatistics]) -> None:
    """Expose what the rollups' keeper counts, by tier; once for a registry."""
    until = Gauge(
        "portal_monitor_rollup_until_timestamp_seconds", "All periods before are rolled up.", _TIER, registry=registry
    )
    failing = Gauge("portal_monitor_rollup_failing", "Whether the last sweep failed.", _TIER, registry=registry)
    for tier, one in counted.items():
        until.labels(tier.value).set_function(partial(_until, one))
        failing.labels(tier.value).set_function(partial(_failing, one))


def timestamp(at: int) -> float:
    """UTC ms in unix time; not a number while there is none, so that no rule takes 1970 for a date."""
    return at / 1000 if at else math.nan


def _until(one: RollupStatistics) -> float:
    return timestamp(one.until)


def _failing(one: RollupStatistics) -> float:
    return int(bool(one.failing))
