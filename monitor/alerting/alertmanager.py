"""Alertmanagers told directly (API v2): every open incident again and again, each resolved one until it is known.

Their own time-out forgives what they miss: an alert that is no longer repeated ends by itself. Labels are identity and
nothing else; all that may change is an annotation.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiohttp
import structlog

from monitor.i18n.incident_sentences import Teller
from monitor.i18n.translator import iso

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from monitor.alerting.metrics import AlertingMetrics
    from monitor.config.alerting import Alertmanager
    from monitor.i18n.translator import Tongue
    from monitor.model.clock import Clock
    from monitor.model.incidents import Incident, IncidentEvent, Member
    from monitor.model.records import Portal
    from monitor.storage.journal.journal import Journal

log = structlog.get_logger(__name__)

RESOLVED_MS = 900_000
"""A resolved incident is repeated for so long: whoever was away then has forgotten the alert by himself."""

TAKEN = 200
"""What an Alertmanager says to alerts that it took. A gate that wants a log-in says it with a page, or leads on."""

NAMES = {
    "outage": "PortalDown",
    "degraded": "PortalDegraded",
    "flapping": "PortalFlapping",
    "blind": "ProberBlind",
}


def alerts(incidents: Iterable[Incident], teller: Teller, page_url: str, now: int) -> list[dict[str, Any]]:
    """One alert for each portal's part in an incident, as API v2 wants it; ``endsAt`` only where it is over."""
    found = []
    for incident in incidents:
        for member in incident.members:
            one: dict[str, Any] = {
                "labels": {
                    "alertname": NAMES[incident.kind.value],
                    "portal": member.portal,
                    "location": incident.location,
                    "severity": incident.severity.value,
                },
                "annotations": _annotations(incident, member, teller, now),
                "startsAt": iso(member.since),
            }
            if member.until is not None:
                one["endsAt"] = iso(member.until)
            if page_url:
                one["generatorURL"] = f"{page_url.rstrip('/')}/incidents/{incident.id}"
            found.append(one)
    return found


def _annotations(incident: Incident, member: Member, teller: Teller, now: int) -> dict[str, str]:
    facts = "\n".join(f"{what}: {how}" for what, how in teller.facts(member, now))
    told = {"incident": incident.id, "summary": teller.standing(incident), "description": facts}
    return told | ({"shared": teller.shared(incident)} if len(incident.members) > 1 else {})


class AlertmanagerSink:
    """Posts to every instance by itself; :meth:`run` is its whole life. Fails only when the journal does."""

    def __init__(  # noqa: PLR0913 - the parts of it, each named at the one call
        self,
        *,
        settings: Alertmanager,
        journal: Journal,
        clock: Clock,
        tongue: Tongue,
        portals: Callable[[], Mapping[str, Portal]],
        page_url: str,
        metrics: AlertingMetrics,
    ) -> None:
        self._settings = settings
        self._journal = journal
        self._clock = clock
        self._tongue, self._portals = tongue, portals
        self._page = page_url
        self._metrics = metrics
        self._news = asyncio.Event()
        self._troubles: set[str] = set()

    def tell(self) -> None:
        """An incident opened, changed or ended."""
        self._news.set()

    async def run(self) -> None:
        """Post now, at every piece of news, and every ``resend`` seconds."""
        timeout = aiohttp.ClientTimeout(total=self._settings.timeout)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                self._news.clear()
                now = self._clock.now()
                events = await self._recent(now - RESOLVED_MS)
                body = alerts((one.incident for one in events), Teller(self._tongue, self._portals()), self._page, now)
                if body:
                    await asyncio.gather(*(self._post(session, url, body) for url in self._settings.urls))
                try:
                    async with asyncio.timeout(self._settings.resend):
                        await self._news.wait()
                except TimeoutError:
                    continue

    async def _recent(self, since: int) -> list[IncidentEvent]:
        return await self._journal.read(lambda reader: reader.incidents(since=since))

    async def _post(self, session: aiohttp.ClientSession, url: str, body: list[dict[str, Any]]) -> None:
        number = str(self._settings.urls.index(url) + 1)
        try:
            async with session.post(f"{url.rstrip('/')}/api/v2/alerts", json=body, allow_redirects=False) as answer:
                good = answer.status == TAKEN and answer.content_type != "text/html"
                reason = f"status {answer.status}, {answer.content_type}"
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            good, reason = False, type(error).__name__
        self._metrics.alertmanager.labels(number, "accepted" if good else "failed").inc()
        if good == (url in self._troubles):
            tell = log.info if good else log.warning
            tell("alertmanager_accepts_again" if good else "alertmanager_does_not_accept", number=number, reason=reason)
        self._troubles = self._troubles - {url} if good else self._troubles | {url}
