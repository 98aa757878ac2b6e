"""Self-metrics of alerting: delivery times, pending messages, open incidents, and results of pings and posts."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from monitor.model.incidents import IncidentKind, MessageStatus

DELIVERY_BUCKETS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 3600.0, 21600.0, 86400.0)


class AlertingMetrics:
    """Metrics with series for ``targets``, by name; create it once per registry."""

    def __init__(self, registry: CollectorRegistry, targets: Iterable[str]) -> None:
        counter, gauge = partial(Counter, registry=registry), partial(Gauge, registry=registry)
        self.delivery_seconds = Histogram(
            "portal_monitor_notification_delivery_seconds",
            "From the end of the attempt that confirmed a change to the accepted message.",
            ("target",),
            registry=registry,
            buckets=DELIVERY_BUCKETS,
        )
        self.messages = counter("portal_monitor_notifications", "Messages by status.", ("target", "status"))
        self.failures = counter("portal_monitor_notification_failures", "Failed delivery attempts.", ("target",))
        self.pending_messages = gauge(
            "portal_monitor_outbox_pending_messages", "Messages pending for a target.", ("target",)
        )
        self.oldest_message_age = gauge(
            "portal_monitor_outbox_oldest_message_age_seconds",
            "Age of the oldest message that is pending for a target.",
            ("target",),
        )
        self.open_incidents = gauge("portal_monitor_incidents_open", "Open incidents.", ("kind",))
        self.heartbeats = counter("portal_monitor_heartbeats", "Pings of the heartbeat URL.", ("result",))
        self.alertmanager_posts = counter(
            "portal_monitor_alertmanager_posts", "Posts to Alertmanagers.", ("number", "result")
        )
        for kind in IncidentKind:
            self.open_incidents.labels(kind.value).set(0)
        for target in targets:
            self.delivery_seconds.labels(target)
            self.failures.labels(target)
            self.pending_messages.labels(target).set(0)
            for status in (MessageStatus.ACCEPTED, MessageStatus.EXPIRED, MessageStatus.SUPERSEDED):
                self.messages.labels(target, status.value)
