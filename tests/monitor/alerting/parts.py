"""Parts of the alerting tests: stories of incidents in a real journal, and a dispatcher over a real channel."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any
from zoneinfo import ZoneInfo

from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from monitor.alerting import routing
from monitor.alerting.channel import AppriseChannel
from monitor.alerting.dispatcher import NotificationDispatcher
from monitor.alerting.incidents import IncidentTracker
from monitor.alerting.metrics import AlertingMetrics
from monitor.alerting.notification import NotificationRenderer
from monitor.config.alerting import NotifyBlock, TargetBlock
from monitor.i18n.translator import Translator
from monitor.model.clock import Clock
from monitor.model.incidents import IncidentEvent
from monitor.model.records import Portal, State
from monitor.storage.journal.journal import Journal
from monitor.storage.journal.store import CheckpointUpdate
from probes.result import Fault, Outcome
from tests import factories
from tests.factories import MINUTE, SLOT

LOCATION = "hn-1"
PORTALS = tuple(factories.portal(id=name, name_vi=f"Cổng {name}", name_en=name) for name in ("hue", "da-nang", "vinh"))
NAMES = {portal.id: portal for portal in PORTALS}


def translator(language: str = "en") -> Translator:
    return Translator(language, ZoneInfo("Asia/Ho_Chi_Minh"))


def notify(url: str = "json://127.0.0.1:9/", **changes: Any) -> NotifyBlock:  # noqa: ANN401 - keys of the block
    """Settings with one target; no group wait unless given."""
    fields = {"targets": (TargetBlock(name="on-call", url=SecretStr(url)),), "group_wait": 0.001} | changes
    return NotifyBlock(**fields)


class Story:
    """Feeds a tracker, so that events are those of the daemon."""

    def __init__(self, portals: tuple[Portal, ...] = PORTALS) -> None:
        self.tracker = IncidentTracker(portals, LOCATION)
        self.seq = 0

    def _next(self) -> int:
        self.seq += 1
        return self.seq

    def falls(self, portal: str = "hue", at: int = SLOT, **fields: Any) -> list[IncidentEvent]:  # noqa: ANN401
        self.tracker.process(factories.measurement(portal=portal, slot=at - MINUTE, seq=self._next()))
        fields = {"outcome": Outcome.DOWN, "duration": 0.5, "hops": (), "portal": portal, "slot": at} | fields
        for attempt in (1, 2, 3):
            self.tracker.process(factories.measurement(**fields, attempt=attempt, seq=self._next()))
        fault, detail = fields.get("fault", Fault.CONNECT_TIMEOUT), fields.get("detail", "no end")
        change = factories.change(portal=portal, at=at, fault=fault, detail=detail, cause=self.seq, seq=self._next())
        return self.tracker.process(change)

    def turns(self, state: State, portal: str = "hue", at: int = SLOT + MINUTE, **fields: Any) -> list[IncidentEvent]:  # noqa: ANN401
        fields = {"previous": State.DOWN, "fault": None, "detail": "", "cause": 0} | fields
        return self.tracker.process(factories.change(portal=portal, state=state, at=at, seq=self._next(), **fields))


async def write(journal: Journal, events: list[IncidentEvent], settings: NotifyBlock, now: int) -> None:
    """Write events and messages as the incident consumer does: in one transaction."""
    messages = routing.event_messages(events, settings, now)
    await journal.commit(
        CheckpointUpdate(consumer="incidents", seq=journal.last_seq, events=tuple(events), messages=messages)
    )


@asynccontextmanager
async def dispatcher(
    journal: Journal,
    settings: NotifyBlock,
    clock: Clock,
    **changes: Any,  # noqa: ANN401 - as the dispatcher takes them
) -> AsyncIterator[NotificationDispatcher]:
    """Run the dispatcher of the first target, with short pauses between attempts."""
    target = settings.targets[0]
    language = translator(target.language or "en")
    fields: dict[str, Any] = {
        "name": target.name,
        "channel": AppriseChannel(target.apprise_url, settings.timeout),
        "renderer": NotificationRenderer(language, lambda: NAMES, settings.external_url or ""),
        "settings": settings,
        "journal": journal,
        "clock": clock,
        "metrics": AlertingMetrics(CollectorRegistry(), [target.name]),
        "initial_backoff_seconds": 0.01,
        "max_backoff_seconds": 0.05,
    }
    one = NotificationDispatcher(**(fields | changes))
    task = asyncio.create_task(one.run())
    try:
        yield one
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def eventually(condition: Callable[[], Any], seconds: float = 20.0) -> None:
    """Wait until the condition is true; the machine may be slow."""
    async with asyncio.timeout(seconds):
        while True:
            result = condition()
            if asyncio.iscoroutine(result):
                result = await result
            if result:
                return
            await asyncio.sleep(0.01)
