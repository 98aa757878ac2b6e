"""A real Alertmanager gets what it should: each portal's alert, again and again, and its end when it is known."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from monitor.alerting.alertmanager import AlertmanagerNotifier, build_alerts
from monitor.alerting.metrics import AlertingMetrics
from monitor.config.alerting import AlertmanagerBlock
from monitor.i18n.incident_sentences import IncidentSentences
from monitor.model.clock import SystemClock
from monitor.model.records import State
from monitor.storage.journal.journal import Journal
from tests.factories import MINUTE, SLOT
from tests.monitor.alerting.parts import NAMES, Story, eventually, notify, translator, write
from tests.monitor.parts import opened
from tests.servers.alertmanager import alertmanager
from tests.servers.webhook import webhook


def make_notifier(journal: Journal, *urls: str, metrics: AlertingMetrics | None = None) -> AlertmanagerNotifier:
    return AlertmanagerNotifier(
        settings=AlertmanagerBlock(urls=urls, resend_delay=30),
        journal=journal,
        clock=SystemClock(),
        translator=translator(),
        portals=lambda: NAMES,
        external_url="https://monitor.example.org/",
        metrics=metrics or AlertingMetrics(CollectorRegistry(), []),
    )


@pytest.mark.slow
async def test_every_instance_gets_the_outage_and_its_end(tmp_path: Path):
    """Two instances, one of them away at first; a real webhook behind the other sees firing and resolved."""
    now = SystemClock().now() // 1000 * 1000
    async with webhook() as hook, opened(tmp_path) as journal:
        with alertmanager(tmp_path / "a", hook.url) as first, alertmanager(tmp_path / "b") as second:
            metrics = AlertingMetrics(CollectorRegistry(), [])
            one = make_notifier(journal, first.url, "http://127.0.0.1:9", second.url, metrics=metrics)
            task = asyncio.create_task(one.run())
            try:
                story = Story()
                await write(journal, story.falls(at=now), notify(), now)
                one.wake()
                await eventually(lambda: asyncio.to_thread(first.alerts))
                await eventually(lambda: asyncio.to_thread(second.alerts))
                (alert,) = await asyncio.to_thread(first.alerts)
                await eventually(lambda: hook.got)
                await write(journal, story.turns(State.UP, at=now + 500), notify(), now + 500)
                one.wake()
                await eventually(lambda: any(body["status"] == "resolved" for body in hook.got))
            finally:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
    assert alert["labels"] == {
        "alertname": "PortalDown",
        "portal": "hue",
        "location": "hn-1",
        "severity": "page",
    }
    assert alert["annotations"]["incident"].startswith("hue-")
    assert alert["annotations"]["summary"] == "hue is down"
    assert alert["generatorURL"].endswith(f"/incidents/{alert['annotations']['incident']}")
    statuses = [body["status"] for body in hook.got]
    assert statuses == ["firing", "resolved"]
    assert metrics.alertmanager_posts.labels("2", "failed")._value.get() >= 2  # noqa: SLF001 - the counter as it stands
    assert metrics.alertmanager_posts.labels("1", "failed")._value.get() == 0  # noqa: SLF001 - the same


def test_an_alert_is_the_same_as_long_as_it_lasts_and_ends_only_when_that_is_known():
    sentences, story = IncidentSentences(translator(), NAMES), Story()
    (opened_,) = story.falls()
    before = build_alerts([opened_.incident], sentences, "", SLOT + MINUTE)
    later = build_alerts([opened_.incident], sentences, "", SLOT + 60 * MINUTE)
    (over,) = story.turns(State.UP, at=SLOT + 90 * MINUTE)
    ended = build_alerts([over.incident], sentences, "", SLOT + 90 * MINUTE)
    assert before[0]["labels"] == later[0]["labels"] == ended[0]["labels"]
    assert before[0]["startsAt"] == ended[0]["startsAt"] == "2026-08-01T00:00:00.000Z"
    assert "endsAt" not in before[0]
    assert ended[0]["endsAt"] == "2026-08-01T01:30:00.000Z"
