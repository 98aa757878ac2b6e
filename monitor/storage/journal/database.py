"""The data directory: permissions, exclusive use, and connections to a journal of this version's schema."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import stat
import threading
from contextlib import closing, suppress
from typing import TYPE_CHECKING
from weakref import WeakSet

import structlog

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import IO

log = structlog.get_logger(__name__)

JOURNAL_SCHEMA_VERSION = 2
APPLICATION_ID = 0x504D4A31  # "PMJ1"
JOURNAL_FILE = "journal.sqlite3"
_GROUP_AND_OTHER_BITS = 0o077


class JournalError(Exception):
    """The journal cannot be used; the message is one sentence for the operator."""


def set_private_umask() -> None:
    """Let this process create directories (0700) and files (0600) for its own user only."""
    os.umask(0o077)


def restrict_permissions(directory: Path) -> None:
    """Remove the permissions of group and others on a data directory and the files at its top; log each change.

    What lies deeper is protected by the directory's mode. A directory of another user only causes a warning.
    """
    try:
        for path in (directory, *(one for one in directory.iterdir() if one.is_file() and not one.is_symlink())):
            mode = stat.S_IMODE(path.stat().st_mode)
            if mode & _GROUP_AND_OTHER_BITS:
                path.chmod(after := mode & ~_GROUP_AND_OTHER_BITS)
                modes = {"before": f"{mode:04o}", "after": f"{after:04o}"}
                log.warning("data_dir_permissions_restricted", path=str(path), **modes)
    except OSError as error:
        log.warning("data_dir_world_readable", path=str(directory), reason=error.strerror)


class DirectoryLock:
    """Exclusive use of a data directory; the kernel releases it when the process ends."""

    def __init__(self, directory: Path) -> None:
        """Create the directory if needed and lock it; one of a newer version is not touched. Raises JournalError."""
        reject_newer_schema(directory / JOURNAL_FILE)
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._file: IO[str] = os.fdopen(descriptor, "r+")
        except OSError as error:
            raise JournalError(f"data directory {directory} is not writable: {error.strerror}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.seek(0)
            owner = self._file.read().strip() or "unknown"
            self._file.close()
            raise JournalError(f"data directory {directory} is in use by another daemon (process {owner})") from None
        with suppress(OSError):  # the process number is information only; a full disk is reported by the journal
            self._file.truncate(0)
            os.pwrite(self._file.fileno(), str(os.getpid()).encode(), 0)

    def release(self) -> None:
        """Release the directory for another daemon."""
        self._file.close()


class _Connection(sqlite3.Connection):
    """Counts as open until it is closed or collected: see :func:`reject_newer_schema`."""

    file_id: tuple[int, int] | None = None

    def close(self) -> None:
        super().close()
        self.file_id = None


_connections: WeakSet[_Connection] = WeakSet()
_connections_lock = threading.RLock()


def open_journal(path: Path, *, write: bool) -> sqlite3.Connection:
    """Open the database file; the caller closes it. Other processes may read while the daemon writes."""
    if not write and not path.exists():
        raise JournalError(f"there is no journal at {path}")
    with _connections_lock:
        reject_newer_schema(path)
        return _open_connection(path, write=write)


def read_only(directory: Path) -> closing[sqlite3.Connection]:
    """Open the journal of a data directory for a ``with`` block that only reads."""
    return closing(open_journal(directory / JOURNAL_FILE, write=False))


def _open_connection(path: Path, *, write: bool) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode={'rwc' if write else 'ro'}"
    try:
        db = sqlite3.connect(
            uri, uri=True, isolation_level=None, check_same_thread=False, timeout=10.0, factory=_Connection
        )
        try:
            db.file_id = _file_id(path)
            _connections.add(db)
            db.execute(f"PRAGMA query_only = {int(not write)}")
            _check_header(db, path, write=write)
        except BaseException:
            db.close()
            raise
    except (sqlite3.Error, OSError) as error:
        raise JournalError(f"journal {path} cannot be opened: {error}") from error
    return db


def _check_header(db: sqlite3.Connection, path: Path, *, write: bool) -> None:
    """Accept a journal of this schema, or for writing an empty file. Raises :class:`JournalError` for any other."""
    version = db.execute("PRAGMA user_version").fetchone()[0]
    application = db.execute("PRAGMA application_id").fetchone()[0]
    if application != APPLICATION_ID:
        if db.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0] or application:
            raise JournalError(f"{path} is a database of another program")
        if not write:
            raise JournalError(f"there is no journal at {path}")
    if version > JOURNAL_SCHEMA_VERSION:
        raise _newer_schema_error(path, version)
    if application == APPLICATION_ID and version < JOURNAL_SCHEMA_VERSION:
        raise JournalError(
            f"journal {path} was written before the first release (schema {version}, "
            f"this version supports {JOURNAL_SCHEMA_VERSION}); use a new data directory"
        )


def reject_newer_schema(path: Path) -> None:
    """Raise :class:`JournalError` for the journal of a newer version, before SQLite touches any of its files.

    SQLite checkpoints the write-ahead log even for a connection that only reads the version, so the bytes are read
    directly: the first page of the file, and its newer copies in the log.

    Do not read them while this process has the file open. Closing a file releases all locks that the process holds on
    it, also those of SQLite's connections. Without them the next program that closes the journal acts as its last user
    and removes the log while it is in use here. An open journal was checked before.
    """
    try:
        found = _file_id(path)
        if any(one.file_id == found for one in _connections):
            return
        pages = [_read_header(path, 0), *_wal_first_pages(path.with_name(f"{path.name}-wal"))]
    except OSError:
        return  # the caller that opens the file reports why it cannot be read
    for page in pages:
        version, application = (int.from_bytes(page[at : at + 4], "big") for at in (60, 68))
        if application == APPLICATION_ID and version > JOURNAL_SCHEMA_VERSION:
            raise _newer_schema_error(path, version)


def _file_id(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


def _newer_schema_error(path: Path, version: int) -> JournalError:
    versions = f"(schema {version}, this version supports {JOURNAL_SCHEMA_VERSION})"
    return JournalError(f"journal {path} was written by a newer version {versions}")


def _read_header(path: Path, offset: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(100)


def _wal_first_pages(wal: Path) -> Iterator[bytes]:
    """Yield the starts of the copies of page 1 in a write-ahead log; frames of an older log have other salts."""
    if not wal.exists():
        return
    with wal.open("rb") as file:
        head = file.read(32)
        size = int.from_bytes(head[8:12], "big")
        while len(frame := file.read(24)) == 24 and frame[8:16] == head[16:24]:  # noqa: PLR2004 - the format's numbers
            if frame[:4] == b"\0\0\0\1":
                yield file.read(100)
                file.seek(size - 100, os.SEEK_CUR)
            else:
                file.seek(size, os.SEEK_CUR)


def table_columns(db: sqlite3.Connection, table: str) -> set[str]:
    """Return the columns of a table in the file; empty when there is no such table."""
    return {row[1] for row in db.execute(f'PRAGMA table_info("{table}")')}
