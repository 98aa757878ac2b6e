"""The status from the journal and the lock, with and without a running daemon."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from monitor.cli import status
from monitor.cli.status import PortalStatus, Status
from monitor.model.records import PROBER_PORTAL, Expect, State
from monitor.storage.journal.store import JOURNAL_FILE, CheckpointUpdate, DirectoryLock, JournalError, JournalWriter
from probes.registry import PROBE_KINDS
from probes.result import Fault, Outcome
from tests import factories
from tests.factories import DAY, MINUTE, SLOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.model.records import Measurement, StateChange

ROOT = Path(__file__).parents[3]
NOW = SLOT + 30 * MINUTE
PORTALS = [
    factories.portal(id="ha-noi"),
    factories.portal(id="hue"),
    factories.portal(id="da-nang"),
    factories.portal(id="gone", expect=Expect.RETIRED),
]
CHECKS = [factories.check(portal=portal.id) for portal in PORTALS]


def fill(directory: Path, measurements: list[Measurement], *changes: StateChange) -> None:
    writer = JournalWriter(directory / JOURNAL_FILE, PROBE_KINDS)
    writer.write([*measurements, CheckpointUpdate(consumer="states", seq=0, changes=changes)])
    writer.close()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Hà Nội is up, Huế is down since 10 minutes, Đà Nẵng is unknown; the last probe was 40 seconds ago."""
    last = NOW - 40_000
    fill(
        tmp_path,
        [*factories.measurements(30), factories.measurement(portal="hue", slot=last - 7, outcome=Outcome.DOWN)],
        factories.change(state=State.UP, previous=State.UNKNOWN, fault=None, detail=""),
        factories.change(portal="hue", at=NOW - 10 * MINUTE),
        factories.change(portal="ha-noi", location="dn-1"),
        factories.change(portal="ha-noi", at=NOW + MINUTE),
        factories.change(portal="moved-out"),
        factories.change(portal="gone"),
    )
    return tmp_path


@pytest.fixture
def held(data: Path) -> Iterator[Path]:
    lock = DirectoryLock(data)
    yield data
    lock.release()


def collect(directory: Path, now: int = NOW) -> Status:
    return status.collect(directory, PORTALS, CHECKS, "hn-1", now)


def test_the_status_of_the_journal(data: Path):
    found = collect(data)
    assert {state.value: count for state, count in found.states.items() if count} == {"up": 1, "down": 1, "unknown": 1}
    assert found.retired == 1
    assert found.not_up == (
        PortalStatus(
            portal="hue",
            state=State.DOWN,
            since=NOW - 10 * MINUTE,
            fault=Fault.CONNECT_TIMEOUT,
            detail="no end after 10 s, in phase connect",
        ),
        PortalStatus(portal="da-nang", state=State.UNKNOWN),
    )
    assert found.age == 40.0
    assert found.rows == {
        "measurement_uptime": 31,
        "measurement_latency": 0,
        "measurement_mobile": 0,
        "state_change": 6,
    }
    assert found.size >= (data / JOURNAL_FILE).stat().st_size > 0


def test_the_lock_shows_whether_the_daemon_runs(data: Path):
    assert (collect(data).running, collect(data).pid) == (False, None), "no lock file yet"
    lock = DirectoryLock(data)
    assert (collect(data).running, collect(data).pid) == (True, os.getpid())
    lock.release()
    assert (collect(data).running, collect(data).pid) == (False, None), "the file stays, the lock does not"
    DirectoryLock(data).release()


def test_the_status_does_not_keep_a_daemon_from_starting(data: Path):
    for _ in range(20):
        lock = DirectoryLock(data)
        assert collect(data).running
        lock.release()
        assert not collect(data).running


def test_healthy_means_running_on_time_and_nothing_down(held: Path):
    assert not collect(held).healthy, "Huế is down"
    fill(held, [], factories.change(portal="hue", at=NOW - MINUTE, state=State.UP, previous=State.DOWN))
    assert collect(held).healthy, "an unknown portal is no finding"
    assert collect(held, NOW + 2 * MINUTE).on_time, "up to three intervals of a minute"
    assert not collect(held, NOW + 3 * MINUTE).healthy


def test_not_healthy_without_a_daemon(data: Path):
    fill(data, [], factories.change(portal="hue", at=NOW - MINUTE, state=State.UP, previous=State.DOWN))
    assert not collect(data).healthy


def test_the_last_probe_is_the_newest_not_the_last_written(data: Path):
    """Rows may be imported from long ago, other locations or hours to come; unknown slots had no probe."""
    fill(
        data,
        [
            factories.measurement(slot=SLOT - DAY),
            factories.measurement(slot=NOW - 1000, location="dn-1"),
            factories.measurement(slot=NOW + DAY),
            factories.measurement(slot=NOW - 500, outcome=Outcome.UNKNOWN),
        ],
    )
    assert collect(data).last_probe == NOW - 40_000


def test_a_journal_without_probes(tmp_path: Path):
    fill(tmp_path, [])
    found = collect(tmp_path)
    assert found.age is None
    assert not found.on_time
    assert found.states[State.UNKNOWN] == 3
    assert "none yet" in shown(found)


def test_no_journal_is_an_error(tmp_path: Path):
    with pytest.raises(JournalError, match="there is no journal at"):
        collect(tmp_path)
    (tmp_path / JOURNAL_FILE).write_bytes(b"no database" * 1000)
    with pytest.raises(JournalError, match="not a database"):
        collect(tmp_path)


DAEMON = """
import sys, time
from pathlib import Path
from monitor.storage.journal.store import JOURNAL_FILE, DirectoryLock, JournalWriter
from probes.registry import PROBE_KINDS
from tests import factories
directory = Path(sys.argv[1])
lock = DirectoryLock(directory)
writer = JournalWriter(directory / JOURNAL_FILE, PROBE_KINDS)
print("ready", flush=True)
slot = factories.SLOT
while True:
    writer.write([factories.measurement(slot=slot)])
    slot += 1
"""


def test_while_a_daemon_writes(tmp_path: Path):
    with subprocess.Popen([sys.executable, "-c", DAEMON, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            counts: list[int] = []
            while len(counts) < 10 or counts[-1] == 0:
                found = collect(tmp_path)
                assert found.pid == process.pid
                counts.append(found.rows["measurement_uptime"])
        finally:
            process.kill()
    assert counts == sorted(counts)
    assert not collect(tmp_path).running, "the kernel released the lock"


def shown(found: Status, encoding: str = "utf-8", width: int = 80) -> str:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, newline="")
    status.print_status(found, Console(file=file, width=width))
    file.flush()
    return raw.getvalue().decode(encoding)


def test_text(held: Path):
    text = shown(collect(held))
    assert text == (
        f"daemon     running (process {os.getpid()})\n"
        "last probe 40 s ago\n"
        f"journal    {collect(held).size / 1e6:.1f} MB, rows: uptime 31, latency 0, mobile 0, state_change 6\n"
        "portals    1 up  1 down  1 unknown  1 retired\n"
        "\n"
        "hue  down since 2026-08-01 07:20 (10 min)\n"
        "  connection timed out: no end after 10 s, in phase connect\n"
        "\n"
        "da-nang  unknown\n"
    )
    assert shown(collect(held), "ascii") == text
    assert max(len(line) for line in shown(collect(held), width=40).splitlines()) <= 40


def test_text_when_nothing_runs(data: Path):
    text = shown(collect(data, NOW + 2 * DAY))
    assert "daemon     not running\n" in text
    assert "last probe 2 d ago, late\n" in text


def test_json(held: Path):
    found = json.loads(json.dumps(status.as_json(collect(held)), allow_nan=False))
    assert set(found) == {
        *("healthy", "on_time", "age", "now", "location", "running", "pid", "states", "retired", "not_up"),
        *("last_probe", "max_age_seconds", "size", "rows", "prober"),
    }
    assert found["states"] == {"up": 1, "down": 1, "degraded": 0, "maintenance": 0, "unknown": 1}
    assert found["pid"] == os.getpid()
    assert found["not_up"][0] == {
        "portal": "hue",
        "state": "down",
        "since": NOW - 10 * MINUTE,
        "fault": "connect_timeout",
        "detail": "no end after 10 s, in phase connect",
        "flapping": False,
    }


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (125, "2 min 5 s"),
        (7500, "2 h 5 min"),
        (90_000, "1 d 1 h"),
        (-5, "0 s"),
    ],
)
def test_durations_as_text(seconds: float, text: str):
    assert status.format_duration(seconds) == text


def test_a_failing_self_check_and_flapping_are_shown(tmp_path: Path):
    fill(
        tmp_path,
        list(factories.measurements(30)),
        factories.change(portal="hue", at=NOW - 10 * MINUTE, flapping=True),
        factories.change(
            portal=PROBER_PORTAL,
            at=NOW - 5 * MINUTE,
            state=State.UNKNOWN,
            previous=State.UP,
            fault=None,
            detail="none of 3 references answers",
        ),
    )
    found = collect(tmp_path)
    assert (found.prober.state, found.prober.since) == (State.UNKNOWN, NOW - 5 * MINUTE)
    assert PROBER_PORTAL not in {one.portal for one in found.not_up}
    page = io.StringIO()
    status.print_status(found, Console(file=page, width=100))
    assert "prober  self-check failing since" in page.getvalue()
    assert "none of 3 references answers" in page.getvalue()
    assert "hue  down, flapping since" in page.getvalue()


def test_a_prober_without_a_state_is_up(data: Path):
    assert collect(data).prober == PortalStatus(portal=PROBER_PORTAL, state=State.UP)
