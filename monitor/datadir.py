"""The data directory: whether it is ours alone, and whether the file in it is a journal that this version knows."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path
    from typing import IO

SCHEMA = 1
APPLICATION = 0x504D4A31  # "PMJ1"
FILE = "journal.sqlite3"


class JournalError(Exception):
    """The journal cannot be used; the message is one sentence for the operator."""


class Lock:
    """Exclusive use of a data directory, released by the kernel when the process ends in whatever way."""

    def __init__(self, directory: Path) -> None:
        """Make the directory when needed and take it. Raises :class:`JournalError`."""
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file: IO[str] = (directory / "lock").open("a+")
        except OSError as error:
            raise JournalError(f"data directory {directory} is not writable: {error.strerror}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.seek(0)
            owner = self._file.read().strip() or "unknown"
            self._file.close()
            raise JournalError(f"data directory {directory} is in use by another daemon (process {owner})") from None
        with suppress(OSError):  # a full disk is the journal's trouble; the number is a courtesy
            self._file.truncate(0)
            os.pwrite(self._file.fileno(), str(os.getpid()).encode(), 0)

    def release(self) -> None:
        """Let another daemon have the directory."""
        self._file.close()


def connect(path: Path, *, write: bool) -> sqlite3.Connection:
    """Open the database file. Readers in other processes may read while the daemon writes."""
    if not write and not path.exists():
        raise JournalError(f"there is no journal at {path}")
    uri = f"{path.absolute().as_uri()}?mode={'rwc' if write else 'ro'}"
    try:
        db = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=10.0)
        try:
            db.execute(f"PRAGMA query_only = {int(not write)}")
            _recognise(db, path, write=write)
        except BaseException:
            db.close()
            raise
    except sqlite3.Error as error:
        raise JournalError(f"journal {path} cannot be opened: {error}") from error
    return db


def _recognise(db: sqlite3.Connection, path: Path, *, write: bool) -> None:
    """Take a journal of ours, or for writing an empty file; raises :class:`JournalError` for anything else."""
    version = db.execute("PRAGMA user_version").fetchone()[0]
    application = db.execute("PRAGMA application_id").fetchone()[0]
    if application != APPLICATION:
        if db.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0] or application:
            raise JournalError(f"{path} is a database of another program")
        if not write:
            raise JournalError(f"there is no journal at {path}")
    if version > SCHEMA:
        raise JournalError(f"journal {path} was written by a newer version (schema {version}, this one knows {SCHEMA})")


def columns(db: sqlite3.Connection, table: str) -> set[str]:
    """The columns of a table as the file has it; empty when there is no such table."""
    return {row[1] for row in db.execute(f'PRAGMA table_info("{table}")')}
