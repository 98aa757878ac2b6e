"""From the start of the process to the first probe, with the shipped inventory; its hosts are mapped to loopback."""

from __future__ import annotations

import contextlib
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from monitor.storage.journal.store import JOURNAL_FILE
from tests.bench.row import CannotRun, Row, spread
from tests.bench.subject import address, nginx, pinned
from tests.servers.ports import free_port

ROUNDS, GOAL = 5, 1.5
WHY = """by a stopwatch at each step, three quarters of the start load modules (aiohttp, pydantic, our own), \
and how long that takes is the machine's"""
SHIPPED = Path(__file__).parents[2] / "config"


def main(rounds: int = ROUNDS) -> list[Row]:
    with tempfile.TemporaryDirectory() as scratch, nginx(Path(scratch)) as (port, ca):
        config = Path(scratch) / "config"
        portals = _on_loopback(config, port, ca)
        taken = sorted(_once(config, Path(scratch) / f"data-{number}") for number in range(rounds))
    print("seconds:", *(f"{one:.2f}" for one in taken))
    name = f"start-up to first probe, {portals} shipped portals"
    met = taken[len(taken) // 2] <= GOAL
    return [Row(name=name, ours=spread(taken, "s"), goal=f"<= {GOAL:g} s", met=met, why=WHY)]


def _on_loopback(config: Path, port: int, ca: Path) -> int:
    """Copy the shipped configuration with every host replaced; returns the number of portals."""
    config.mkdir()
    settings = yaml.safe_load((SHIPPED / "monitor.yaml").read_text())
    settings["http"] = {**settings.get("http", {}), "ca_file": str(ca)}
    settings["self_check"] = {"references": []}
    settings["listen"] = f"127.0.0.1:{free_port()}"
    (config / "monitor.yaml").write_text(yaml.safe_dump(settings, allow_unicode=True))
    hosts: dict[str, int] = {}

    def replaced(match: re.Match[str]) -> str:
        return f"https://{address(hosts.setdefault(match[1], len(hosts)) % 250)}:{port}"

    text = re.sub(r"https?://([^/\s\"']+)", replaced, (SHIPPED / "portals.yaml").read_text())
    (config / "portals.yaml").write_text(text)
    return len(yaml.safe_load(text)["portals"])


def _once(config: Path, data: Path) -> float:
    command = [sys.executable, "-m", "monitor", "run", "--config", str(config), "--data", str(data)]
    log = data.with_suffix(".log")
    began = time.time()
    with log.open("w") as stderr, subprocess.Popen(pinned(1, command), stderr=stderr) as process:
        try:
            first = None
            while first is None:
                if process.poll() is not None or time.time() - began > 60:
                    raise CannotRun(f"no probe was made: {log.read_text()[-500:]}")
                time.sleep(0.05)
                first = _first(data / JOURNAL_FILE)
        finally:
            process.terminate()
    return first - began


def _first(journal: Path) -> float | None:
    """When the first probe began, in unix seconds, or None while none is stored."""
    if not journal.exists():
        return None
    with contextlib.suppress(sqlite3.OperationalError), contextlib.closing(sqlite3.connect(journal)) as db:
        found = [
            db.execute(f"SELECT MIN(started) FROM measurement_{kind}").fetchone()[0] for kind in ("uptime", "latency")
        ]
        return min((one / 1000 for one in found if one is not None), default=None)
    return None
