"""Small files that others may change: notes in the inbox, indexes of screenshots, manifests, seals, sealed days."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from monitor.i18n.translator import Translator
from monitor.model.incidents import NoteKind, OutboxUpdate
from monitor.scoring import periods
from monitor.scoring.report import filmstrips, manifest
from monitor.storage import inbox
from monitor.storage.archive import verify
from monitor.storage.archive.layout import ARCHIVE_FOLDER
from monitor.storage.archive.protocol import SealRequest
from monitor.storage.archive.seal import sweep
from monitor.storage.folders import INBOX, SCREENSHOTS
from monitor.storage.history.reader import HistoryWindow, measurements
from monitor.storage.journal.store import JOURNAL_FILE, JournalError, JournalReader, JournalWriter
from monitor.storage.screenshots import METADATA_FILE, ScreenshotStore
from monitor.web.pages.filmstrip import filmstrip_view
from probes.registry import PROBE_KINDS
from probes.result import Outcome, Screenshot
from tests import factories
from tests.factories import DAY, SLOT
from tests.fuzzing import mutate
from tests.fuzzing.surface import Case, Draw, Surface, held

ZONE = "Asia/Ho_Chi_Minh"


def _note_case(data: Path, body: bytes, writer: JournalWriter, reader: JournalReader, draw: Draw) -> None:
    note = data / INBOX / "1-x.json"
    note.write_bytes(mutate.json_of(draw, body))
    found = inbox.pending_notes(data)
    assert note.exists() == bool(found), "neither taken nor put aside"
    writer.write([OutboxUpdate(notes=tuple(one for _, one in found))])
    for _, one in found:
        reader.notes(one.incident)
        note.unlink()


@contextmanager
def _notes(scratch: Path) -> Iterator[Case]:
    scratch.mkdir()
    body = inbox.submit_note(
        scratch, inbox.new_note("hue-1", NoteKind.COMMENTED, "Lan", "đang xử lý", SLOT)
    ).read_bytes()
    for left in inbox.pending_notes(scratch):
        left[0].unlink()
    with (
        closing(JournalWriter(scratch / JOURNAL_FILE, PROBE_KINDS)) as writer,
        closing(JournalReader(scratch / JOURNAL_FILE, PROBE_KINDS)) as reader,
    ):
        yield partial(_note_case, scratch, body, writer, reader)


def _screenshot_case(data: Path, about: Path, body: bytes, draw: Draw) -> None:
    about.write_bytes(mutate.json_of(draw, body))
    store = ScreenshotStore(folder=data / SCREENSHOTS, max_bytes=10**9, retention_days=100)
    store.load()
    sets = store.of_check("hue/mobile")
    assert len(sets) <= 2, sets
    filmstrip_view(sets, Translator("vi", ZoneInfo(ZONE)))
    for one in sets:
        for frame in one.frames:
            place = store.find(one.key, one.slot, frame.file)
            assert place is not None
            assert place[0].resolve().is_relative_to(store.folder.resolve()), place
            assert place[1].startswith("image/"), place
    filmstrips.filmstrips(data, ["hue"], periods.parse("2026-08-01", ZoneInfo(ZONE), SLOT), SLOT * 2)
    asyncio.run(store.save(factories.check("mobile", portal="hue"), _measurement(SLOT + DAY // 2), [_SCREENSHOTS[1]]))


_SCREENSHOTS = [
    Screenshot(at_seconds=at, content_type="image/webp", body=b"RIFF", fingerprint="0f" * 8) for at in (0.5, None)
]


def _measurement(slot: int):  # noqa: ANN202 - a measurement
    return factories.measurement(kind="mobile", portal="hue", slot=slot)


@contextmanager
def _screenshots(scratch: Path) -> Iterator[Case]:
    store = ScreenshotStore(folder=scratch / SCREENSHOTS, max_bytes=10**9, retention_days=100)
    asyncio.run(store.save(factories.check("mobile", portal="hue"), _measurement(SLOT), _SCREENSHOTS))
    about = store.folder / "hue" / "mobile" / str(SLOT) / METADATA_FILE
    yield partial(_screenshot_case, scratch, about, about.read_bytes())


def _manifest_case(folder: Path, body: bytes, draw: Draw) -> None:
    (folder / manifest.MANIFEST_NAME).write_bytes(mutate.json_of(draw, body))
    before = held(folder)
    try:
        for problem in manifest.verify(folder):
            problem.encode("utf-8", "backslashreplace")  # as the command prints it
    except (manifest.ManifestError, OSError):
        pass  # rejected with a message
    manifest.is_export(folder)
    assert held(folder) == before


@contextmanager
def _manifests(scratch: Path) -> Iterator[Case]:
    (scratch / "pages").mkdir(parents=True)
    files = {"scores.json": b"{}", "pages/hue.html": b"<html>"}
    for name, body in files.items():
        (scratch / name).write_bytes(body)
    entries = [
        {"path": one.path, "size": one.size_bytes, "sha256": one.sha256}
        for one in map(manifest.manifest_file, files, files.values())
    ]
    content = {
        "kind": manifest.MANIFEST_KIND,
        "schema": manifest.MANIFEST_SCHEMA_VERSION,
        "period": "2026Q3",
        "ended": True,
        "files": entries,
    }
    yield partial(_manifest_case, scratch, json.dumps(content).encode())


def _day_case(data: Path, files: dict[Path, bytes], draw: Draw) -> None:
    path = draw.choice(list(files))
    body = mutate.bytes_of(draw, files[path])
    path.write_bytes(body)
    try:
        assert verify.verify(data).ok == (body == files[path]), "a changed file went unnoticed"
        window = HistoryWindow(
            kind=path.parts[-2] if path.parts[-2] in PROBE_KINDS else "uptime", since_ms=0, until_ms=SLOT * 2
        )
        try:
            for _ in measurements(data, window):
                pass
        except JournalError as error:
            str(error).encode()
    finally:
        path.write_bytes(files[path])


@contextmanager
def _days(scratch: Path) -> Iterator[Case]:
    scratch.mkdir()
    measurements = [*factories.measurements(40), *factories.measurements(40, kind="latency", check="latency")]
    measurements += [factories.measurement(slot=SLOT - 60_000, outcome=Outcome.DOWN)]
    with closing(JournalWriter(scratch / JOURNAL_FILE, PROBE_KINDS)) as writer:
        writer.write(measurements)
        sweep(
            SealRequest(directory=scratch, zone=ZONE, grace_ms=0, now_ms=SLOT + 3 * DAY),
            lambda update: writer.write([update]) and None,
        )
    sealed = {path: path.read_bytes() for path in (scratch / ARCHIVE_FOLDER).rglob("*.parquet")}
    assert sealed
    yield partial(_day_case, scratch, sealed)


SURFACES = (
    Surface(
        name="notes",
        contract="Mutated notes in the inbox: taken into the journal, or put aside",
        cases=2000,
        open=_notes,
    ),
    Surface(
        name="screenshots",
        contract="Mutated indexes of screenshots: shown as ours, or skipped; no other file is served",
        cases=1500,
        open=_screenshots,
    ),
    Surface(
        name="manifests",
        contract="Mutated manifests of exports: verified file by file, or rejected with a message",
        cases=1500,
        open=_manifests,
    ),
    Surface(
        name="sealed days",
        contract="Mutated files of the archive: verify notices every one, readers give rows or a sentence",
        cases=200,
        open=_days,
    ),
)
