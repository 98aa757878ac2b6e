"""Every hostile portal at length: each behaviour against a process that also probes a good portal all the while.

The catalogue is data in ``tests/hostile_portals``. Probes of a group run at once, as in the daemon's pool; the peak of
memory of the process is read from the kernel, and the good probes in between are compared with those of a quiet time.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from probes.sanitize import sanitize
from tests.chaos.guarantee import Guarantee
from tests.hostile_portals.case import Case, Scene, scene
from tests.hostile_portals.egress import REDIRECTS
from tests.hostile_portals.naming import NAMES
from tests.hostile_portals.results import check_outputs
from tests.hostile_portals.secure import TLS
from tests.hostile_portals.speech import BOMBS, ENDLESS, FRAMING, RESETS, SLOW
from tests.hostile_portals.texts import WORDS
from tests.servers.nginx import nginx
from tests.servers.ports import free_port

MIB = 1 << 20
MOST = 20 * MIB
"""Memory that a whole group of hostile probes may take beyond what the process has at rest."""

OVER = 1.0
"""Seconds by which a probe may miss its deadline while 64 probes and all their servers share a machine."""

AT_ONCE = 24
FEWER = {"endless": 6, "bombs": 4}
"""Probes at once where the servers themselves take much of the machine that they share with the good portal."""

DISTURBED = 0.2
"""Seconds by which the median of the good probes may be late or slow, on two cores that also serve all this."""

ROUNDS = 3
PART = "Hostile portals"
ROOT = Path(__file__).parents[2]

GROUPS: dict[str, tuple[str, list[Case]]] = {
    "slow": ("a portal that drips or stops takes no more than the deadline of its probe", SLOW),
    "endless": ("a portal that never ends is cut off", ENDLESS),
    "bombs": ("a decompression bomb fills no memory, in requested encodings or others", BOMBS),
    "framing": ("a response that is not HTTP, or not the HTTP that it announces, has its fault", FRAMING),
    "text": ("markup, controls and broken characters in any text of a portal reach no record unchanged", WORDS),
    "redirects": (
        "a redirect to a private address (SSRF), another scheme or in a circle is refused before the request",
        REDIRECTS,
    ),
    "resets": ("a connection that ends in any phase has its fault", RESETS),
    "TLS": ("broken TLS of every kind has its fault, and unusual TLS that browsers accept is accepted", TLS),
    "DNS": ("a name server that is late, silent, wrong or too verbose has its fault", NAMES),
}  # fmt: skip - a table


class ProbingProcess:
    """The probing process. One task reads its responses and gives each to the caller that requested it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._numbers = 0

    async def read(self) -> None:
        """Read until the process ends; then fail all that still wait."""
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            response = json.loads(line)
            self._waiting.pop(response.get("number", 0)).set_result(response)
        for one in self._waiting.values():
            one.set_exception(RuntimeError("the probing process ended"))

    async def _request(self, number: int, request: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        return await future

    async def probe(self, url: str, keys: dict[str, Any]) -> dict[str, Any]:
        self._numbers += 1
        return await self._request(self._numbers, {"number": self._numbers, "url": url, "keys": keys})

    async def rest(self) -> list[tuple[float, float, bool]]:
        """(late, duration, up) of the good probes since the last call."""
        return (await self._request(0, {"rest": True}))["rest"]

    def begin_peak(self) -> int:
        """Resident bytes now; the kernel begins to keep a new peak."""
        Path(f"/proc/{self._process.pid}/clear_refs").write_text("5")
        return self._status("VmRSS")

    def peak(self) -> int:
        return self._status("VmHWM")

    def _status(self, name: str) -> int:
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) * 1024
        raise RuntimeError(name)


@asynccontextmanager
async def probing_process(place: Scene, good: str) -> AsyncIterator[ProbingProcess]:
    """Start a probing process, ended with the block."""
    arguments = (place.names.address, str(place.authority.ca_file), good)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.hostile_portals.observer",
        *arguments,
        stdin=pipe,
        stdout=pipe,
        cwd=ROOT,
        limit=MIB * 64,
    )
    assert process.stdin is not None
    one = ProbingProcess(process)
    reading = asyncio.create_task(one.read())
    try:
        yield one
    finally:
        process.stdin.close()
        await process.wait()
        await reading


@dataclass(slots=True)
class Found:
    """What a group showed: ``over`` the worst time beyond a deadline in seconds, ``memory`` bytes above rest."""

    broken: list[str]
    over: float
    memory: int
    good: list[tuple[float, float, bool]]


async def try_case(case: Case, place: Scene, probing: ProbingProcess) -> tuple[list[str], float]:
    """What was wrong with one case, and by how much its probe missed the deadline (below 0: it did not)."""
    try:
        async with case.serve(place) as url:
            answer = await probing.probe(url, dict(case.keys))
    except AssertionError as error:
        return [f"{case.name}: {error}"], 0.0
    wrong = []
    if answer["fault"] not in case.faults:
        wrong.append(f"{case.name}: {answer['fault']}, {answer['detail']}")
    if answer["over"] > OVER:
        wrong.append(f"{case.name}: {answer['over']:.2f} s over its deadline")
    wrong += [
        f"{case.name}: {text!r} is kept" for text in (answer["detail"], *answer["words"]) if text != sanitize(text)
    ]
    return wrong, float(answer["over"])


async def try_group(cases: Iterable[Case], place: Scene, probing: ProbingProcess, at_once: int = AT_ONCE) -> Found:
    """All cases of a group, many at once as in the daemon's pool."""
    permits = asyncio.Semaphore(at_once)

    async def one(case: Case) -> tuple[list[str], float]:
        async with permits:
            return await try_case(case, place, probing)

    await probing.rest()
    at_rest = probing.begin_peak()
    ended = await asyncio.gather(*(one(case) for case in cases))
    memory = probing.peak() - at_rest
    broken = [text for wrong, _ in ended for text in wrong]
    return Found(broken, max(over for _, over in ended), memory, await probing.rest())


def middle(numbers: Iterable[float]) -> float:
    ordered = sorted(numbers)
    return ordered[len(ordered) // 2] if ordered else 0.0


def evaluated(name: str, cases: int, found: Found, usual: float) -> Guarantee:
    """The line of one group; ``usual`` is how long a good probe takes in quiet times, in seconds."""
    broken = list(found.broken)
    if found.memory > MOST:
        broken.append(f"{found.memory / MIB:.1f} MiB above rest")
    if not found.good or not all(up for _, _, up in found.good):
        broken.append("a good probe was not up")
    late, slow = (middle(one[place] for one in found.good) for place in (0, 1))
    if late > DISTURBED or slow > usual + DISTURBED:
        broken.append(
            f"good probes were {late * 1000:.0f} ms late and took {slow * 1000:.0f} ms, else {usual * 1000:.0f} ms"
        )
    beyond = f"{found.over:+.2f} s of the deadline" if found.over < 0 else f"{found.over:.2f} s over the deadline"
    return Guarantee(
        part=PART,
        text=f"{GROUPS[name][0]}",
        test="tests/chaos/portals.py",
        cases=cases,
        broken=tuple(broken),
        measured=f"at worst {beyond}, {max(0, found.memory) / MIB:.1f} MiB above rest; good probes meanwhile "
        f"{slow * 1000:.0f} ms (else {usual * 1000:.0f}), {late * 1000:.1f} ms late",
    )


def good_site(directory: Path, port: int) -> contextlib.AbstractContextManager[Path]:
    """A portal without fault, in a process of its own."""
    return nginx(directory, f'server {{ listen 127.0.0.1:{port}; location / {{ return 200 "welcome"; }} }}', port)


QUIET = 3.0
"""Seconds of good probes alone, to compare with."""


async def run(names: Iterable[str] = tuple(GROUPS)) -> list[Guarantee]:
    """The groups by name, one after the other."""
    kept: list[Guarantee] = []
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        port = free_port()
        stack.enter_context(good_site(directory, port))
        place = await stack.enter_async_context(scene(directory))
        probing = await stack.enter_async_context(probing_process(place, f"http://127.0.0.1:{port}/"))
        await try_group([case for name in names for case in GROUPS[name][1][:2]], place, probing)  # what is made once
        await probing.rest()
        await asyncio.sleep(QUIET)
        usual = middle(took for _, took, _ in await probing.rest())
        for name in names:
            began = time.monotonic()
            cases = GROUPS[name][1] * ROUNDS
            found = await try_group(cases, place, probing, FEWER.get(name, AT_ONCE))
            kept.append(evaluated(name, len(cases), found, usual))
            print(f"{name}: {time.monotonic() - began:.1f} s, {kept[-1].measured}", flush=True)
    return kept


def texts_of_portals() -> Guarantee:
    """Send the texts of portals through a whole daemon to every output."""
    with tempfile.TemporaryDirectory() as directory:
        count, wrong = asyncio.run(check_outputs(Path(directory), WORDS))
    return Guarantee(
        part=PART,
        text="text of a portal ends no page, response, metric, point or mail, and forms no markup in them (injection)",
        test="tests/hostile_portals/results.py",
        cases=count,
        broken=tuple(wrong),
        measured=f"{len(WORDS)} portals through one daemon",
    )


def guarantees() -> list[Guarantee]:
    """The whole catalogue."""
    return [*asyncio.run(run()), texts_of_portals()]
