"""From a server's first refused connection to the accepted message at a webhook, beside the usual way, as a ratio.

Ten servers, one moment of death each, drawn anew for every round: one in each tenth of the interval before its next
probe, so that few rounds cover all phases. Both monitors watch the same servers at the same interval and notify one
receiver; where in the other one's interval a server dies is left to chance. ``python -m tests.bench.notify ROUNDS``.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import yaml
from aiohttp import web

from monitor.daemon.drill import RESPONSE
from monitor.prober.schedule import slot_offset_ms
from tests.bench.prometheus_stack import EVALUATION, prometheus_stack
from tests.bench.row import Row
from tests.bench.subject import Daemon
from tests.servers.ports import free_port

SERVERS = 10
INTERVAL = 30
TIMEOUT_SECONDS = 240.0
GOALS = (25.0, 37.0)
"""Seconds that the median and the worst may be: 20 s and 5 s of confirmation; and one interval later than the best."""


class Server:
    """A portal at its own address, so that two that die together share nothing."""

    def __init__(self, number: int) -> None:
        self.host, self.port, self.id = f"127.1.7.{number + 1}", free_port(), f"server-{number}"
        self.url = f"http://{self.host}:{self.port}/"
        self.refused = 0.0

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, self.host, self.port)

    async def die(self) -> None:
        """Close, and note when a connection is refused for the first time."""
        self._server.close()
        while not self._refuses():  # noqa: ASYNC110 - there is no event of a port that closes
            await asyncio.sleep(0.001)
        self.refused = time.time()

    def _refuses(self) -> bool:
        with contextlib.suppress(ConnectionRefusedError):
            socket.create_connection((self.host, self.port), 1).close()
            return False
        return True

    @staticmethod
    async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(RESPONSE)
            await writer.drain()
        writer.close()


class Receiver:
    """One webhook for both: which side notified about which server, in which state, and when."""

    def __init__(self) -> None:
        self.received: dict[tuple[str, str, bool], float] = {}

    async def ours(self, request: web.Request) -> web.Response:
        body = await request.json()
        for incident in body["incidents"].split(","):
            self._record("ours", incident.rpartition("-")[0], down=body["type"] != "success")
        return web.Response()

    async def theirs(self, request: web.Request) -> web.Response:
        for alert in (await request.json())["alerts"]:
            self._record("theirs", alert["labels"]["portal"], down=alert["status"] == "firing")
        return web.Response()

    def _record(self, who: str, server: str, *, down: bool) -> None:
        self.received.setdefault((who, server, down), time.time())

    async def all(self, servers: list[Server], *, down: bool) -> None:
        """Wait until both have notified about every server."""
        wanted = {("ours", one.id, down) for one in servers} | {("theirs", one.url, down) for one in servers}
        end = time.monotonic() + TIMEOUT_SECONDS
        while missing := wanted - self.received.keys():
            if time.monotonic() > end:
                raise SystemExit(f"never notified: {sorted(missing)}")
            await asyncio.sleep(0.1)


class Subject(Daemon):
    """The daemon over these servers, with the defaults of states, confirmation and grouping."""

    def __init__(self, directory: Path, servers: list[Server], hook: int) -> None:
        self.directory, self.data, self.config = directory, directory / "data", directory / "config"
        self.listen, self.checks = f"127.0.0.1:{free_port()}", len(servers)
        self.config.mkdir(parents=True)
        settings = {
            "listen": self.listen,
            "checks": {
                "uptime": {"interval": INTERVAL, "timeout": 5, "family": "4"},
                "latency": {"enabled": False},
            },
            "self_check": {"references": []},
            "notify": {"targets": [{"name": "hook", "url": f"json://127.0.0.1:{hook}/ours"}]},
        }
        portals = [
            {"id": one.id, "name": {"vi": one.id, "en": one.id}, "kind": "province", "group": "bench", "url": one.url}
            for one in servers
        ]
        (self.config / "monitor.yaml").write_text(yaml.safe_dump(settings))
        (self.config / "portals.yaml").write_text(yaml.safe_dump({"portals": portals}))


@contextlib.asynccontextmanager
async def receiving(receiver: Receiver):
    app = web.Application()
    app.router.add_post("/ours", receiver.ours)
    app.router.add_post("/theirs", receiver.theirs)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def round_of(servers: list[Server], receiver: Receiver, dice: random.Random) -> dict[str, list[float]]:
    """All servers die within one interval, each at a different moment; seconds to the message, by side."""
    receiver.received.clear()
    tenths = dice.sample(range(len(servers)), len(servers))

    async def later(one: Server, tenth: int) -> None:
        before = (tenth + dice.random()) / len(servers) * INTERVAL
        at = slot_offset_ms(f"{one.id}/uptime", INTERVAL * 1000) / 1000 - before
        await asyncio.sleep((at - time.time()) % INTERVAL)
        await one.die()

    await asyncio.gather(*map(later, servers, tenths))
    await receiver.all(servers, down=True)
    return {
        "ours": [receiver.received["ours", one.id, True] - one.refused for one in servers],
        "theirs": [receiver.received["theirs", one.url, True] - one.refused for one in servers],
    }


async def revived(servers: list[Server], receiver: Receiver) -> None:
    """Open all servers again, until both have notified it."""
    for one in servers:
        await one.open()
    await receiver.all(servers, down=False)
    await asyncio.sleep(INTERVAL)


async def measure(rounds: int) -> dict[str, list[float]]:
    servers, receiver, dice = [Server(number) for number in range(SERVERS)], Receiver(), random.Random(7)  # noqa: S311
    for one in servers:
        await one.open()
    took: dict[str, list[float]] = {"ours": [], "theirs": []}
    with tempfile.TemporaryDirectory() as scratch:
        async with receiving(receiver) as hook:
            with both(Path(scratch), servers, hook):
                await asyncio.sleep(2 * INTERVAL + 10)  # each has seen each of them up
                for number in range(1, rounds + 1):
                    if number > 1:
                        await revived(servers, receiver)
                    found = await round_of(servers, receiver, dice)
                    took = {who: took[who] + found[who] for who in took}
                    print(
                        f"round {number}: ours {summary(found['ours'])}; theirs {summary(found['theirs'])}", flush=True
                    )
    return took


@contextlib.contextmanager
def both(scratch: Path, servers: list[Server], hook: int) -> Iterator[None]:
    targets = [one.url for one in servers]
    theirs = prometheus_stack(scratch / "theirs", targets, INTERVAL, f"http://127.0.0.1:{hook}/theirs")
    with theirs, Subject(scratch / "ours", servers, hook):
        yield


def summary(seconds: list[float]) -> str:
    return f"median {statistics.median(seconds):.1f} s, worst {max(seconds):.1f} s"


def main(rounds: int = 3) -> list[Row]:
    took = asyncio.run(measure(rounds))
    ours, theirs = took["ours"], took["theirs"]
    median, worst = statistics.median(ours), max(ours)
    print(f"{len(ours)} outages at an interval of {INTERVAL} s")
    print(f"portal-monitor: {summary(ours)} (goals {GOALS[0]:g} s and {GOALS[1]:g} s)")
    print(f"blackbox_exporter + Prometheus (for: 1m, evaluated every {EVALUATION}) + Alertmanager: {summary(theirs)}")
    print(f"ratio theirs/ours: median {statistics.median(theirs) / median:.2f}, worst {max(theirs) / worst:.2f}")
    usual = statistics.median(theirs)
    return [
        Row(
            name=f"first refused connection to accepted message, interval {INTERVAL} s",
            ours=summary(ours),
            theirs=summary(theirs),
            ratio=f"{median / usual:.2f}",
            goal=f"ratio <= 0.5, median {GOALS[0]:g} s, worst {GOALS[1]:g} s",
            met=median <= 0.5 * usual and median <= GOALS[0] and worst <= GOALS[1],
        )
    ]


if __name__ == "__main__":
    raise SystemExit(not all(row.met for row in main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)))
