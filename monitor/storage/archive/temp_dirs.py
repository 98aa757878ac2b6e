"""Rooms for unfinished work beside the files: each is its owner's alone, and vanishes with him however he ends.

A room is locked as long as its owner lives. It is made and locked under a shared lock of the archive's folder, and
tried under an exclusive one: a room that can be locked then was left by somebody who was killed. Whoever makes a room
sweeps those first.
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

TEMP_DIR_PREFIX = "scratch-"


@contextmanager
def temp_dir(directory: Path) -> Iterator[Path]:
    """An empty directory below the archive of ``directory``. Raises :class:`ArchiveError` when there can be none."""
    root = directory / ARCHIVE_FOLDER
    try:
        root.mkdir(parents=True, exist_ok=True)
        remove_abandoned_temp_dirs(directory)
        with _folder_lock(root, fcntl.LOCK_SH):
            room = Path(tempfile.mkdtemp(prefix=TEMP_DIR_PREFIX, dir=root))
            mine = _acquire_lock(room, fcntl.LOCK_EX)
    except OSError as error:
        raise ArchiveError(f"archive {root} cannot be used: {error.strerror or error}") from error
    try:
        yield room
    finally:
        shutil.rmtree(room, ignore_errors=True)
        os.close(mine)


def remove_abandoned_temp_dirs(directory: Path) -> None:
    """Remove the rooms whose owners were killed. Raises OSError when there is no archive that can be read."""
    root = directory / ARCHIVE_FOLDER
    with _folder_lock(root, fcntl.LOCK_EX):
        left: list[tuple[Path, int]] = []
        for room in root.glob(f"{TEMP_DIR_PREFIX}*"):
            with suppress(OSError):  # its owner lives, or has just removed it
                left.append((room, _acquire_lock(room, fcntl.LOCK_EX | fcntl.LOCK_NB)))
    for room, descriptor in left:
        shutil.rmtree(room, ignore_errors=True)
        os.close(descriptor)


@contextmanager
def _folder_lock(folder: Path, operation: int) -> Iterator[None]:
    descriptor = _acquire_lock(folder, operation)
    try:
        yield
    finally:
        os.close(descriptor)


def _acquire_lock(folder: Path, operation: int) -> int:
    """The open descriptor that holds the lock of a folder until it is closed."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, operation)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
