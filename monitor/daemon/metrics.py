"""What the daemon says about itself: log lines, and counters and histograms for its own health."""

from __future__ import annotations

import sys

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from monitor import __version__
from monitor.model.records import UnknownReason
from probes.result import Outcome

START_DELAY_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0)
LAG_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0)
COMMIT_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)


class SelfMetrics:
    """The daemon's own series. Counters are made with all their labels at the start, so that a rate sees a first 1."""

    def __init__(self, probe_kinds: list[str]) -> None:
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        build = Info("portal_monitor_build", "Version of the running daemon.", registry=self.registry)
        build.info({"version": __version__, "python": ".".join(map(str, sys.version_info[:3]))})
        self.status_page = Info(
            "portal_monitor_status_page", "Where people open the status page of a location.", registry=self.registry
        )
        self.looks = self._counter("looks", "Slots by outcome.", "check_kind", "outcome")
        self.voids = self._counter("voids", "Slots without sight by reason.", "reason")
        for kind in probe_kinds:
            for outcome in Outcome:
                self.looks.labels(kind, outcome.value)
        for void in UnknownReason:
            self.voids.labels(void.value)
        self.lateness = self._histogram(
            "start_lateness_seconds", "Start of a look after its slot.", START_DELAY_BUCKETS
        )
        self.loop_lag = self._histogram("event_loop_lag_seconds", "Delay of a timer on the event loop.", LAG_BUCKETS)
        self.commit_duration = self._histogram("journal_commit_seconds", "Duration of a group commit.", COMMIT_BUCKETS)
        self.journal_bytes = self._gauge("journal_size_bytes", "Journal on disk, write-ahead log included.")
        self.journal_share = self._gauge("journal_limit_used_ratio", "Part of the journal's limit that is taken.")
        self.journal_waiting = self._gauge("journal_waiting_records", "Records that wait for the next commit.")
        self.journal_failing = self._gauge("journal_failing", "Whether the last commit failed.")
        self.reload_ok = self._gauge("config_last_reload_successful", "Whether the last configuration load succeeded.")
        self.reload_at = self._gauge(
            "config_last_reload_success_timestamp_seconds", "When the configuration was last loaded, in unix time."
        )
        self.planned_checks = self._gauge("planned_checks", "Checks in the running plan.")
        self.running_looks = self._gauge("running_looks", "Looks that are going on.")
        self.blind = self._gauge("prober_blind", "Whether the prober cannot see.")
        self.last_look = self._gauge("last_look_timestamp_seconds", "Start of the newest look, in unix time.")

    def _counter(self, name: str, help_text: str, *labels: str) -> Counter:
        return Counter(f"portal_monitor_{name}", help_text, labels, registry=self.registry)

    def _gauge(self, name: str, help_text: str) -> Gauge:
        return Gauge(f"portal_monitor_{name}", help_text, registry=self.registry)

    def _histogram(self, name: str, help_text: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(f"portal_monitor_{name}", help_text, registry=self.registry, buckets=buckets)
