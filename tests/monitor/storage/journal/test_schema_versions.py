"""A newer version's journal is refused before SQLite touches any of its files, also when only the log has it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.storage.journal.database import (
    JOURNAL_FILE,
    JOURNAL_SCHEMA_VERSION,
    DirectoryLock,
    JournalError,
    open_journal,
    reject_newer_schema,
)
from monitor.storage.journal.store import JournalWriter
from probes.registry import PROBE_KINDS
from tests import factories


def contents(directory: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in directory.iterdir()}


@pytest.mark.parametrize("in_the_log", [False, True])
def test_a_newer_journal_is_not_touched(tmp_path: Path, *, in_the_log: bool):
    """As a killed daemon leaves it: the write-ahead log beside the file, and no process that has it open."""
    made, data = tmp_path / "made", tmp_path / "data"
    made.mkdir()
    data.mkdir()
    writer = JournalWriter(made / JOURNAL_FILE, PROBE_KINDS)
    writer.write([factories.measurement(slot=factories.SLOT + number) for number in range(20)])
    writer.close()
    db = sqlite3.connect(made / JOURNAL_FILE)
    db.execute(f"PRAGMA user_version = {JOURNAL_SCHEMA_VERSION + 1}")
    if not in_the_log:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.execute("DELETE FROM meta")
    db.execute("INSERT INTO meta VALUES ('a', 'b')")
    db.commit()
    for path in made.iterdir():
        if not path.name.endswith("-shm"):
            (data / path.name).write_bytes(path.read_bytes())
    db.close()
    before = contents(data)
    assert len(before) == 2, "the journal and its log"
    for attempt in (
        lambda: open_journal(data / JOURNAL_FILE, write=True),
        lambda: open_journal(data / JOURNAL_FILE, write=False),
        lambda: DirectoryLock(data),
    ):
        with pytest.raises(JournalError, match="written by a newer version"):
            attempt()
        assert contents(data) == before


VISIT = (
    "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute('SELECT 1 FROM meta').fetchall(); db.close()"
)


@pytest.mark.parametrize("also", ["another reader", "a reader that came and went", "a version check"])
def test_a_program_that_opens_and_closes_the_journal_takes_no_log_from_under_the_daemon(tmp_path: Path, also: str):
    """The last process to close checkpoints the log and removes it; one that released its locks is not counted."""
    writer = JournalWriter(tmp_path / JOURNAL_FILE, PROBE_KINDS)
    reader = open_journal(tmp_path / JOURNAL_FILE, write=False)
    if also == "a reader that came and went":
        reader.close()
    elif also == "a version check":
        reject_newer_schema(tmp_path / JOURNAL_FILE)
    subprocess.run([sys.executable, "-c", VISIT, str(tmp_path / JOURNAL_FILE)], check=True)
    writer.write([factories.measurement(slot=factories.SLOT)])
    seen = sqlite3.connect(tmp_path / JOURNAL_FILE)
    assert seen.execute("SELECT COUNT(*) FROM measurement_uptime").fetchone() == (1,), (
        "others see what is committed now"
    )
    seen.close()
    reader.close()
    assert (tmp_path / f"{JOURNAL_FILE}-wal").exists(), (
        "where it was committed to is still there when this process is killed"
    )
    writer.close()
