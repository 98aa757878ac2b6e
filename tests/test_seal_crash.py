"""However often everything is killed while days are sealed: no row is lost or doubled, and no half file is seen."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from monitor import history
from monitor.archive import ledger, verify
from monitor.archive.layout import FOLDER, files
from monitor.history import Window
from monitor.store import FILE, Writer
from probes.kinds import KINDS
from tests import factories
from tests.factories import DAY, MINUTE

ROOT = Path(__file__).parents[1]
FIRST = 1_785_517_200_000
DAYS, KILLS = 60, 20

DAEMON = """
import asyncio, sys
from pathlib import Path
from monitor.archive import keeper
from monitor.archive.keeper import Keeper, Keeping
from monitor.clock import SystemClock
from monitor.journal import Journal
from probes.kinds import KINDS
from tests import factories
keeper.SETTLED, keeper.PAUSE, keeper.CHUNK, keeper.EVERY = 0, 0.001, 50, 0.1
class Later(SystemClock):
    def now(self): return FIRST + (DAYS + 1) * factories.DAY
async def look(journal):
    slot = int(sys.argv[2])
    while True:
        await journal.commit(factories.measurement(portal="looked-at", slot=slot))
        slot += 1
        await asyncio.sleep(0.01)
async def main():
    journal = Journal.open(Path(sys.argv[1]), KINDS, commit_every=0.01)
    kept = Keeper(Path(sys.argv[1]), journal, Later(), Keeping(zone="Asia/Ho_Chi_Minh", grace=0, hot=0))
    async with asyncio.TaskGroup() as group:
        group.create_task(look(journal))
        group.create_task(kept.run())
asyncio.run(main())
""".replace("DAYS", str(DAYS)).replace("FIRST", str(FIRST))


def fill(directory: Path) -> None:
    writer = Writer(directory / FILE, KINDS)
    slots = range(FIRST, FIRST + DAYS * DAY, 60 * MINUTE)
    for kind in KINDS:
        pairs = [(slot, one) for slot in slots for one in ("hue", "hn")]
        writer.write([factories.measurement(portal=one, kind=kind, slot=slot) for slot, one in pairs])
    writer.close()


def everything(directory: Path) -> Counter[tuple[object, ...]]:
    """How often each identity is seen, but for the looks that go on meanwhile."""
    found: Counter[tuple[object, ...]] = Counter()
    for kind in KINDS:
        for batch in history.measurements(directory, Window(kind=kind, until=FIRST + DAYS * DAY)):
            found.update((kind, *row) for row in zip(*(batch[name] for name in history.IDENTITY), strict=True))
    return found


def looks(directory: Path) -> list[int]:
    windows = history.measurements(directory, Window(kind="uptime", since=FIRST + DAYS * DAY))
    return [slot for batch in windows for slot in batch["slot"]]


def whole(directory: Path) -> None:
    """Every file with its final name can be read to its end."""
    db = duckdb.connect()
    for path in files(directory):
        db.execute(f"SELECT COUNT(*), bit_xor(hash(COLUMNS(*))) FROM '{directory / FOLDER / path}'").fetchall()


def run_and_kill(directory: Path, seconds: float, first: int, *, family: bool) -> None:
    """Start, wait until it seals and ``seconds`` more, and kill: with the process that seals, or the daemon alone."""
    begun = rooms(directory)
    command = [sys.executable, "-c", DAEMON, str(directory), str(first)]
    with subprocess.Popen(command, cwd=ROOT, start_new_session=True, stderr=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL) as process:  # fmt: skip
        deadline = time.monotonic() + 20
        while rooms(directory) <= begun and time.monotonic() < deadline:
            time.sleep(0.002)
        time.sleep(seconds)
        assert process.poll() is None, "the daemon lives until it is killed"
        os.killpg(process.pid, signal.SIGKILL) if family else process.kill()


def rooms(directory: Path) -> set[str]:
    """The rooms of unfinished work, of the living and of the dead."""
    return {path.name for path in (directory / FOLDER).glob("scratch-*")}


@pytest.mark.slow
def test_twenty_kills_lose_and_double_nothing(tmp_path: Path):
    fill(tmp_path)
    wanted = everything(tmp_path)
    assert set(wanted.values()) == {1}
    draw = random.Random(20)  # noqa: S311 - no secret
    sealed = [0]
    seen: list[int] = []
    for number in range(KILLS):
        first = FIRST + (DAYS + 2) * DAY + number * 100_000
        run_and_kill(tmp_path, draw.uniform(0.0, 0.2), first, family=number % 2 == 0)
        whole(tmp_path)
        assert everything(tmp_path) == wanted, f"after kill {number + 1}"
        now = looks(tmp_path)
        assert now[: len(seen)] == seen, "what was committed once is there for ever"
        seen = now
        sealed.append(len(ledger.read_at(tmp_path)))
    assert len(set(sealed)) > 2, f"kills came in the middle of the work too: {sealed}"
    finish(tmp_path, wanted)


def finish(directory: Path, wanted: Counter[tuple[object, ...]]) -> None:
    """Left alone, the next life brings everything into order."""
    first = FIRST + (DAYS + 3) * DAY
    command = [sys.executable, "-c", DAEMON, str(directory), str(first)]
    with subprocess.Popen(command, cwd=ROOT, start_new_session=True, stdout=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 60
            while hot(directory):
                assert time.monotonic() < deadline, "sealed rows leave the journal"
                time.sleep(0.2)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
    assert everything(directory) == wanted
    assert len(ledger.read_at(directory)) == DAYS * len(KINDS)
    verdict = verify.verify(directory)
    assert verdict.complaints == ()
    assert verdict.rows == sum(wanted.values())


def hot(directory: Path) -> int:
    """Rows of sealed days that are still in the journal."""
    writer = history.open_journal(directory / FILE, write=False)
    try:
        tables = [f"SELECT COUNT(*) FROM look_{kind} WHERE slot < {FIRST + DAYS * DAY}" for kind in KINDS]
        return sum(writer.execute(sql).fetchone()[0] for sql in tables)
    finally:
        writer.close()
