"""The file: one transaction a call, identities once, old files extended, others refused, one daemon a directory."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.records import Measurement
from monitor.storage.journal import rows
from monitor.storage.journal.store import (
    APPLICATION_ID,
    JOURNAL_FILE,
    JOURNAL_SCHEMA_VERSION,
    CheckpointUpdate,
    DirectoryLock,
    JournalError,
    JournalReader,
    JournalWriter,
    MetaUpdate,
)
from probes.metric import Metric, Unit
from probes.registry import PROBE_KINDS
from probes.result import Fault, Outcome
from tests import factories
from tests.factories import MINUTE, SLOT
from tests.monitor.parts import Scripted, on_disk

ROOT = Path(__file__).parents[4]


def written(directory: Path, *entries: Measurement | CheckpointUpdate | MetaUpdate) -> list:
    writer = JournalWriter(directory / JOURNAL_FILE, PROBE_KINDS)
    try:
        return writer.write(entries)
    finally:
        writer.close()


def test_what_is_written_is_read_as_it_was(tmp_path: Path):
    records = [
        factories.measurement(),
        factories.measurement(kind="latency"),
        factories.measurement(slot=SLOT + 1, outcome=Outcome.DOWN),
        factories.measurement(slot=SLOT + 2, outcome=Outcome.UNKNOWN),
    ]
    written(tmp_path, *records)
    assert on_disk(tmp_path) == [replace(one, seq=number) for number, one in enumerate(records, start=1)]


def test_numbers_run_over_all_kinds_and_go_on_after_a_restart(tmp_path: Path):
    for number in range(3):
        written(tmp_path, *(factories.measurement(kind=kind, slot=SLOT + number) for kind in ("uptime", "latency")))
    found = [(one.seq, one.kind) for one in on_disk(tmp_path)]
    assert found == [(number, "uptime" if number % 2 else "latency") for number in range(1, 7)]


def test_a_known_identity_is_left_out_and_takes_no_number(tmp_path: Path):
    first = factories.measurement(detail="first")
    written(tmp_path, first)
    new = written(tmp_path, replace(first, detail="second"), factories.measurement(slot=SLOT + 1))
    assert [(one.seq, one.slot) for one in new] == [(2, SLOT + 1)]
    assert [one.detail for one in on_disk(tmp_path)] == ["first", ""]


def test_another_attempt_or_location_is_another_identity(tmp_path: Path):
    one = factories.measurement()
    assert len(written(tmp_path, one, replace(one, attempt=2), replace(one, location="other"))) == 3


def test_a_clash_of_numbers_is_loud(tmp_path: Path):
    """Only a known identity is skipped silently; anything else that clashes would lose a record."""
    written(tmp_path, factories.measurement())
    db = sqlite3.connect(tmp_path / JOURNAL_FILE)
    with db:
        db.execute("UPDATE sequence SET last = 0")
    db.close()
    with pytest.raises(sqlite3.IntegrityError):
        written(tmp_path, factories.measurement(slot=SLOT + 1))


odd_texts = st.text(st.characters(codec=None), max_size=20) | st.sampled_from(["\udcff", "a\x00b", "Hà Nội", "😀", ""])
odd_values = (
    st.floats() | st.integers(-(2**70), 2**70) | st.booleans() | odd_texts | st.sampled_from([float("nan"), 10**400])
)


@given(
    st.dictionaries(st.sampled_from(["status", "ssl", "wait_seconds", "cert_subject", "not_declared"]), odd_values),
    odd_texts,
    odd_texts,
)
def test_whatever_a_probe_writes_down_is_stored_and_read_back(
    tmp_path_factory: pytest.TempPathFactory, values: dict[str, object], detail: str, url: str
):
    """One odd value must not stop the journal, and memory and disk must return the same."""
    directory = tmp_path_factory.mktemp("odd")
    one = factories.measurement(values=values, detail=detail, hops=(factories.hop(url=url),))
    (new,) = written(directory, one)
    assert on_disk(directory) == [new]
    assert new.detail == detail.encode(errors="replace").decode()
    assert "not_declared" not in new.values


def test_checkpoint_and_changes_are_one_transaction(tmp_path: Path):
    update = CheckpointUpdate(consumer="states", seq=7, state="m", changes=(factories.change(),))
    unknown = factories.measurement(kind="never-heard-of")
    with pytest.raises(KeyError):
        written(tmp_path, factories.measurement(), update, MetaUpdate(key="a", value="b"), unknown)
    reader = JournalReader(tmp_path / JOURNAL_FILE, PROBE_KINDS)
    assert (reader.checkpoint("states"), reader.records_after(0, 10), reader.meta("a")) == ((0, ""), [], None)
    written(tmp_path, update, MetaUpdate(key="a", value="b"))
    assert (reader.checkpoint("states"), len(reader.records_after(0, 10)), reader.meta("a")) == ((7, "m"), 1, "b")
    reader.close()


def test_a_change_written_twice_is_stored_once(tmp_path: Path):
    change = factories.change()
    written(tmp_path, CheckpointUpdate(consumer="states", seq=1, changes=(change,)))
    written(tmp_path, CheckpointUpdate(consumer="states", seq=2, changes=(change, factories.change(at=SLOT + 1))))
    assert [(one.seq, one.at) for one in on_disk(tmp_path)] == [(1, SLOT), (2, SLOT + 1)]


@given(st.integers(1, 9))
def test_batches_of_any_size_make_the_same_whole(tmp_path_factory: pytest.TempPathFactory, limit: int):
    directory = tmp_path_factory.mktemp("batches")
    records = [factories.measurement(kind=kind, slot=SLOT + n) for n in range(7) for kind in ("uptime", "latency")]
    written(directory, *records, CheckpointUpdate(consumer="states", seq=3, changes=(factories.change(),)))
    reader = JournalReader(directory / JOURNAL_FILE, PROBE_KINDS)
    found: list = []
    while batch := reader.records_after(found[-1].seq if found else 0, limit):
        found += batch
    assert [one.seq for one in found] == list(range(1, 16))
    reader.close()


def test_a_commit_between_two_tables_does_not_hide_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A reader that met number 4 in one table and not number 3 in another would never read number 3 again."""
    writer = JournalWriter(tmp_path / JOURNAL_FILE, PROBE_KINDS)
    writer.write([factories.measurement(), factories.measurement(kind="latency")])
    reader = JournalReader(tmp_path / JOURNAL_FILE, PROBE_KINDS)
    read, waiting = rows.KindTable.measurement, [factories.measurement(slot=SLOT + 1)]
    waiting.append(factories.measurement(kind="latency", slot=SLOT + 1))

    def read_slowly(table: rows.KindTable, row: Sequence[object]) -> Measurement:
        late, waiting[:] = waiting[:], []
        if late:
            writer.write(late)
        return read(table, row)

    monkeypatch.setattr(rows.KindTable, "measurement", read_slowly)
    assert [one.seq for one in reader.records_after(0, 10)] == [1, 2]
    assert [one.seq for one in reader.records_after(2, 10)] == [3, 4]
    reader.close()
    writer.close()


def test_questions_by_slot(tmp_path: Path):
    records = [*factories.measurements(5), factories.measurement(portal="hue", slot=SLOT + 9 * MINUTE)]
    written(tmp_path, *reversed(records))
    reader = JournalReader(tmp_path / JOURNAL_FILE, PROBE_KINDS)
    found = list(
        reader.measurements(kind="uptime", portal="ha-noi", since_ms=SLOT + MINUTE, until_ms=SLOT + 3 * MINUTE)
    )
    assert [one.slot for one in found] == [SLOT + MINUTE, SLOT + 2 * MINUTE]
    newest = list(reader.measurements(kind="uptime", limit=2, newest_first=True))
    assert [one.portal for one in newest] == ["hue", "ha-noi"]
    assert reader.last_slot("uptime", "ha-noi", "uptime", "hn-1", 2**62) == SLOT + 4 * MINUTE
    assert reader.latest("uptime", "ha-noi", "uptime", "hn-1") == replace(records[4], seq=2)
    for nothing in (("uptime", "ha-noi", "uptime", "other"), ("unknown", "ha-noi", "uptime", "hn-1")):
        assert reader.last_slot(*nothing, 2**62) is None
        assert reader.latest(*nothing) is None
    assert list(reader.measurements(kind="unknown")) == []
    reader.close()


def test_the_state_at_a_time_is_that_of_one_location(tmp_path: Path):
    changes = (factories.change(at=SLOT), factories.change(at=SLOT + 5, location="other"))
    written(tmp_path, CheckpointUpdate(consumer="states", seq=1, changes=changes))
    reader = JournalReader(tmp_path / JOURNAL_FILE, PROBE_KINDS)
    assert reader.state_at("ha-noi", "hn-1", SLOT + 9).at == SLOT
    assert reader.state_at("ha-noi", "hn-1", SLOT - 1) is None
    assert [one.location for one in reader.state_changes(portal="ha-noi", since_ms=SLOT + 1)] == ["other"]
    reader.close()


class Richer(Scripted):
    """The kind of a later version, which measures one thing more."""

    metrics: ClassVar[tuple[Metric, ...]] = (
        *Scripted.metrics,
        Metric(name="colour", unit=Unit.TEXT, help="New.", type=str),
    )


def test_a_new_metric_becomes_a_column_of_an_old_file(tmp_path: Path):
    """And a reader of the new version reads an old file that no daemon has extended yet."""
    old = JournalWriter(tmp_path / JOURNAL_FILE, {"uptime": Scripted})
    old.write([factories.measurement(values={"took": 1.5})])
    reader = JournalReader(tmp_path / JOURNAL_FILE, {"uptime": Richer})
    assert [one.values for one in reader.records_after(0, 9)] == [{"took": 1.5}]
    reader.close()
    old.close()
    new = JournalWriter(tmp_path / JOURNAL_FILE, {"uptime": Richer})
    new.write([factories.measurement(slot=SLOT + 1, values={"took": 2.5, "colour": "đỏ"})])
    new.close()
    richer, plain = on_disk(tmp_path, {"uptime": Richer}), on_disk(tmp_path, {"uptime": Scripted})
    assert [one.values for one in richer] == [{"took": 1.5}, {"took": 2.5, "colour": "đỏ"}]
    assert [one.values for one in plain] == [{"took": 1.5}, {"took": 2.5}]


def pragma(directory: Path, *statements: str) -> None:
    db = sqlite3.connect(directory / JOURNAL_FILE)
    for statement in statements:
        db.execute(statement)
    db.commit()
    db.close()


@pytest.mark.parametrize(
    ("statements", "error"),
    [
        (
            [f"PRAGMA application_id = {APPLICATION_ID}", f"PRAGMA user_version = {JOURNAL_SCHEMA_VERSION + 1}"],
            "newer version",
        ),
        (["PRAGMA application_id = 7"], "another program"),
        (["CREATE TABLE letters (text)"], "another program"),
    ],
)
def test_a_file_that_is_not_ours_is_refused_untouched(tmp_path: Path, statements: list[str], error: str):
    pragma(tmp_path, *statements)
    before = (tmp_path / JOURNAL_FILE).read_bytes()
    for open_it in (JournalWriter, JournalReader):
        with pytest.raises(JournalError, match=error):
            open_it(tmp_path / JOURNAL_FILE, PROBE_KINDS)
    assert (tmp_path / JOURNAL_FILE).read_bytes() == before


def test_a_file_that_is_no_database_is_refused(tmp_path: Path):
    (tmp_path / JOURNAL_FILE).write_text("Dear diary, " * 100)
    for open_it in (JournalWriter, JournalReader):
        with pytest.raises(JournalError, match="cannot be opened"):
            open_it(tmp_path / JOURNAL_FILE, PROBE_KINDS)


def test_an_empty_file_becomes_a_journal_and_is_none_before(tmp_path: Path):
    """A crash between the creation of the file and its tables leaves that."""
    (tmp_path / JOURNAL_FILE).touch()
    with pytest.raises(JournalError, match="no journal"):
        JournalReader(tmp_path / JOURNAL_FILE, PROBE_KINDS)
    assert len(written(tmp_path, factories.measurement())) == 1


def test_no_journal_no_reader(tmp_path: Path):
    with pytest.raises(JournalError, match="there is no journal at"):
        JournalReader(tmp_path / JOURNAL_FILE, PROBE_KINDS)


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(JournalError, match=r"data directory .*/file/data is not writable: Not a directory"):
        DirectoryLock(tmp_path / "file" / "data")


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user, which only root can")
def test_a_directory_of_another_user_is_named():
    words = (
        "import os, sys, pathlib\nfrom monitor.storage.journal.store import *\nos.setuid(65534)\n"
        "try: DirectoryLock(pathlib.Path(sys.argv[1]))\nexcept JournalError as error: print(error)"
    )
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        done = subprocess.run(
            [sys.executable, "-c", words, directory], cwd=ROOT, capture_output=True, text=True, check=False
        )
    assert "is not writable: Permission denied" in done.stdout, done.stderr


def test_one_daemon_a_directory(tmp_path: Path):
    lock = DirectoryLock(tmp_path)
    with pytest.raises(JournalError, match=rf"in use by another daemon \(process {os.getpid()}\)"):
        DirectoryLock(tmp_path)
    lock.release()
    DirectoryLock(tmp_path).release()


def test_a_fault_of_a_record_survives(tmp_path: Path):
    written(tmp_path, *(factories.measurement(slot=SLOT + n, fault=fault) for n, fault in enumerate(Fault)))
    assert [one.fault for one in on_disk(tmp_path)] == list(Fault)
