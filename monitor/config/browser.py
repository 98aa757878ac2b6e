"""The block ``render`` of ``monitor.yaml``: the browser of checks that show pages, and the pictures kept of them."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from monitor.config.portals import Block
from probes.browser.pool import BrowserPoolSettings


def _network(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value))
    except ValueError:
        raise ValueError(f"{value!r} is not a network such as 10.0.0.0/8") from None


class ScreenshotsBlock(Block):
    """Pictures of failures, of changes, and one a day."""

    days: int = Field(default=100, ge=1, le=3660, description="Days after which pictures are removed.")
    limit: int = Field(
        default=2_000_000_000, ge=10_000_000, description="Bytes that pictures may take; the oldest give way."
    )


class BrowserBlock(Block):
    """What holds for every check that shows pages in a browser."""

    chromium: Path | None = Field(
        default=None, description="Executable; else PORTAL_MONITOR_CHROMIUM, Playwright's own, or an installed one."
    )
    memory: int = Field(
        default=750_000_000, ge=0, description="Bytes that must be left on this machine before a browser is started."
    )
    loads: int = Field(default=50, ge=1, le=1000, description="Loads after which a browser is replaced.")
    least_speed: float = Field(
        default=0.4, ge=0, le=1, description="Share of this host's best speed below which a load says nothing."
    )
    reach: tuple[Annotated[str, AfterValidator(_network)], ...] = Field(
        default=(), description="Networks beside the Internet that pages may reach, such as 10.0.0.0/8."
    )
    evidence: ScreenshotsBlock = ScreenshotsBlock()

    @property
    def settings(self) -> BrowserPoolSettings:
        """What :class:`probes.resources.Instruments` asks for."""
        return BrowserPoolSettings(
            executable=self.chromium,
            min_free_memory_bytes=self.memory,
            max_loads=self.loads,
            min_speed_ratio=self.least_speed,
            allowed_networks=self.reach,
        )
