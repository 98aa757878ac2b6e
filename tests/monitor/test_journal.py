"""The journal: soon on disk, in order, told only then; loud when the disk refuses, nobody left waiting at the close."""

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
from hypothesis import given
from hypothesis import strategies as st

from monitor import journal as room
from monitor.store import FILE, Advance, Entry, JournalError, Record, Writer
from tests import factories
from tests.factories import SLOT
from tests.monitor.parts import all_of, on_disk, opened, until

ROOT = Path(__file__).parents[2]


async def test_a_commit_is_at_most_commit_every_late(tmp_path: Path):
    every = 0.1
    async with opened(tmp_path, commit_every=every) as journal:
        took = []
        for number in range(20):
            began = time.perf_counter()
            await journal.commit(factories.measurement(slot=SLOT + number))
            took.append(time.perf_counter() - began)
            await asyncio.sleep(number * 0.005)
        assert sorted(took)[10] < every + 0.05
        assert max(took) < every + 0.5


async def test_a_stream_of_records_is_committed_in_groups(tmp_path: Path):
    async with opened(tmp_path, commit_every=0.05) as journal:
        for wave in range(5):
            await journal.commit_all([factories.measurement(slot=SLOT + wave * 100 + n) for n in range(100)])
        assert journal.statistics.records == 500
        assert journal.statistics.commits == 5
        assert journal.statistics.waiting == 0
        assert journal.statistics.bytes > 0


async def test_records_are_numbered_in_the_order_of_their_coming(tmp_path: Path):
    async with opened(tmp_path) as journal:
        kinds = ["uptime", "latency"] * 50
        futures = [journal.put(factories.measurement(kind=kind, slot=SLOT + n)) for n, kind in enumerate(kinds)]
        await asyncio.gather(*futures)
        assert [(one.seq, one.slot) for one in await all_of(journal)] == [(n + 1, SLOT + n) for n in range(100)]


async def test_a_known_identity_is_told_as_done_and_is_there_once(tmp_path: Path):
    async with opened(tmp_path) as journal:
        await journal.commit_all([factories.measurement(detail="first"), factories.measurement(detail="second")])
        await journal.commit(factories.measurement(detail="third"))
        assert [one.detail for one in await all_of(journal)] == ["first"]
        assert journal.last == 1


@given(
    st.lists(st.tuples(st.integers(0, 30), st.sampled_from(["uptime", "latency", "change"])), max_size=40), st.data()
)
def test_after_from_memory_is_after_from_disk(
    tmp_path_factory: pytest.TempPathFactory, told: list[tuple[int, str]], data: st.DataObject
):
    async def story() -> None:
        async with opened(tmp_path_factory.mktemp("after"), commit_every=0.0005) as journal:
            for slot, what in told:
                change = Advance(reader="states", seq=0, changes=(factories.change(at=slot),))
                await journal.commit(change if what == "change" else factories.measurement(kind=what, slot=slot))
            seq, limit = data.draw(st.integers(0, 45)), data.draw(st.integers(1, 45))
            assert await journal.after(seq, limit) == await journal.read(lambda reader: reader.after(seq, limit))

    asyncio.run(story())


async def test_who_falls_behind_the_memory_reads_from_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(room, "RECENT", 10)
    async with opened(tmp_path) as journal:
        await journal.commit_all([factories.measurement(slot=SLOT + n) for n in range(100)])
        seq, found = 0, []
        while bite := await journal.after(seq, 7):
            found += bite
            seq = bite[-1].seq
        assert [one.seq for one in found] == list(range(1, 101))


async def test_news_wakes_whoever_waits(tmp_path: Path):
    async with opened(tmp_path) as journal:
        waiting = [asyncio.create_task(journal.news(0)) for _ in range(3)]
        later = asyncio.create_task(journal.news(1))
        await asyncio.sleep(0)
        await journal.commit(factories.measurement())
        await asyncio.gather(*waiting)
        assert not later.done()
        await journal.commit(factories.measurement(slot=SLOT + 1))
        await later


async def test_nobody_is_told_before_the_disk_knows(tmp_path: Path):
    """Another connection finds every record as soon as its commit returned."""
    async with opened(tmp_path) as journal:
        db = sqlite3.connect(tmp_path / FILE)
        for number in range(50):
            await journal.commit(factories.measurement(slot=SLOT + number))
            assert db.execute("SELECT COUNT(*) FROM look_uptime").fetchone()[0] == number + 1
        db.close()


WATCHER = """
import sys, time, pathlib
from monitor.store import Reader
from probes.kinds import KINDS
reader = Reader(pathlib.Path(sys.argv[1]), KINDS)
print("ready", flush=True)
seen, bites, end = 0, 0, time.monotonic() + 30
while seen < 3000 and time.monotonic() < end:
    bite = reader.after(seen, 500)
    assert [one.seq for one in bite] == list(range(seen + 1, seen + 1 + len(bite)))
    seen, bites = seen + len(bite), bites + bool(bite)
print(seen, bites > 1)
"""


async def test_another_process_reads_while_we_write(tmp_path: Path):
    """It meets every record once and in order, and never a half of a commit."""
    async with opened(tmp_path, commit_every=0.002) as journal:
        watcher = await asyncio.create_subprocess_exec(
            sys.executable, "-c", WATCHER, str(tmp_path / FILE), cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        assert watcher.stdout is not None
        await watcher.stdout.readline()
        for wave in range(100):
            await journal.commit_all([factories.measurement(slot=SLOT + wave * 30 + n) for n in range(30)])
        assert (await watcher.stdout.read()).decode().split() == ["3000", "True"]
        await watcher.wait()


async def test_who_stops_waiting_loses_nothing(tmp_path: Path):
    """A look that is cancelled while it waits for its commit is recorded all the same."""
    async with opened(tmp_path, commit_every=0.05) as journal:
        task = asyncio.create_task(journal.commit(factories.measurement()))
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
        await journal.commit(factories.measurement(slot=SLOT + 1))
        assert len(await all_of(journal)) == 2


async def test_the_close_commits_what_waits(tmp_path: Path):
    async with opened(tmp_path, commit_every=30.0) as journal:
        began = time.perf_counter()
        futures = [journal.put(factories.measurement(slot=SLOT + number)) for number in range(10)]
    assert time.perf_counter() - began < 5
    await asyncio.gather(*futures)
    assert len(on_disk(tmp_path)) == 10


async def test_a_closed_journal_takes_and_tells_nothing(tmp_path: Path):
    async with opened(tmp_path) as journal:
        waiting = asyncio.create_task(journal.news(0))
        await asyncio.sleep(0)
    for call in (journal.commit(factories.measurement()), waiting, journal.news(0), journal.read(lambda _: 1)):
        with pytest.raises(JournalError, match="closed"):
            await call
    await journal.close()  # once more does no harm


async def test_the_close_waits_for_a_long_read_without_holding_the_loop(tmp_path: Path):
    async with opened(tmp_path) as journal:
        read = asyncio.create_task(journal.read(lambda _: time.sleep(0.3)))
        await asyncio.sleep(0.05)
        closing = asyncio.create_task(journal.close())
        began = time.perf_counter()
        await asyncio.sleep(0.01)
        assert time.perf_counter() - began < 0.2
        await closing
        await read


async def test_remarks_come_in_their_turn(tmp_path: Path):
    async with opened(tmp_path) as journal:
        done = journal.put(factories.measurement())
        await journal.remark("stopped_at", "7")
        assert done.done()
        assert await journal.read(lambda reader: reader.meta("stopped_at")) == "7"
        await journal.remark("stopped_at", "")
        assert await journal.read(lambda reader: reader.meta("stopped_at")) == ""


async def test_an_entry_that_is_a_bug_harms_only_its_batch(tmp_path: Path):
    """An exception on the writing thread must reach those who wait; a thread that died would be silence."""
    async with opened(tmp_path) as journal:
        with pytest.raises(JournalError, match="never-heard-of"):
            await journal.commit(factories.measurement(kind="never-heard-of"))
        await journal.commit(factories.measurement())
        assert len(await all_of(journal)) == 1
        assert journal.statistics.waiting == 0


class Disk:
    """Refuses to write for as long as a test wants."""

    refuses = False


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk, write = Disk(), Writer.write

    def attempt(writer: Writer, entries: Sequence[Entry]) -> list[Record]:
        if disk.refuses:
            raise sqlite3.OperationalError("disk I/O error")
        return write(writer, entries)

    monkeypatch.setattr(Writer, "write", attempt)
    return disk


async def test_a_disk_that_refuses_is_waited_for(tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(room, "RETRY_SECONDS", 0.02)
    async with opened(tmp_path) as journal:
        disk.refuses = True
        futures = [journal.put(factories.measurement(slot=SLOT + number)) for number in range(5)]
        await until(lambda: journal.statistics.failing)
        futures += [journal.put(factories.measurement(slot=SLOT + number)) for number in range(5, 9)]
        await asyncio.sleep(0.1)
        assert journal.statistics.failing == "disk I/O error"
        assert journal.statistics.waiting == 9
        assert not any(future.done() for future in futures)
        disk.refuses = False
        await asyncio.gather(*futures)
        assert (journal.statistics.failing, journal.statistics.waiting) == ("", 0)
        assert [one.slot - SLOT for one in await all_of(journal)] == list(range(9))


async def test_a_disk_that_refuses_does_not_hold_up_the_stop(
    tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(room, "REMARK_PATIENCE", 0.05)
    began = time.perf_counter()
    async with opened(tmp_path) as journal:
        disk.refuses = True
        lost = journal.put(factories.measurement())
        await journal.remark("stopped_at", "7")
    assert time.perf_counter() - began < 2
    with pytest.raises(JournalError, match="not remembered: disk I/O error"):
        await lost


async def test_what_waits_for_the_disk_is_bounded(tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch):
    """Rather stop, and say so, than eat the machine."""
    monkeypatch.setattr(room, "MOST_WAITING", 20)
    async with opened(tmp_path) as journal:
        disk.refuses = True
        kept = [journal.put(factories.measurement(slot=SLOT))]
        await until(lambda: journal.statistics.failing)
        kept += [journal.put(factories.measurement(slot=SLOT + number)) for number in range(1, 20)]
        with pytest.raises(JournalError, match="20 entries are not remembered: disk I/O error"):
            journal.put(factories.measurement(slot=SLOT + 20))


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


async def test_throughput(tmp_path: Path):
    """10,000 checks a minute are 167 records a second; there is room, and the loop stays free. Figures under -s."""
    looks = [factories.measurement(slot=SLOT + number) for number in range(20_000)]
    lags = []

    async def tick() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.001)
            lags.append(time.perf_counter() - began - 0.001)

    async with opened(tmp_path, commit_every=0.001) as journal:
        ticking = asyncio.create_task(tick())
        began = time.perf_counter()
        for first in range(0, len(looks), 1000):
            await journal.commit_all(looks[first : first + 1000])
        took = time.perf_counter() - began
        ticking.cancel()
    rate = len(looks) / took
    lag = sorted(lags)[int(len(lags) * 0.99)] * 1000
    sys.stdout.write(f"\njournal: {rate:,.0f} records/s in groups of 1000, loop lag p99 {lag:.0f} ms\n")
    assert rate > 1000
