"""The dead-man's switch: pings a URL as long as probes complete, never by the clock alone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
import structlog

if TYPE_CHECKING:
    from monitor.alerting.metrics import AlertingMetrics
    from monitor.config.alerting import HeartbeatBlock
    from monitor.model.records import Measurement

log = structlog.get_logger(__name__)


class Heartbeat:
    """Pings the heartbeat URL in every interval in which a probe completed."""

    def __init__(self, settings: HeartbeatBlock, metrics: AlertingMetrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._probe_completed = asyncio.Event()
        self._failing = False

    def record(self, measurement: Measurement) -> None:
        """Take a committed measurement; only a probe that was run counts as a sign of life."""
        if measurement.started is not None:
            self._probe_completed.set()

    async def run(self) -> None:
        """Ping, wait for the interval, and ping again once another probe has completed."""
        url = self._settings.url.get_secret_value() if self._settings.url is not None else ""
        timeout = aiohttp.ClientTimeout(total=self._settings.timeout)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                await self._probe_completed.wait()
                self._probe_completed.clear()
                await self._ping(session, url)
                await asyncio.sleep(self._settings.interval)

    async def _ping(self, session: aiohttp.ClientSession, url: str) -> None:
        try:
            async with session.get(url) as response:
                accepted, reason = response.ok, f"status {response.status}"
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            accepted, reason = False, type(error).__name__  # its message may contain the URL
        self._metrics.heartbeats.labels("accepted" if accepted else "failed").inc()
        if accepted == self._failing:
            write = log.info if accepted else log.warning
            write("heartbeat_recovered" if accepted else "heartbeat_failed", reason=reason)
        self._failing = not accepted
