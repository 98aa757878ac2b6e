"""Notes of people on their way into the journal: fsynced files in ``inbox/`` below the data directory.

The daemon alone writes the journal. A command leaves a file, which needs the right to write in the data directory and
nothing else - no token, no daemon that happens to run - and the daemon takes it in when it can. By its id a note that
was taken in twice, by a daemon that died in between, is one note.
"""

from __future__ import annotations

import json
import os
import uuid
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING

import structlog

from monitor.model.incidents import IncidentNote, NoteKind
from monitor.storage.folders import INBOX

if TYPE_CHECKING:
    from pathlib import Path

log = structlog.get_logger(__name__)

INVALID_SUFFIX = ".bad"
DRAFT_SUFFIX = ".part"
MAX_NOTE_BYTES = 64_000
"""Bytes of a note's file."""

_JSON_LIMIT_ERRORS = (OverflowError, RecursionError)
"""What JSON may hold and nobody can take: endless numbers, and depths."""

MAX_TIMESTAMP_MS = 253_402_300_799_999
"""9999-12-31T23:59:59.999Z in UTC milliseconds."""

MAX_DRAFT_AGE_MS = 3_600_000
"""A draft is a moment's work: one that is older was left by a command that was killed."""


def new_note(incident: str, kind: NoteKind, by: str, text: str, at_ms: int) -> IncidentNote:
    """A note with an id of its own."""
    return IncidentNote(id=uuid.uuid4().hex, incident=incident, kind=kind, by=by, text=text, at=at_ms)


def submit_note(data_dir: Path, note: IncidentNote) -> Path:
    """Leave a note for the daemon, safely on disk; the file, which is gone once the note is in the journal.

    Raises OSError when the data directory cannot be written.
    """
    folder = data_dir / INBOX
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{note.at}-{note.id}.json"
    draft = path.with_suffix(DRAFT_SUFFIX)
    with draft.open("w", encoding="utf-8") as file:
        json.dump(asdict(note), file, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    place = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(place)
    finally:
        os.close(place)
    return path


def pending_notes(data_dir: Path) -> list[tuple[Path, IncidentNote]]:
    """The notes that wait, oldest first. One that can never be read is put aside under another name.

    Raises OSError when that cannot be known now, as without a free descriptor; then every note stays where it is.
    """
    notes = []
    with suppress(FileNotFoundError):
        for path in sorted((data_dir / INBOX).glob("*.json")):
            note = _read_note(path)
            if note is not None:
                notes.append((path, note))
    return notes


def remove_stale_drafts(data_dir: Path, now_ms: int) -> None:
    """Remove the drafts of commands that were killed; ``now`` in UTC ms."""
    for draft in (data_dir / INBOX).glob(f"*{DRAFT_SUFFIX}"):
        with suppress(OSError):
            if draft.stat().st_mtime * 1000 < now_ms - MAX_DRAFT_AGE_MS:
                draft.unlink()


def _read_note(path: Path) -> IncidentNote | None:
    try:
        told = json.loads(_read_bounded(path))
        identity, incident, by, text = (_parse_text(told[name]) for name in ("id", "incident", "by", "text"))
        kind, at = NoteKind(told["kind"]), _parse_time(told["at"])
        return IncidentNote(id=identity, incident=incident, kind=kind, by=by, text=text, at=at)
    except FileNotFoundError:
        return None
    except (PermissionError, IsADirectoryError, ValueError, TypeError, KeyError, *_JSON_LIMIT_ERRORS) as error:
        log.warning("note_cannot_be_read", file=path.name, reason=str(error))
        with suppress(OSError):
            path.replace(path.with_suffix(INVALID_SUFFIX))
        return None


def _read_bounded(path: Path) -> bytes:
    """The first bytes of a file, of which a good one has no more. Raises OSError, and ValueError for a pipe."""
    if path.exists() and not path.is_file():
        raise ValueError("it is not a file")
    with path.open("rb") as file:
        return file.read(MAX_NOTE_BYTES)


def _parse_time(value: str | float) -> int:
    """UTC ms. Raises ValueError and others for what the journal cannot hold."""
    at = int(value)
    if not 0 <= at <= MAX_TIMESTAMP_MS:
        raise ValueError(f"{at} is not a time in UTC milliseconds")
    return at


def _parse_text(value: object) -> str:
    """The value as text that the journal can hold. Raises UnicodeEncodeError, which is a ValueError."""
    text = str(value)
    text.encode()
    return text
