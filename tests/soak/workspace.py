"""The workspace of a soak: the daemon's processes and files in a separate directory, and what is left of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from monitor.tools.demo.config_files import write_config
from probes.browser.process_tree import PROC, descendants, kill_descendants
from tests.servers.influxdb import TOKEN
from tests.servers.ports import free_port
from tests.soak import plan as soak_plan
from tests.soak.facts import Sample

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.tools.demo.fleet_file import FleetFile
    from tests.soak.plan import SoakPlan

ROOT = Path(__file__).parents[2]
BUCKETS = ("soak", "soak_hourly", "soak_daily")
SERVERS = (b"influxd", b"nginx", b"monitor.tools.demo.fleet")
"""Parts of the command lines of child processes that are not the daemon's."""

TIMEOUT_S = 120.0
"""How long a start or an end of the daemon may take on a busy machine."""

ORPHANS_S = 60.0
"""How long after the daemon's end its browsers may still be there; a busy machine ends them slowly."""


class DidNotHappen(RuntimeError):
    """The soak waited in vain; the message names the condition."""


class Workspace:
    """A directory: ``config`` for the daemon, ``quiet`` the same without checks, ``data``, ``tmp`` for its files."""

    def __init__(self, directory: Path, plan: SoakPlan, fleet_file: FleetFile, influx: str, webhook: str) -> None:
        self.config, self.quiet = directory / "config", directory / "quiet"
        self.data, self.tmp = directory / "data", directory / "t"
        self.logs: list[Path] = []
        self._directory = directory
        self.tmp.mkdir()
        listen = f"127.0.0.1:{free_port()}"
        for place in (self.config, self.quiet):
            write_config(fleet_file, place, listen=listen, uptime_interval_seconds=soak_plan.UPTIME_S)
            settings = yaml.safe_load((place / "monitor.yaml").read_text())
            _tighten(settings, plan, influx, webhook)
            if place is self.quiet:
                settings["checks"] = {kind: {"enabled": False} for kind in settings["checks"]}
            (place / "monitor.yaml").write_text(yaml.safe_dump(settings))

    def spawn(self, config: Path) -> Daemon:
        """Start the daemon, and return when it probes. Raises :class:`DidNotHappen`."""
        self.logs.append(self._directory / f"daemon-{len(self.logs) + 1}.log")
        words = ("-m", "monitor", "run", "--config", str(config), "--data", str(self.data), "--log-format", "json")
        with self.logs[-1].open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, *words], cwd=ROOT, stderr=log, env={**os.environ, "TMPDIR": str(self.tmp)}
            )
        daemon = Daemon(process, self.logs[-1])
        wait_for(lambda: daemon.started > 0.0 or process.poll() is not None, "a start of the daemon")
        if process.poll() is not None:
            raise DidNotHappen(f"the daemon ended at once: {self.logs[-1].read_text()}")
        return daemon

    def remains(self) -> tuple[str, ...]:
        """Return unfinished files in the data directory that are never read or removed."""
        found = [path.relative_to(self.data) for path in self.data.rglob("*")]
        return tuple(str(path) for path in sorted(found) if _unfinished(path))

    def left(self) -> tuple[str, ...]:
        """Return temporary files and directories of the daemon and its browsers."""
        return tuple(sorted(path.name for path in self.tmp.iterdir()))


class Daemon:
    """A running daemon."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self._log = log

    @property
    def started(self) -> float:
        """Return the time of its log line ``started``; 0 before that."""
        for line in self._log.read_text().splitlines():
            with suppress(ValueError):
                entry = json.loads(line)
                if entry.get("event") == "started":
                    return datetime.fromisoformat(entry["timestamp"]).timestamp()
        return 0.0

    def sample(self) -> Sample | None:
        """Return a sample of its resources; None when it has ended."""
        place = PROC / str(self.process.pid)
        try:
            pages = int((place / "statm").read_text().split()[1])
            files = len(os.listdir(place / "fd"))  # noqa: PTH208 - a count
        except OSError:
            return None
        below = len(descendants(self.process.pid))
        return Sample(at=time.time(), memory=pages * os.sysconf("SC_PAGE_SIZE"), files=files, below=below)

    def end(self, *, killed: bool) -> int:
        """End it; return its exit code. Raises subprocess.TimeoutExpired."""
        (self.process.kill if killed else self.process.terminate)()
        return self.process.wait(TIMEOUT_S)


def orphans() -> tuple[str, ...]:
    """Return the command lines of child processes that are no servers; to be called while no daemon runs."""
    found = []
    for process in descendants(os.getpid()):
        with suppress(OSError):
            words = (PROC / str(process) / "cmdline").read_bytes()
            if words and not any(server in words for server in SERVERS):
                found.append(words.replace(b"\0", b" ")[:120].decode(errors="replace"))
    return tuple(found)


def wait_for(condition: Callable[[], bool], what: str, seconds: float = TIMEOUT_S) -> None:
    """Wait until ``condition`` is true. Raises :class:`DidNotHappen`."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise DidNotHappen(f"{what}: not within {seconds:g} s")
        time.sleep(0.05)


def clear_away() -> None:
    """Kill all remaining child processes, at the very end."""
    kill_descendants(os.getpid())


def _tighten(settings: dict[str, Any], plan: SoakPlan, influx: str, webhook: str) -> None:
    """The demo's settings at ten times the shipped speed, with a sink and a notification target."""
    checks = settings["checks"]
    checks["latency"] |= {"interval": soak_plan.LATENCY_S, "pages": ["home", "search"]}
    checks["mobile"] |= {"interval": soak_plan.RENDER_S, "profiles": list(plan.profiles), "pages": list(plan.pages)}
    settings["confirm"] = {"delays": list(soak_plan.CONFIRM_S)}
    settings["states"] = {"flapping": {"window": soak_plan.FLAP_WINDOW_S}}
    settings["scores"] = {"interval": soak_plan.SCORES_S}
    settings["notify"] = {
        "targets": [{"name": "on-call", "url": webhook}],
        "group_wait": 0.1,
        "correlation_window": soak_plan.CORRELATION_S,
    }
    names = dict(zip(("bucket", "bucket_hourly", "bucket_daily"), BUCKETS, strict=True))
    settings["sinks"] = {"influxdb": {"url": influx, "token": TOKEN, **names}}


def _unfinished(path: Path) -> bool:
    """Return whether a file's name marks it as unfinished."""
    return any(part.startswith(("scratch-", "making-")) or part.endswith((".part", ".tmp")) for part in path.parts)
