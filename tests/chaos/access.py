"""The doors: a minute of visitors while looks go on, requests with two meanings, secrets, and where pages may go."""

from __future__ import annotations

import asyncio
import random
import socket
import tempfile
from pathlib import Path

from monitor.web.server import connection
from tests import test_secrets
from tests.chaos.promise import Promise
from tests.monitor.web.scene import staged
from tests.monitor.web.server.servers import opened, say, statuses
from tests.monitor.web.server.test_malformed_requests import CLIMBS, SECOND, SMUGGLED
from tests.probes.browser.test_egress_filter import PRIVATE, behind
from tests.servers.under_load import watched

SECONDS, RATE, SLOW = 60.0, 500.0, 200
LATEST = 0.1
SPLITS = 20
"""In so many random ways each request is cut into pieces."""

_REFUSED = "13"
"""EACCES."""


def promises() -> list[Promise]:
    """All of them; about three minutes."""
    return [*_load(), *asyncio.run(_requests()), _secrets(), _fence()]


def _load() -> list[Promise]:
    with tempfile.TemporaryDirectory() as place:
        found = watched(Path(place), SECONDS, RATE, SLOW)
    told, p99 = found.told, found.late(0.99)
    answered = sum(told["statuses"].values())
    served = told["statuses"].get("200", 0)
    strange = [f"status {status}" for status in told["statuses"] if status not in {"200", "503"}]
    late = [f"p99 {p99 * 1000:.0f} ms"] if p99 > LATEST else []
    return [
        Promise(
            part="Doors",
            text=f"{RATE:.0f} requests a second and {SLOW} slow visitors for a minute: looks at most 100 ms late (p99)",
            test="tests/chaos/doors.py",
            cases=len(found.lateness),
            broken=(*late, *([f"{found.bad} looks failed"] if found.bad else [])),
            measured=f"median {found.late(0.5) * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, {found.share:.0%} of a core",
        ),
        Promise(
            part="Doors",
            text="every visitor of that minute gets his page, or hears that there is no time",
            test="tests/chaos/doors.py",
            cases=answered + told["lost"],
            broken=tuple(strange),
            measured=f"{served / max(1, answered):.1%} served, p99 {told['took']['p99']:.2f} s, {told['lost']} lost",
        ),
    ]


async def _requests() -> list[Promise]:
    """Each request whole, and cut into pieces as a network might."""
    draw = random.Random(7)  # noqa: S311 - where to cut
    with tempfile.TemporaryDirectory() as place:
        stage = await staged(Path(place))
        async with opened(stage, token="sesame", per_address=64) as door:
            connection.REQUEST_TIMEOUT_SECONDS = 2.0  # what is never finished is ended sooner
            broken, cases = [], 0
            for name, sent in SMUGGLED.items():
                ways = [_cut(sent + SECOND, draw) for _ in range(SPLITS)]
                for answer in await asyncio.gather(*(say(door.where, *way, patience=60) for way in ways)):
                    cases += 1
                    if b"reloaded" in answer or len(statuses(answer)) > 1 or stage.calls:
                        broken.append(f"{name}: {answer[:80]!r}")
            end = b"HTTP/1.1\r\nHost: m\r\nConnection: close\r\n\r\n"
            climbed = []
            for path in CLIMBS:
                answer = await say(door.where, b"GET " + path.encode() + b" " + end)
                if statuses(answer) not in ([400], [404]):
                    climbed.append(f"{path}: {answer[:80]!r}")
        await stage.journal.close()
    test = "tests/monitor/web/server/test_malformed_requests.py"
    return [
        Promise(part="Doors", text="a request that can be read in two ways is read in none", test=test, cases=cases,
                broken=tuple(broken)),
        Promise(part="Doors", text="no path climbs out of what is served", test=test, cases=len(CLIMBS),
                broken=tuple(climbed)),
    ]  # fmt: skip


def _cut(sent: bytes, draw: random.Random) -> list[bytes]:
    places = sorted(draw.sample(range(1, len(sent)), draw.randrange(4)))
    return [sent[start:end] for start, end in zip([0, *places], [*places, len(sent)], strict=True)]


def _secrets() -> Promise:
    with tempfile.TemporaryDirectory() as place:
        found = test_secrets.gather(Path(place))
    return Promise(
        part="Doors",
        text="no secret comes out: not in logs at debug, answers, metrics, exports, messages, arguments, or the data",
        test="tests/test_secrets.py",
        cases=len(found.told) * len(test_secrets.CANARIES),
        broken=tuple(found.search(test_secrets.CANARIES)),
        measured=f"{len(test_secrets.CANARIES)} secrets, {len(found.told)} outputs",
    )


def _fence() -> Promise:
    told = [f"{sort},{host},{port}" for sort in ("STREAM", "DGRAM") for host in PRIVATE for port in (80, 9797)]
    with tempfile.TemporaryDirectory() as place, socket.create_server(("127.0.0.1", 0)):
        stood, *held = behind(Path(place) / "reach", *told)
    through = [one for one, came in zip(told, held, strict=True) if came != _REFUSED]
    return Promise(
        part="Doors",
        text="no page reaches an address that is not public, whatever its name resolves to",
        test="tests/probes/browser/test_egress_filter.py",
        cases=len(told),
        broken=(*through, *([] if stood == "1" else ["this kernel has no fence"])),
    )
