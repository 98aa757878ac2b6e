"""A daemon under test, which probes a simulated network every 1.5 s, and everything that it committed so far."""

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
from tests.environment.child import ClockOffset
from tests.environment.network import PORTALS, REFERENCES, ZONE
from tests.servers.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.model.incidents import Message
    from monitor.storage.journal.store import Record

ROOT = Path(__file__).parents[2]
TIMEOUT_SECONDS = 90.0
"""Seconds that anything may take on a busy machine."""

FAULTS = "/usr/lib/fiu"
"""Where Debian's fiu-utils keeps the libraries that make system calls fail on command."""


def until(condition: Callable[[], object], what: str, seconds: float = TIMEOUT_SECONDS) -> float:
    """Wait until ``condition`` is true; return the seconds that it took. Raises TimeoutError with ``what``."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > seconds:
            raise TimeoutError(f"not within {seconds:g} s: {what}")
        time.sleep(0.05)
    return time.monotonic() - began


def settings() -> dict[str, Any]:
    """Return a configuration with probes every 1.5 s, references for the self-check, and a low limit of loop lag."""
    return {
        "contact": "https://example.org/test",
        "listen": f"127.0.0.1:{free_port()}",
        "checks": {"uptime": {"interval": "1500ms", "timeout": "450ms", "family": "4"}, "latency": {"enabled": False}},
        "self_check": {
            "references": [{"name": f"r{n}", "connect": f"{one}:53"} for n, one in enumerate(REFERENCES, 1)],
            "host": {"max_loop_lag": "150ms"},
        },
        "misfire_grace_time": "2s",
    }


class DaemonHarness:
    """A daemon and its records. ``seen`` holds every record that another process could read at some time."""

    def __init__(
        self, scratch: Path, *, portals: tuple[str, ...] = PORTALS, data: Path | None = None, **more: object
    ) -> None:
        self.scratch = scratch
        self.portals = portals
        self.data = data or scratch / "data"
        self.log = scratch / "daemon.log"
        self.clock_offset = ClockOffset(scratch / "clock-offset")
        self.seen: dict[int, Record] = {}
        self.config = scratch / "config"
        self.config.mkdir()
        configured = settings() | more
        self.listen = configured["listen"]
        (self.config / "monitor.yaml").write_text(yaml.safe_dump(configured))
        inventory = [
            {"id": one, "name": {"vi": one, "en": one}, "kind": "province", "group": one, "expect": "answers"}
            | {"url": f"http://{one}.{ZONE}/"}
            for one in portals
        ]
        (self.config / "portals.yaml").write_text(yaml.safe_dump({"portals": inventory}))
        self.checks = load(self.config).checks
        self.process: subprocess.Popen[bytes] | None = None

    # --- process ---------------------------------------------------------------------------------------------------

    def start(self, *, faulty: bool = False) -> None:
        """Start the daemon and wait until every portal is up. ``faulty``: its system calls can be made to fail."""
        changes = {}
        if faulty:
            libraries = f"{FAULTS}/fiu_run_preload.so:{FAULTS}/fiu_posix_preload.so"
            changes = {"LD_PRELOAD": libraries, "FIU_CTRL_FIFO": str(self.scratch / "faults"), "FIU_ENABLE": ""}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "tests.environment.child",
                    self.config,
                    self.data,
                    self.scratch / "clock-offset",
                ],
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

    def until(self, condition: Callable[[], object], what: str, seconds: float = TIMEOUT_SECONDS) -> float:
        """As :func:`until`; the error for a daemon that died has the end of its log."""

        def checked() -> object:
            if not self.alive():
                raise TimeoutError(f"the daemon died while waiting for: {what}\n{self.log.read_text()[-3000:]}")
            return condition()

        return until(checked, what, seconds)

    def kill(self) -> None:
        """Kill the daemon, as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def fault(self, command: str) -> None:
        """Make system calls of the daemon fail, or work again: a command of fiu_ctrl(1)."""
        subprocess.run(["fiu-ctrl", "-f", self.scratch / "faults", "-c", command, str(self.pid)], check=True)

    def limit(self, which: int, soft: int) -> tuple[int, int]:
        """Set a limit of the running daemon; returns the one before."""
        before = resource.prlimit(self.pid, which)
        resource.prlimit(self.pid, which, (soft, before[1]))
        return before

    def stop_for(self, seconds: float) -> None:
        """Stop the daemon for so long, without a notice."""
        os.kill(self.pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(self.pid, signal.SIGCONT)

    # --- HTTP and log ----------------------------------------------------------------------------------------------

    def get(self, path: str) -> tuple[int, str]:
        """Return status and text; status 0 when there is no response."""
        try:
            with urllib.request.urlopen(f"http://{self.listen}{path}", timeout=5) as response:
                return response.status, response.read().decode()
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
        """Return how many lines of the log have this event."""
        return self.log.read_text().count(f'"{event}"')

    # --- journal ---------------------------------------------------------------------------------------------------

    def read_journal(self) -> None:
        """Add all committed records to ``seen``."""
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
        """Return all messages of the outbox."""
        reader = JournalReader(self.data / JOURNAL_FILE, PROBE_KINDS)
        try:
            return [one for event in reader.incidents() for one in reader.messages(event.incident.id)]
        finally:
            reader.close()

    def measurements(self, since: int = 0) -> list[Measurement]:
        """Return outcomes of slots committed after the journal number ``since``."""
        self.read_journal()
        found = (one for one in self.seen.values() if isinstance(one, Measurement) and one.seq > since)
        return [one for one in found if one.attempt == 1]

    def changes(self, since: int = 0) -> list[StateChange]:
        """Return state changes committed after ``since``."""
        self.read_journal()
        return [one for one in self.seen.values() if isinstance(one, StateChange) and one.seq > since]

    @property
    def last(self) -> int:
        """The newest journal number."""
        self.read_journal()
        return max(self.seen, default=0)

    def recovered(self, since: int) -> float:
        """Wait until every portal has a probe from now on that is up; return the seconds that it took."""
        now = time.time_ns() // 1_000_000

        def seen() -> bool:
            good = (one for one in self.measurements(since) if one.outcome is Outcome.UP and (one.started or 0) >= now)
            return {one.portal for one in good} == set(self.portals)

        return self.until(seen, "every portal is up again")
