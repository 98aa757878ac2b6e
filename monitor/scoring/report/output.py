"""Write an export atomically: to a temporary directory that is synced and renamed as the last step."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.scoring.report import manifest
from monitor.scoring.report.registry import REPORT_FORMATS
from monitor.storage.archive.parquet import fsync_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from monitor.scoring.report.report import Report


class ExportError(Exception):
    """The export cannot be written to that path; the message is one sentence."""


def write_report(
    report: Report, out: Path, formats: Sequence[str], on_progress: Callable[[], None] = lambda: None
) -> Path:
    """Write *report* as the directory *out* and return the path of its manifest.

    *on_progress* is called once per format. An existing export is replaced. Raises OSError, and :class:`ExportError`
    for a path that holds anything else.
    """
    target = check_target(out)
    with _temporary_directory(target) as part:
        entries = []
        for name in formats:
            for path, body in REPORT_FORMATS[name](report):
                _write_file(part / path, body)
                entries.append(manifest.manifest_file(path, body))
            on_progress()
        _write_file(part / manifest.MANIFEST_NAME, manifest.manifest_text(report, formats, entries).encode())
        for folder in [part, *(path for path in part.rglob("*") if path.is_dir())]:
            fsync_path(folder)
        _replace_target(part, target)
    return out / manifest.MANIFEST_NAME


def check_target(out: Path) -> Path:
    """Return the real path of *out*, which must be free, empty, or an export. Raises :class:`ExportError`."""
    target = Path(os.path.realpath(out))
    if target.exists():
        if not target.is_dir():
            raise ExportError(f"{out} is a file: name a directory")
        if any(target.iterdir()) and not manifest.is_export(target):
            raise ExportError(f"{out} holds other files and no export: use an empty directory")
    return target


def _write_file(path: Path, body: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _temporary_directory(target: Path) -> Iterator[Path]:
    """Create a directory beside *target*, removed at the end unless moved; first remove leftovers of killed runs.

    A run holds a lock on its directory, so an unlocked one is a leftover.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    for leftover in target.parent.glob(f".{target.name}.*.part"):
        _remove_leftover(leftover)
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    part.mkdir()
    descriptor = os.open(part, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield part
    finally:
        os.close(descriptor)
        shutil.rmtree(part, ignore_errors=True)


def _remove_leftover(leftover: Path) -> None:
    descriptor = os.open(leftover, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    else:
        shutil.rmtree(leftover)
    finally:
        os.close(descriptor)


def _replace_target(part: Path, target: Path) -> None:
    """Rename *part* to *target*; an existing target is renamed first and removed afterwards."""
    replaced = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    if target.exists():
        target.rename(replaced)
    part.rename(target)
    fsync_path(target.parent)
    if replaced.exists():
        shutil.rmtree(replaced)
