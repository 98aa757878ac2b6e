"""How fast a backlog leaves for a real InfluxDB behind nginx, and how late probes start meanwhile."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import tempfile
import time
from pathlib import Path

import structlog
from prometheus_client import CollectorRegistry

from monitor.model.clock import SystemClock
from monitor.sinks.base import PortalLabels
from monitor.sinks.batch_writer import DEFAULT_POLICY
from monitor.sinks.delivery import SinkConsumer
from monitor.sinks.influxdb.sink import InfluxDBSettings
from monitor.sinks.metrics import DeliveryMetrics
from monitor.storage.journal.journal import Journal
from probes.registry import PROBE_KINDS
from tests.bench.fleet import fill
from tests.bench.row import Row, percentile
from tests.bench.seal import FleetLoad
from tests.servers.influxdb import TOKEN, InfluxServer

TICK = 0.002
GOAL, GOAL_LATE = 10_000, 0.050
PER_MINUTE = 1000
"""Probes that start while the backlog leaves, each at its slot of a grid."""


async def main(hours: float = 6.0) -> list[Row]:
    sys.setswitchinterval(0.001)  # as the daemon does before its first probe
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with tempfile.TemporaryDirectory() as scratch, InfluxServer(Path(scratch) / "influx") as server:
        bucket = server.create("drain")
        journal = Journal.open(Path(scratch), PROBE_KINDS)
        began = time.perf_counter()
        count = await fill(journal, hours)
        print(f"journalled {count} records in {time.perf_counter() - began:.1f} s")
        gc.collect()
        gc.freeze()
        idle = await stalls(asyncio.sleep(2.0))
        sink = InfluxDBSettings(url=server.url, token=TOKEN, bucket=bucket).open(
            "drain", lambda _id: PortalLabels("province", "x")
        )
        consumer = SinkConsumer(journal, sink, SystemClock(), DeliveryMetrics(CollectorRegistry(), ["drain"]))
        cpu, theirs, began = time.process_time(), server.cpu(), time.perf_counter()
        full = count - count % DEFAULT_POLICY.batch_size  # the rest waits a second for a full batch, as it should
        rates: list[float] = []
        load = FleetLoad(journal, PER_MINUTE)
        probing = asyncio.create_task(load.run())
        held = await stalls(drained(consumer, full, journal.last_seq, rates))
        probing.cancel()
        await asyncio.gather(probing, return_exceptions=True)
        took = rates[0]
        cpu, theirs = time.process_time() - cpu, server.cpu() - theirs
        print(f"{full / took:.0f} points/s: {took:.1f} s, CPU {cpu:.1f} s of ours, {theirs:.1f} s of the database")
        for name, times in (("idle", idle), ("draining", held)):
            times.sort()
            p50, p99 = times[len(times) // 2], times[int(len(times) * 0.99)]
            print(f"loop {name}: p50 {p50 * 1e3:.1f} ms, p99 {p99 * 1e3:.1f} ms, most {times[-1] * 1e3:.1f} ms")
        late, committed = percentile(load.late, 0.99) * 1e3, percentile(load.commits, 0.99) * 1e3
        print(
            f"{len(load.late)} probes meanwhile: start p99 {late:.1f} ms late, committed after p99 {committed:.0f} ms"
        )
        stored = sum(server.count(one, bucket) for one in ("uptime", "latency", "state_change"))
        print(f"stored {stored}, of {count} that waited")
        await journal.close()
    return [
        Row(
            name=f"backlog of {count:,} records to InfluxDB",
            ours=f"{full / took:,.0f} points/s",
            goal=f">= {GOAL:,} points/s, none lost",
            met=full / took >= GOAL and stored >= count,  # the probes meanwhile are there as well
        ),
        Row(
            name=f"start delay p99 meanwhile, {PER_MINUTE:,} probes/min",
            ours=f"{late:.1f} ms ({len(load.late)} probes)",
            goal=f"<= {GOAL_LATE * 1e3:g} ms",
            met=late <= GOAL_LATE * 1e3,
        ),
    ]


async def drained(consumer: SinkConsumer, full: int, last: int, rates: list[float]) -> None:
    """Run the consumer until its checkpoint reaches ``last``; append the seconds until ``full`` to ``rates``."""
    began = time.perf_counter()
    task = asyncio.create_task(consumer.run())
    while consumer.seq < last:
        await asyncio.sleep(0.01)
        assert not task.done(), task
        if consumer.seq >= full and not rates:
            rates.append(time.perf_counter() - began)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def stalls(work: object) -> list[float]:
    """Return how late a repeated timer fired while ``work`` ran; seconds."""
    late: list[float] = []
    task = asyncio.ensure_future(work)  # type: ignore[arg-type] # any coroutine
    while not task.done():
        due = time.perf_counter() + TICK
        await asyncio.sleep(TICK)
        late.append(time.perf_counter() - due)
    await task
    return late


if __name__ == "__main__":
    asyncio.run(main())
