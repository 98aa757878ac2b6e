"""Parts of the alerting tests: stories of incidents in a real journal, and a courier over a real channel."""

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
from monitor.alerting.dispatcher import TargetCourier
from monitor.alerting.incidents import IncidentFold
from monitor.alerting.metrics import AlertingMetrics
from monitor.alerting.notification import Writer
from monitor.config.alerting import Notify, Target
from monitor.i18n.translator import Tongue
from monitor.model.clock import Clock
from monitor.model.incidents import IncidentEvent
from monitor.model.records import Portal, State
from monitor.storage.journal.journal import Journal
from monitor.storage.journal.store import Advance
from probes.result import Fault, Outcome
from tests import factories
from tests.factories import MINUTE, SLOT

LOCATION = "hn-1"
PORTALS = tuple(factories.portal(id=name, name_vi=f"Cổng {name}", name_en=name) for name in ("hue", "da-nang", "vinh"))
NAMES = {portal.id: portal for portal in PORTALS}


def tongue(language: str = "en") -> Tongue:
    return Tongue(language, ZoneInfo("Asia/Ho_Chi_Minh"))


def notify(url: str = "json://127.0.0.1:9/", **changes: Any) -> Notify:  # noqa: ANN401 - keys of the block
    """A notifier with one target; nothing waits for a group unless asked."""
    fields = {"targets": (Target(name="on-call", url=SecretStr(url)),), "group_within": 0.001} | changes
    return Notify(**fields)


class Story:
    """Folds what happens, so that events are those of the daemon."""

    def __init__(self, portals: tuple[Portal, ...] = PORTALS) -> None:
        self.fold = IncidentFold(portals, LOCATION)
        self.seq = 0

    def _next(self) -> int:
        self.seq += 1
        return self.seq

    def falls(self, portal: str = "hue", at: int = SLOT, **look: Any) -> list[IncidentEvent]:  # noqa: ANN401
        self.fold.feed(factories.measurement(portal=portal, slot=at - MINUTE, seq=self._next()))
        fields = {"outcome": Outcome.DOWN, "duration": 0.5, "hops": (), "portal": portal, "slot": at} | look
        for attempt in (1, 2, 3):
            self.fold.feed(factories.measurement(**fields, attempt=attempt, seq=self._next()))
        fault, detail = look.get("fault", Fault.CONNECT_TIMEOUT), look.get("detail", "no end")
        change = factories.change(portal=portal, at=at, fault=fault, detail=detail, cause=self.seq, seq=self._next())
        return self.fold.feed(change)

    def turns(self, state: State, portal: str = "hue", at: int = SLOT + MINUTE, **fields: Any) -> list[IncidentEvent]:  # noqa: ANN401
        fields = {"previous": State.DOWN, "fault": None, "detail": "", "cause": 0} | fields
        return self.fold.feed(factories.change(portal=portal, state=state, at=at, seq=self._next(), **fields))


async def write(journal: Journal, events: list[IncidentEvent], told: Notify, now: int) -> None:
    """Events and messages as the follower writes them: in one transaction."""
    messages = routing.messages(events, told, now)
    await journal.commit(Advance(reader="incidents", seq=journal.last, events=tuple(events), messages=messages))


@asynccontextmanager
async def courier(journal: Journal, told: Notify, clock: Clock, **changes: Any) -> AsyncIterator[TargetCourier]:  # noqa: ANN401
    """The courier of the first target at work; quick to try again."""
    target = told.targets[0]
    fields: dict[str, Any] = {
        "name": target.name,
        "channel": AppriseChannel(target.address, told.timeout),
        "writer": Writer(tongue(target.language or "en"), lambda: NAMES, told.page_url or ""),
        "notify": told,
        "journal": journal,
        "clock": clock,
        "metrics": AlertingMetrics(CollectorRegistry(), [target.name]),
        "first": 0.01,
        "most": 0.05,
    }
    one = TargetCourier(**(fields | changes))
    task = asyncio.create_task(one.run())
    try:
        yield one
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def eventually(question: Callable[[], Any], seconds: float = 20.0) -> None:
    """Until the answer is yes; the machine may be slow."""
    async with asyncio.timeout(seconds):
        while True:
            answer = question()
            if asyncio.iscoroutine(answer):
                answer = await answer
            if answer:
                return
            await asyncio.sleep(0.01)
