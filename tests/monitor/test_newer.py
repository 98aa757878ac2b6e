"""A newer version's journal is refused before SQLite touches any of its files, also when only the log knows of it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from monitor.datadir import FILE, SCHEMA, JournalError, Lock, connect
from monitor.store import Writer
from probes.kinds import KINDS
from tests import factories


def contents(directory: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in directory.iterdir()}


@pytest.mark.parametrize("in_the_log", [False, True])
def test_a_newer_journal_is_not_touched(tmp_path: Path, *, in_the_log: bool):
    """As a killed daemon leaves it: the write-ahead log beside the file, and nobody who holds it open."""
    made, data = tmp_path / "made", tmp_path / "data"
    made.mkdir()
    data.mkdir()
    writer = Writer(made / FILE, KINDS)
    writer.write([factories.measurement(slot=factories.SLOT + number) for number in range(20)])
    writer.close()
    db = sqlite3.connect(made / FILE)
    db.execute(f"PRAGMA user_version = {SCHEMA + 1}")
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
        lambda: connect(data / FILE, write=True),
        lambda: connect(data / FILE, write=False),
        lambda: Lock(data),
    ):
        with pytest.raises(JournalError, match="written by a newer version"):
            attempt()
        assert contents(data) == before
