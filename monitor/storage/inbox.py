"""Notes of operators that are not in the journal yet: synced files in ``inbox/`` below the data directory.

Only the daemon writes the journal. A command writes a file, which needs write permission in the data directory but
neither a token nor a running daemon, and the daemon imports it when it can. A note that was imported twice, by a daemon
that was killed in between, is stored once because of its id.
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
from monitor.model.time_parsing import MAX_TIMESTAMP_MS
from monitor.storage.archive.parquet import fsync_path
from monitor.storage.folders import INBOX

if TYPE_CHECKING:
    from pathlib import Path

log = structlog.get_logger(__name__)

INVALID_SUFFIX = ".bad"
DRAFT_SUFFIX = ".part"
MAX_NOTE_BYTES = 64_000
"""The largest size of a note's file."""

_JSON_LIMIT_ERRORS = (OverflowError, RecursionError)
"""Errors of JSON that is valid but too large: numbers, and nesting."""

MAX_DRAFT_AGE_MS = 3_600_000
"""Age after which a draft belongs to a command that was killed."""


def new_note(incident: str, kind: NoteKind, by: str, text: str, at_ms: int) -> IncidentNote:
    """Return a note with a new id."""
    return IncidentNote(id=uuid.uuid4().hex, incident=incident, kind=kind, by=by, text=text, at=at_ms)


def submit_note(data_dir: Path, note: IncidentNote) -> Path:
    """Write a note to disk for the daemon; return the file, which is removed once the note is in the journal.

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
    fsync_path(folder)
    return path


def pending_notes(data_dir: Path) -> list[tuple[Path, IncidentNote]]:
    """Return the pending notes, oldest first. An invalid one is renamed.

    Raises OSError for a temporary problem, such as no free descriptor; then every note stays where it is.
    """
    with suppress(FileNotFoundError):
        paths = sorted((data_dir / INBOX).glob("*.json"))
        return [(path, note) for path in paths if (note := _read_note(path)) is not None]
    return []


def remove_stale_drafts(data_dir: Path, now_ms: int) -> None:
    """Remove the drafts of commands that were killed; ``now_ms`` in UTC ms."""
    for draft in (data_dir / INBOX).glob(f"*{DRAFT_SUFFIX}"):
        with suppress(OSError):
            if draft.stat().st_mtime * 1000 < now_ms - MAX_DRAFT_AGE_MS:
                draft.unlink()


def _read_note(path: Path) -> IncidentNote | None:
    try:
        data = json.loads(_read_bounded(path))
        identity, incident, by, text = (_parse_text(data[name]) for name in ("id", "incident", "by", "text"))
        kind, at = NoteKind(data["kind"]), _parse_time(data["at"])
        return IncidentNote(id=identity, incident=incident, kind=kind, by=by, text=text, at=at)
    except FileNotFoundError:
        return None
    except (PermissionError, IsADirectoryError, ValueError, TypeError, KeyError, *_JSON_LIMIT_ERRORS) as error:
        log.warning("note_invalid", file=path.name, reason=str(error))
        with suppress(OSError):
            path.replace(path.with_suffix(INVALID_SUFFIX))
        return None


def _read_bounded(path: Path) -> bytes:
    """Read at most :data:`MAX_NOTE_BYTES` of a file. Raises OSError, and ValueError for a pipe."""
    if path.exists() and not path.is_file():
        raise ValueError("it is not a file")
    with path.open("rb") as file:
        return file.read(MAX_NOTE_BYTES)


def _parse_time(value: str | float) -> int:
    """Parse UTC ms. Raises ValueError and others for a value that the journal cannot store."""
    at = int(value)
    if not 0 <= at <= MAX_TIMESTAMP_MS:
        raise ValueError(f"{at} is not a time in UTC milliseconds")
    return at


def _parse_text(value: object) -> str:
    """Convert the value to text that the journal can store. Raises UnicodeEncodeError, which is a ValueError."""
    text = str(value)
    text.encode()
    return text
