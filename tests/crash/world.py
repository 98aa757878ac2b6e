"""The environment of the daemon: a fleet of portals, a webhook and a real InfluxDB on loopback."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

from monitor.model.records import Measurement
from monitor.storage.journal.store import JOURNAL_FILE, JournalWriter, Record
from probes.registry import PROBE_KINDS
from tests import factories
from tests.factories import DAY, MINUTE
from tests.servers.influxdb import TOKEN, InfluxServer
from tests.servers.ports import free_port
from tests.servers.webhook import Webhook, webhook

PORTALS = 6
TURN_SECONDS = 2.0
"""How long a portal stays down; then the next one is down, so that fewer are down than would fail the self-check."""

ANSWER_SECONDS = 0.06
FIRST = 1_767_200_400_000
"""2026-01-01T00:00 in the report zone: the first of the days that are to be sealed."""

EVERY = 720 * MINUTE
PAST_PORTALS = ("gone-1", "gone-2")
"""Portals of the days to be sealed. They are in no inventory, so that no state depends on their rows."""


class Fleet:
    """Portals on separate addresses, of which one after the other answers 503."""

    port = 0
    healthy = False
    """Whether all portals answer."""

    def down(self, number: int) -> bool:
        return not self.healthy and int(time.time() / TURN_SECONDS) % PORTALS == number

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = int(writer.get_extra_info("sockname")[0].rpartition(".")[2]) - 11
        with suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(ANSWER_SECONDS)
            status = b"503 Service Unavailable" if self.down(number) else b"200 OK"
            writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
            await writer.drain()
        writer.close()


class World:
    """Everything outside of the daemon, until :func:`world` ends. Another thread appends to ``hook.got``."""

    hook: Webhook

    def __init__(self, root: Path) -> None:
        self.root = root
        self.fleet = Fleet()
        self._ready, self._over = threading.Event(), asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="world")

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(30), "the world does not begin"

    async def _serve(self) -> None:
        self._loop, self.fleet.port = asyncio.get_running_loop(), free_port()
        places = [f"127.0.0.{11 + number}" for number in range(PORTALS)]
        server = await asyncio.start_server(self.fleet.serve, places, self.fleet.port)
        async with server, webhook() as self.hook:
            self._ready.set()
            await self._over.wait()

    def stop(self) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()


@contextmanager
def world(root: Path) -> Iterator[tuple[World, InfluxServer]]:
    """The fleet, the webhook, and InfluxDB with its three buckets."""
    one = World(root)
    with ExitStack() as stack:
        server = stack.enter_context(InfluxServer(root / "influx"))
        for bucket in ("raw", "hourly", "daily"):
            server.create(bucket)
        stack.callback(one.stop)
        one.start()
        write_config(root / "config", one, server)
        yield one, server


def write_config(directory: Path, world: World, server: InfluxServer) -> None:
    directory.mkdir()
    directory.joinpath("rubrics").mkdir()
    shipped = Path(__file__).parents[2] / "config" / "rubrics" / "qd473-2024.yaml"
    directory.joinpath("rubrics", shipped.name).write_bytes(shipped.read_bytes())
    settings: dict[str, Any] = {
        "location": "crash",
        "contact": "mailto:crash@example.org",
        "listen": "127.0.0.1:0",
        "checks": {
            "uptime": {"interval": "2s", "timeout": "300ms", "family": "4"},
            "latency": {"interval": "4s", "timeout": "500ms", "family": "4"},
        },
        "self_check": {
            "references": [],
            "host": {"max_loop_lag": "600s", "max_load_per_cpu": 10_000, "max_clock_step": "600s"},
        },
        "confirm": {"delays": ["50ms", "100ms"]},
        "states": {"up_slots": 1, "flapping": {"changes": 100, "window": "60s"}},
        "journal": {"commit_interval": "20ms"},
        "archive": {"grace": "15m", "keep_in_journal": "36h"},
        "scores": {"interval": "10s"},
        "sinks": {
            "influxdb": {
                "url": server.url,
                "token": TOKEN,
                "bucket": "raw",
                "bucket_hourly": "hourly",
                "bucket_daily": "daily",
            }
        },
        "notify": {
            "targets": [{"name": "on-call", "url": world.hook.apprise}],
            "group_wait": "50ms",
            "correlation_window": "1s",
        },
    }
    portals = [
        {
            "id": f"portal-{number}",
            "name": {"vi": f"Cổng {number}", "en": f"Portal {number}"},
            "kind": "province",
            "group": f"g-{number}",
            "url": f"http://127.0.0.{11 + number}:{world.fleet.port}/",
        }
        for number in range(PORTALS)
    ]
    directory.joinpath("monitor.yaml").write_text(yaml.safe_dump(settings))
    directory.joinpath("portals.yaml").write_text(yaml.safe_dump({"portals": portals}))


def fill(directory: Path, days: int) -> list[Record]:
    """Write past days to a new journal; return the records as they were stored."""
    directory.mkdir(parents=True)
    slots = range(FIRST, FIRST + days * DAY, EVERY)
    return write(directory, [_old(kind, one, slot) for slot in slots for kind in PROBE_KINDS for one in PAST_PORTALS])


def late(directory: Path, days: int, number: int) -> list[Record]:
    """Write late rows into sealed days; no daemon may run. ``number`` counts the calls."""
    slots = [FIRST + (number * 3 + day) % days * DAY + 1000 * (number + 1) for day in range(min(days, 3))]
    return write(directory, [_old(kind, PAST_PORTALS[0], slot) for slot in slots for kind in ("uptime", "latency")])


def _old(kind: str, portal: str, slot: int) -> Measurement:
    return factories.measurement(kind=kind, portal=portal, slot=slot, location="other")


def write(directory: Path, measurements: list[Measurement]) -> list[Record]:
    writer = JournalWriter(directory / JOURNAL_FILE, PROBE_KINDS)
    try:
        return writer.write(measurements)
    finally:
        writer.close()
