"""A window of history reads the same whatever else goes on in the journal."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from monitor.model.records import State
from monitor.storage.history import reader
from monitor.storage.history.reader import HistoryWindow
from monitor.storage.journal.store import JOURNAL_FILE, CheckpointUpdate, JournalError, JournalWriter
from probes.registry import PROBE_KINDS
from probes.result import Outcome
from tests import factories
from tests.factories import MINUTE, SLOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from monitor.model.records import Measurement, StateChange

ROOT = Path(__file__).parents[4]


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[JournalWriter]:
    writer = JournalWriter(tmp_path / JOURNAL_FILE, PROBE_KINDS)
    yield writer
    writer.close()


def read(directory: Path, window: HistoryWindow, batch: int = reader.BATCH_ROWS) -> list[tuple[object, ...]]:
    """Identities in the order given."""
    return [
        row
        for columns in reader.measurements(directory, window, batch)
        for row in zip(*(columns[name] for name in reader.IDENTITY_COLUMNS), strict=True)
    ]


def identities(measurements: Iterable[Measurement]) -> list[tuple[object, ...]]:
    """Identities in the documented order."""
    ordered = sorted(measurements, key=lambda one: (one.slot, one.portal, one.check, one.location, one.attempt))
    return [(one.portal, one.check, one.location, one.slot, one.attempt) for one in ordered]


def fleet() -> list[Measurement]:
    """Many measurements of few slots, written in no order."""
    found = [
        factories.measurement(portal=portal, check=check, location=location, slot=SLOT + slot * MINUTE, attempt=attempt)
        for attempt in (2, 1)
        for location in ("hn-1", "dn-1")
        for portal in ("hue", "ha-noi", "Đà-nẵng")
        for check in ("uptime-search", "uptime")
        for slot in (3, 0, 2, 1)
    ]
    return found[::2] + found[1::2]


@pytest.mark.parametrize("batch", [1, 2, 7, 24, 1000])
def test_order_and_completeness_do_not_depend_on_the_batch(tmp_path: Path, writer: JournalWriter, batch: int):
    writer.write(fleet())
    assert read(tmp_path, HistoryWindow(kind="uptime"), batch) == identities(fleet())


def test_a_window_is_half_open_and_narrowed_by_portal_and_check(tmp_path: Path, writer: JournalWriter):
    writer.write(fleet())
    window = HistoryWindow(
        kind="uptime",
        since_ms=SLOT + MINUTE,
        until_ms=SLOT + 3 * MINUTE,
        portals=frozenset({"hue", "Đà-nẵng", "absent"}),
        checks=frozenset({"uptime"}),
    )
    wanted = [
        one
        for one in fleet()
        if one.portal != "ha-noi" and one.check == "uptime" and SLOT + MINUTE <= one.slot < SLOT + 3 * MINUTE
    ]
    assert read(tmp_path, window, 3) == identities(wanted)
    assert reader.count(tmp_path, window) == len(wanted) == 16
    assert read(tmp_path, HistoryWindow(kind="uptime", portals=frozenset())) == []


def test_columns_come_in_the_documented_order_with_the_declared_types(tmp_path: Path, writer: JournalWriter):
    good = factories.measurement()
    bad = factories.measurement(slot=SLOT + 1, outcome=Outcome.DOWN)
    writer.write([good, bad])
    (batch,) = reader.measurements(tmp_path, HistoryWindow(kind="uptime"))
    columns = reader.history_columns("uptime")
    assert list(batch) == [column.name for column in columns]
    assert " ".join(list(batch)[:15]) == (
        "portal check location slot attempt outcome fault unknown_reason phase detail started duration start_delay "
        "config hops"
    )
    for column in columns:
        assert {type(value) for value in batch[column.name]} <= {column.type, type(None)}, column.name
    assert batch["ipv4_success"] == [True, None]
    assert batch["fault"] == [None, "connect_timeout"]
    assert json.loads(batch["hops"][1])[0]["phases"] == {"resolve": 0.012, "connect": 9.988}


def test_every_column_of_the_journal_is_there(tmp_path: Path, writer: JournalWriter):
    """History has no second list of columns that could differ from the table's."""
    for kind, table in writer._tables.items():  # noqa: SLF001
        assert [column.name for column in reader.history_columns(kind)] == table.columns[1:]


def test_a_metric_younger_than_the_journal_is_absent(tmp_path: Path, writer: JournalWriter):
    writer.write([factories.measurement()])
    writer._db.execute('ALTER TABLE "measurement_uptime" DROP COLUMN "status"')  # noqa: SLF001
    writer._db.execute('DROP TABLE "measurement_latency"')  # noqa: SLF001
    (batch,) = reader.measurements(tmp_path, HistoryWindow(kind="uptime"))
    assert batch["status"] == [None]
    assert list(reader.measurements(tmp_path, HistoryWindow(kind="latency"))) == []
    assert reader.count(tmp_path, HistoryWindow(kind="latency")) == 0


@pytest.mark.parametrize("call", [reader.count, lambda *both: list(reader.measurements(*both))])
def test_a_journal_that_cannot_be_read_is_reported(tmp_path: Path, call: Callable[[Path, HistoryWindow], object]):
    with pytest.raises(JournalError, match="there is no journal at"):
        call(tmp_path, HistoryWindow(kind="uptime"))
    with pytest.raises(JournalError, match="probe kind 'gopher' is not one of uptime"):
        call(tmp_path, HistoryWindow(kind="gopher"))
    (tmp_path / JOURNAL_FILE).write_bytes(b"no database" * 1000)
    with pytest.raises(JournalError, match="not a database"):
        call(tmp_path, HistoryWindow(kind="uptime"))


def test_a_reader_left_half_way_does_not_keep_the_log_from_being_folded_back(tmp_path: Path, writer: JournalWriter):
    writer.write(list(factories.measurements(100)))
    batches = reader.measurements(tmp_path, HistoryWindow(kind="uptime"), 10)
    next(batches)
    writer.write(list(factories.measurements(100, slot=SLOT + 100 * MINUTE)))
    busy, frames, folded = writer._db.execute("PRAGMA wal_checkpoint(FULL)").fetchone()  # noqa: SLF001
    assert (busy, frames) == (0, folded)
    assert sum(len(batch["slot"]) for batch in batches) == 190, "and it sees what was committed behind it"


WRITING = """
import sys
from pathlib import Path
from monitor.storage.journal.store import JournalWriter
from probes.registry import PROBE_KINDS
from tests import factories
writer = JournalWriter(Path(sys.argv[1]), PROBE_KINDS)
print("ready", flush=True)
slot = factories.SLOT
while True:
    writer.write([factories.measurement(slot=slot + number) for number in range(20)])
    slot += 20
"""


def test_reading_while_another_process_commits(tmp_path: Path):
    """Every read sees whole transactions, in order, and more and more of them."""
    command = [sys.executable, "-c", WRITING, str(tmp_path / JOURNAL_FILE)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            seen = [0]
            while len(seen) < 30 or seen[-1] < 500:
                slots = [
                    slot
                    for batch in reader.measurements(tmp_path, HistoryWindow(kind="uptime"))
                    for slot in batch["slot"]
                ]
                assert slots == list(range(SLOT, SLOT + len(slots)))
                assert len(slots) % 20 == 0
                seen.append(len(slots))
        finally:
            process.kill()
    assert seen == sorted(seen)


def changes() -> list[StateChange]:
    """State changes of two portals; the second location has its own."""
    return [
        factories.change(at=SLOT, state=State.UP, previous=State.UNKNOWN, fault=None, detail=""),
        factories.change(at=SLOT + 2 * MINUTE),
        factories.change(portal="hue", at=SLOT + MINUTE, state=State.UP, previous=State.UNKNOWN, fault=None),
        factories.change(at=SLOT + MINUTE, location="dn-1"),
    ]


def test_state_changes_of_a_window(tmp_path: Path, writer: JournalWriter):
    writer.write([CheckpointUpdate(consumer="states", seq=0, changes=tuple(changes()))])
    batches = list(reader.state_changes(tmp_path, SLOT, SLOT + 2 * MINUTE, batch_rows=2))
    assert [len(batch["at"]) for batch in batches] == [2, 1]
    assert list(batches[0]) == [column.name for column in reader.STATE_CHANGE_COLUMNS]
    rows = [row for batch in batches for row in zip(batch["at"], batch["portal"], batch["location"], strict=True)]
    assert rows == [(SLOT, "ha-noi", "hn-1"), (SLOT + MINUTE, "ha-noi", "dn-1"), (SLOT + MINUTE, "hue", "hn-1")]
    (batch,) = reader.state_changes(tmp_path, portals=frozenset({"hue"}))
    assert batch["state"] == ["up"]
    assert batch["fault"] == [None]


def test_the_state_in_force_when_a_window_begins(tmp_path: Path, writer: JournalWriter):
    assert reader.states_at(tmp_path) == {column.name: [] for column in reader.STATE_CHANGE_COLUMNS}
    writer.write([CheckpointUpdate(consumer="states", seq=0, changes=tuple(changes()))])
    at_first = reader.states_at(tmp_path, SLOT + MINUTE)
    assert list(zip(at_first["portal"], at_first["location"], at_first["state"], strict=True)) == [
        ("ha-noi", "dn-1", "down"),
        ("ha-noi", "hn-1", "up"),
        ("hue", "hn-1", "up"),
    ]
    assert reader.states_at(tmp_path)["state"] == ["down", "down", "up"]


def table(columns: Iterable[reader.HistoryColumn]) -> str:
    """Columns as the table that the document shows."""
    lines = ["| column | type | unit | meaning |", "|---|---|---|---|"]
    for column in columns:
        words = column.help + (f" One of {', '.join(f'`{one}`' for one in column.choices)}." if column.choices else "")
        name = f"`{column.name}`" + (" *" if column.required else "")
        lines.append(f"| {name} | {column.type.__name__} | {column.unit} | {words} |")
    return "\n".join(lines)


def test_the_document_lists_every_column():
    """When this fails, put the table it prints into docs/history-format.md."""
    document = (ROOT / "docs" / "history-format.md").read_text()
    assert table(reader.BASE_COLUMNS) in document
    assert table(reader.STATE_CHANGE_COLUMNS) in document
    for kind in PROBE_KINDS:
        assert table(reader.history_columns(kind)[len(reader.BASE_COLUMNS) :]) in document
        assert f"`{kind}`" in document
