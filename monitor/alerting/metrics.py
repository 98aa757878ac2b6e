"""What alerting says about itself: how long news takes to people, what waits, and whether the ways are open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge, Histogram

from monitor.model.incidents import IncidentKind, MessageStatus

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client import CollectorRegistry

DELIVERY_BUCKETS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 3600.0, 21600.0, 86400.0)


class AlertingMetrics:
    """Series for ``targets``, by name; once for a registry."""

    def __init__(self, registry: CollectorRegistry, targets: Iterable[str]) -> None:
        self.delivery_seconds = Histogram(
            "portal_monitor_notification_delivery_seconds",
            "From the end of the look that confirmed a change to the accepted message.",
            ("target",),
            registry=registry,
            buckets=DELIVERY_BUCKETS,
        )
        self.messages = Counter(
            "portal_monitor_notifications", "Messages by what became of them.", ("target", "fate"), registry=registry
        )
        self.failures = Counter(
            "portal_monitor_notification_failures",
            "Tries that failed.",
            ("target",),
            registry=registry,
        )
        self.pending_messages = Gauge(
            "portal_monitor_outbox_waiting_messages", "Messages that wait for a target.", ("target",), registry=registry
        )
        self.oldest_message_age = Gauge(
            "portal_monitor_outbox_oldest_seconds",
            "Age of the oldest message that waits for a target.",
            ("target",),
            registry=registry,
        )
        self.open_incidents = Gauge(
            "portal_monitor_incidents_open", "Incidents that go on.", ("kind",), registry=registry
        )
        self.heartbeats = Counter(
            "portal_monitor_heartbeats", "Calls of the heartbeat address.", ("result",), registry=registry
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
            for fate in (MessageStatus.ACCEPTED, MessageStatus.EXPIRED, MessageStatus.SUPERSEDED):
                self.messages.labels(target, fate.value)
