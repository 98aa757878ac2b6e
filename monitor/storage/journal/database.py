"""The data directory: whether it is ours alone, and whether the file in it is a journal that this version knows."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import stat
import threading
from contextlib import suppress
from typing import TYPE_CHECKING
from weakref import WeakSet

import structlog

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import IO

log = structlog.get_logger(__name__)

JOURNAL_SCHEMA_VERSION = 1
APPLICATION_ID = 0x504D4A31  # "PMJ1"
JOURNAL_FILE = "journal.sqlite3"
_GROUP_AND_OTHER_BITS = 0o077


class JournalError(Exception):
    """The journal cannot be used; the message is one sentence for the operator."""


def set_private_umask() -> None:
    """From now on this process makes directories (0700) and files (0600) for its own user alone."""
    os.umask(0o077)


def restrict_permissions(directory: Path) -> None:
    """Shut others out of a data directory, and of the files at its top; said in the log when that changed anything.

    What lies deeper is behind the directory's own mode. Where the directory belongs to somebody else, it is only said.
    """
    try:
        for path in (directory, *(one for one in directory.iterdir() if one.is_file() and not one.is_symlink())):
            mode = stat.S_IMODE(path.stat().st_mode)
            if mode & _GROUP_AND_OTHER_BITS:
                path.chmod(mode & ~_GROUP_AND_OTHER_BITS)
                log.warning(
                    "data_made_private",
                    path=str(path),
                    before=f"{mode:04o}",
                    after=f"{mode & ~_GROUP_AND_OTHER_BITS:04o}",
                )
    except OSError as error:
        log.warning("data_open_to_others", path=str(directory), reason=error.strerror)


class DirectoryLock:
    """Exclusive use of a data directory, released by the kernel when the process ends in whatever way."""

    def __init__(self, directory: Path) -> None:
        """Make the directory when needed and take it; a newer version's is not touched. Raises JournalError."""
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
        with suppress(OSError):  # a full disk is the journal's trouble; the number is a courtesy
            self._file.truncate(0)
            os.pwrite(self._file.fileno(), str(os.getpid()).encode(), 0)

    def release(self) -> None:
        """Let another daemon have the directory."""
        self._file.close()


class _Connection(sqlite3.Connection):
    """Counts as open until it is closed or forgotten: see :func:`refuse_newer`."""

    file_id: tuple[int, int] | None = None

    def close(self) -> None:
        super().close()
        self.file_id = None


_connections: WeakSet[_Connection] = WeakSet()
_connections_lock = threading.RLock()


def open_journal(path: Path, *, write: bool) -> sqlite3.Connection:
    """Open the database file; to be closed. Readers in other processes may read while the daemon writes."""
    if not write and not path.exists():
        raise JournalError(f"there is no journal at {path}")
    with _connections_lock:
        reject_newer_schema(path)
        return _open_connection(path, write=write)


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
    """Take a journal of ours, or for writing an empty file; raises :class:`JournalError` for anything else."""
    version = db.execute("PRAGMA user_version").fetchone()[0]
    application = db.execute("PRAGMA application_id").fetchone()[0]
    if application != APPLICATION_ID:
        if db.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0] or application:
            raise JournalError(f"{path} is a database of another program")
        if not write:
            raise JournalError(f"there is no journal at {path}")
    if version > JOURNAL_SCHEMA_VERSION:
        raise _newer_schema_error(path, version)


def reject_newer_schema(path: Path) -> None:
    """Raise :class:`JournalError` for the journal of a newer version, before SQLite touches any of its files.

    SQLite folds the write-ahead log back even for one who only asks for the version, so the bytes are read by hand:
    the first page of the file, and its newer copies in the log.

    Not while this process has the file open: whoever closes a file in any way gives up all locks that the process holds
    on it, also those of SQLite's connections, and without them the next program that closes the journal takes itself
    for its last user and removes the log under us. An open journal was looked at before.
    """
    try:
        found = _file_id(path)
        if any(one.file_id == found for one in _connections):
            return
        pages = [_read_header(path, 0), *_wal_first_pages(path.with_name(f"{path.name}-wal"))]
    except OSError:
        return  # what cannot be read is said by whoever opens it
    for page in pages:
        version, application = (int.from_bytes(page[at : at + 4], "big") for at in (60, 68))
        if application == APPLICATION_ID and version > JOURNAL_SCHEMA_VERSION:
            raise _newer_schema_error(path, version)


def _file_id(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


def _newer_schema_error(path: Path, version: int) -> JournalError:
    return JournalError(
        f"journal {path} was written by a newer version (schema {version}, this one knows {JOURNAL_SCHEMA_VERSION})"
    )


def _read_header(path: Path, offset: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(100)


def _wal_first_pages(wal: Path) -> Iterator[bytes]:
    """The starts of the copies of page 1 in a write-ahead log; frames of an older log have other salts."""
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
    """The columns of a table as the file has it; empty when there is no such table."""
    return {row[1] for row in db.execute(f'PRAGMA table_info("{table}")')}
