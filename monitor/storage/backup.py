"""Atomic backup of a data directory while the daemon runs, its check, and restore.

The journal is copied first, as one snapshot. Its catalog names the sealed files that belong to that snapshot, so that
journal and files together hold every committed row once, whatever is sealed, merged or trimmed meanwhile.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
import sqlite3
import time
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from monitor import __version__
from monitor.storage.archive import catalog
from monitor.storage.archive.layout import ARCHIVE_FOLDER, ARCHIVE_SCHEMA_VERSION, MANIFEST_FILE
from monitor.storage.archive.parquet import fsync_path
from monitor.storage.archive.verify import verify
from monitor.storage.folders import INBOX, SCORES, SCREENSHOTS
from monitor.storage.journal.database import JOURNAL_FILE, JOURNAL_SCHEMA_VERSION, JournalError, read_only

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Progress = Callable[[int, int | None], None]
    """Called with (files done, files in total or None while unknown)."""

BACKUP_MANIFEST_FILE = "backup.json"
BACKUP_FORMAT_VERSION = 1
"""Version of the backup format."""

COPIED_FOLDERS = (SCREENSHOTS, SCORES, INBOX)
"""The folders that are copied as they are; each file in them appears atomically."""

MAX_ATTEMPTS = 3
"""How often a backup starts again when files of its catalog were merged into others meanwhile."""

_CHUNK_BYTES = 2**20


class BackupError(JournalError):
    """The backup cannot be made, or is not valid; the message is one sentence for the operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupFile:
    """One file of a backup, by its path below it."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """The manifest of a backup: ``made`` in UTC ms, ``last`` is the last sequence number of the journal."""

    format: int
    made: int
    version: str
    journal_schema: int
    archive_schema: int
    last: int
    files: tuple[BackupFile, ...]

    @property
    def size_bytes(self) -> int:
        """Bytes of all files."""
        return sum(one.size for one in self.files)


def backup(data_dir: Path, target: Path, progress: Progress = lambda _done, _all: None) -> Backup:
    """Copy a data directory to ``target``, which must not exist. Raises :class:`JournalError`, OSError.

    A sealed file that differs from the catalog aborts it: a copy of damaged data would look like a valid backup.
    """
    if target.exists():
        raise BackupError(f"{target} already exists; backups are not overwritten")
    with _atomic_directory(target) as part:
        kept = _copy_with_retries(data_dir, part, progress)
        for folder in COPIED_FOLDERS:
            kept += _copy_folder(data_dir, part, folder)
        with read_only(part) as db:
            last = int(db.execute("SELECT last FROM sequence").fetchone()[0])
        made = Backup(
            format=BACKUP_FORMAT_VERSION, made=time.time_ns() // 1_000_000, version=__version__,
            journal_schema=JOURNAL_SCHEMA_VERSION, archive_schema=ARCHIVE_SCHEMA_VERSION, last=last,
            files=tuple(sorted(kept, key=lambda one: one.path)),
        )  # fmt: skip
        (part / BACKUP_MANIFEST_FILE).write_text(json.dumps(asdict(made), ensure_ascii=False, indent=1) + "\n")
        _fsync_file(part / BACKUP_MANIFEST_FILE)
    return made


def restore(source: Path, data_dir: Path, progress: Progress = lambda _done, _all: None) -> Backup:
    """Restore a backup to ``data_dir``, atomically. Raises :class:`JournalError`, OSError.

    ``data_dir`` must be absent or empty. Every file is compared with its digest while it is copied, and the restored
    archive is verified.
    """
    if data_dir.exists() and (not data_dir.is_dir() or any(data_dir.iterdir())):
        raise BackupError(f"{data_dir} is not empty; restore into a new directory, then replace the old one with it")
    made = read(source)
    with _atomic_directory(data_dir) as part:
        for done, one in enumerate(made.files, start=1):
            found = _copy_file(source / one.path, part / one.path, one.path)
            if found != one:
                raise BackupError(f"{source / one.path} differs from the manifest: {found.size} bytes, {found.sha256}")
            progress(done, len(made.files))
        if errors := _journal_errors(part) + list(verify(part).errors):
            raise BackupError("; ".join(errors))
        with suppress(FileNotFoundError):
            data_dir.rmdir()
    return made


def check(source: Path, progress: Progress = lambda _done, _all: None) -> list[str]:
    """Return the errors of a backup, one sentence each: digests, extra or missing files, journal, archive."""
    made = read(source)
    errors: list[str] = []
    for done, one in enumerate(made.files, start=1):
        try:
            found = _hash_file(source / one.path, one.path)
        except OSError as error:
            errors.append(f"{one.path}: {error.strerror}")
        else:
            if found != one:
                errors.append(f"{one.path}: changed since it was backed up")
        progress(done, len(made.files))
    known = {one.path for one in made.files} | {BACKUP_MANIFEST_FILE}
    present = {path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()}
    errors += [f"{path}: not in the manifest" for path in sorted(present - known)]
    return errors or [*_journal_errors(source), *verify(source).errors]


def read(source: Path) -> Backup:
    """Read the manifest of a backup. Raises :class:`BackupError`, also for one of a newer version."""
    try:
        data = json.loads((source / BACKUP_MANIFEST_FILE).read_text())
        made = Backup(**data | {"files": tuple(BackupFile(**one) for one in data["files"])})
    except FileNotFoundError:
        raise BackupError(f"{source} is not a backup: {BACKUP_MANIFEST_FILE} is missing") from None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BackupError(f"{source / BACKUP_MANIFEST_FILE} cannot be read: {error}") from error
    newer_schema = made.journal_schema > JOURNAL_SCHEMA_VERSION or made.archive_schema > ARCHIVE_SCHEMA_VERSION
    if made.format > BACKUP_FORMAT_VERSION or newer_schema:
        raise BackupError(f"{source} was made by a newer version ({made.version}); use that one")
    outside = next((one.path for one in made.files if one.path.startswith("/") or ".." in one.path.split("/")), None)
    if outside is not None:
        raise BackupError(f"{source / BACKUP_MANIFEST_FILE} contains a path outside the backup: {outside}")
    return made


@contextmanager
def _atomic_directory(target: Path) -> Iterator[Path]:
    """Create a directory beside ``target`` that is renamed to it when the block succeeds, and removed otherwise."""
    target.absolute().parent.mkdir(parents=True, exist_ok=True)
    part = target.absolute().with_name(f".{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)  # left by a killed process
    part.mkdir(mode=0o700)
    try:
        yield part
        for folder, _, _ in os.walk(part):
            Path(folder).chmod(0o700)
            fsync_path(Path(folder))
        part.rename(target)
        fsync_path(target.absolute().parent)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def _copy_with_retries(data_dir: Path, temporary: Path, progress: Progress) -> list[BackupFile]:
    """Copy journal and archive of the same snapshot, with retries."""
    for attempt in itertools.count(1):
        try:
            return _copy_journal_and_archive(data_dir, temporary, progress)
        except FileNotFoundError as error:
            if attempt == MAX_ATTEMPTS:
                raise BackupError(f"{error.filename} is missing; see 'archive verify'") from None
    raise AssertionError


def _copy_journal_and_archive(data_dir: Path, temporary: Path, progress: Progress) -> list[BackupFile]:
    """Copy a snapshot of the journal, and the sealed files of its catalog."""
    for path in (temporary / JOURNAL_FILE, temporary / ARCHIVE_FOLDER):
        shutil.rmtree(path, ignore_errors=True)
        path.unlink(missing_ok=True)
    _copy_journal(data_dir, temporary / JOURNAL_FILE)
    listed = catalog.load(temporary)
    for done, one in enumerate(listed, start=1):
        source = data_dir / ARCHIVE_FOLDER / one.path
        if _copy_file(source, temporary / ARCHIVE_FOLDER / one.path, one.path).sha256 != one.sha256:
            raise BackupError(f"{source} changed since it was sealed; see 'archive verify'")
        progress(done, len(listed))
    kept = [BackupFile(path=f"{ARCHIVE_FOLDER}/{one.path}", size=one.size, sha256=one.sha256) for one in listed]
    if listed:
        catalog.write_manifest(temporary)
        _fsync_file(temporary / ARCHIVE_FOLDER / MANIFEST_FILE)
        kept.append(_hash_file(temporary / ARCHIVE_FOLDER / MANIFEST_FILE, f"{ARCHIVE_FOLDER}/{MANIFEST_FILE}"))
    return [_hash_file(temporary / JOURNAL_FILE, JOURNAL_FILE), *kept]


def _copy_journal(data_dir: Path, destination: Path) -> None:
    """Copy the journal in one step, so from one snapshot, which neither waits for the daemon nor blocks it."""
    descriptor = os.open(destination, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    os.close(descriptor)
    with read_only(data_dir) as source, closing(sqlite3.connect(destination)) as target:
        source.backup(target, pages=-1)
        target.execute("PRAGMA journal_mode = DELETE")  # one file, readable on a read-only file system
    _fsync_file(destination)


def _journal_errors(directory: Path) -> list[str]:
    with read_only(directory) as db:
        lines = [row[0] for row in db.execute("PRAGMA quick_check(5)")]
    return [] if lines == ["ok"] else [f"{JOURNAL_FILE}: {line}" for line in lines]


def _copy_folder(data_dir: Path, temporary: Path, folder: str) -> list[BackupFile]:
    """Copy the files of a folder, without files removed meanwhile and incomplete ones."""
    kept = []
    for path in sorted((data_dir / folder).rglob("*")):
        name = path.relative_to(data_dir).as_posix()
        if path.is_file() and not path.is_symlink() and not any(piece.startswith(".") for piece in name.split("/")):
            with suppress(FileNotFoundError):
                kept.append(_copy_file(path, temporary / name, name))
    return kept


def _copy_file(source: Path, target: Path, name: str) -> BackupFile:
    """Copy a file durably, and hash it."""
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as reader:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(target, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "wb") as writer:
            while chunk := reader.read(_CHUNK_BYTES):
                digest.update(chunk)
                size += writer.write(chunk)
            writer.flush()
            os.fsync(writer.fileno())
    return BackupFile(path=name, size=size, sha256=digest.hexdigest())


def _hash_file(path: Path, name: str) -> BackupFile:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
        return BackupFile(path=name, size=file.tell(), sha256=found)


def _fsync_file(path: Path) -> None:
    path.chmod(0o600)
    fsync_path(path)
