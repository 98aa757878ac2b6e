"""Backups while rows are written and days are sealed, and kills in the middle of backup and restore."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from monitor.storage.backup import backup, check, restore
from monitor.storage.journal.database import JOURNAL_FILE, open_journal
from probes.registry import PROBE_KINDS
from tests.chaos.guarantee import Guarantee
from tests.fixtures import make
from tests.test_demo import ROOT

PART = "Upgrades, backup and restore"
BACKUPS, KILLS = 10, 30
MORE = 5_000
"""Rows that are written between two backups."""
SEED = 11

WRITE_ROWS = """
import sys
import time
from pathlib import Path
from monitor.storage.archive.protocol import SealRequest
from monitor.storage.archive.seal import sweep
from monitor.storage.journal.store import JOURNAL_FILE, JournalWriter
from probes.registry import PROBE_KINDS
from tests import factories
from tests.fixtures import make

data, slot, number = Path(sys.argv[1]), make.FIRST + 3 * factories.DAY, 0
writer = JournalWriter(data / JOURNAL_FILE, PROBE_KINDS)
while True:
    number += 1
    time.sleep(0.02)
    slot += 60_000
    writer.write([factories.measurement(portal=f"p{one}", slot=slot) for one in range(50)])
    if number % 300 == 0:
        request = SealRequest(directory=data, zone=make.ZONE, grace_ms=0, now_ms=slot)
        sweep(request, lambda update: writer.write([update]))
"""


@contextmanager
def writing_rows(data: Path) -> Iterator[None]:
    """Fifty rows a transaction, without a pause; every few hours of them days are sealed."""
    process = subprocess.Popen([sys.executable, "-c", WRITE_ROWS, str(data)], cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        assert process.poll() is None, "the writer died"
        process.kill()
        process.wait()


def guarantees() -> list[Guarantee]:
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch) / "data"
        data.mkdir()
        make.make(data)
        with writing_rows(data):
            load, rows, seconds = _under_load(data, Path(scratch))
        broken = _killed(data, Path(scratch))
    return [
        Guarantee(
            part=PART,
            text="a backup made while rows are written and days are sealed holds all rows up to one number, once",
            test="tests/chaos/upgrades.py",
            cases=BACKUPS,
            broken=tuple(load),
            measured=f"{rows:,} rows in the last, {seconds:.1f} s each at most",
        ),
        Guarantee(
            part=PART,
            text="a backup or restore that is killed leaves nothing under its name, or all of it",
            test="tests/chaos/upgrades.py",
            cases=KILLS,
            broken=tuple(broken),
        ),
    ]


def _under_load(data: Path, scratch: Path) -> tuple[list[str], int, float]:
    broken, rows, longest = [], 0, 0.0
    for number in range(BACKUPS):
        copy, again = scratch / f"copy-{number}", scratch / f"again-{number}"
        while _last(data) < MORE * number:
            time.sleep(0.05)
        began = time.monotonic()
        made = backup(data, copy)
        longest = max(longest, time.monotonic() - began)
        restore(copy, again)
        seqs = _numbers(again)
        if seqs != list(range(1, made.last + 1)):
            broken.append(f"backup {number}: {len(seqs)} rows up to {made.last}")
        broken += check(copy)
        rows = len(seqs)
    return broken, rows, longest


def _killed(data: Path, scratch: Path) -> list[str]:
    """Kill the commands at random moments of their run time."""
    draw, broken = random.Random(SEED), []  # noqa: S311 - no secret
    source = scratch / "whole"
    began = time.monotonic()
    _command("backup", str(source), "--data", str(data)).wait()
    usual, everything = time.monotonic() - began, _numbers(data)
    for number in range(KILLS):
        target = scratch / f"killed-{number}"
        taking = number % 2 == 0
        words = ("backup", str(target), "--data", str(data))
        words = words if taking else ("restore", str(source), "--data", str(target))
        process = _command(*words)
        time.sleep(draw.uniform(0.3, 1.1) * usual)
        process.send_signal(signal.SIGKILL)
        process.wait()
        if target.exists():
            wrong = check(target) if taking else []
            whole = taking or _numbers(target) == everything
            if wrong or not whole:
                broken.append(f"{words[0]} killed at moment {number} is incomplete: {wrong}")
        _command(*words).wait()  # again: leftovers of the killed one must not be in the way
        if not target.exists():
            broken.append(f"{words[0]} cannot be repeated after kill {number}")
    left = [path.name for path in scratch.iterdir() if path.name.startswith(".")]
    return broken + [f"{name} is left over" for name in left]


def _numbers(directory: Path) -> list[int]:
    """The number of every record in the journal, in order."""
    with closing(sqlite3.connect(f"{(directory / JOURNAL_FILE).as_uri()}?mode=ro", uri=True)) as db:
        tables = [*(f"measurement_{kind}" for kind in PROBE_KINDS), "state_change", "incident_event", "incident_note"]
        sql = " UNION ALL ".join(f"SELECT seq FROM {table}" for table in tables)
        return [row[0] for row in db.execute(f"{sql} ORDER BY seq")]


def _last(directory: Path) -> int:
    """The greatest number that was assigned."""
    with closing(open_journal(directory / JOURNAL_FILE, write=False)) as db:
        return int(db.execute("SELECT last FROM sequence").fetchone()[0])


def _command(*words: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "monitor", *words]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
