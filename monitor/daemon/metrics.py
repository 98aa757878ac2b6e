"""Self-metrics of the daemon: counters, gauges and histograms of its own health."""

from __future__ import annotations

import sys

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from monitor import __version__
from monitor.model.records import UnknownReason
from probes.result import Outcome

DELAY_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0)
LAG_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0)
COMMIT_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)


class SelfMetrics:
    """The daemon's own series. Counters get all their labels at the start, so that a rate sees the first increase."""

    def __init__(self, probe_kinds: list[str]) -> None:
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        gauge, histogram = self._gauge, self._histogram
        build = Info("portal_monitor_build", "Version of the running daemon.", registry=self.registry)
        build.info({"version": __version__, "python": ".".join(map(str, sys.version_info[:3]))})
        self.status_page = Info(
            "portal_monitor_status_page", "URL of the status page of a location.", registry=self.registry
        )
        self.probes = self._counter("probes", "Results by probe kind and outcome.", "check_kind", "outcome")
        self.unknown_results = self._counter("unknown_results", "Results with outcome unknown, by reason.", "reason")
        for kind in probe_kinds:
            for outcome in Outcome:
                self.probes.labels(kind, outcome.value)
        for reason in UnknownReason:
            self.unknown_results.labels(reason.value)
        self.start_delay = histogram("probe_start_delay_seconds", "Start of a probe after its slot.", DELAY_BUCKETS)
        self.loop_lag = histogram("event_loop_lag_seconds", "Delay of a timer on the event loop.", LAG_BUCKETS)
        self.commit_duration = histogram("journal_commit_seconds", "Duration of a group commit.", COMMIT_BUCKETS)
        self.journal_bytes = gauge("journal_size_bytes", "Journal on disk, write-ahead log included.")
        self.journal_size_limit_ratio = gauge("journal_size_limit_ratio", "Used part of the journal's size limit.")
        self.journal_pending = gauge("journal_pending_records", "Records that wait for the next commit.")
        self.journal_failing = gauge("journal_failing", "Whether the last commit failed.")
        self.reload_ok = gauge("config_last_reload_successful", "Whether the last configuration load succeeded.")
        self.reload_at = gauge(
            "config_last_reload_success_timestamp_seconds", "When the configuration was last loaded, in unix time."
        )
        self.scheduled_checks = gauge("scheduled_checks", "Checks in the schedule.")
        self.probes_in_flight = gauge("probes_in_flight", "Probes that are running.")
        self.self_check_success = gauge("self_check_success", "Whether the self-check succeeds.")
        self.self_check_success.set(1)
        self.last_probe = gauge("last_probe_timestamp_seconds", "Start of the newest probe, in unix time.")

    def _counter(self, name: str, help_text: str, *labels: str) -> Counter:
        return Counter(f"portal_monitor_{name}", help_text, labels, registry=self.registry)

    def _gauge(self, name: str, help_text: str) -> Gauge:
        return Gauge(f"portal_monitor_{name}", help_text, registry=self.registry)

    def _histogram(self, name: str, help_text: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(f"portal_monitor_{name}", help_text, registry=self.registry, buckets=buckets)
