"""Alertmanagers told directly (API v2): every open incident again and again, each resolved one until it is known.

Their own time-out forgives what they miss: an alert that is no longer repeated ends by itself. Labels are identity and
nothing else; all that may change is an annotation.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiohttp
import structlog

from monitor.i18n.incident_sentences import IncidentSentences
from monitor.i18n.translator import iso

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from monitor.alerting.metrics import AlertingMetrics
    from monitor.config.alerting import AlertmanagerBlock
    from monitor.i18n.translator import Translator
    from monitor.model.clock import Clock
    from monitor.model.incidents import AffectedPortal, Incident, IncidentEvent
    from monitor.model.records import Portal
    from monitor.storage.journal.journal import Journal

log = structlog.get_logger(__name__)

RESEND_RESOLVED_MS = 900_000
"""A resolved incident is repeated for so long: whoever was away then has forgotten the alert by himself."""

ACCEPTED_STATUS = 200
"""What an Alertmanager says to alerts that it took. A gate that wants a log-in says it with a page, or leads on."""

ALERT_NAMES = {
    "outage": "PortalDown",
    "degraded": "PortalDegraded",
    "flapping": "PortalFlapping",
    "blind": "ProberBlind",
}


def build_alerts(
    incidents: Iterable[Incident], sentences: IncidentSentences, external_url: str, now_ms: int
) -> list[dict[str, Any]]:
    """One alert for each portal's part in an incident, as API v2 wants it; ``endsAt`` only where it is over."""
    found = []
    for incident in incidents:
        for member in incident.members:
            one: dict[str, Any] = {
                "labels": {
                    "alertname": ALERT_NAMES[incident.kind.value],
                    "portal": member.portal,
                    "location": incident.location,
                    "severity": incident.severity.value,
                },
                "annotations": _annotations(incident, member, sentences, now_ms),
                "startsAt": iso(member.since),
            }
            if member.until is not None:
                one["endsAt"] = iso(member.until)
            if external_url:
                one["generatorURL"] = f"{external_url.rstrip('/')}/incidents/{incident.id}"
            found.append(one)
    return found


def _annotations(
    incident: Incident, affected_portal: AffectedPortal, sentences: IncidentSentences, now_ms: int
) -> dict[str, str]:
    facts = "\n".join(f"{what}: {how}" for what, how in sentences.facts(affected_portal, now_ms))
    told = {"incident": incident.id, "summary": sentences.summary(incident), "description": facts}
    return told | ({"shared": sentences.shared(incident)} if len(incident.members) > 1 else {})


class AlertmanagerNotifier:
    """Posts to every instance by itself; :meth:`run` is its whole life. Fails only when the journal does."""

    def __init__(  # noqa: PLR0913 - the parts of it, each named at the one call
        self,
        *,
        settings: AlertmanagerBlock,
        journal: Journal,
        clock: Clock,
        translator: Translator,
        portals: Callable[[], Mapping[str, Portal]],
        external_url: str,
        metrics: AlertingMetrics,
    ) -> None:
        self._settings = settings
        self._journal = journal
        self._clock = clock
        self._translator, self._portals = translator, portals
        self._external_url = external_url
        self._metrics = metrics
        self._wakeup = asyncio.Event()
        self._failing_urls: set[str] = set()

    def wake(self) -> None:
        """An incident opened, changed or ended."""
        self._wakeup.set()

    async def run(self) -> None:
        """Post now, at every piece of news, and every ``resend`` seconds."""
        timeout = aiohttp.ClientTimeout(total=self._settings.timeout)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                self._wakeup.clear()
                now = self._clock.now()
                events = await self._recent_events(now - RESEND_RESOLVED_MS)
                body = build_alerts(
                    (one.incident for one in events),
                    IncidentSentences(self._translator, self._portals()),
                    self._external_url,
                    now,
                )
                if body:
                    await asyncio.gather(*(self._post(session, url, body) for url in self._settings.urls))
                try:
                    async with asyncio.timeout(self._settings.resend):
                        await self._wakeup.wait()
                except TimeoutError:
                    continue

    async def _recent_events(self, since_ms: int) -> list[IncidentEvent]:
        return await self._journal.read(lambda reader: reader.incidents(since_ms=since_ms))

    async def _post(self, session: aiohttp.ClientSession, url: str, body: list[dict[str, Any]]) -> None:
        number = str(self._settings.urls.index(url) + 1)
        try:
            async with session.post(f"{url.rstrip('/')}/api/v2/alerts", json=body, allow_redirects=False) as answer:
                good = answer.status == ACCEPTED_STATUS and answer.content_type != "text/html"
                reason = f"status {answer.status}, {answer.content_type}"
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            good, reason = False, type(error).__name__
        self._metrics.alertmanager_posts.labels(number, "accepted" if good else "failed").inc()
        if good == (url in self._failing_urls):
            tell = log.info if good else log.warning
            tell("alertmanager_accepts_again" if good else "alertmanager_does_not_accept", number=number, reason=reason)
        self._failing_urls = self._failing_urls - {url} if good else self._failing_urls | {url}
