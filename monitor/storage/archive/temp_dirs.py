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

from monitor.storage.archive.layout import FOLDER, ArchiveError

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "scratch-"


@contextmanager
def scratch(directory: Path) -> Iterator[Path]:
    """An empty directory below the archive of ``directory``. Raises :class:`ArchiveError` when there can be none."""
    root = directory / FOLDER
    try:
        root.mkdir(parents=True, exist_ok=True)
        sweep_rooms(directory)
        with _locked(root, fcntl.LOCK_SH):
            room = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root))
            mine = _lock(room, fcntl.LOCK_EX)
    except OSError as error:
        raise ArchiveError(f"archive {root} cannot be used: {error.strerror or error}") from error
    try:
        yield room
    finally:
        shutil.rmtree(room, ignore_errors=True)
        os.close(mine)


def sweep_rooms(directory: Path) -> None:
    """Remove the rooms whose owners were killed. Raises OSError when there is no archive that can be read."""
    root = directory / FOLDER
    with _locked(root, fcntl.LOCK_EX):
        left: list[tuple[Path, int]] = []
        for room in root.glob(f"{PREFIX}*"):
            with suppress(OSError):  # its owner lives, or has just removed it
                left.append((room, _lock(room, fcntl.LOCK_EX | fcntl.LOCK_NB)))
    for room, descriptor in left:
        shutil.rmtree(room, ignore_errors=True)
        os.close(descriptor)


@contextmanager
def _locked(folder: Path, how: int) -> Iterator[None]:
    descriptor = _lock(folder, how)
    try:
        yield
    finally:
        os.close(descriptor)


def _lock(folder: Path, how: int) -> int:
    """The open descriptor that holds the lock of a folder until it is closed."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, how)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
