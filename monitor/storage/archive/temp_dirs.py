"""Temporary directories of the archive: each belongs to one process and is removed with it, also after a kill.

A temporary directory is locked while its process runs. It is created and locked under a shared lock of the archive's
folder, and tested under an exclusive one: a directory that can be locked then was left by a killed process. Such
directories are removed before a new one is created.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.storage.archive.layout import ARCHIVE_FOLDER, ArchiveError

if TYPE_CHECKING:
    from collections.abc import Iterator

TEMP_DIR_PREFIX = "tmp-"


@contextmanager
def temp_dir(directory: Path) -> Iterator[Path]:
    """Create an empty directory in the archive of ``directory``. Raises :class:`ArchiveError` when it cannot."""
    root = directory / ARCHIVE_FOLDER
    try:
        root.mkdir(parents=True, exist_ok=True)
        remove_abandoned_temp_dirs(directory)
        with _folder_lock(root, fcntl.LOCK_SH):
            temporary = Path(tempfile.mkdtemp(prefix=TEMP_DIR_PREFIX, dir=root))
            descriptor = _acquire_lock(temporary, fcntl.LOCK_EX)
    except OSError as error:
        raise ArchiveError(f"archive {root} cannot be used: {error.strerror or error}") from error
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        os.close(descriptor)


def remove_abandoned_temp_dirs(directory: Path) -> None:
    """Remove the directories of killed processes. Raises OSError when the archive cannot be read."""
    root = directory / ARCHIVE_FOLDER
    with _folder_lock(root, fcntl.LOCK_EX):
        abandoned: list[tuple[Path, int]] = []
        for temporary in root.glob(f"{TEMP_DIR_PREFIX}*"):
            with suppress(OSError):  # its process is running, or has just removed it
                abandoned.append((temporary, _acquire_lock(temporary, fcntl.LOCK_EX | fcntl.LOCK_NB)))
    for temporary, descriptor in abandoned:
        shutil.rmtree(temporary, ignore_errors=True)
        os.close(descriptor)


@contextmanager
def _folder_lock(folder: Path, operation: int) -> Iterator[None]:
    descriptor = _acquire_lock(folder, operation)
    try:
        yield
    finally:
        os.close(descriptor)


def _acquire_lock(folder: Path, operation: int) -> int:
    """Lock a folder; return the open descriptor that holds the lock until it is closed."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, operation)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
