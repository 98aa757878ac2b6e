"""The dead-man's switch: an address is called as long as looks are being completed, and never by the clock alone."""

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
    """Counts completed looks; :meth:`run` calls the address every while in which there were any."""

    def __init__(self, settings: HeartbeatBlock, metrics: AlertingMetrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._probe_completed = asyncio.Event()
        self._failing = False

    def record(self, measurement: Measurement) -> None:
        """A measurement is on disk; only a look that was taken shows that we are alive."""
        if measurement.started is not None:
            self._probe_completed.set()

    async def run(self) -> None:
        """Call, wait, and call again as soon as there was another look."""
        url = self._settings.url.get_secret_value() if self._settings.url is not None else ""
        timeout = aiohttp.ClientTimeout(total=self._settings.timeout)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                await self._probe_completed.wait()
                self._probe_completed.clear()
                await self._ping(session, url)
                await asyncio.sleep(self._settings.every)

    async def _ping(self, session: aiohttp.ClientSession, url: str) -> None:
        try:
            async with session.get(url) as answer:
                good, reason = answer.ok, f"status {answer.status}"
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            good, reason = False, type(error).__name__  # its words may name the address
        self._metrics.heartbeats.labels("accepted" if good else "failed").inc()
        if good == self._failing:
            tell = log.info if good else log.warning
            tell("heartbeat_accepted_again" if good else "heartbeat_failed", reason=reason)
        self._failing = not good
