"""Slows processor and network of a page by DevTools, as its profile says; whether it took effect the canary proves."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.async_api import CDPSession

    from probes.browser.device_profiles import Network


async def throttle(session: CDPSession, slowdown: float, network: Network | None) -> None:
    """Slow processor and network of a page down; a slowdown of 1 and no network set them free."""
    await session.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": network.latency * 1000 if network else 0,
            "downloadThroughput": network.down if network else -1,
            "uploadThroughput": network.up if network else -1,
        },
    )
    await session.send("Emulation.setCPUThrottlingRate", {"rate": slowdown})
