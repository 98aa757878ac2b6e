"""Posts incidents to Alertmanagers (API v2): open ones repeatedly, resolved ones until each instance has seen them.

An alert that is no longer repeated ends by the Alertmanager's own timeout, so a missed post does no harm. Labels hold
only the identity of an alert; everything that may change is an annotation.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
import structlog

from monitor.i18n.incident_sentences import IncidentSentences
from monitor.i18n.translator import Translator, iso

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from monitor.alerting.metrics import AlertingMetrics
    from monitor.config.alerting import AlertmanagerBlock
    from monitor.model.clock import Clock
    from monitor.model.incidents import AffectedPortal, Incident, IncidentEvent
    from monitor.model.records import Portal
    from monitor.storage.journal.journal import Journal

log = structlog.get_logger(__name__)

RESEND_RESOLVED_MS = 900_000
"""How long a resolved incident is repeated: an instance that was away longer has dropped the alert by its timeout."""

ACCEPTED_STATUS = 200
"""Status of accepted alerts. A proxy that asks for a log-in answers with a page or a redirect instead."""

ALERT_NAMES = {
    "outage": "PortalDown",
    "degraded": "PortalDegraded",
    "flapping": "PortalFlapping",
    "prober": "ProberSelfCheckFailing",
}


def build_alerts(
    incidents: Iterable[Incident], sentences: IncidentSentences, external_url: str, now_ms: int
) -> list[dict[str, Any]]:
    """Return one alert of API v2 for each affected portal; ``endsAt`` is set only when its part has ended."""
    alerts = []
    for incident in incidents:
        for affected in incident.portals:
            alert: dict[str, Any] = {
                "labels": {
                    "alertname": ALERT_NAMES[incident.kind.value],
                    "portal": affected.portal,
                    "location": incident.location,
                    "severity": incident.severity.value,
                },
                "annotations": _annotations(incident, affected, sentences, now_ms),
                "startsAt": iso(affected.since),
            }
            if affected.until is not None:
                alert["endsAt"] = iso(affected.until)
            if external_url:
                alert["generatorURL"] = f"{external_url.rstrip('/')}/incidents/{incident.id}"
            alerts.append(alert)
    return alerts


def _annotations(incident: Incident, part: AffectedPortal, sentences: IncidentSentences, now_ms: int) -> dict[str, str]:
    facts = "\n".join(f"{name}: {text}" for name, text in sentences.facts(part, now_ms))
    annotations = {"incident": incident.id, "summary": sentences.summary(incident), "description": facts}
    return annotations | ({"shared": sentences.shared(incident)} if len(incident.portals) > 1 else {})


@dataclass(slots=True, kw_only=True, eq=False)
class AlertmanagerNotifier:
    """Posts to every instance separately until cancelled. Fails only when the journal does."""

    settings: AlertmanagerBlock
    journal: Journal
    clock: Clock
    translator: Translator
    portals: Callable[[], Mapping[str, Portal]]
    external_url: str
    metrics: AlertingMetrics
    _wakeup: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _failing_urls: set[str] = field(default_factory=set, init=False)

    def wake(self) -> None:
        """Post now, because an incident opened, changed or ended."""
        self._wakeup.set()

    async def run(self) -> None:
        """Post at the start, after each :meth:`wake`, and every ``resend_delay`` seconds."""
        timeout = aiohttp.ClientTimeout(total=self.settings.timeout)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                self._wakeup.clear()
                now = self.clock.now()
                incidents = [event.incident for event in await self._recent_events(now - RESEND_RESOLVED_MS)]
                sentences = IncidentSentences(self.translator, self.portals())
                body = build_alerts(incidents, sentences, self.external_url, now)
                if body:
                    await asyncio.gather(*(self._post(session, url, body) for url in self.settings.urls))
                try:
                    async with asyncio.timeout(self.settings.resend_delay):
                        await self._wakeup.wait()
                except TimeoutError:
                    continue

    async def _recent_events(self, since_ms: int) -> list[IncidentEvent]:
        return await self.journal.read(lambda reader: reader.incidents(since_ms=since_ms))

    async def _post(self, session: aiohttp.ClientSession, url: str, body: list[dict[str, Any]]) -> None:
        number = str(self.settings.urls.index(url) + 1)
        try:
            async with session.post(f"{url.rstrip('/')}/api/v2/alerts", json=body, allow_redirects=False) as response:
                accepted = response.status == ACCEPTED_STATUS and response.content_type != "text/html"
                reason = f"status {response.status}, {response.content_type}"
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            accepted, reason = False, type(error).__name__
        self.metrics.alertmanager_posts.labels(number, "accepted" if accepted else "failed").inc()
        if accepted == (url in self._failing_urls):
            write = log.info if accepted else log.warning
            write("alertmanager_recovered" if accepted else "alertmanager_post_failed", number=number, reason=reason)
        self._failing_urls = self._failing_urls - {url} if accepted else self._failing_urls | {url}
