"""When the disk refuses, the journal is loud, keeps what it was given, recovers, and never holds up a stop."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from monitor.storage.journal import journal as room
from monitor.storage.journal.store import JournalEntry, JournalError, JournalWriter, Record
from tests import factories
from tests.factories import SLOT
from tests.monitor.parts import all_of, on_disk, opened, until

ROOT = Path(__file__).parents[4]


class Disk:
    """Refuses to write for as long as a test wants."""

    refuses = False


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk, write = Disk(), JournalWriter.write

    def attempt(writer: JournalWriter, entries: Sequence[JournalEntry]) -> list[Record]:
        if disk.refuses:
            raise sqlite3.OperationalError("disk I/O error")
        return write(writer, entries)

    monkeypatch.setattr(JournalWriter, "write", attempt)
    return disk


async def test_a_disk_that_refuses_is_waited_for(tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(room, "RETRY_SECONDS", 0.02)
    async with opened(tmp_path) as journal:
        disk.refuses = True
        futures = [journal.submit(factories.measurement(slot=SLOT + number)) for number in range(5)]
        await until(lambda: journal.statistics.last_error)
        futures += [journal.submit(factories.measurement(slot=SLOT + number)) for number in range(5, 9)]
        await asyncio.sleep(0.1)
        assert journal.statistics.last_error == "disk I/O error"
        assert journal.statistics.pending == 9
        assert not any(future.done() for future in futures)
        disk.refuses = False
        await asyncio.gather(*futures)
        assert (journal.statistics.last_error, journal.statistics.pending) == ("", 0)
        assert [one.slot - SLOT for one in await all_of(journal)] == list(range(9))


async def test_a_disk_that_refuses_does_not_hold_up_the_stop(
    tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(room, "META_TIMEOUT_SECONDS", 0.05)
    began = time.perf_counter()
    async with opened(tmp_path) as journal:
        disk.refuses = True
        lost = journal.submit(factories.measurement())
        await journal.set_meta("stopped_at", "7")
    assert time.perf_counter() - began < 2
    with pytest.raises(JournalError, match="not remembered: disk I/O error"):
        await lost


async def test_what_waits_for_the_disk_is_bounded(tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch):
    """Rather stop, and say so, than eat the machine."""
    monkeypatch.setattr(room, "MAX_PENDING_ENTRIES", 20)
    async with opened(tmp_path) as journal:
        disk.refuses = True
        kept = [journal.submit(factories.measurement(slot=SLOT))]
        await until(lambda: journal.statistics.last_error)
        kept += [journal.submit(factories.measurement(slot=SLOT + number)) for number in range(1, 20)]
        with pytest.raises(JournalError, match="20 entries are not remembered: disk I/O error"):
            journal.submit(factories.measurement(slot=SLOT + 20))


async def test_a_size_that_cannot_be_asked_undoes_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    async with opened(tmp_path) as journal:
        with monkeypatch.context() as patch:
            patch.setattr(Path, "stat", refuse)
            await journal.commit(factories.measurement())
        assert len(await all_of(journal)) == 1


FULL = """
import asyncio, json, pathlib, resource, sys
from monitor.journal import Journal
from probes.kinds import KINDS
from tests import factories

async def main():
    directory = pathlib.Path(sys.argv[1])
    journal = Journal.open(directory, KINDS, commit_every=0.01)
    number, told = 0, 0
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    futures = []
    while not journal.statistics.failing:
        futures += [journal.put(factories.measurement(slot=number + n)) for n in range(20)]
        number += 20
        await asyncio.sleep(0.02)
    told = sum(future.done() for future in futures)
    reason, waiting = journal.statistics.failing, journal.statistics.waiting
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    await asyncio.wait_for(asyncio.gather(*futures), 10)
    after = journal.statistics.failing
    await journal.close()
    print(json.dumps([number, told, waiting, reason, after]))

asyncio.run(main())
"""


def test_a_full_disk_is_loud_and_loses_nothing(tmp_path: Path):
    """The kernel itself refuses: files of the child may not grow past 200 kB until it lifts the limit."""
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    number, told, waiting, reason, after = json.loads(done.stdout.splitlines()[-1])
    assert reason
    assert after == ""
    assert told + waiting == number
    assert "journal_cannot_remember" in done.stdout
    assert "journal_remembers_again" in done.stdout
    assert [one.slot for one in on_disk(tmp_path)] == list(range(number))
