"""Rooms for unfinished work beside the files: each is its owner's alone, and vanishes with him however he ends."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.archive.layout import FOLDER, ArchiveError

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "scratch-"
_LOCK = "lock"


@contextmanager
def scratch(directory: Path) -> Iterator[Path]:
    """An empty directory below the archive of ``directory``. Raises :class:`ArchiveError` when there can be none."""
    root = directory / FOLDER
    try:
        root.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(prefix="making-", dir=root))
        lock = (making / _LOCK).open("w")
        fcntl.flock(lock, fcntl.LOCK_EX)
        room = making.rename(making.with_name(making.name.replace("making-", PREFIX)))  # only now may it be swept
    except OSError as error:
        raise ArchiveError(f"archive {root} cannot be used: {error.strerror or error}") from error
    try:
        yield room
    finally:
        shutil.rmtree(room, ignore_errors=True)
        lock.close()


def sweep_rooms(directory: Path) -> None:
    """Remove the rooms whose owners were killed; those of the living are locked."""
    for room in (directory / FOLDER).glob(f"{PREFIX}*"):
        with suppress(OSError), (room / _LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(room, ignore_errors=True)
