"""How far each phase is from the truth, ours and blackbox_exporter's, at the same slow server and the same rate.

Everything runs in separate namespaces: blackbox_exporter can only query the name server of /etc/resolv.conf, and the
truth of connect needs a path that can be slowed. The servers keep to one core, the probing process to the other.
"""

from __future__ import annotations

import asyncio
import gc
import json
import re
import subprocess
import sys
import tempfile
import urllib.parse
from pathlib import Path

import aiohttp

from probes.resources import HttpSettings, ProbeResources
from probes.runner import run_probe
from probes.uptime import Uptime
from tests.bench.peers import EXPORTER, exporter, need
from tests.bench.phase_accuracy import CONNECT, LONGEST, PHASES, RESOLVE, apart_from_servers
from tests.bench.row import CannotRun, Row, compared, percentile
from tests.bench.subject import pinned
from tests.servers import lag
from tests.servers.delays import Apart, Slow, apart

RATES = (20.0, 100.0, 170.0)
ROUNDS, SECONDS, LEAST = 5, 2.0, 80
"""Rounds, how long each takes, and how many probes it has at least: of few, the 95th percentile is mere chance."""

WARM, BRISK, REST_SECONDS = 20, 40.0, 0.5
"""Probes that do not count, how many a second, and seconds of rest before: a process just loaded is served last."""

NAMES = {"processing": "wait"}
Phases = dict[str, dict[str, float]]
Errors = dict[str, list[float]]
"""Seconds by phase, of every probe of a round."""

WHY = """the servers share their core with what notes the truth, and that is late when they are; what the kernel notes \
of ours is not, see [connection.md](connection.md)"""


def main() -> list[Row]:
    need(EXPORTER)
    if not lag.possible():
        raise CannotRun("phase accuracy beside blackbox_exporter needs root, /dev/net/tun, unshare and ip")
    with tempfile.TemporaryDirectory() as scratch:
        found = Path(scratch) / "errors.json"
        if lag.rerun("tests.bench.accuracy", str(found)) != 0:
            raise CannotRun("the measurement in its own network failed")
        errors = json.loads(found.read_text())
    return [row for rate in RATES for row in _rows(rate, errors[f"ours {rate}"], errors[f"theirs {rate}"])]


def _rows(rate: float, ours: list[Errors], theirs: list[Errors]) -> list[Row]:
    """By phase; each round's 95th percentile beside that of the other side in the same round."""
    rows = []
    for phase in PHASES:
        mine, other = ([percentile(one[phase], 0.95) * 1e3 for one in side] for side in (ours, theirs))
        rows.append(compared(f"error of {phase} p95, {rate:g} probes/s", mine, other, unit="ms", most=1.0, why=WHY))
    return rows


def inside(result: Path) -> None:
    """In the namespaces: probe, fetch the truth, write the errors (seconds, by side and rate, then phase)."""
    errors: dict[str, list[Errors]] = {}
    with tempfile.TemporaryDirectory() as scratch, apart_from_servers(), lag.Lag(CONNECT) as path:
        resolv = Path(scratch) / "resolv.conf"
        resolv.write_text("nameserver 127.0.0.1\n")
        subprocess.run(["mount", "--bind", str(resolv), "/etc/resolv.conf"], check=True)
        slow = Slow(
            directory=Path(scratch), longest=LONGEST, resolve=RESOLVE, listen=lag.NEAR, address=lag.FAR, name_port=53
        )
        with apart(slow) as servers:
            process, listen = exporter(Path(scratch), servers.ca_file)
            with process:
                for number in range(ROUNDS):
                    for rate in RATES:
                        for side in ("ours", "theirs") if number % 2 else ("theirs", "ours"):
                            run = f"{side}-{number}-{rate:g}"
                            if side == "ours":
                                found = _ours(servers, rate, run)
                            else:
                                found = asyncio.run(_theirs(servers, listen, rate, run))
                            errors.setdefault(f"{side} {rate}", []).append(_errors(found, servers, path))
    result.write_text(json.dumps(errors))


def _errors(found: Phases, servers: Apart, path: lag.Lag) -> Errors:
    errors: Errors = {}
    pages = servers.pages()
    truth: Phases = {one["name"]: {"resolve": one["answered"] - one["came"]} for one in servers.questions()}
    for name, phases in found.items():
        page = pages[name]
        true = truth[name] | page | {"connect": path.taken(int(page["port"]), page["accepted"])}
        for phase in PHASES:
            errors.setdefault(phase, []).append(abs(phases[phase] - true[phase]))
    return errors


def _names(rate: float, run: str) -> dict[str, float]:
    """Return a separate host name for every probe, and the second at which it begins."""
    return {f"n{number}-{run}.slow.test": number / rate for number in range(max(LEAST, int(rate * SECONDS)))}


def _ours(servers: Apart, rate: float, run: str) -> Phases:
    """Return phases in seconds by name, from a separate process on the other core."""
    command = [sys.executable, "-m", "tests.bench.accuracy", servers.url, str(servers.ca_file), str(rate), run]
    return json.loads(subprocess.run(pinned(1, command), check=True, stdout=subprocess.PIPE).stdout)


async def probe_at_rate(url: str, ca: Path, rate: float, run: str) -> Phases:
    """What that process does."""
    found: Phases = {}
    settings = HttpSettings(name_servers=("127.0.0.1",), ca_file=ca)
    async with ProbeResources(settings) as resources, asyncio.TaskGroup() as group:

        async def one(name: str, at: float) -> None:
            await asyncio.sleep(at)
            result = await run_probe(Uptime(url=url % name, family="4"), resources)
            if result.fault is not None:
                raise CannotRun(f"{name}: {result.detail}")
            found[name] = dict(result.hops[0].phases)

        gc.collect()
        gc.freeze()
        sys.setswitchinterval(0.001)  # as the daemon does before its first probe
        await asyncio.sleep(REST_SECONDS)
        await asyncio.gather(*[one(name, at) for name, at in list(_names(BRISK, f"warm-{run}").items())[:WARM]])
        found.clear()
        for name, at in _names(rate, run).items():
            group.create_task(one(name, at))
    return found


async def _theirs(servers: Apart, listen: str, rate: float, run: str) -> Phases:
    """The same from blackbox_exporter, which is already running there."""
    found: Phases = {}
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:

        async def one(name: str, at: float) -> None:
            await asyncio.sleep(at)
            query = urllib.parse.urlencode({"module": "http", "target": servers.url % name})
            async with session.get(f"http://{listen}/probe?{query}") as response:
                text = await response.text()
            if "\nprobe_success 1" not in text:
                raise CannotRun(f"blackbox_exporter could not probe {name}")
            phases = re.findall(r'^probe_http_duration_seconds\{phase="(\w+)"\} (\S+)$', text, re.MULTILINE)
            found[name] = {NAMES.get(phase, phase): float(value) for phase, value in phases}

        for name, at in _names(rate, run).items():
            group.create_task(one(name, at))
    return found


if __name__ == "__main__":
    if len(sys.argv) == 2:
        inside(Path(sys.argv[1]))
    else:
        url, ca, rate, run = sys.argv[1:]
        print(json.dumps(asyncio.run(probe_at_rate(url, Path(ca), float(rate), run))))
