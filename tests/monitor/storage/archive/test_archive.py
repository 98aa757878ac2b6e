"""A closed day becomes one file per kind, once and for all; history does not change by it."""

from __future__ import annotations

import json
import random
import sqlite3
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import duckdb
import pytest

from monitor.model.records import State
from monitor.storage.archive import catalog, compaction, verify
from monitor.storage.archive.job import ArchiveJob, ArchivePolicy
from monitor.storage.archive.layout import (
    ARCHIVE_FOLDER,
    STATE_CHANGE_KIND,
    ArchiveError,
    archived_kinds,
    day_of,
    list_files,
    parse_path,
    relative_path,
)
from monitor.storage.archive.protocol import SealRequest
from monitor.storage.archive.seal import sweep
from monitor.storage.history import reader
from monitor.storage.history.reader import HistoryWindow
from monitor.storage.journal.journal import Journal
from monitor.storage.journal.store import JOURNAL_FILE, ArchiveUpdate, CheckpointUpdate, JournalWriter
from probes.registry import PROBE_KINDS
from probes.result import Outcome
from tests import factories
from tests.factories import DAY, MINUTE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.model.records import Measurement

ZONE = "Asia/Ho_Chi_Minh"
FIRST = 1_785_517_200_000
"""2026-08-01T00:00 in the report zone."""

HOUR = 60 * MINUTE


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[JournalWriter]:
    writer = JournalWriter(tmp_path / JOURNAL_FILE, PROBE_KINDS)
    yield writer
    writer.close()


def request(directory: Path, *, days: float = 1, grace: int = 0, zone: str = ZONE) -> SealRequest:
    return SealRequest(directory=directory, zone=zone, grace_ms=grace, now_ms=FIRST + int(days * DAY))


def sealed(writer: JournalWriter, *, days: float = 1, grace: int = 0, zone: str = ZONE) -> int:
    return sweep(request(writer.path.parent, days=days, grace=grace, zone=zone), lambda update: _write(writer, update))


def _write(writer: JournalWriter, update: ArchiveUpdate) -> None:
    writer.write([update])


def fleet(days: int = 2, step: int = 2 * HOUR, seed: int = 1) -> list[Measurement]:
    """Measurements of three portals with numbers that decimal text of 15 digits cannot hold, in no order."""
    draw = random.Random(seed)  # noqa: S311 - no secret
    found = []
    for slot in range(FIRST, FIRST + days * DAY, step):
        for portal in ("hue", "ha-noi", "Đà-nẵng"):
            for check, kind in (("uptime-search", "uptime"), *((kind, kind) for kind in PROBE_KINDS)):
                outcome = draw.choice([Outcome.UP, Outcome.UP, Outcome.DOWN, Outcome.UNKNOWN])
                one = factories.measurement(portal=portal, check=check, kind=kind, slot=slot, outcome=outcome)
                if outcome is Outcome.UP:
                    values = factories.values(wait_seconds=draw.random(), final_url='https://x/"quoted",\\ \n\t\u2028é')
                    one = replace(one, duration=draw.random() * 10 ** draw.randint(-6, 6), values=values)
                found.append(one)
    draw.shuffle(found)
    return found


def everything(directory: Path, kind: str = "uptime", **narrow: object) -> list[tuple[object, ...]]:
    batches = reader.measurements(directory, HistoryWindow(kind=kind, **narrow), 7)  # type: ignore[arg-type] - as given
    return [row for batch in batches for row in zip(*batch.values(), strict=True)]


def trim(writer: JournalWriter, kind: str = "uptime") -> None:
    """Trim as the job does, at once."""
    for period in catalog.sealed_periods(catalog.load(writer.path.parent), kind):
        sql = f"DELETE FROM measurement_{kind} WHERE slot >= ? AND slot < ? AND seq <= ?"
        writer.write([ArchiveUpdate(statements=((sql, (period.since_ms, period.until_ms, period.through)),))])


def test_history_is_the_same_before_and_after_sealing_and_after_the_rows_have_left(
    tmp_path: Path, writer: JournalWriter
):
    writer.write(fleet())
    before = {kind: everything(tmp_path, kind) for kind in PROBE_KINDS}
    assert sealed(writer) == len(PROBE_KINDS), "the second day is not over yet"
    assert {kind: everything(tmp_path, kind) for kind in PROBE_KINDS} == before
    trim(writer)
    with closing(sqlite3.connect(tmp_path / JOURNAL_FILE)) as db:
        assert db.execute("SELECT MIN(slot) FROM measurement_uptime").fetchone() == (FIRST + DAY,)
    assert {kind: everything(tmp_path, kind) for kind in PROBE_KINDS} == before


def test_windows_cut_through_days_and_are_narrowed_alike_in_files_and_journal(tmp_path: Path, writer: JournalWriter):
    writer.write(fleet())
    windows: list[dict[str, object]] = [
        {"since_ms": FIRST + 3 * HOUR, "until_ms": FIRST + DAY + 5 * HOUR, "portals": frozenset({"hue", "Đà-nẵng"})},
        {"checks": frozenset({"uptime"})},
        {"since_ms": FIRST + 20 * HOUR, "until_ms": FIRST + 23 * HOUR},
        {"portals": frozenset()},
    ]
    before = [everything(tmp_path, **window) for window in windows]
    assert before[0]
    sealed(writer)
    trim(writer)
    assert [everything(tmp_path, **window) for window in windows] == before
    counted = [reader.count(tmp_path, HistoryWindow(kind="uptime", **window)) for window in windows]  # type: ignore[arg-type] - as given
    assert counted == [len(rows) for rows in before]


def test_a_file_is_sorted_and_describes_itself(tmp_path: Path, writer: JournalWriter):
    writer.write(fleet())
    sealed(writer)
    path = tmp_path / ARCHIVE_FOLDER / "uptime" / "2026" / "2026-08-01.parquet"
    db = duckdb.connect()
    rows = db.execute(f"SELECT portal, slot, \"check\" FROM '{path}'").fetchall()
    assert rows == sorted(rows)
    described = db.execute(f"DESCRIBE SELECT * FROM '{path}'").fetchall()
    assert [row[0] for row in described] == [column.name for column in reader.history_columns("uptime")]
    (entry,) = [one for one in catalog.load(tmp_path) if one.kind == "uptime"]
    assert (entry.rows, entry.first, entry.last) == (len(rows), FIRST, FIRST + 22 * HOUR)
    assert (entry.since, entry.until, entry.late, entry.zone) == (FIRST, FIRST + DAY, False, ZONE)
    catalog.write_manifest(tmp_path)
    listed = json.loads((tmp_path / ARCHIVE_FOLDER / "manifest.json").read_text())["files"]
    assert [one["sha256"] for one in listed if one["path"] == entry.path] == [entry.sha256]
    assert {one["since"] for one in listed} == {"2026-07-31T17:00:00.000Z"}


def test_a_day_waits_for_its_grace(tmp_path: Path, writer: JournalWriter):
    writer.write(fleet(days=1))
    assert sealed(writer, days=1 + 5 / 24, grace=6 * HOUR) == 0
    assert sealed(writer, days=1 + 6 / 24, grace=6 * HOUR) == len(PROBE_KINDS)
    assert sealed(writer, days=9) == 0, "what is sealed stays as it is"


def test_late_rows_go_into_a_supplement_marked_as_late(tmp_path: Path, writer: JournalWriter):
    found = fleet(days=1)
    writer.write(found[:-10])
    sealed(writer)
    trim(writer)
    writer.write(found)  # as an import would: most of them have left the journal, which takes them in again
    wanted = sorted((one.slot, one.portal, one.check) for one in found if one.kind == "uptime")
    assert [(row[3], row[0], row[1]) for row in everything(tmp_path)] == wanted, "late rows are seen at once"
    assert reader.count(tmp_path, HistoryWindow(kind="uptime")) == len(wanted)
    sealed(writer)
    late = [one for one in catalog.load(tmp_path) if one.late]
    assert sum(one.rows for one in late) == 10
    assert {Path(one.path).name for one in late} == {"2026-08-01.1.parquet"}
    trim(writer)
    assert [(row[3], row[0], row[1]) for row in everything(tmp_path)] == wanted
    assert sealed(writer) == 0, "rows that are known already make no further file"


def test_rows_known_already_make_no_supplement(tmp_path: Path, writer: JournalWriter):
    found = fleet(days=1)
    writer.write(found)
    sealed(writer)
    trim(writer)
    writer.write(found)
    assert sealed(writer) == 0
    trim(writer)
    assert reader.count(tmp_path, HistoryWindow(kind="uptime")) == sum(one.kind == "uptime" for one in found)


def test_merging_a_day_changes_no_row(tmp_path: Path, writer: JournalWriter):
    found = fleet(days=1)
    for part in range(3):
        writer.write(found[part::3])
        sealed(writer)
    before = everything(tmp_path)
    assert compaction.compact(request(tmp_path), lambda update: _write(writer, update)) == len(PROBE_KINDS)
    assert everything(tmp_path) == before
    assert [parse_path(path) for path in list_files(tmp_path)] == [
        (kind, "2026-08-01", 3) for kind in sorted(PROBE_KINDS)
    ]
    assert verify.verify(tmp_path).ok
    assert all(one.late for one in catalog.load(tmp_path)), "that rows came late is not forgotten"
    assert compaction.compact(request(tmp_path), lambda update: _write(writer, update)) == 0


def test_merged_files_that_were_not_removed_are_removed_at_the_next_sweep(tmp_path: Path, writer: JournalWriter):
    found = fleet(days=1)
    for part in range(2):
        writer.write(found[part::2])
        sealed(writer)
    before = everything(tmp_path)
    kept = {path: (tmp_path / ARCHIVE_FOLDER / path).read_bytes() for path in list_files(tmp_path)}
    compaction.compact(request(tmp_path), lambda update: _write(writer, update))
    for path, content in kept.items():
        (tmp_path / ARCHIVE_FOLDER / path).write_bytes(content)
    assert not verify.verify(tmp_path).ok
    sealed(writer)
    assert verify.verify(tmp_path).ok
    assert everything(tmp_path) == before


def test_nothing_younger_than_five_quarters_is_ever_removed(tmp_path: Path, writer: JournalWriter):
    writer.write(fleet())
    sealed(writer, days=2)
    commit = lambda update: _write(writer, update)  # noqa: E731 - used twice
    with pytest.raises(ValueError, match="five quarters"):
        compaction.expire(request(tmp_path), commit, 459)
    assert compaction.expire(request(tmp_path, days=460.9), commit, 460) == 0
    assert compaction.expire(request(tmp_path, days=461), commit, 460) == len(PROBE_KINDS)
    assert {parse_path(path)[1] for path in list_files(tmp_path) if parse_path(path)} == {"2026-08-02"}  # type: ignore[index] - just asked
    assert verify.verify(tmp_path).ok


def test_every_error_is_described(tmp_path: Path, writer: JournalWriter):
    writer.write(fleet(days=3))
    sealed(writer, days=3)
    root = tmp_path / ARCHIVE_FOLDER
    assert verify.verify(tmp_path).ok
    assert verify.verify(tmp_path).rows == len(fleet(days=3))
    (root / "uptime/2026/2026-08-01.parquet").unlink()
    with (root / "uptime/2026/2026-08-02.parquet").open("ab") as file:
        file.write(b"!")
    (root / "uptime/2026/2026-08-04.parquet").write_bytes(b"what is this")
    writer.write(
        [
            ArchiveUpdate(
                statements=(("UPDATE archive_file SET rows = 7 WHERE path LIKE 'latency/2026/2026-08-03%'", ()),)
            )
        ]
    )
    errors = "\n".join(verify.verify(tmp_path).errors)
    assert "uptime/2026/2026-08-01.parquet: missing; it held 72 rows" in errors
    assert "uptime/2026/2026-08-02.parquet: changed since it was sealed" in errors
    assert "uptime/2026/2026-08-04.parquet: not in the catalog" in errors
    assert "latency/2026/2026-08-03.parquet: holds 36 rows, the catalog lists 7" in errors
    with pytest.raises(ArchiveError, match=r"2026-08-01.*missing or damaged"):
        everything(tmp_path)


def test_a_strange_file_is_left_alone_and_its_name_not_taken(tmp_path: Path, writer: JournalWriter):
    strange = tmp_path / ARCHIVE_FOLDER / "uptime/2026/2026-08-01.parquet"
    strange.parent.mkdir(parents=True)
    strange.write_bytes(b"PAR1 not really PAR1")
    writer.write(fleet(days=1))
    sealed(writer)
    assert strange.read_bytes() == b"PAR1 not really PAR1"
    assert "uptime/2026/2026-08-01.1.parquet" in list_files(tmp_path)


def test_an_archive_outlives_its_journal(tmp_path: Path, writer: JournalWriter):
    """A journal lost or restored from before: files are recovered, and rows the new one has as well appear once."""
    found = fleet(days=1)
    writer.write(found)
    writer.write([CheckpointUpdate(consumer="states", seq=0, changes=(factories.change(at=FIRST + HOUR),))])
    sealed(writer)
    before = everything(tmp_path)
    changes = list(reader.state_changes(tmp_path))
    writer.close()
    for file in tmp_path.glob(f"{JOURNAL_FILE}*"):
        file.unlink()
    second = JournalWriter(tmp_path / JOURNAL_FILE, PROBE_KINDS)
    try:
        second.write(found[:20])
        sealed(second)
        assert everything(tmp_path) == before
        assert list(reader.state_changes(tmp_path)) == changes != []
        assert verify.verify(tmp_path).ok
    finally:
        second.close()


def test_state_changes_are_sealed_and_stay_readable_once(tmp_path: Path, writer: JournalWriter):
    changes = (
        factories.change(at=FIRST + HOUR, state=State.UP, previous=State.UNKNOWN, fault=None, detail=""),
        factories.change(at=FIRST + 2 * HOUR),
        factories.change(at=FIRST + DAY, state=State.UP, previous=State.DOWN, fault=None),
    )
    writer.write([CheckpointUpdate(consumer="states", seq=0, changes=changes)])
    before = list(reader.state_changes(tmp_path))
    assert sealed(writer) == 1
    assert list(reader.state_changes(tmp_path)) == before
    (entry,) = catalog.load(tmp_path)
    assert (entry.kind, entry.rows) == (STATE_CHANGE_KIND, 2)


def test_another_zone_seals_what_the_first_one_left(tmp_path: Path, writer: JournalWriter):
    """Days of two zones overlap: each row is in one file, and nothing is sealed twice."""
    writer.write(fleet(days=3))
    before = everything(tmp_path)
    sealed(writer, days=1)
    sealed(writer, days=4, zone="America/New_York")
    assert everything(tmp_path) == before
    assert verify.verify(tmp_path).rows == len(fleet(days=3))
    periods = catalog.sealed_periods(catalog.load(tmp_path), "uptime")
    assert all(one.until_ms <= other.since_ms for one, other in pairwise(periods))


@pytest.mark.parametrize(
    ("zone", "date", "hours"),
    [(ZONE, "2026-03-29", 24), ("Europe/Berlin", "2026-03-29", 23), ("Europe/Berlin", "2026-10-25", 25)],
)
def test_a_day_is_as_long_as_in_its_zone(zone: str, date: str, hours: int):
    noon = duckdb.connect().execute(f"SELECT epoch_ms(TIMESTAMP '{date} 10:00:00')").fetchone()
    assert noon is not None
    day = day_of(noon[0], ZoneInfo(zone))
    assert (day.date, day.until_ms - day.since_ms) == (date, hours * HOUR)
    assert day_of(day.since_ms, ZoneInfo(zone)) == day_of(day.until_ms - 1, ZoneInfo(zone)) == day


@pytest.mark.parametrize("path", ["uptime/2026/2026-08-01.0.parquet", "uptime/2025/2026-08-01.parquet", "x.parquet"])
def test_only_our_own_names_are_read(path: str):
    assert parse_path(path) is None
    assert parse_path(relative_path("uptime", "2026-08-01", 3)) == ("uptime", "2026-08-01", 3)


def test_a_metric_declared_later_is_absent_in_older_files(tmp_path: Path, writer: JournalWriter):
    writer.write(fleet(days=1))
    before = everything(tmp_path)
    sealed(writer)
    (entry,) = [one for one in catalog.load(tmp_path) if one.kind == "uptime"]
    path = tmp_path / ARCHIVE_FOLDER / entry.path
    copy = path.with_suffix(".copy")
    duckdb.connect().execute(f"COPY (SELECT * EXCLUDE final_url FROM '{path}') TO '{copy}' (FORMAT parquet)")
    copy.replace(path)
    older = {name: sql for name, sql in entry.column_types.items() if name != "final_url"} | {"redirects": "INTEGER"}
    writer.write([catalog.add_file(replace(entry, columns=json.dumps(older)))])
    trim(writer)
    place = [column.name for column in reader.history_columns("uptime")].index("final_url")
    assert everything(tmp_path) == [(*row[:place], None, *row[place + 1 :]) for row in before]


def test_questions_in_sql_see_every_row_once(tmp_path: Path, writer: JournalWriter):
    found = fleet(days=3)
    writer.write(found[:-30])
    sealed(writer, days=2)
    trim(writer)
    writer.write(found)
    inside = [one for one in found if one.kind == "uptime" and FIRST + HOUR <= one.slot < FIRST + 3 * DAY - HOUR]
    wanted = {(one.portal, one.check, one.location, one.slot, one.attempt, one.duration) for one in inside}
    with reader.connect(tmp_path, PROBE_KINDS, FIRST + HOUR, FIRST + 3 * DAY - HOUR, ["duration"]) as db:
        rows = db.execute("SELECT * FROM uptime").fetchall()
        assert db.execute("SELECT COUNT(*) FROM latency").fetchone() is not None
    assert len(rows) == len(wanted)
    assert set(rows) == wanted
    with reader.connect(tmp_path, ["uptime"], 0, reader.UNBOUNDED_MS) as db:
        described = db.execute("DESCRIBE uptime").fetchall()
    assert [row[0] for row in described] == [column.name for column in reader.history_columns("uptime")]
    assert not list((tmp_path / ARCHIVE_FOLDER).glob("*-*"))


def test_a_sweep_keeps_the_temporary_directories_of_running_processes(tmp_path: Path, writer: JournalWriter):
    writer.write(fleet(days=1))
    dead = tmp_path / ARCHIVE_FOLDER / "tmp-dead"
    dead.mkdir(parents=True)
    (dead / "rows.duckdb").touch()
    with reader.connect(tmp_path, ["uptime"], 0, reader.UNBOUNDED_MS) as db:
        sealed(writer)
        assert not dead.exists()
        assert db.execute("SELECT COUNT(*) FROM uptime").fetchone() == (72,)


def test_the_manifest_is_corrected_after_a_sweep_that_was_killed_before_it_wrote_it(
    tmp_path: Path, writer: JournalWriter
):
    writer.write(fleet(days=1))
    compaction.run_maintenance(request(tmp_path), lambda update: _write(writer, update))
    manifest = tmp_path / ARCHIVE_FOLDER / "manifest.json"
    good = manifest.read_text("utf-8")
    manifest.write_text('{"schema": 1, "files": []}\n', "utf-8")
    manifest.with_name(".manifest.json.1.part").touch()
    assert compaction.run_maintenance(request(tmp_path), lambda update: _write(writer, update)) == 0
    assert manifest.read_text("utf-8") == good
    assert not list((tmp_path / ARCHIVE_FOLDER).glob(".manifest*"))


class FixedClock:
    """A clock that shows one time."""

    def __init__(self, now: int) -> None:
        self.moment = now

    def now(self) -> int:
        return self.moment

    def monotonic(self) -> float:
        return self.moment / 1000


async def test_the_job_seals_in_a_worker_process_and_trims_rows_that_all_consumers_have_read(tmp_path: Path):
    journal = Journal.open(tmp_path, PROBE_KINDS, commit_interval_seconds=0.0)
    try:
        found = fleet()
        await journal.commit_all(found)
        before = everything(tmp_path)
        clock = FixedClock(FIRST + 3 * DAY)
        job = ArchiveJob(
            tmp_path, journal, clock, ArchivePolicy(zone=ZONE, keep_in_journal_seconds=12 * 3600.0), ["sink"]
        )
        assert await job.sweep() == 2 * len(PROBE_KINDS)
        assert job.statistics.files == 2 * len(PROBE_KINDS)
        assert job.statistics.sealed_until_ms == FIRST + 2 * DAY
        clock.moment += 2 * HOUR
        assert await job.trim() == 0
        assert job.statistics.trim_blocked_by == "sink"
        await journal.commit(CheckpointUpdate(consumer="sink", seq=len(found)))
        assert await job.trim() == len(found)
        assert job.statistics.trim_blocked_by == ""
        assert everything(tmp_path) == before
        assert (tmp_path / ARCHIVE_FOLDER / "manifest.json").exists()
    finally:
        await journal.close()


async def test_rows_stay_while_they_are_young_or_their_file_is(tmp_path: Path):
    journal = Journal.open(tmp_path, PROBE_KINDS, commit_interval_seconds=0.0)
    try:
        await journal.commit_all(fleet())
        clock = FixedClock(FIRST + 3 * DAY)
        job = ArchiveJob(tmp_path, journal, clock, ArchivePolicy(zone=ZONE, keep_in_journal_seconds=2 * 24 * 3600.0))
        await job.sweep()
        assert await job.trim() == 0, "the files were made a moment ago"
        clock.moment += 2 * HOUR
        assert await job.trim() == len(fleet()) // 2, "only the first day is old enough"
    finally:
        await journal.close()


async def test_a_sealing_that_fails_raises_an_error_and_harms_nothing(tmp_path: Path):
    journal = Journal.open(tmp_path, PROBE_KINDS, commit_interval_seconds=0.0)
    try:
        await journal.commit_all(fleet())
        (tmp_path / ARCHIVE_FOLDER).write_text("in the way")
        job = ArchiveJob(tmp_path, journal, FixedClock(FIRST + 3 * DAY), ArchivePolicy(zone=ZONE))
        with pytest.raises(Exception, match=r"archive .* cannot be used"):
            await job.sweep()
        assert len(everything(tmp_path)) == sum(one.kind == "uptime" for one in fleet())
    finally:
        await journal.close()


def test_all_that_the_journal_takes_is_archived():
    assert archived_kinds() == [*PROBE_KINDS, STATE_CHANGE_KIND]
