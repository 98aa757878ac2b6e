"""The stage: a daemon that watches a city every second and a half, and everything that it committed so far."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from prometheus_client.parser import text_string_to_metric_families

from monitor.config import load
from monitor.model.records import Measurement, StateChange
from monitor.storage.journal.store import JOURNAL_FILE, JournalError, JournalReader
from probes.registry import PROBE_KINDS
from probes.result import Outcome
from tests.environment.child import Hands
from tests.environment.city import PORTALS, REFERENCES, ZONE
from tests.servers.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.model.incidents import Message
    from monitor.storage.journal.store import Record

ROOT = Path(__file__).parents[2]
PATIENCE = 90.0
"""Seconds that anything may take on a busy machine."""

FAULTS = "/usr/lib/fiu"
"""Where Debian's fiu-utils keeps the libraries that make system calls fail on command."""


def until(question: Callable[[], object], what: str, seconds: float = PATIENCE) -> float:
    """Ask until the answer is yes; the seconds that it took. Raises TimeoutError with ``what``."""
    began = time.monotonic()
    while not question():
        if time.monotonic() - began > seconds:
            raise TimeoutError(f"not within {seconds:g} s: {what}")
        time.sleep(0.05)
    return time.monotonic() - began


def settings() -> dict[str, Any]:
    """A configuration that looks every second and a half, judges by references, and doubts itself early."""
    return {
        "contact": "https://example.org/test",
        "listen": f"127.0.0.1:{free_port()}",
        "checks": {"uptime": {"interval": "1500ms", "timeout": "450ms", "family": "4"}, "latency": {"enabled": False}},
        "sight": {
            "references": [{"name": f"r{n}", "connect": f"{one}:53"} for n, one in enumerate(REFERENCES, 1)],
            "machine": {"lag": "150ms"},
        },
        "lateness": {"grace": "2s"},
    }


class Stage:
    """A daemon and what is known of it. ``seen`` holds every record that another process could read at some time."""

    def __init__(
        self, scratch: Path, *, portals: tuple[str, ...] = PORTALS, data: Path | None = None, **more: object
    ) -> None:
        self.scratch = scratch
        self.portals = portals
        self.data = data or scratch / "data"
        self.log = scratch / "daemon.log"
        self.hands = Hands(scratch / "hands")
        self.seen: dict[int, Record] = {}
        self.config = scratch / "config"
        self.config.mkdir()
        told = settings() | more
        self.listen = told["listen"]
        (self.config / "monitor.yaml").write_text(yaml.safe_dump(told))
        inventory = [
            {"id": one, "name": {"vi": one, "en": one}, "kind": "province", "group": one, "expect": "answers"}
            | {"url": f"http://{one}.{ZONE}/"}
            for one in portals
        ]
        (self.config / "portals.yaml").write_text(yaml.safe_dump({"portals": inventory}))
        self.checks = load(self.config).checks
        self.process: subprocess.Popen[bytes] | None = None

    # --- the daemon's life -----------------------------------------------------------------------------------------

    def start(self, *, faulty: bool = False) -> None:
        """Start the daemon and wait until every portal is up. ``faulty``: its system calls can be made to fail."""
        changes = {}
        if faulty:
            libraries = f"{FAULTS}/fiu_run_preload.so:{FAULTS}/fiu_posix_preload.so"
            changes = {"LD_PRELOAD": libraries, "FIU_CTRL_FIFO": str(self.scratch / "faults"), "FIU_ENABLE": ""}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.environment.child", self.config, self.data, self.scratch / "hands"],
                cwd=ROOT,
                env={**os.environ, **changes},
                stderr=log,
                stdout=log,
            )
        self.until(lambda: set(self.states().values()) == {"up"} and len(self.states()) == len(self.portals), "all up")

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def until(self, question: Callable[[], object], what: str, seconds: float = PATIENCE) -> float:
        """As :func:`until`; a daemon that died is told with the end of its log."""

        def ask() -> object:
            if not self.alive():
                raise TimeoutError(f"the daemon died while waiting for: {what}\n{self.log.read_text()[-3000:]}")
            return question()

        return until(ask, what, seconds)

    def kill(self) -> None:
        """As a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def fault(self, command: str) -> None:
        """Have system calls of the daemon fail, or work again: a command of fiu_ctrl(1)."""
        subprocess.run(["fiu-ctrl", "-f", self.scratch / "faults", "-c", command, str(self.pid)], check=True)

    def limit(self, which: int, soft: int) -> tuple[int, int]:
        """Set a limit of the running daemon; returns the one before."""
        before = resource.prlimit(self.pid, which)
        resource.prlimit(self.pid, which, (soft, before[1]))
        return before

    def stop_for(self, seconds: float) -> None:
        """The daemon does not run for so long, and does not know."""
        os.kill(self.pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(self.pid, signal.SIGCONT)

    # --- what it says ----------------------------------------------------------------------------------------------

    def get(self, path: str) -> tuple[int, str]:
        """Status and text; status 0 when nobody answers."""
        try:
            with urllib.request.urlopen(f"http://{self.listen}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def metric(self, name: str, **labels: str) -> float | None:
        """A series of ``/metrics``, or None."""
        for family in text_string_to_metric_families(self.get("/metrics")[1]):
            for one in family.samples:
                if one.name == name and labels.items() <= one.labels.items():
                    return one.value
        return None

    def states(self) -> dict[str, str]:
        status, text = self.get("/api/v1/portals")
        return {one["id"]: one["state"] for one in json.loads(text)["portals"]} if status == 200 else {}

    def logged(self, event: str) -> int:
        """How often a line of the log has this event."""
        return self.log.read_text().count(f'"{event}"')

    # --- what it remembers -----------------------------------------------------------------------------------------

    def look(self) -> None:
        """Take note of everything that is committed."""
        try:
            reader = JournalReader(self.data / JOURNAL_FILE, PROBE_KINDS)
        except JournalError:
            return
        try:
            for one in reader.records_after(max(self.seen, default=0), 10_000_000):
                self.seen[one.seq] = one
        finally:
            reader.close()

    def messages(self) -> list[Message]:
        """Everything that somebody was, or is to be, told."""
        reader = JournalReader(self.data / JOURNAL_FILE, PROBE_KINDS)
        try:
            return [one for event in reader.incidents() for one in reader.messages(event.incident.id)]
        finally:
            reader.close()

    def looks(self, since: int = 0) -> list[Measurement]:
        """Outcomes of slots committed after the journal number ``since``."""
        self.look()
        found = (one for one in self.seen.values() if isinstance(one, Measurement) and one.seq > since)
        return [one for one in found if one.attempt == 1]

    def changes(self, since: int = 0) -> list[StateChange]:
        """Changes of state committed after ``since``."""
        self.look()
        return [one for one in self.seen.values() if isinstance(one, StateChange) and one.seq > since]

    @property
    def last(self) -> int:
        """The newest journal number."""
        self.look()
        return max(self.seen, default=0)

    def well(self, since: int) -> float:
        """Wait until a look that began from now on shows every portal up; the seconds that it took."""
        now = time.time_ns() // 1_000_000

        def seen() -> bool:
            good = (one for one in self.looks(since) if one.outcome is Outcome.UP and (one.started or 0) >= now)
            return {one.portal for one in good} == set(self.portals)

        return self.until(seen, "every portal is seen up again")
