"""A small fleet with every state and mark, written to a real journal, and the web context that shows it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from monitor.config import Config
from monitor.config.settings import MonitorSettings
from monitor.config.web import WebBlock
from monitor.model.records import Check, Expect, Measurement, Portal, PortalKind, State, StateChange, UnknownReason
from monitor.states.status_cache import StatusCache
from monitor.storage.journal.journal import Journal
from monitor.storage.journal.store import CheckpointUpdate
from monitor.storage.screenshots import ScreenshotStore
from monitor.web import Readiness, WebContext
from monitor.web.metrics.exposition import Exposition
from monitor.web.server.auth import Authenticator
from probes.registry import PROBE_KINDS
from probes.result import Fault, Outcome
from tests import factories
from tests.factories import DAY, MINUTE, SLOT

NOW = SLOT + 12_000
LOCATION = "hn-1"
EVIL = "<script>alert(1)</script>"


@dataclass
class Clock:
    """Both times are set by the test."""

    at: int = NOW
    seconds: float = 100.0

    def now(self) -> int:
        return self.at

    def monotonic(self) -> float:
        return self.seconds

    def turn(self, seconds: float) -> None:
        self.at += int(seconds * 1000)
        self.seconds += seconds


def inventory() -> list[Portal]:
    """Portals of all kinds, with every mark that a page shows."""
    make = factories.portal
    return [
        make(id="dvc-quoc-gia", name_vi="Cổng Dịch vụ công quốc gia", name_en="National Portal",
             kind=PortalKind.NATIONAL, code=None, url="https://dichvucong.example.gov.vn"),
        make(id="bo-y-te", name_vi="Bộ Y tế", name_en="Ministry of Health", kind=PortalKind.MINISTRY, code="G17"),
        make(id="bo-cong-an", name_vi="Bộ Công an", name_en="Ministry of Public Security", kind=PortalKind.MINISTRY,
             code="G01", expect=Expect.REDIRECTS, redirects_to="dichvucong.example.gov.vn"),
        make(id="da-nang", name_vi="Thành phố Đà Nẵng", name_en="Da Nang City", code="H17"),
        make(id="hai-phong", name_vi="Thành phố Hải Phòng", name_en="Hai Phong City", code="H24", verified=False,
             confidence="pattern", status_2026="unknown", source="naming rule"),
        make(id="quang-nam", name_vi="Tỉnh Quảng Nam (trước 07/2025)", name_en="Quang Nam (former)", code="H47",
             expect=Expect.RETIRED, merged_into="da-nang", status_2026="merged", verified=False),
        make(id="evil", name_vi=EVIL, name_en=EVIL, code="<b>", group="<i>g</i>",
             source="<img src=x onerror=alert(2)>"),
    ]  # fmt: skip


def checks(portals: list[Portal]) -> list[Check]:
    """Uptime and latency of every portal."""
    return [
        factories.check(kind, portal=one.id, url=f"{one.url}/") for one in portals for kind in ("uptime", "latency")
    ]


def story(portals: list[Portal]) -> list[Measurement | StateChange]:
    """What happened: Bộ Y tế is down for half an hour, Đà Nẵng was for three minutes, Hải Phòng never answered."""
    records: list[Measurement | StateChange] = []
    for one in portals:
        records += history(one.id, minutes=90, every=MINUTE)
        if one.expect is Expect.RETIRED or not one.verified:
            continue
        records.append(changed(one.id, State.UP, State.UNKNOWN, SLOT - 2 * DAY))
    records += [
        changed("bo-y-te", State.DOWN, State.UP, SLOT - 30 * MINUTE, Fault.TLS_EXPIRED, "certificate ended 2 days ago"),
        changed("da-nang", State.DOWN, State.UP, SLOT - 600 * MINUTE, Fault.TIMEOUT, "no end after 10 s"),
        changed("da-nang", State.UP, State.DOWN, SLOT - 597 * MINUTE),
        changed("evil", State.DOWN, State.UP, SLOT - 5 * MINUTE, Fault.HTTP_STATUS, f"status 502 {EVIL}"),
    ]
    return records


def changed(  # noqa: PLR0917 - read like a line of a table
    portal: str, state: State, previous: State, at: int, fault: Fault | None = None, detail: str = ""
) -> StateChange:
    """A state change."""
    return factories.change(portal=portal, state=state, previous=previous, at=at, fault=fault, detail=detail)


def history(portal: str, *, minutes: int, every: int) -> list[Measurement]:
    """Measurements up to now, oldest first, with the problem that the portal has."""
    measurements = []
    for number, slot in enumerate(range(SLOT - minutes * MINUTE, SLOT + 1, every)):
        factor = 1 + (number * 7 % 13) / 10 + (2 if number % 29 == 0 else 0)
        phases = {name: seconds * factor for name, seconds in factories.PHASES.items()}
        found = factories.values(**{f"{name}_seconds": seconds for name, seconds in phases.items()})
        common: dict[str, Any] = {"portal": portal, "slot": slot, "values": found, "duration": sum(phases.values())}
        one = factories.measurement(**common)
        measurements += [with_problem(one), replace(one, check="latency", kind="latency")]
    return measurements


def with_problem(one: Measurement) -> Measurement:
    """The measurement as it is for a portal with a problem."""
    recent = one.slot > SLOT - 31 * MINUTE
    if one.portal == "bo-y-te" and recent:
        detail = "certificate ended 2 days ago"
        return replace(one, outcome=Outcome.DOWN, fault=Fault.TLS_EXPIRED, phase="tls", detail=detail, values={})
    if one.portal == "hai-phong":
        return factories.measurement(portal=one.portal, slot=one.slot, outcome=Outcome.DOWN)
    if one.portal == "evil" and recent:
        return replace(one, outcome=Outcome.DOWN, fault=Fault.HTTP_STATUS, detail=f"status 502 {EVIL}")
    if one.portal == "bo-cong-an":
        first = factories.hop(url="https://bo-cong-an.example.gov.vn/", status=302)
        second = factories.hop(url="https://dichvucong.example.gov.vn/a/very/long/path/" + "x" * 120)
        return replace(one, hops=(first, second, replace(first, family=6, status=None)))
    if one.portal == "da-nang" and one.slot == SLOT - 8 * MINUTE:
        return replace(
            one,
            outcome=Outcome.UNKNOWN,
            unknown_reason=UnknownReason.SELF_CHECK,
            detail="none of 3 references answers; no end",
        )
    return one


def make_config(mark: str) -> Config:
    """A configuration of this digest, with a secret."""
    settings = MonitorSettings(location=LOCATION, web=WebBlock(reload=True, reload_token=SecretStr("sesame-seeds")))
    return Config(settings=settings, portals=(), checks=(), digest=mark, directory=Path("config"))


@dataclass
class Stage:
    """The web context and its parts; ``calls`` counts reloads."""

    journal: Journal
    clock: Clock = field(default_factory=Clock)
    language: str = "vi"
    readiness: Readiness = field(default_factory=lambda: Readiness(ok=True))
    errors: str | None = None
    config: Config = field(default_factory=lambda: make_config("1"))
    screenshots: ScreenshotStore | None = None
    calls: int = 0

    def __post_init__(self) -> None:
        self.cache = StatusCache(clock=self.clock, location=LOCATION)
        self.exposition = Exposition(self.cache, PROBE_KINDS, CollectorRegistry())

    async def play(self, portals: list[Portal], records: list[Measurement | StateChange]) -> None:
        """Write the story to the journal and load the status cache from it."""
        measurements = [one for one in records if isinstance(one, Measurement)]
        changes = tuple(one for one in records if isinstance(one, StateChange))
        await self.journal.commit_all([*measurements, CheckpointUpdate(consumer="states", seq=0, changes=changes)])
        self.cache.set_inventory(portals, checks(portals))
        await self.journal.read(self.cache.load)
        await asyncio.sleep(0)

    async def reload(self) -> str | None:
        self.calls += 1
        return self.errors

    def context(
        self, *, reload: bool = False, token: str | None = None, authenticator: Authenticator | None = None
    ) -> WebContext:
        return WebContext(
            status_cache=self.cache,
            exposition=self.exposition,
            journal=self.journal,
            screenshots=self.screenshots,
            clock=self.clock,
            language=self.language,
            zone=ZoneInfo("Asia/Ho_Chi_Minh"),
            readiness=lambda: self.readiness,
            reload=self.reload if reload else None,
            reload_token=SecretStr(token) if token else None,
            authenticator=authenticator or Authenticator(self.clock, {}, {}),
            config=lambda: self.config,
        )


async def staged(directory: Path) -> Stage:
    """The stage after its story."""
    stage = Stage(Journal.open(directory, PROBE_KINDS, commit_interval_seconds=0.01))
    portals = inventory()
    await stage.play(portals, story(portals))
    return stage
