"""Damaged files in the data directory and among exports: skipped, renamed or reported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from monitor.model.incidents import NoteKind, OutboxUpdate
from monitor.scoring import seal
from monitor.scoring.report import manifest
from monitor.storage import inbox
from monitor.storage.folders import INBOX
from monitor.storage.journal.store import JOURNAL_FILE, JournalReader, JournalWriter
from monitor.storage.screenshots import METADATA_FILE, ScreenshotStore
from monitor.storage.transfer import files
from probes.registry import PROBE_KINDS
from probes.result import Screenshot
from tests import factories
from tests.factories import SLOT


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("at", 1e999),
        ("at", 10**30),
        ("at", -1),
        ("at", "soon"),
        ("text", "\ud800"),
        ("id", "\ud800"),
        ("kind", []),
    ],
)
def test_a_note_that_the_journal_cannot_hold_is_put_aside(tmp_path: Path, key: str, value: object):
    """It ended the daemon, and the next one, for the file was still there."""
    good = inbox.submit_note(tmp_path, inbox.new_note("hue-1", NoteKind.COMMENTED, "Lan", "đang xử lý", SLOT))
    data: dict[str, Any] = json.loads(good.read_text("utf-8"))
    bad = good.with_name("0-bad.json")
    bad.write_text(json.dumps(data | {key: value}))
    found = inbox.pending_notes(tmp_path)
    assert [path for path, _ in found] == [good]
    assert bad.with_suffix(inbox.INVALID_SUFFIX).exists()
    with closing(JournalWriter(tmp_path / JOURNAL_FILE, PROBE_KINDS)) as writer:
        writer.write([OutboxUpdate(notes=tuple(note for _, note in found))])
    with closing(JournalReader(tmp_path / JOURNAL_FILE, PROBE_KINDS)) as reader:
        assert [note.text for note in reader.notes("hue-1")] == ["đang xử lý"]


def test_deep_notes_and_pipes_are_put_aside(tmp_path: Path):
    folder = tmp_path / INBOX
    folder.mkdir()
    (folder / "deep.json").write_text("[" * 60_000)
    os.mkfifo(folder / "pipe.json")
    assert inbox.pending_notes(tmp_path) == []
    assert sorted(path.name for path in folder.iterdir()) == ["deep.bad", "pipe.bad"]


@pytest.mark.parametrize(
    "change",
    [
        {"slot": "x"},
        {"slot": SLOT + 1},
        {"portal": "../../.."},
        {"reason": "because"},
        {"fingerprint": "zz"},
        {"frames": [{"file": "../about.json", "type": "image/webp", "at": None}]},
        {"frames": [{"file": "00.webp", "type": "text/html", "at": None}]},
        {"frames": [{"file": "00.webp", "type": "image/webp", "at": 1e999}]},
        {"frames": None},
    ],
)
async def test_an_invalid_index_of_screenshots_is_skipped(tmp_path: Path, change: dict[str, object]):
    store = ScreenshotStore(folder=tmp_path, max_bytes=10**9, retention_days=100)
    check = factories.check("mobile", portal="hue")
    for slot in (SLOT, SLOT + 2 * factories.DAY):
        measurement = factories.measurement(kind="mobile", portal="hue", slot=slot)
        await store.save(
            check,
            measurement,
            [Screenshot(at_seconds=None, content_type="image/webp", body=b"RIFF", fingerprint="0f" * 8)],
        )
    metadata = tmp_path / "hue" / "mobile" / str(SLOT) / METADATA_FILE
    metadata.write_text(json.dumps(json.loads(metadata.read_text()) | change))
    again = ScreenshotStore(folder=tmp_path, max_bytes=10**9, retention_days=100)
    again.load()
    assert [one.slot for one in again.of_check("hue/mobile")] == [SLOT + 2 * factories.DAY]


@pytest.mark.parametrize(
    "text", ["[]", "[" * 60_000, "{}", '{"sealed": "a", "by": "b", "scores": "c", "inputs": [1]}', "\xff"]
)
def test_a_seal_in_another_form_is_reported(tmp_path: Path, text: str):
    path = tmp_path / "2026Q3.manifest.json"
    path.write_text(text, "latin-1")
    with pytest.raises(seal.SealError, match=r"2026Q3\.manifest\.json"):
        seal.read_manifest(path)


def test_a_manifest_may_name_what_cannot_be_printed(tmp_path: Path):
    entry = {"path": "\udcff.csv", "size": 1, "sha256": ""}
    data = {"kind": manifest.MANIFEST_KIND, "schema": manifest.MANIFEST_SCHEMA_VERSION, "files": [entry]}
    (tmp_path / manifest.MANIFEST_NAME).write_text(json.dumps(data))
    done = subprocess.run(
        [sys.executable, "-m", "monitor", "export", "verify", str(tmp_path)], capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (1, b"\\udcff.csv is missing\n", b"")


def test_a_number_of_a_hundred_thousand_digits_is_refused_soon(tmp_path: Path):
    """A pattern that tries every way to cut it takes billions of steps."""
    names = ["kind", "portal", "check", "location", "slot", "attempt", "outcome", "duration"]
    row = ["uptime", "hue", "uptime", "hn-1", str(SLOT), "1", "up", "7" * 100_000 + "x"]
    path = tmp_path / "measurements.csv"
    path.write_text(f"{','.join(names)}\n{','.join(row)}\n")
    began = time.process_time()
    with pytest.raises(files.TransferError, match="is not a number"):
        files.import_(tmp_path, path)
    assert time.process_time() - began < 5
    assert not (tmp_path / JOURNAL_FILE).exists()
