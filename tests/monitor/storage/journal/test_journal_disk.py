"""When writing fails, the journal logs it, keeps its entries, recovers, and never delays a stop."""

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

from monitor.storage.journal import journal as module
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
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.02)
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
    monkeypatch.setattr(module, "META_TIMEOUT_SECONDS", 0.05)
    began = time.perf_counter()
    async with opened(tmp_path) as journal:
        disk.refuses = True
        lost = journal.submit(factories.measurement())
        await journal.set_meta("stopped_at", "7")
    assert time.perf_counter() - began < 2
    with pytest.raises(JournalError, match="not stored: disk I/O error"):
        await lost


async def test_what_waits_for_the_disk_is_bounded(tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch):
    """The daemon stops with an error rather than use all memory."""
    monkeypatch.setattr(module, "MAX_PENDING_ENTRIES", 20)
    async with opened(tmp_path) as journal:
        disk.refuses = True
        kept = [journal.submit(factories.measurement(slot=SLOT))]
        await until(lambda: journal.statistics.last_error)
        kept += [journal.submit(factories.measurement(slot=SLOT + number)) for number in range(1, 20)]
        with pytest.raises(JournalError, match="20 entries are not stored: disk I/O error"):
            journal.submit(factories.measurement(slot=SLOT + 20))


async def test_a_size_that_cannot_be_read_undoes_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    async with opened(tmp_path) as journal:
        with monkeypatch.context() as patch:
            patch.setattr(Path, "stat", refuse)
            await journal.commit(factories.measurement())
        assert len(await all_of(journal)) == 1


FULL = """
import asyncio, json, pathlib, resource, sys
from monitor.storage.journal.journal import Journal
from probes.registry import PROBE_KINDS
from tests import factories

async def main():
    directory = pathlib.Path(sys.argv[1])
    journal = Journal.open(directory, PROBE_KINDS, commit_interval_seconds=0.01)
    number = 0
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    futures = []
    while not journal.statistics.last_error:
        futures += [journal.submit(factories.measurement(slot=number + n)) for n in range(20)]
        number += 20
        await asyncio.sleep(0.02)
    done = sum(future.done() for future in futures)
    reason, waiting = journal.statistics.last_error, journal.statistics.pending
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    await asyncio.wait_for(asyncio.gather(*futures), 10)
    after = journal.statistics.last_error
    await journal.close()
    print(json.dumps([number, done, waiting, reason, after]))

asyncio.run(main())
"""


def test_a_full_disk_is_loud_and_loses_nothing(tmp_path: Path):
    """The kernel rejects writes: files of the child may not grow past 200 kB until it lifts the limit."""
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    number, done_count, waiting, reason, after = json.loads(done.stdout.splitlines()[-1])
    assert reason
    assert after == ""
    assert done_count + waiting == number
    assert "journal_write_failed" in done.stdout
    assert "journal_write_recovered" in done.stdout
    assert [one.slot for one in on_disk(tmp_path)] == list(range(number))
