"""Metrics of delivery: one set of series for every sink, all created at the start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from prometheus_client import CollectorRegistry

FAILURE_TYPES = ("temporary", "too_large", "rejected", "unavailable")
_LABELS = ("sink",)


class DeliveryMetrics:
    """Series of all *sinks*, by name; once for a registry. Gauges are absent until they have a value."""

    def __init__(self, registry: CollectorRegistry, sinks: Iterable[str]) -> None:
        self._registry = registry
        self.records = self._counter("records_written", "Records that the sink accepted.")
        self.batches = self._counter("batches", "Batches that the sink accepted.")
        self.failures = self._counter("failures", "Writes that failed, by reason.", ("sink", "failure"))
        self.quarantined = self._counter(
            "quarantined", "Records that the sink can never accept, quarantined with its message."
        )
        self.dropped = self._counter("dropped_values", "Values that the sink cannot hold: NaN, infinities, undeclared.")
        self.expired = self._counter("expired", "Records older than the sink keeps, which it did not store.")
        self.lag_records = self._gauge("lag_records", "Records that the sink does not have yet.")
        self.lag_seconds = self._gauge("lag_seconds", "Age of the oldest record that the sink does not have yet.")
        self.up = self._gauge("up", "Whether the last write succeeded.")
        self.last_success = self._gauge("last_success_timestamp_seconds", "When a write last succeeded, in unix time.")
        for sink in sinks:
            self._initialize_series(sink)

    def _initialize_series(self, sink: str) -> None:
        for family in (self.records, self.batches, self.quarantined, self.dropped, self.expired):
            family.labels(sink)
        for failure in FAILURE_TYPES:
            self.failures.labels(sink, failure)

    def set_lag_functions(self, sink: str, lag_records: Callable[[], float], lag_seconds: Callable[[], float]) -> None:
        """Call these for the lag at every scrape, so that it grows while nothing is delivered."""
        self.lag_records.labels(sink).set_function(lag_records)
        self.lag_seconds.labels(sink).set_function(lag_seconds)

    def _counter(self, name: str, help_text: str, labels: tuple[str, ...] = _LABELS) -> Counter:
        return Counter(f"portal_monitor_sink_{name}", help_text, labels, registry=self._registry)

    def _gauge(self, name: str, help_text: str) -> Gauge:
        return Gauge(f"portal_monitor_sink_{name}", help_text, _LABELS, registry=self._registry)
