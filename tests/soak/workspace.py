"""Where a soak takes place: the daemon's processes and files on a ground of their own, and what is left of them."""

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
from tests.soak import course
from tests.soak.facts import Sample

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.tools.demo.fleet_file import FleetFile
    from tests.soak.course import Course

ROOT = Path(__file__).parents[2]
BUCKETS = ("soak", "soak_hourly", "soak_daily")
SERVERS = (b"influxd", b"nginx", b"monitor.tools.demo.fleet")
"""Words of the processes below this one that are no part of the daemon."""

PATIENCE_S = 120.0
"""How long a start or an end of the daemon may take on a machine that is busy with other things."""

ORPHANS_S = 60.0
"""How long after the daemon's end its browsers may still be there; a busy machine takes its time to end them."""


class DidNotHappen(RuntimeError):
    """Something that the soak waits for did not come; the message says what."""


class Ground:
    """A directory: ``config`` for the daemon, ``quiet`` the same without checks, ``data``, ``tmp`` for its files."""

    def __init__(self, directory: Path, plan: Course, notice: FleetFile, influx: str, webhook: str) -> None:
        self.config, self.quiet = directory / "config", directory / "quiet"
        self.data, self.tmp = directory / "data", directory / "t"
        self.logs: list[Path] = []
        self._directory = directory
        self.tmp.mkdir()
        listen = f"127.0.0.1:{free_port()}"
        for place in (self.config, self.quiet):
            write_config(notice, place, listen=listen, uptime_interval_seconds=course.UPTIME_S)
            settings = yaml.safe_load((place / "monitor.yaml").read_text())
            _tighten(settings, plan, influx, webhook)
            if place is self.quiet:
                settings["checks"] = {kind: {"enabled": False} for kind in settings["checks"]}
            (place / "monitor.yaml").write_text(yaml.safe_dump(settings))

    def spawn(self, config: Path) -> Daemon:
        """Start the daemon, and return when it looks. Raises :class:`DidNotHappen`."""
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
        """Files in the data directory that nobody will ever read or remove."""
        found = [path.relative_to(self.data) for path in self.data.rglob("*")]
        return tuple(str(path) for path in sorted(found) if _unfinished(path))

    def left(self) -> tuple[str, ...]:
        """Temporary files and directories of the daemon and its browsers."""
        return tuple(sorted(path.name for path in self.tmp.iterdir()))


class Daemon:
    """A running daemon."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self._log = log

    @property
    def started(self) -> float:
        """When it said that it looks, by its own word; 0 before that."""
        for line in self._log.read_text().splitlines():
            with suppress(ValueError):
                told = json.loads(line)
                if told.get("event") == "started":
                    return datetime.fromisoformat(told["timestamp"]).timestamp()
        return 0.0

    def sample(self) -> Sample | None:
        """How it stands now; None when it is no more."""
        place = PROC / str(self.process.pid)
        try:
            pages = int((place / "statm").read_text().split()[1])
            files = len(os.listdir(place / "fd"))  # noqa: PTH208 - a count
        except OSError:
            return None
        below = len(descendants(self.process.pid))
        return Sample(at=time.time(), memory=pages * os.sysconf("SC_PAGE_SIZE"), files=files, below=below)

    def end(self, *, killed: bool) -> int:
        """End it; its exit code. Raises subprocess.TimeoutExpired."""
        (self.process.kill if killed else self.process.terminate)()
        return self.process.wait(PATIENCE_S)


def orphans() -> tuple[str, ...]:
    """The command lines of what is below this process and is no server: call it while no daemon lives."""
    found = []
    for process in descendants(os.getpid()):
        with suppress(OSError):
            words = (PROC / str(process) / "cmdline").read_bytes()
            if words and not any(server in words for server in SERVERS):
                found.append(words.replace(b"\0", b" ")[:120].decode(errors="replace"))
    return tuple(found)


def wait_for(question: Callable[[], bool], what: str, seconds: float = PATIENCE_S) -> None:
    """Ask again and again until the answer is yes. Raises :class:`DidNotHappen`."""
    end = time.monotonic() + seconds
    while not question():
        if time.monotonic() > end:
            raise DidNotHappen(f"{what}: not within {seconds:g} s")
        time.sleep(0.05)


def clear_away() -> None:
    """Whatever is still below this process, at the end of everything."""
    kill_descendants(os.getpid())


def _tighten(settings: dict[str, Any], plan: Course, influx: str, webhook: str) -> None:
    """The demo's settings at ten times the shipped speed, with a sink and somebody who is told."""
    checks = settings["checks"]
    checks["latency"] |= {"interval": course.LATENCY_S, "pages": ["home", "search"]}
    checks["mobile"] |= {"interval": course.RENDER_S, "profiles": list(plan.profiles), "pages": list(plan.pages)}
    settings["confirm"] = {"after": list(course.CONFIRM_S)}
    settings["states"] = {"flapping": {"window": course.FLAP_WINDOW_S}}
    settings["scores"] = {"every": course.SCORES_S}
    settings["notify"] = {
        "targets": [{"name": "on-call", "url": webhook}],
        "group_within": 0.1,
        "shared_within": course.SHARED_S,
    }
    names = dict(zip(("bucket", "bucket_hourly", "bucket_daily"), BUCKETS, strict=True))
    settings["sinks"] = {"influxdb": {"url": influx, "token": TOKEN, **names}}


def _unfinished(path: Path) -> bool:
    """Whether a file's name says that somebody meant to finish it."""
    return any(part.startswith(("scratch-", "making-")) or part.endswith((".part", ".tmp")) for part in path.parts)
