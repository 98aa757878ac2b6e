"""A copy of a data directory that is whole or absent, taken while the daemon goes on; and the way back.

The journal comes first, as of one moment. Its ledger names the sealed files that belong to that moment, so that journal
and files together hold every committed row once, whatever is sealed, merged or trimmed meanwhile.
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
from monitor.storage.archive.layout import FOLDER as ARCHIVE
from monitor.storage.archive.layout import SCHEMA as ARCHIVE_SCHEMA
from monitor.storage.archive.verify import verify
from monitor.storage.folders import EVIDENCE, INBOX, SCORES
from monitor.storage.journal.database import FILE, SCHEMA, JournalError, connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MANIFEST = "backup.json"
FORMAT = 1
"""Version of the backup's own form."""

FOLDERS = (EVIDENCE, SCORES, INBOX)
"""What is copied as it lies there; each file in them appears whole or not at all."""

AGAIN = 3
"""How often a backup begins anew when files of its ledger were merged into others meanwhile."""

_CHUNK = 2**20


class BackupError(JournalError):
    """The backup cannot be made, or is not to be trusted; the message is one sentence for the operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One file of a backup, by its path below it."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """What a backup holds: ``made`` in UTC ms, ``last`` is the journal's newest number at that moment."""

    format: int
    made: int
    version: str
    journal_schema: int
    archive_schema: int
    last: int
    files: tuple[Kept, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(one.size for one in self.files)


def backup(data: Path, target: Path, progress: Callable[[int, int | None], None] = lambda _done, _all: None) -> Backup:
    """Copy data directory ``data`` to ``target``, which must not exist. Raises :class:`JournalError`, OSError.

    ``progress`` is told the files done, and of how many when that is known. A sealed file that is not what the ledger
    says ends it: a copy of damage would pass for a backup.
    """
    if target.exists():
        raise BackupError(f"{target} exists already; a backup never overwrites another")
    with _appearing(target) as part:
        kept = _settled(data, part, progress)
        for folder in FOLDERS:
            kept += _tree(data, part, folder)
        with closing(connect(part / FILE, write=False)) as db:
            last = int(db.execute("SELECT last FROM sequence").fetchone()[0])
        made = Backup(
            format=FORMAT,
            made=time.time_ns() // 1_000_000,
            version=__version__,
            journal_schema=SCHEMA,
            archive_schema=ARCHIVE_SCHEMA,
            last=last,
            files=tuple(sorted(kept, key=lambda one: one.path)),
        )
        (part / MANIFEST).write_text(json.dumps(asdict(made), ensure_ascii=False, indent=1) + "\n")
        _sync(part / MANIFEST)
    return made


def restore(source: Path, data: Path, progress: Callable[[int, int | None], None] = lambda _done, _all: None) -> Backup:
    """Make data directory ``data`` from a backup: whole, or as it was before. Raises :class:`JournalError`, OSError.

    ``data`` must be absent or empty. Every file is compared with its digest while it is copied, and the archive is
    verified in its new place.
    """
    if data.exists() and (not data.is_dir() or any(data.iterdir())):
        raise BackupError(f"{data} is not empty; restore into a new directory, then put it in the place of the old one")
    made = read(source)
    with _appearing(data) as part:
        for done, one in enumerate(made.files, start=1):
            found = _copy(source / one.path, part / one.path, one.path)
            if found != one:
                raise BackupError(f"{source / one.path} is not what was backed up: {found.size} bytes, {found.sha256}")
            progress(done, len(made.files))
        if wrong := _journal_wrong(part) + list(verify(part).complaints):
            raise BackupError("; ".join(wrong))
        with suppress(FileNotFoundError):
            data.rmdir()
    return made


def check(source: Path, progress: Callable[[int, int | None], None] = lambda _done, _all: None) -> list[str]:
    """What is wrong with a backup, one sentence each: digests, files too many or too few, the journal, the archive."""
    made = read(source)
    wrong: list[str] = []
    for done, one in enumerate(made.files, start=1):
        try:
            found = _digest(source / one.path, one.path)
        except OSError as error:
            wrong.append(f"{one.path}: {error.strerror}")
        else:
            if found != one:
                wrong.append(f"{one.path}: changed since it was backed up")
        progress(done, len(made.files))
    known = {one.path for one in made.files} | {MANIFEST}
    there = {path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()}
    wrong += [f"{path}: is no part of the backup" for path in sorted(there - known)]
    return wrong or [*_journal_wrong(source), *verify(source).complaints]


def read(source: Path) -> Backup:
    """The manifest of a backup. Raises :class:`BackupError`, also for one that only a newer version can read."""
    try:
        told = json.loads((source / MANIFEST).read_text())
        made = Backup(**told | {"files": tuple(Kept(**one) for one in told["files"])})
    except FileNotFoundError:
        raise BackupError(f"{source} is no backup: there is no {MANIFEST} in it") from None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BackupError(f"{source / MANIFEST} cannot be read: {error}") from error
    if made.format > FORMAT or made.journal_schema > SCHEMA or made.archive_schema > ARCHIVE_SCHEMA:
        raise BackupError(f"{source} was made by a newer version ({made.version}); use that one")
    odd = next((one.path for one in made.files if one.path.startswith("/") or ".." in one.path.split("/")), None)
    if odd is not None:
        raise BackupError(f"{source / MANIFEST} names {odd}, which lies outside of it")
    return made


@contextmanager
def _appearing(target: Path) -> Iterator[Path]:
    """A new directory beside ``target`` that gets its name when the block ends well, and is removed otherwise."""
    target.absolute().parent.mkdir(parents=True, exist_ok=True)
    part = target.absolute().with_name(f".{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)  # of one that was killed
    part.mkdir(mode=0o700)
    try:
        yield part
        for folder, _, _ in os.walk(part):
            Path(folder).chmod(0o700)
            _sync_folder(folder)
        part.rename(target)
        _sync_folder(target.absolute().parent)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def _settled(data: Path, part: Path, progress: Callable[[int, int | None], None]) -> list[Kept]:
    """Journal and archive that belong together, after as many attempts as that takes."""
    for attempt in itertools.count(1):
        try:
            return _journal_and_archive(data, part, progress)
        except FileNotFoundError as error:
            if attempt == AGAIN:
                raise BackupError(f"{error.filename} is missing; see 'archive verify'") from None
    raise AssertionError


def _journal_and_archive(data: Path, part: Path, progress: Callable[[int, int | None], None]) -> list[Kept]:
    """The journal as of now, and the sealed files that its ledger names."""
    for path in (part / FILE, part / ARCHIVE):
        shutil.rmtree(path, ignore_errors=True)
        path.unlink(missing_ok=True)
    _journal(data, part / FILE)
    listed = catalog.read_at(part)
    for done, one in enumerate(listed, start=1):
        found = _copy(data / ARCHIVE / one.path, part / ARCHIVE / one.path, one.path)
        if found.sha256 != one.sha256:
            raise BackupError(f"{data / ARCHIVE / one.path} changed since it was sealed; see 'archive verify'")
        progress(done, len(listed))
    kept = [Kept(path=f"{ARCHIVE}/{one.path}", size=one.size, sha256=one.sha256) for one in listed]
    if listed:
        catalog.write_manifest(part)
        _sync(part / ARCHIVE / "manifest.json")
        kept.append(_digest(part / ARCHIVE / "manifest.json", f"{ARCHIVE}/manifest.json"))
    return [_digest(part / FILE, FILE), *kept]


def _journal(data: Path, copy: Path) -> None:
    """One step, so one moment: a reader's snapshot, which neither waits for the daemon nor makes it wait."""
    descriptor = os.open(copy, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    os.close(descriptor)
    with closing(connect(data / FILE, write=False)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target, pages=-1)
        target.execute("PRAGMA journal_mode = DELETE")  # one file, which can be read where nothing can be written
    _sync(copy)


def _journal_wrong(directory: Path) -> list[str]:
    with closing(connect(directory / FILE, write=False)) as db:
        answer = [row[0] for row in db.execute("PRAGMA quick_check(5)")]
    return [] if answer == ["ok"] else [f"{FILE}: {line}" for line in answer]


def _tree(data: Path, part: Path, folder: str) -> list[Kept]:
    """The files of a folder; what is removed meanwhile is left out, and so is what is not whole yet."""
    kept = []
    for path in sorted((data / folder).rglob("*")):
        name = path.relative_to(data).as_posix()
        if path.is_file() and not path.is_symlink() and not any(piece.startswith(".") for piece in name.split("/")):
            with suppress(FileNotFoundError):
                kept.append(_copy(path, part / name, name))
    return kept


def _copy(source: Path, target: Path, name: str) -> Kept:
    """Copy a file to the disk, hashing what passes."""
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as taken:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(target, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "wb") as given:
            while chunk := taken.read(_CHUNK):
                digest.update(chunk)
                size += given.write(chunk)
            given.flush()
            os.fsync(given.fileno())
    return Kept(path=name, size=size, sha256=digest.hexdigest())


def _digest(path: Path, name: str) -> Kept:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
        return Kept(path=name, size=file.tell(), sha256=found)


def _sync(path: Path) -> None:
    path.chmod(0o600)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(path: Path | str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
