"""The ``mobile`` kind: a page as a phone shows it, measured in Chromium by ``probes.browser``."""

from __future__ import annotations

import re
from statistics import median
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import AfterValidator, Field, field_validator
from yarl import URL

from probes.browser.device_profiles import DeviceProfileName
from probes.browser.metrics import BROWSER_METRICS
from probes.browser.pool import POST_LOAD_TIMEOUT_SECONDS, START_TIMEOUT_SECONDS
from probes.browser.protocol import LoadRequest
from probes.http.urls import is_http_url
from probes.metric import Metric
from probes.probe import Pool, Probe, Seconds
from probes.result import Outcome, ProbeFailed, ProbeResult

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

    from probes.resources import ProbeResources
    from probes.result import Scalar
    from probes.trace import Trace

DEFAULT_BLOCKED_HOSTS: tuple[str, ...] = (
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
"""The official usage tracker and common analytics: a probe must not count as a visit."""

_HOST_PATTERN = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_CLEANUP_TIMEOUT_SECONDS = 10.0


def _validate_host(name: str) -> str:
    host = name.strip().lower().removeprefix("*.")
    if not _HOST_PATTERN.fullmatch(host):
        raise ValueError(f"{name!r} is not a host such as stats.example.org")
    return host


class Mobile(Probe):
    """Measure how fast and how mobile-friendly a page is: three loads a slot, each with an empty cache.

    The median load represents the slot. ``timeout`` is for one load. A probe of this kind waits up to half an hour for
    a free worker: it represents its part of the day, not a second.
    """

    kind: ClassVar[str] = "mobile"
    pool: ClassVar[Pool] = Pool.BROWSER
    metrics: ClassVar[tuple[Metric, ...]] = BROWSER_METRICS
    representative_flag: ClassVar[str] = "median"
    max_wait_seconds: ClassVar[float] = 1800.0

    timeout: Seconds = Field(default=45.0, description="Longest time for one load, in seconds.")
    profiles: tuple[DeviceProfileName, ...] = Field(
        default=("mobile",), min_length=1, description="Devices to emulate; each is a separate check."
    )
    runs: int = Field(default=3, ge=1, le=9, description="Loads in a slot; the median one represents it.")
    blocked_hosts: tuple[Annotated[str, AfterValidator(_validate_host)], ...] = Field(
        default=DEFAULT_BLOCKED_HOSTS,
        description="Hosts that are never requested, with their subdomains: trackers must not count probes as visits.",
    )
    max_page_bytes: int = Field(
        default=50_000_000, ge=100_000, description="Bytes after which a page is too large and its load is stopped."
    )

    @field_validator("url")
    @classmethod
    def _validate_url(cls, value: str) -> str:
        if not is_http_url(URL(value)):
            raise ValueError(f"{value!r} is not an http or https URL")
        return value

    @field_validator("profiles")
    @classmethod
    def _validate_unique_profiles(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            raise ValueError("a profile is named twice")
        return value

    @property
    def profile(self) -> DeviceProfileName:
        """Return the device of this probe; a block with several profiles yields one probe for each."""
        return self.profiles[0]

    @property
    def deadline(self) -> float:
        """Return the seconds for a load, the work after it, and the start of a browser before it."""
        return self.timeout + POST_LOAD_TIMEOUT_SECONDS + START_TIMEOUT_SECONDS + _CLEANUP_TIMEOUT_SECONDS

    @property
    def max_runs(self) -> int:
        """Return ``runs``: each load is a run."""
        return self.runs

    def variants(self) -> Mapping[str, Self]:
        """Return one probe for each device."""
        return {name: self.model_copy(update={"profiles": (name,)}) for name in self.profiles}

    @classmethod
    def select_representative(cls, runs: Sequence[ProbeResult]) -> int:
        """Return the run nearest to the medians of FCP and LCP, as Lighthouse CI selects it; the earlier one of a tie.

        When most of the loads with a known outcome failed, return the first failure; without any known outcome, 0.
        """
        up = [number for number, run in enumerate(runs) if run.outcome is Outcome.UP]
        down = [number for number, run in enumerate(runs) if run.outcome is Outcome.DOWN]
        if not up or len(down) > len(up):
            return down[0] if down else 0
        paints = {number: _fcp_and_lcp(runs[number].values) for number in up}
        middle = [median(pair[which] for pair in paints.values()) for which in (0, 1)]
        return min(up, key=lambda number: sum((at - mid) ** 2 for at, mid in zip(paints[number], middle, strict=True)))

    @classmethod
    def is_complete(cls, runs: Sequence[ProbeResult], max_runs: int) -> bool:
        """Return whether further loads would change nothing: most failed already, or every outcome is unknown."""
        failed = sum(run.outcome is Outcome.DOWN for run in runs)
        return len(runs) >= max_runs or 2 * failed > max_runs or all(run.outcome is Outcome.UNKNOWN for run in runs)

    async def run(self, trace: Trace, resources: ProbeResources) -> None:
        """Load the page once in the browser pool."""
        trace.set_values(profile=self.profile)
        trace.phase = "start"
        request = LoadRequest(
            url=self.url,
            profile=self.profile,
            timeout_seconds=self.timeout,
            user_agent=resources.http_settings.user_agent,
            blocked_hosts=self.blocked_hosts,
            max_page_bytes=self.max_page_bytes,
        )
        response, screenshots = await resources.browser_pool.load(request)
        trace.set_values(**response.values)
        trace.screenshots += screenshots
        trace.phase = response.phase or ""
        if response.fault is not None:
            raise ProbeFailed(response.fault, response.detail)


def _fcp_and_lcp(values: Mapping[str, Scalar]) -> tuple[float, float]:
    first = float(values.get("fcp_seconds", 0.0))
    return first, float(values.get("lcp_seconds", first))
