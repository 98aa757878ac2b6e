"""Access: a minute of client load while probes go on, request smuggling, secrets, and the egress filter."""

from __future__ import annotations

import asyncio
import random
import socket
import tempfile
from pathlib import Path

from monitor.web.server import connection
from tests import test_secrets
from tests.chaos.guarantee import Guarantee
from tests.monitor.web.scene import staged
from tests.monitor.web.server.servers import opened, send, statuses
from tests.monitor.web.server.test_malformed_requests import CLIMBS, SECOND, SMUGGLED
from tests.probes.browser.test_egress_filter import PRIVATE, behind
from tests.servers.under_load import watched

PART = "Access control"
SECONDS, RATE, SLOW = 60.0, 500.0, 200
LATEST = 0.1
SPLITS = 20
"""In so many random ways each request is cut into pieces."""

_REFUSED = "13"
"""EACCES."""


def guarantees() -> list[Guarantee]:
    """Return all of them; takes about three minutes."""
    return [*_load(), *asyncio.run(_requests()), _secrets(), _egress_filter()]


def _load() -> list[Guarantee]:
    with tempfile.TemporaryDirectory() as place:
        found = watched(Path(place), SECONDS, RATE, SLOW)
    clients, p99 = found.clients, found.late(0.99)
    answered = sum(clients["statuses"].values())
    served = clients["statuses"].get("200", 0)
    unexpected = [f"status {status}" for status in clients["statuses"] if status not in {"200", "503"}]
    late = [f"p99 {p99 * 1000:.0f} ms"] if p99 > LATEST else []
    return [
        Guarantee(
            part=PART,
            text=f"{RATE:.0f} requests a second and {SLOW} slow clients for a minute: probes at most 100 ms late (p99)",
            test="tests/chaos/access.py",
            cases=len(found.start_delays),
            broken=(*late, *([f"{found.bad} probes failed"] if found.bad else [])),
            measured=f"median {found.late(0.5) * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, {found.share:.0%} of a core",
        ),
        Guarantee(
            part=PART,
            text="every client of that minute gets its page or status 503",
            test="tests/chaos/access.py",
            cases=answered + clients["lost"],
            broken=tuple(unexpected),
            measured=f"{served / max(1, answered):.1%} served, p99 {clients['took']['p99']:.2f} s, "
            f"{clients['lost']} lost",
        ),
    ]


async def _requests() -> list[Guarantee]:
    """Each request whole, and cut into pieces as a network might."""
    draw = random.Random(7)  # noqa: S311 - where to cut
    with tempfile.TemporaryDirectory() as place:
        stage = await staged(Path(place))
        async with opened(stage, token="sesame", max_connections_per_client=64) as server:
            connection.REQUEST_TIMEOUT_SECONDS = 2.0  # unfinished requests time out sooner
            broken, cases = [], 0
            for name, sent in SMUGGLED.items():
                ways = [_cut(sent + SECOND, draw) for _ in range(SPLITS)]
                for answer in await asyncio.gather(*(send(server.where, *way, timeout_seconds=60) for way in ways)):
                    cases += 1
                    if b"reloaded" in answer or len(statuses(answer)) > 1 or stage.calls:
                        broken.append(f"{name}: {answer[:80]!r}")
            end = b"HTTP/1.1\r\nHost: m\r\nConnection: close\r\n\r\n"
            traversed = []
            for path in CLIMBS:
                answer = await send(server.where, b"GET " + path.encode() + b" " + end)
                if statuses(answer) not in ([400], [404]):
                    traversed.append(f"{path}: {answer[:80]!r}")
        await stage.journal.close()
    test = "tests/monitor/web/server/test_malformed_requests.py"
    return [
        Guarantee(
            part=PART,
            text="an ambiguous request (request smuggling) is refused",
            test=test,
            cases=cases,
            broken=tuple(broken),
        ),
        Guarantee(
            part=PART,
            text="no path leaves the served files (path traversal)",
            test=test,
            cases=len(CLIMBS),
            broken=tuple(traversed),
        ),
    ]


def _cut(sent: bytes, draw: random.Random) -> list[bytes]:
    places = sorted(draw.sample(range(1, len(sent)), draw.randrange(4)))
    return [sent[start:end] for start, end in zip([0, *places], [*places, len(sent)], strict=True)]


def _secrets() -> Guarantee:
    with tempfile.TemporaryDirectory() as place:
        found = test_secrets.gather(Path(place))
    return Guarantee(
        part=PART,
        text="no secret is disclosed in logs at debug, responses, metrics, exports, messages, arguments, or the data",
        test="tests/test_secrets.py",
        cases=len(found.texts) * len(test_secrets.CANARIES),
        broken=tuple(found.search(test_secrets.CANARIES)),
        measured=f"{len(test_secrets.CANARIES)} secrets, {len(found.texts)} outputs",
    )


def _egress_filter() -> Guarantee:
    targets = [f"{kind},{host},{port}" for kind in ("STREAM", "DGRAM") for host in PRIVATE for port in (80, 9797)]
    with tempfile.TemporaryDirectory() as place, socket.create_server(("127.0.0.1", 0)):
        installed, *blocked = behind(Path(place) / "allowed_networks", *targets)
    through = [one for one, result in zip(targets, blocked, strict=True) if result != _REFUSED]
    return Guarantee(
        part=PART,
        text="no page reaches an address that is not public, whatever its name resolves to",
        test="tests/probes/browser/test_egress_filter.py",
        cases=len(targets),
        broken=(*through, *([] if installed == "1" else ["this kernel has no egress filter"])),
    )
