"""Define the block ``browser`` of ``monitor.yaml``: the browser of page loads, and the screenshots that are kept."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from monitor.config.portals import Block
from monitor.config.value_types import Duration
from probes.browser.pool import BrowserPoolSettings

_DAY = 86400.0


def _network(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value))
    except ValueError:
        raise ValueError(f"{value!r} is not a network such as 10.0.0.0/8") from None


class ScreenshotsBlock(Block):
    """Screenshots of failures, of changes, and one a day; ``retention`` in seconds."""

    retention: Duration = Field(
        100 * _DAY, ge=_DAY, le=3660 * _DAY, description="Age at which screenshots are removed, from a day on."
    )
    max_bytes: int = Field(
        2_000_000_000, ge=10_000_000, description="Bytes that screenshots may take; the oldest are removed first."
    )

    @property
    def retention_days(self) -> int:
        """Return the retention in whole days."""
        return round(self.retention / _DAY)


class BrowserBlock(Block):
    """Settings of every check that loads pages in a browser."""

    executable: Path | None = Field(
        None, description="Browser; else PORTAL_MONITOR_CHROMIUM, Playwright's own, or an installed one."
    )
    min_free_memory: int = Field(
        750_000_000, ge=0, description="Bytes that must be free on this machine before a browser is started."
    )
    max_loads: int = Field(50, ge=1, le=1000, description="Page loads after which a browser is replaced.")
    min_speed_ratio: float = Field(
        0.4, ge=0, le=1, description="Share of this host's best speed below which a load is recorded as unknown."
    )
    allowed_networks: tuple[Annotated[str, AfterValidator(_network)], ...] = Field(
        (), description="Networks beside the Internet that pages may reach, such as 10.0.0.0/8."
    )
    screenshots: ScreenshotsBlock = ScreenshotsBlock()

    @property
    def settings(self) -> BrowserPoolSettings:
        """Return the settings of :class:`probes.resources.ProbeResources`."""
        return BrowserPoolSettings(
            executable=self.executable,
            min_free_memory_bytes=self.min_free_memory,
            max_loads=self.max_loads,
            min_speed_ratio=self.min_speed_ratio,
            allowed_networks=self.allowed_networks,
        )
