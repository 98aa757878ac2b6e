"""Metrics of archive and rollups; their values are read from the statistics at each scrape."""

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

SWEEP_BUCKETS_SECONDS = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)
_TIER_LABELS = ("tier",)


def register_archive_metrics(registry: CollectorRegistry, statistics: ArchiveStatistics) -> None:
    """Register the metrics of the archive job; once for a registry."""

    def gauge(name: str, help_text: str, value: Callable[[], float]) -> None:
        Gauge(f"portal_monitor_{name}", help_text, registry=registry).set_function(value)

    gauge("archive_files", "Sealed files.", lambda: statistics.files)
    gauge("archive_rows", "Rows in sealed files.", lambda: statistics.rows)
    gauge("archive_size_bytes", "Sealed files on disk.", lambda: statistics.size_bytes)
    name, help_text = "archive_sealed_until_timestamp_seconds", "End of the newest sealed day."
    gauge(name, help_text, lambda: timestamp(statistics.sealed_until_ms))
    gauge("archive_failing", "Whether the last sweep failed.", lambda: int(bool(statistics.last_error)))
    blocked = "Whether sealed rows stay in the journal because a consumer is behind."
    gauge("journal_trim_blocked", blocked, lambda: int(bool(statistics.trim_blocked_by)))
    removed = Counter("portal_monitor_journal_trimmed_rows", "Rows that left the journal, sealed.", registry=registry)
    name, help_text = "portal_monitor_archive_sweep_seconds", "Duration of a sweep that sealed something."
    sweeps = Histogram(name, help_text, registry=registry, buckets=SWEEP_BUCKETS_SECONDS)
    statistics.on_trim, statistics.on_sweep = removed.inc, sweeps.observe


def register_rollup_metrics(registry: CollectorRegistry, statistics: dict[Tier, RollupStatistics]) -> None:
    """Register the metrics of the rollup job, by tier; once for a registry."""
    name = "portal_monitor_rollup_until_timestamp_seconds"
    until = Gauge(name, "All periods before are rolled up.", _TIER_LABELS, registry=registry)
    failing = Gauge("portal_monitor_rollup_failing", "Whether the last sweep failed.", _TIER_LABELS, registry=registry)
    for tier, one in statistics.items():
        until.labels(tier.value).set_function(partial(_rolled_up_until_seconds, one))
        failing.labels(tier.value).set_function(partial(_is_failing, one))


def timestamp(at: int) -> float:
    """Convert UTC ms to unix time; NaN for 0, so that no alert rule takes 1970 for a date."""
    return at / 1000 if at else math.nan


def _rolled_up_until_seconds(statistics: RollupStatistics) -> float:
    return timestamp(statistics.until_ms)


def _is_failing(statistics: RollupStatistics) -> float:
    return int(bool(statistics.last_error))
