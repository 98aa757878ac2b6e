"""Six hours of a fleet's probes meet a dead InfluxDB: afterwards every point is there once, with the journal's values.

The database is killed with SIGKILL while it receives, and restarted on its files, three times over. The rows are made
up on a simulated clock; database, proxy, journal and consumer are the real ones.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import structlog
from prometheus_client import CollectorRegistry

from monitor.model.clock import SystemClock
from monitor.sinks.base import PortalLabels
from monitor.sinks.batch_writer import DeliveryPolicy
from monitor.sinks.delivery import SinkConsumer
from monitor.sinks.influxdb.line_protocol import STATE_CHANGE, parse_measurement, parse_state_change
from monitor.sinks.influxdb.sink import InfluxDBSettings
from monitor.sinks.metrics import DeliveryMetrics
from monitor.storage.journal.journal import Journal
from monitor.storage.journal.store import JournalReader
from probes.registry import PROBE_KINDS
from tests.bench.fleet import fill
from tests.servers.influxdb import TOKEN, InfluxServer

KILLS = 3


async def main(hours: float = 6.0) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory() as scratch, InfluxServer(Path(scratch) / "influx") as server:
        bucket = server.create("outage")
        journal = Journal.open(Path(scratch), PROBE_KINDS)
        server.kill()
        sink = InfluxDBSettings(url=server.url, token=TOKEN, bucket=bucket).open(
            "influx", lambda _id: PortalLabels("province", "x")
        )
        metrics = DeliveryMetrics(CollectorRegistry(), ["influx"])
        consumer = SinkConsumer(
            journal, sink, SystemClock(), metrics, DeliveryPolicy(initial_backoff_seconds=0.2, max_backoff_seconds=2.0)
        )
        task = asyncio.create_task(consumer.run())
        count = await fill(journal, hours)
        size = journal.statistics.size_bytes / 2**20
        print(f"{count} records journalled while the database was dead, {size:.0f} MiB; delivered {consumer.seq}")
        began = time.perf_counter()
        for number in range(1, KILLS + 1):
            server.start()
            await reached(consumer, count * number // (KILLS + 1))
            server.kill()
            print(f"killed at {consumer.seq}")
        server.start()
        await reached(consumer, count)
        print(f"all delivered {time.perf_counter() - began:.1f} s after the first start")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        wrong = await journal.read(lambda reader: compare(reader, server, bucket))
        seq, _ = await journal.read(lambda reader: reader.checkpoint("sink:influx"))
        print(f"checkpoint {seq}, differences: {wrong}")
        await journal.close()
        sys.exit(wrong != 0)


async def reached(consumer: SinkConsumer, seq: int) -> None:
    """Wait until the consumer has reached ``seq``."""
    while consumer.seq < seq:  # noqa: ASYNC110 - the consumer has no event for this
        await asyncio.sleep(0.01)


def compare(reader: JournalReader, server: InfluxServer, bucket: str) -> int:
    """Return how many records are missing, different or twice in one of the two places."""
    wrong, total = 0, 0
    for kind in PROBE_KINDS:
        points = [parse_measurement(kind, row, row) for row in server.rows(kind, bucket)]
        stored = {(one.key, one.location, one.slot, one.attempt): one for one in points}
        wrong += len(points) - len(stored)
        for one in reader.measurements(kind=kind):
            total += 1
            twin = stored.pop((one.key, one.location, one.slot, one.attempt), None)
            fields = (
                "kind",
                "outcome",
                "fault",
                "unknown_reason",
                "phase",
                "detail",
                "started",
                "duration",
                "start_delay",
            )
            same = all(
                getattr(one, name) == getattr(twin, name, None) for name in (*fields, "config", "values", "hops")
            )
            wrong += twin is None or not same
        wrong += len(stored)
    found = sorted((parse_state_change(row, row["time"], row) for row in server.rows(STATE_CHANGE, bucket)), key=repr)
    changes = sorted((replace(one, seq=0) for one in reader.state_changes()), key=repr)
    wrong += found != changes
    print(f"compared {total} probes and {len(changes)} changes of state, value by value")
    return wrong


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 6.0))
