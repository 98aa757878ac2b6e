"""The ``mobile`` kind: a page as a citizen's phone shows it, measured in Chromium; how is left to ``browser``."""

from __future__ import annotations

import re
from statistics import median
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import AfterValidator, Field, field_validator
from yarl import URL

from probes.browser.device_profiles import ProfileName
from probes.browser.metrics import RENDER_METRICS
from probes.browser.pool import AFTERWARDS, START
from probes.browser.protocol import Order
from probes.http.urls import is_askable
from probes.metric import Metric
from probes.probe import Lane, Probe, Seconds
from probes.result import Failed, Outcome, ProbeResult

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

    from probes.resources import Instruments
    from probes.result import Scalar
    from probes.trace import Trace

BLOCKED: tuple[str, ...] = (
    "f-emc.ngsp.gov.vn",
    "google-analytics.com",
    "googletagmanager.com",
    "analytics.google.com",
    "stats.g.doubleclick.net",
    "connect.facebook.net",
    "clarity.ms",
    "hotjar.com",
    "mc.yandex.ru",
)
"""The official usage tracker and common analytics: a look must not count as a visitor."""

_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_CLEANING_UP = 10.0


def _host(name: str) -> str:
    host = name.strip().lower().removeprefix("*.")
    if not _HOST.fullmatch(host):
        raise ValueError(f"{name!r} is not a host such as stats.example.org")
    return host


class Mobile(Probe):
    """How fast and how fit is the page? Three loads a slot, each with an empty cache; their median speaks for it.

    ``timeout`` is for one load. A look of this kind waits up to half an hour for its seat: it stands for its part of
    the day, not for a second.
    """

    kind: ClassVar[str] = "mobile"
    lane: ClassVar[Lane] = Lane.RENDER
    metrics: ClassVar[tuple[Metric, ...]] = RENDER_METRICS
    mark: ClassVar[str] = "median"
    patience: ClassVar[float] = 1800.0

    timeout: Seconds = Field(default=45.0, description="Longest time for one load, in seconds.")
    profiles: tuple[ProfileName, ...] = Field(
        default=("mobile",), min_length=1, description="Devices to show the page on; each is a check of its own."
    )
    runs: int = Field(default=3, ge=1, le=9, description="Loads in a slot; the median one speaks for it.")
    blocked_hosts: tuple[Annotated[str, AfterValidator(_host)], ...] = Field(
        default=BLOCKED, description="Hosts that are never asked, with all below them: trackers must not count us."
    )
    largest: int = Field(
        default=50_000_000, ge=100_000, description="Bytes after which a page counts as too large, and is left."
    )

    @field_validator("url")
    @classmethod
    def _askable(cls, value: str) -> str:
        if not is_askable(URL(value)):
            raise ValueError(f"{value!r} is not an http or https address")
        return value

    @field_validator("profiles")
    @classmethod
    def _once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            raise ValueError("a profile is named twice")
        return value

    @property
    def profile(self) -> ProfileName:
        """The device of this probe; a block with several stands for as many probes."""
        return self.profiles[0]

    @property
    def deadline(self) -> float:
        """A load, what follows it, and a browser that has to be started first."""
        return self.timeout + AFTERWARDS + START + _CLEANING_UP

    @property
    def times(self) -> int:
        """Each load is a run."""
        return self.runs

    def variants(self) -> Mapping[str, Self]:
        """A probe for each device."""
        return {name: self.model_copy(update={"profiles": (name,)}) for name in self.profiles}

    @classmethod
    def choose(cls, runs: Sequence[ProbeResult]) -> int:
        """The run nearest to the medians of FCP and LCP, as Lighthouse CI takes it; ties go to the earlier one.

        Failures speak when most of the loads that saw something failed, the first of them; without any sight the first.
        """
        up = [number for number, run in enumerate(runs) if run.outcome is Outcome.UP]
        down = [number for number, run in enumerate(runs) if run.outcome is Outcome.DOWN]
        if not up or len(down) > len(up):
            return down[0] if down else 0
        paints = {number: _paints(runs[number].values) for number in up}
        middle = [median(pair[which] for pair in paints.values()) for which in (0, 1)]
        return min(up, key=lambda number: sum((at - mid) ** 2 for at, mid in zip(paints[number], middle, strict=True)))

    @classmethod
    def settled(cls, runs: Sequence[ProbeResult], times: int) -> bool:
        """Whether further loads would change nothing: most of them failed already, or we cannot see at all."""
        failed = sum(run.outcome is Outcome.DOWN for run in runs)
        return len(runs) >= times or 2 * failed > times or all(run.outcome is Outcome.VOID for run in runs)

    async def run(self, trace: Trace, resources: Instruments) -> None:
        """Have the page loaded once."""
        trace.put(profile=self.profile)
        trace.phase = "start"
        order = Order(
            url=self.url,
            profile=self.profile,
            timeout=self.timeout,
            agent=resources.settings.user_agent,
            blocked=self.blocked_hosts,
            largest=self.largest,
        )
        answer, pictures = await resources.browsers.render(order)
        trace.put(**answer.values)
        trace.pictures += pictures
        trace.phase = answer.phase or ""
        if answer.fault is not None:
            raise Failed(answer.fault, answer.detail)


def _paints(values: Mapping[str, Scalar]) -> tuple[float, float]:
    first = float(values.get("fcp_seconds", 0.0))
    return first, float(values.get("lcp_seconds", first))
