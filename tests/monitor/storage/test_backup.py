"""A backup is whole or absent, whatever goes on meanwhile, and what is restored is a moment of the original."""

from __future__ import annotations

import json
import threading
from contextlib import closing
from pathlib import Path

import pytest

from monitor.storage import backup as module
from monitor.storage.archive import verify
from monitor.storage.archive.protocol import SealRequest
from monitor.storage.archive.seal import sweep
from monitor.storage.backup import BACKUP_MANIFEST_FILE, BackupError, backup, check, restore
from monitor.storage.journal.store import JOURNAL_FILE, JournalReader, JournalWriter
from probes.registry import PROBE_KINDS
from tests import factories
from tests.factories import DAY
from tests.fixtures import make


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three days of two portals, two of them sealed, and a screenshot."""
    directory = tmp_path / "data"
    directory.mkdir()
    make.make(directory)
    screenshot = directory / "screenshots" / "hue" / "mobile" / "1" / "0.jpg"
    screenshot.parent.mkdir(parents=True)
    screenshot.write_bytes(b"\xff\xd8screenshot")
    (directory / "screenshots" / "hue" / ".part").write_bytes(b"half")
    return directory


def test_what_is_restored_is_what_was_there(data: Path, tmp_path: Path):
    made = backup(data, tmp_path / "copy")
    assert check(tmp_path / "copy") == []
    assert restore(tmp_path / "copy", tmp_path / "again") == made
    assert make.read_records(tmp_path / "again") == make.read_records(data)
    assert verify.verify(tmp_path / "again").ok
    assert (tmp_path / "again/screenshots/hue/mobile/1/0.jpg").read_bytes() == b"\xff\xd8screenshot"
    assert not (tmp_path / "again/screenshots/hue/.part").exists()
    assert not (tmp_path / "again" / BACKUP_MANIFEST_FILE).exists()
    with closing(JournalReader(tmp_path / "again" / JOURNAL_FILE, PROBE_KINDS)) as reader:
        assert reader.checkpoint("states") == (1, "{}")


def test_other_users_cannot_read_it(data: Path, tmp_path: Path):
    backup(data, tmp_path / "copy")
    restore(tmp_path / "copy", tmp_path / "again")
    for root in (tmp_path / "copy", tmp_path / "again"):
        modes = {path: path.stat().st_mode & 0o777 for path in (root, *root.rglob("*"))}
        assert all(mode == (0o700 if path.is_dir() else 0o600) for path, mode in modes.items()), modes


def test_neither_overwrites_anything(data: Path, tmp_path: Path):
    backup(data, tmp_path / "copy")
    with pytest.raises(BackupError, match="already exists"):
        backup(data, tmp_path / "copy")
    with pytest.raises(BackupError, match="not empty"):
        restore(tmp_path / "copy", data)
    (tmp_path / "empty").mkdir()
    restore(tmp_path / "copy", tmp_path / "empty")
    assert make.read_records(tmp_path / "empty") == make.read_records(data)


def _flip(path: Path) -> None:
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(body)


def test_damage_of_any_file_is_found_and_nothing_is_restored(data: Path, tmp_path: Path):
    made = backup(data, tmp_path / "copy")
    for one in made.files:
        path = tmp_path / "copy" / one.path
        whole = path.read_bytes()
        _flip(path)
        assert check(tmp_path / "copy") == [f"{one.path}: changed since it was backed up"]
        with pytest.raises(BackupError, match="differs from the manifest"):
            restore(tmp_path / "copy", tmp_path / "again")
        path.unlink()
        assert check(tmp_path / "copy")
        with pytest.raises(OSError, match="No such file"):
            restore(tmp_path / "copy", tmp_path / "again")
        path.write_bytes(whole)
        assert not [path for path in tmp_path.iterdir() if "again" in path.name]
    (tmp_path / "copy" / "extra").touch()
    assert check(tmp_path / "copy") == ["extra: not in the manifest"]


def test_a_damaged_archive_is_not_backed_up_as_if_it_were_good(data: Path, tmp_path: Path):
    _flip(next((data / "archive").rglob("*.parquet")))
    with pytest.raises(BackupError, match="changed since it was sealed"):
        backup(data, tmp_path / "copy")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": 2}, "newer version"),
        ({"journal_schema": 99}, "newer version"),
        ({"archive_schema": 99}, "newer version"),
        ({"files": [{"path": "../../etc/passwd", "size": 1, "sha256": ""}]}, "outside"),
        ({"files": [{"path": "/etc/passwd", "size": 1, "sha256": ""}]}, "outside"),
        ({"files": 5}, "cannot be read"),
        ({"strange": 5}, "cannot be read"),
    ],
)
def test_a_manifest_that_cannot_be_trusted_is_refused(
    data: Path, tmp_path: Path, change: dict[str, object], words: str
):
    backup(data, tmp_path / "copy")
    manifest = tmp_path / "copy" / BACKUP_MANIFEST_FILE
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | change))
    with pytest.raises(BackupError, match=words):
        restore(tmp_path / "copy", tmp_path / "again")
    with pytest.raises(BackupError, match=words):
        check(tmp_path / "copy")
    assert not (tmp_path / "again").exists()


def test_files_that_are_merged_meanwhile_make_it_begin_anew(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The catalog of the first copy names a file that is removed before it is copied."""
    real, calls = module._copy_journal, []  # noqa: SLF001 - the moment between catalog and files

    def then_one_more_day(source: Path, copy: Path) -> None:
        real(source, copy)
        calls.append(copy)
        if len(calls) == 1:
            removed = next((source / "archive" / "latency").rglob("*.parquet"))
            removed.rename(removed.with_name("moved-away"))
        else:
            moved = next((source / "archive" / "latency").rglob("moved-away"))
            moved.rename(moved.with_name(names[0]))

    names = [next((data / "archive" / "latency").rglob("*.parquet")).name]
    monkeypatch.setattr(module, "_copy_journal", then_one_more_day)
    backup(data, tmp_path / "copy")
    assert len(calls) == 2
    assert check(tmp_path / "copy") == []


def test_while_rows_are_written_and_a_day_is_sealed(data: Path, tmp_path: Path):
    """What is restored is what was committed at some moment: all of it up to a number, and nothing twice."""
    over = threading.Event()

    def write() -> None:
        writer = JournalWriter(data / JOURNAL_FILE, PROBE_KINDS)
        slot = make.FIRST + 5 * DAY
        while not over.is_set():
            slot += 60_000
            writer.write([factories.measurement(portal=f"p{number}", slot=slot) for number in range(20)])
        sweep(
            SealRequest(directory=data, zone=make.ZONE, grace_ms=0, now_ms=make.FIRST + 4 * DAY),
            lambda update: writer.write([update]),
        )
        writer.close()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        made = [backup(data, tmp_path / f"copy-{number}") for number in range(3)]
    finally:
        over.set()
        thread.join()
    final = make.read_records(data)
    for number, one in enumerate(made):
        restore(tmp_path / f"copy-{number}", tmp_path / f"again-{number}")
        records = make.read_records(tmp_path / f"again-{number}")
        assert records == [record for record in final if record["seq"] <= one.last]
        assert one.last % 20 == made[0].last % 20, "whole transactions only"
    assert made[0].last < made[-1].last
