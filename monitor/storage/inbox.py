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

BAD = ".bad"
DRAFT = ".part"
LONGEST = 64_000
"""Bytes of a note's file."""

_TOO_MUCH = (OverflowError, RecursionError)
"""What JSON may hold and nobody can take: endless numbers, and depths."""

LATEST = 253_402_300_799_999
"""9999-12-31T23:59:59.999Z in UTC milliseconds."""

DRAFT_MS = 3_600_000
"""A draft is a moment's work: one that is older was left by a command that was killed."""


def new_note(incident: str, kind: NoteKind, by: str, text: str, at: int) -> IncidentNote:
    """A note with an id of its own."""
    return IncidentNote(id=uuid.uuid4().hex, incident=incident, kind=kind, by=by, text=text, at=at)


def leave(data: Path, note: IncidentNote) -> Path:
    """Leave a note for the daemon, safely on disk; the file, which is gone once the note is in the journal.

    Raises OSError when the data directory cannot be written.
    """
    folder = data / INBOX
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{note.at}-{note.id}.json"
    draft = path.with_suffix(DRAFT)
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


def found(data: Path) -> list[tuple[Path, IncidentNote]]:
    """The notes that wait, oldest first. One that can never be read is put aside under another name.

    Raises OSError when that cannot be known now, as without a free descriptor; then every note stays where it is.
    """
    notes = []
    with suppress(FileNotFoundError):
        for path in sorted((data / INBOX).glob("*.json")):
            note = _read(path)
            if note is not None:
                notes.append((path, note))
    return notes


def tidy(data: Path, now: int) -> None:
    """Remove the drafts of commands that were killed; ``now`` in UTC ms."""
    for draft in (data / INBOX).glob(f"*{DRAFT}"):
        with suppress(OSError):
            if draft.stat().st_mtime * 1000 < now - DRAFT_MS:
                draft.unlink()


def _read(path: Path) -> IncidentNote | None:
    try:
        told = json.loads(_start(path))
        identity, incident, by, text = (_text(told[name]) for name in ("id", "incident", "by", "text"))
        kind, at = NoteKind(told["kind"]), _time(told["at"])
        return IncidentNote(id=identity, incident=incident, kind=kind, by=by, text=text, at=at)
    except FileNotFoundError:
        return None
    except (PermissionError, IsADirectoryError, ValueError, TypeError, KeyError, *_TOO_MUCH) as error:
        log.warning("note_cannot_be_read", file=path.name, reason=str(error))
        with suppress(OSError):
            path.replace(path.with_suffix(BAD))
        return None


def _start(path: Path) -> bytes:
    """The first bytes of a file, of which a good one has no more. Raises OSError, and ValueError for a pipe."""
    if path.exists() and not path.is_file():
        raise ValueError("it is not a file")
    with path.open("rb") as file:
        return file.read(LONGEST)


def _time(value: str | float) -> int:
    """UTC ms. Raises ValueError and others for what the journal cannot hold."""
    at = int(value)
    if not 0 <= at <= LATEST:
        raise ValueError(f"{at} is not a time in UTC milliseconds")
    return at


def _text(value: object) -> str:
    """The value as text that the journal can hold. Raises UnicodeEncodeError, which is a ValueError."""
    text = str(value)
    text.encode()
    return text
