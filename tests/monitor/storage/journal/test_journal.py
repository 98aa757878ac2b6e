"""The journal: on disk within the interval, in order, waiters woken after the commit, none left at the close."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.storage.journal import journal as module
from monitor.storage.journal.store import JOURNAL_FILE, CheckpointUpdate, JournalError
from tests import factories
from tests.factories import SLOT
from tests.monitor.parts import all_of, on_disk, opened

ROOT = Path(__file__).parents[4]


async def test_a_commit_is_at_most_commit_every_late(tmp_path: Path):
    every = 0.1
    async with opened(tmp_path, commit_every=every) as journal:
        took = []
        for number in range(20):
            began = time.perf_counter()
            await journal.commit(factories.measurement(slot=SLOT + number))
            took.append(time.perf_counter() - began)
            await asyncio.sleep(number * 0.005)
        assert sorted(took)[10] < every + 0.1
        assert max(took) < every + 0.5


async def test_a_meta_update_waits_for_no_group(tmp_path: Path):
    """The start writes two, and slots that are due meanwhile are delayed by them."""
    async with opened(tmp_path, commit_every=60.0) as journal, asyncio.timeout(module.META_TIMEOUT_SECONDS / 2):
        await journal.set_meta("key", "value")
        assert await journal.read(lambda reader: reader.meta("key")) == "value"


async def test_a_stream_of_records_is_committed_in_groups(tmp_path: Path):
    async with opened(tmp_path, commit_every=0.05) as journal:
        for wave in range(5):
            await journal.commit_all([factories.measurement(slot=SLOT + wave * 100 + n) for n in range(100)])
        assert journal.statistics.records == 500
        assert journal.statistics.commits == 5
        assert journal.statistics.pending == 0
        assert journal.statistics.size_bytes > 0


async def test_records_are_numbered_in_the_order_of_their_coming(tmp_path: Path):
    async with opened(tmp_path) as journal:
        kinds = ["uptime", "latency"] * 50
        futures = [journal.submit(factories.measurement(kind=kind, slot=SLOT + n)) for n, kind in enumerate(kinds)]
        await asyncio.gather(*futures)
        assert [(one.seq, one.slot) for one in await all_of(journal)] == [(n + 1, SLOT + n) for n in range(100)]


async def test_a_known_identity_is_done_and_is_stored_once(tmp_path: Path):
    async with opened(tmp_path) as journal:
        await journal.commit_all([factories.measurement(detail="first"), factories.measurement(detail="second")])
        await journal.commit(factories.measurement(detail="third"))
        assert [one.detail for one in await all_of(journal)] == ["first"]
        assert journal.last_seq == 1


@given(
    st.lists(st.tuples(st.integers(0, 30), st.sampled_from(["uptime", "latency", "change"])), max_size=40), st.data()
)
def test_after_from_memory_is_after_from_disk(
    tmp_path_factory: pytest.TempPathFactory, entries: list[tuple[int, str]], data: st.DataObject
):
    async def story() -> None:
        async with opened(tmp_path_factory.mktemp("after"), commit_every=0.0005) as journal:
            for slot, what in entries:
                change = CheckpointUpdate(consumer="states", seq=0, changes=(factories.change(at=slot),))
                await journal.commit(change if what == "change" else factories.measurement(kind=what, slot=slot))
            seq, limit = data.draw(st.integers(0, 45)), data.draw(st.integers(1, 45))
            assert await journal.records_after(seq, limit) == await journal.read(
                lambda reader: reader.records_after(seq, limit)
            )

    asyncio.run(story())


async def test_who_falls_behind_the_memory_reads_from_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "RECENT_RECORDS", 10)
    async with opened(tmp_path) as journal:
        await journal.commit_all([factories.measurement(slot=SLOT + n) for n in range(100)])
        seq, found = 0, []
        while batch := await journal.records_after(seq, 7):
            found += batch
            seq = batch[-1].seq
        assert [one.seq for one in found] == list(range(1, 101))


async def test_a_commit_wakes_all_waiters(tmp_path: Path):
    async with opened(tmp_path) as journal:
        waiting = [asyncio.create_task(journal.wait_past(0)) for _ in range(3)]
        later = asyncio.create_task(journal.wait_past(1))
        await asyncio.sleep(0)
        await journal.commit(factories.measurement())
        await asyncio.gather(*waiting)
        assert not later.done()
        await journal.commit(factories.measurement(slot=SLOT + 1))
        await later


async def test_a_commit_returns_after_it_is_on_disk(tmp_path: Path):
    """Another connection finds every record as soon as its commit returned."""
    async with opened(tmp_path) as journal:
        db = sqlite3.connect(tmp_path / JOURNAL_FILE)
        for number in range(50):
            await journal.commit(factories.measurement(slot=SLOT + number))
            assert db.execute("SELECT COUNT(*) FROM measurement_uptime").fetchone()[0] == number + 1
        db.close()


WATCHER = """
import sys, time, pathlib
from monitor.storage.journal.store import JournalReader
from probes.registry import PROBE_KINDS
reader = JournalReader(pathlib.Path(sys.argv[1]), PROBE_KINDS)
print("ready", flush=True)
seen, batches, end = 0, 0, time.monotonic() + 30
while seen < 3000 and time.monotonic() < end:
    batch = reader.records_after(seen, 500)
    assert [one.seq for one in batch] == list(range(seen + 1, seen + 1 + len(batch)))
    seen, batches = seen + len(batch), batches + bool(batch)
print(seen, batches > 1)
"""


async def test_another_process_reads_while_we_write(tmp_path: Path):
    """It meets every record once and in order, and never a half of a commit."""
    async with opened(tmp_path, commit_every=0.002) as journal:
        watcher = await asyncio.create_subprocess_exec(
            sys.executable, "-c", WATCHER, str(tmp_path / JOURNAL_FILE), cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        assert watcher.stdout is not None
        await watcher.stdout.readline()
        for wave in range(100):
            await journal.commit_all([factories.measurement(slot=SLOT + wave * 30 + n) for n in range(30)])
        assert (await watcher.stdout.read()).decode().split() == ["3000", "True"]
        await watcher.wait()


async def test_who_stops_waiting_loses_nothing(tmp_path: Path):
    """A probe that is cancelled while it waits for its commit is recorded all the same."""
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
        futures = [journal.submit(factories.measurement(slot=SLOT + number)) for number in range(10)]
    assert time.perf_counter() - began < 5
    await asyncio.gather(*futures)
    assert len(on_disk(tmp_path)) == 10


async def test_a_closed_journal_raises_for_every_call(tmp_path: Path):
    async with opened(tmp_path) as journal:
        waiting = asyncio.create_task(journal.wait_past(0))
        await asyncio.sleep(0)
    for call in (journal.commit(factories.measurement()), waiting, journal.wait_past(0), journal.read(lambda _: 1)):
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


async def test_meta_updates_are_stored_in_order(tmp_path: Path):
    async with opened(tmp_path) as journal:
        done = journal.submit(factories.measurement())
        await journal.set_meta("stopped_at", "7")
        assert done.done()
        assert await journal.read(lambda reader: reader.meta("stopped_at")) == "7"
        await journal.set_meta("stopped_at", "")
        assert await journal.read(lambda reader: reader.meta("stopped_at")) == ""


async def test_an_entry_that_is_a_bug_harms_only_its_batch(tmp_path: Path):
    """An exception on the writing thread must reach the waiters, and the thread must continue."""
    async with opened(tmp_path) as journal:
        with pytest.raises(JournalError, match="never-heard-of"):
            await journal.commit(factories.measurement(kind="never-heard-of"))
        await journal.commit(factories.measurement())
        assert len(await all_of(journal)) == 1
        assert journal.statistics.pending == 0


async def test_throughput(tmp_path: Path):
    """10,000 checks a minute are 167 records a second; there is headroom, and the loop stays free. Values under -s."""
    records = [factories.measurement(slot=SLOT + number) for number in range(20_000)]
    lags = []

    async def tick() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.001)
            lags.append(time.perf_counter() - began - 0.001)

    async with opened(tmp_path, commit_every=0.001) as journal:
        ticking = asyncio.create_task(tick())
        began = time.perf_counter()
        for first in range(0, len(records), 1000):
            await journal.commit_all(records[first : first + 1000])
        took = time.perf_counter() - began
        ticking.cancel()
    rate = len(records) / took
    lag = sorted(lags)[int(len(lags) * 0.99)] * 1000
    sys.stdout.write(f"\njournal: {rate:,.0f} records/s in groups of 1000, loop lag p99 {lag:.0f} ms\n")
    assert rate > 1000


async def test_state_changes_do_not_wait_for_the_commit_interval(tmp_path: Path):
    """A state change is committed with the entries before it; a checkpoint without records waits."""
    async with opened(tmp_path, commit_every=3600) as journal:
        submitted = journal.submit(factories.measurement())
        await journal.commit(CheckpointUpdate(consumer="states", seq=1, changes=(factories.change(),)))
        assert submitted.done()
        waiting = journal.submit(CheckpointUpdate(consumer="states", seq=2))
        await asyncio.sleep(0.05)
        assert not waiting.done()
