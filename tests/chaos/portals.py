"""Every hostile portal at length: each behaviour against a process that also looks at a good portal all the while.

The catalogue is data in ``tests/hostile_portals``. Looks of a group go at once, as in the daemon's lane; the process's own peak
of memory is read from the kernel, and the good looks in between are compared with those of a quiet time before.
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
from tests.chaos.promise import Promise
from tests.hostile_portals.case import Case, Scene, scene
from tests.hostile_portals.egress import REDIRECTS
from tests.hostile_portals.naming import NAMES
from tests.hostile_portals.results import try_telling
from tests.hostile_portals.secure import TLS
from tests.hostile_portals.speech import BOMBS, ENDLESS, FRAMING, RESETS, SLOW
from tests.hostile_portals.texts import WORDS
from tests.servers.nginx import nginx
from tests.servers.ports import free_port

MIB = 1 << 20
MOST = 20 * MIB
"""Memory that a whole group of hostile looks may take beside what the process has at rest."""

OVER = 1.0
"""Seconds by which a look may miss its deadline while 64 looks and all their servers share a machine."""

AT_ONCE = 24
FEWER = {"endless": 6, "bombs": 4}
"""Looks at once where the servers themselves take much of the machine that they share with the good portal."""

DISTURBED = 0.2
"""Seconds by which the middle one of the good looks may be late or slow, on two cores that also serve all this."""

ROUNDS = 3
PART = "Hostile portals"
ROOT = Path(__file__).parents[2]

GROUPS: dict[str, tuple[str, list[Case]]] = {
    "slow": ("a portal that drips or stops takes no more than its look's deadline", SLOW),
    "endless": ("a portal that never ends is cut off", ENDLESS),
    "bombs": ("a portal that sends bombs fills nothing, in encodings asked for or not", BOMBS),
    "framing": ("an answer that is not HTTP, or not the HTTP that it announces, is named", FRAMING),
    "text": ("markup, controls and broken characters in any text of a portal reach no record as they are", WORDS),
    "redirects": (
        "a redirect inward, to another scheme or in a circle is refused before anything is asked there",
        REDIRECTS,
    ),
    "resets": ("a connection that ends in any phase is named", RESETS),
    "TLS": ("TLS of every broken kind is named, and odd TLS that browsers accept is accepted", TLS),
    "DNS": ("a name server that is late, silent, wrong or too talkative is named", NAMES),
}  # fmt: skip - a table


class Watched:
    """The process that looks. Its answers are read by one task, and given to whoever ordered them."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._numbers = 0

    async def read(self) -> None:
        """Until the process ends; then nobody is left to wait for ever."""
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            answer = json.loads(line)
            self._waiting.pop(answer.get("number", 0)).set_result(answer)
        for one in self._waiting.values():
            one.set_exception(RuntimeError("the looking process ended"))

    async def _ask(self, number: int, order: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        return await future

    async def look(self, url: str, keys: dict[str, Any]) -> dict[str, Any]:
        self._numbers += 1
        return await self._ask(self._numbers, {"number": self._numbers, "url": url, "keys": keys})

    async def rest(self) -> list[tuple[float, float, bool]]:
        """(late, duration, up) of the good looks since the last call."""
        return (await self._ask(0, {"rest": True}))["rest"]

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
async def watched(place: Scene, good: str) -> AsyncIterator[Watched]:
    """A looking process, ended with the block."""
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
    one = Watched(process)
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


async def try_case(case: Case, place: Scene, looking: Watched) -> tuple[list[str], float]:
    """What was wrong with one case, and by how much its look missed the deadline (below 0: it did not)."""
    try:
        async with case.serve(place) as url:
            answer = await looking.look(url, dict(case.keys))
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


async def try_group(cases: Iterable[Case], place: Scene, looking: Watched, at_once: int = AT_ONCE) -> Found:
    """All cases of a group, many at once as in the daemon's lane."""
    seats = asyncio.Semaphore(at_once)

    async def one(case: Case) -> tuple[list[str], float]:
        async with seats:
            return await try_case(case, place, looking)

    await looking.rest()
    at_rest = looking.begin_peak()
    ended = await asyncio.gather(*(one(case) for case in cases))
    memory = looking.peak() - at_rest
    broken = [text for wrong, _ in ended for text in wrong]
    return Found(broken, max(over for _, over in ended), memory, await looking.rest())


def middle(numbers: Iterable[float]) -> float:
    ordered = sorted(numbers)
    return ordered[len(ordered) // 2] if ordered else 0.0


def judged(name: str, cases: int, found: Found, usual: float) -> Promise:
    """The line of one group; ``usual`` is how long a good look takes in quiet times, in seconds."""
    broken = list(found.broken)
    if found.memory > MOST:
        broken.append(f"{found.memory / MIB:.1f} MiB above rest")
    if not found.good or not all(up for _, _, up in found.good):
        broken.append("a good look was not up")
    late, slow = (middle(one[place] for one in found.good) for place in (0, 1))
    if late > DISTURBED or slow > usual + DISTURBED:
        broken.append(
            f"good looks were {late * 1000:.0f} ms late and took {slow * 1000:.0f} ms, else {usual * 1000:.0f} ms"
        )
    beyond = f"{found.over:+.2f} s of the deadline" if found.over < 0 else f"{found.over:.2f} s over the deadline"
    return Promise(
        part=PART,
        text=f"{GROUPS[name][0]}",
        test="tests/chaos/portals.py",
        cases=cases,
        broken=tuple(broken),
        measured=f"at worst {beyond}, {max(0, found.memory) / MIB:.1f} MiB above rest; good looks meanwhile "
        f"{slow * 1000:.0f} ms (else {usual * 1000:.0f}), {late * 1000:.1f} ms late",
    )


def good_site(directory: Path, port: int) -> contextlib.AbstractContextManager[Path]:
    """A portal without fault, in a process of its own."""
    return nginx(directory, f'server {{ listen 127.0.0.1:{port}; location / {{ return 200 "welcome"; }} }}', port)


QUIET = 3.0
"""Seconds of good looks alone, to compare with."""


async def run(names: Iterable[str] = tuple(GROUPS)) -> list[Promise]:
    """The groups by name, one after the other."""
    kept: list[Promise] = []
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        port = free_port()
        stack.enter_context(good_site(directory, port))
        place = await stack.enter_async_context(scene(directory))
        looking = await stack.enter_async_context(watched(place, f"http://127.0.0.1:{port}/"))
        await try_group([case for name in names for case in GROUPS[name][1][:2]], place, looking)  # what is made once
        await looking.rest()
        await asyncio.sleep(QUIET)
        usual = middle(took for _, took, _ in await looking.rest())
        for name in names:
            began = time.monotonic()
            cases = GROUPS[name][1] * ROUNDS
            found = await try_group(cases, place, looking, FEWER.get(name, AT_ONCE))
            kept.append(judged(name, len(cases), found, usual))
            print(f"{name}: {time.monotonic() - began:.1f} s, {kept[-1].measured}", flush=True)
    return kept


def tell() -> Promise:
    """The texts of portals on their way through a whole daemon to all who read them."""
    with tempfile.TemporaryDirectory() as directory:
        count, wrong = asyncio.run(try_telling(Path(directory), WORDS))
    return Promise(
        part=PART,
        text="what a portal writes ends no page, answer, metric, point or mail, and forms no markup in them",
        test="tests/hostile_portals/results.py",
        cases=count,
        broken=tuple(wrong),
        measured=f"{len(WORDS)} portals through one daemon",
    )


def promises() -> list[Promise]:
    """The whole catalogue."""
    return [*asyncio.run(run()), tell()]
