"""Self-metrics of alerting: delivery times, pending messages, open incidents, and results of pings and posts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge, Histogram

from monitor.model.incidents import IncidentKind, MessageStatus

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client import CollectorRegistry

DELIVERY_BUCKETS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 3600.0, 21600.0, 86400.0)


class AlertingMetrics:
    """Metrics with series for ``targets``, by name; create it once per registry."""

    def __init__(self, registry: CollectorRegistry, targets: Iterable[str]) -> None:
        self.delivery_seconds = Histogram(
            "portal_monitor_notification_delivery_seconds",
            "From the end of the attempt that confirmed a change to the accepted message.",
            ("target",),
            registry=registry,
            buckets=DELIVERY_BUCKETS,
        )
        self.messages = Counter(
            "portal_monitor_notifications", "Messages by status.", ("target", "status"), registry=registry
        )
        self.failures = Counter(
            "portal_monitor_notification_failures",
            "Failed delivery attempts.",
            ("target",),
            registry=registry,
        )
        self.pending_messages = Gauge(
            "portal_monitor_outbox_pending_messages", "Messages pending for a target.", ("target",), registry=registry
        )
        self.oldest_message_age = Gauge(
            "portal_monitor_outbox_oldest_message_age_seconds",
            "Age of the oldest message that is pending for a target.",
            ("target",),
            registry=registry,
        )
        self.open_incidents = Gauge("portal_monitor_incidents_open", "Open incidents.", ("kind",), registry=registry)
        self.heartbeats = Counter(
            "portal_monitor_heartbeats", "Pings of the heartbeat URL.", ("result",), registry=registry
        )
        self.alertmanager_posts = Counter(
            "portal_monitor_alertmanager_posts", "Posts to Alertmanagers.", ("number", "result"), registry=registry
        )
        for kind in IncidentKind:
            self.open_incidents.labels(kind.value).set(0)
        for target in targets:
            self.delivery_seconds.labels(target)
            self.failures.labels(target)
            self.pending_messages.labels(target).set(0)
            for status in (MessageStatus.ACCEPTED, MessageStatus.EXPIRED, MessageStatus.SUPERSEDED):
                self.messages.labels(target, status.value)
