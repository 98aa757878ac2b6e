"""What earlier versions wrote is read by this one, and what a newer one wrote is left as it is."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import tarfile
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from monitor.storage.archive import verify
from monitor.storage.history import reader
from monitor.storage.history.reader import HistoryWindow
from monitor.storage.journal.database import JOURNAL_SCHEMA_VERSION, JournalError, open_journal
from monitor.storage.journal.store import JOURNAL_FILE, JournalReader, JournalWriter
from probes.registry import PROBE_KINDS
from tests import factories
from tests.fixtures import make
from tests.test_demo import ROOT

RELEASES = sorted(path.name.removesuffix(".tar.xz") for path in Path(make.__file__).parent.glob("*.tar.xz"))


def unpacked(release: str, scratch: Path) -> tuple[Path, list[dict[str, Any]]]:
    """A release's data directory, and the records that its own code read there."""
    with tarfile.open(Path(make.__file__).parent / f"{release}.tar.xz") as packed:
        packed.extractall(scratch, filter="data")
    return scratch / "data", json.loads((scratch / "records.json").read_text())


def as_then(new: object, old: object) -> object:
    """``new`` with those fields only that ``old`` has: a later version may know more of a record, never less."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {key: as_then(new.get(key), value) for key, value in old.items()}
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [as_then(one, other) for one, other in zip(new, old, strict=True)]
    return new


@pytest.mark.parametrize("release", RELEASES)
def test_a_release_s_records_read_as_they_did_then_also_after_an_upgrade(tmp_path: Path, release: str):
    data, records = unpacked(release, tmp_path)
    kinds = Counter(one.get("kind", "") for one in records)
    assert {kind for kind in PROBE_KINDS if kinds[kind]} == set(PROBE_KINDS), "the fixture has every kind"
    assert as_then(make.read_records(data), records) == records
    writer = JournalWriter(data / JOURNAL_FILE, PROBE_KINDS)
    writer.write([factories.measurement(portal="new", slot=make.FIRST + 9 * factories.DAY)])
    writer.close()
    assert as_then(make.read_records(data)[: len(records)], records) == records
    assert len(make.read_records(data)) == len(records) + 1


@pytest.mark.parametrize("release", RELEASES)
def test_a_release_s_archive_is_whole_and_its_history_has_every_row_once(tmp_path: Path, release: str):
    data, records = unpacked(release, tmp_path)
    found = verify.verify(data)
    assert found.ok, found.errors
    assert found.files > 0
    for kind in PROBE_KINDS:
        seen = Counter[tuple[object, ...]]()
        for batch in reader.measurements(data, HistoryWindow(kind=kind), 1000):
            seen.update(zip(*(batch[name] for name in ("portal", "check", "slot", "attempt")), strict=True))
        wanted = [one for one in records if one.get("kind") == kind and "check" in one]
        assert seen == Counter((one["portal"], one["check"], one["slot"], one["attempt"]) for one in wanted)


def contents(directory: Path) -> dict[str, bytes]:
    """Every file with its bytes; the lock holds only the number of the last process."""
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and path.name != "lock"
    }


COMMANDS = [
    ["run", "--config", "config"],
    ["status", "--config", "config"],
    ["archive", "verify"],
    ["archive", "compact", "--config", "config"],
    ["backup", "DEST"],
]


@pytest.mark.parametrize("newer", ["journal", "archive"])
def test_what_a_newer_version_wrote_is_refused_without_harm(tmp_path: Path, newer: str):
    data, _ = unpacked(RELEASES[-1], tmp_path)
    with closing(sqlite3.connect(data / JOURNAL_FILE)) as db:
        if newer == "journal":
            db.execute(f"PRAGMA user_version = {JOURNAL_SCHEMA_VERSION + 1}")
        else:
            db.execute(
                "UPDATE archive_file SET schema = schema + 1 WHERE rowid = (SELECT MIN(rowid) FROM archive_file)"
            )
        db.commit()
        db.execute("PRAGMA journal_mode = DELETE")
    before = contents(data)
    for words in COMMANDS if newer == "journal" else COMMANDS[2:]:
        command = [sys.executable, "-m", "monitor", *(str(tmp_path / one) if one == "DEST" else one for one in words)]
        done = subprocess.run(
            [*command, "--data", str(data)], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 1, words
        assert "newer version" in done.stderr, (words, done.stderr)
        assert "Traceback" not in done.stderr
    after = contents(data)
    if newer == "archive":  # the journal itself is one that may be opened for writing
        before, after = ({k: v for k, v in one.items() if k.startswith("archive/")} for one in (before, after))
    assert after == before
    assert not (tmp_path / "DEST").exists()


def test_a_journal_from_before_the_first_release_is_refused_without_harm(tmp_path: Path):
    data, _ = unpacked(RELEASES[-1], tmp_path)
    with closing(sqlite3.connect(data / JOURNAL_FILE)) as db:
        db.execute(f"PRAGMA user_version = {JOURNAL_SCHEMA_VERSION - 1}")
        db.commit()
        db.execute("PRAGMA journal_mode = DELETE")
    before = contents(data)
    for write in (True, False):
        with pytest.raises(JournalError, match="written before the first release"):
            open_journal(data / JOURNAL_FILE, write=write)
    assert contents(data) == before


def test_another_program_s_database_is_refused_without_harm(tmp_path: Path):
    with closing(sqlite3.connect(tmp_path / JOURNAL_FILE)) as db:
        db.execute("CREATE TABLE theirs (a)")
        db.commit()
    before = contents(tmp_path)
    for write in (True, False):
        with pytest.raises(JournalError, match="another program"):
            open_journal(tmp_path / JOURNAL_FILE, write=write)
    with pytest.raises(JournalError, match="another program"):
        JournalReader(tmp_path / JOURNAL_FILE, PROBE_KINDS)
    assert contents(tmp_path) == before
