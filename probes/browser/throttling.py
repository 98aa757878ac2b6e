"""Throttle processor and network of a page by DevTools, as its profile says; ``calibration`` verifies the effect."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.async_api import CDPSession

    from probes.browser.device_profiles import NetworkThrottling


async def throttle(session: CDPSession, cpu_slowdown: float, network: NetworkThrottling | None) -> None:
    """Throttle processor and network of a page; a slowdown of 1 and no network remove the throttling."""
    await session.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": network.latency_seconds * 1000 if network else 0,
            "downloadThroughput": network.download_bytes_per_second if network else -1,
            "uploadThroughput": network.upload_bytes_per_second if network else -1,
        },
    )
    await session.send("Emulation.setCPUThrottlingRate", {"rate": cpu_slowdown})
