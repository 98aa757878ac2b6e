"""The heartbeat follows completed probes: without probes no ping, however long the daemon runs."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace

from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from monitor.alerting.heartbeat import Heartbeat
from monitor.alerting.metrics import AlertingMetrics
from monitor.config.alerting import HeartbeatBlock
from tests import factories
from tests.monitor.alerting.parts import eventually
from tests.servers.webhook import webhook


async def test_it_pings_after_probes_and_only_after_probes():
    async with webhook() as hook:
        metrics = AlertingMetrics(CollectorRegistry(), [])
        one = Heartbeat(HeartbeatBlock(url=SecretStr(hook.url), interval=0.02), metrics)
        task = asyncio.create_task(one.run())
        try:
            await asyncio.sleep(0.1)
            one.record(replace(factories.measurement(), started=None))
            await asyncio.sleep(0.1)
            assert hook.tried == 0
            one.record(factories.measurement())
            await eventually(lambda: hook.tried == 1)
            await asyncio.sleep(0.1)
            assert hook.tried == 1
            hook.status = 500
            one.record(factories.measurement())
            await eventually(lambda: metrics.heartbeats.labels("failed")._value.get() == 1)  # noqa: SLF001 - as it stands
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
    assert metrics.heartbeats.labels("accepted")._value.get() == 1  # noqa: SLF001 - the same
