"""Export of measurements from history to files, and import of files into a journal; a file appears atomically.

One file holds one kind. Its columns are ``kind`` and those of `history`; `docs/history-format.md` lists them.
"""

from __future__ import annotations

import itertools
import secrets
import sqlite3
import sys
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from monitor.storage.archive.parquet import fsync_path
from monitor.storage.history.reader import HistoryWindow
from monitor.storage.history.source import ArchiveHistory
from monitor.storage.journal.store import JOURNAL_FILE, DirectoryLock, JournalWriter
from monitor.storage.transfer import formats
from monitor.storage.transfer.formats import DataFormat, TransferError
from monitor.storage.transfer.validation import RowValidator
from probes.registry import PROBE_KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from monitor.model.records import Measurement
    from monitor.storage.history.reader import ColumnBatch
    from monitor.storage.history.source import HistoryReader

    Progress = Callable[[int, int | None], None]
    """Called with (rows done, rows in total or None while unknown), about once a batch."""

__all__ = ["DataFormat", "ExportedFile", "ImportResult", "TransferError", "export", "import_"]

MAX_REPORTED_ERRORS = 20
IMPORT_BATCH_ROWS = 5_000
"""Rows in one transaction of an import."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedFile:
    """One file that was written; ``path`` is None for standard output."""

    kind: str
    path: Path | None
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportResult:
    """The rows of an imported file, of which ``added`` were new and ``already_present`` were not."""

    rows_read: int
    added: int
    already_present: int


def _ignore_progress(_done: int, _total: int | None) -> None:
    """Report no progress."""


def export(
    source: HistoryReader | Path,
    windows: HistoryWindow | Sequence[HistoryWindow],
    out: Path | str,
    file_format: DataFormat | str = DataFormat.CSV,
    progress: Progress = _ignore_progress,
) -> list[ExportedFile]:
    """Write the measurements of each window, one kind per window, and return the written files.

    ``source`` is the reader of history; a data directory means its archive and journal.
    ``out`` is ``-`` (standard output), a file for one kind, or a directory, which gets one ``<kind>.<format>`` for each
    kind; several kinds need a directory, created when missing. A file is written under a temporary name beside its own,
    synced and renamed. Raises :class:`JournalError`, also as :class:`TransferError`.
    """
    chosen = [windows] if isinstance(windows, HistoryWindow) else list(windows)
    file_format = DataFormat(file_format)
    targets = _targets(chosen, out, file_format)
    read = ArchiveHistory(source) if isinstance(source, Path) else source
    total = sum(read.count(window) for window in chosen)
    done = 0
    written = []
    for window, path in zip(chosen, targets, strict=True):
        batches = _CountedBatches(read.measurements(window), done, total, progress)
        try:
            _write_file(path, window.kind, file_format, batches)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise TransferError(f"{path or out}: {error.strerror or error}") from error
        written.append(ExportedFile(kind=window.kind, path=path, rows=batches.done - done))
        done = batches.done
    return written


def _targets(windows: Sequence[HistoryWindow], out: Path | str, file_format: DataFormat) -> list[Path | None]:
    kinds = [window.kind for window in windows]
    if len(set(kinds)) < len(kinds):
        raise TransferError("one export holds one window of each kind")
    if str(out) == "-":
        if file_format is DataFormat.PARQUET:
            raise TransferError("a Parquet file cannot be written to standard output, name a file")
        if file_format is DataFormat.CSV and len(kinds) > 1:
            raise TransferError("CSV on standard output holds one kind, name it or write to a directory")
        return [None] * len(kinds)
    path = Path(out)
    if path.is_dir() or len(kinds) > 1:
        return [path / f"{kind}.{file_format}" for kind in kinds]
    return [path]


class _CountedBatches:
    """Batches that are written to a file, with progress reports."""

    def __init__(self, batches: Iterator[ColumnBatch], done: int, total: int, progress: Progress) -> None:
        self.done = done
        self._batches, self._total, self._progress = batches, total, progress

    def __iter__(self) -> Iterator[ColumnBatch]:
        for batch in self._batches:
            yield batch
            self.done += len(batch["slot"])
            self._progress(self.done, max(self.done, self._total))


def _write_file(path: Path | None, kind: str, file_format: DataFormat, batches: _CountedBatches) -> None:
    if path is None:
        _write_lines(sys.stdout.buffer, kind, file_format, batches)
        sys.stdout.buffer.flush()
        return
    with atomic_replacement(path) as temporary:
        if file_format is DataFormat.PARQUET:
            formats.write_parquet(temporary, kind, batches)
            return
        with temporary.open("xb") as file:
            _write_lines(file, kind, file_format, batches)


def _write_lines(file: BinaryIO, kind: str, file_format: DataFormat, batches: _CountedBatches) -> None:
    (formats.write_csv if file_format is DataFormat.CSV else formats.write_jsonl)(file, kind, batches)


@contextmanager
def atomic_replacement(path: Path) -> Iterator[Path]:
    """Return a temporary name beside ``path``; replace ``path`` with it when the block succeeds, remove it otherwise.

    Raises OSError, and :class:`TransferError` when ``path`` is not a regular file.
    """
    target = path.resolve()
    if target.exists() and not target.is_file():
        raise TransferError(f"{path} is not a regular file")
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        yield temporary
        fsync_path(temporary)
        temporary.replace(target)
        fsync_path(target.parent)
    finally:
        temporary.unlink(missing_ok=True)


def import_(
    directory: Path, path: Path, file_format: DataFormat | str | None = None, progress: Progress = _ignore_progress
) -> ImportResult:
    """Import a file of measurements into the journal in ``directory``, which no daemon may be using.

    The format is that of the suffix unless given. Every row is validated before the first is written: when any is
    invalid, :class:`TransferError` names the first twenty with their lines and nothing is written. Rows whose identity
    is known, from the journal or an earlier row, are left out, so a second import adds nothing. Raises
    :class:`JournalError` when the directory is in use or cannot be written.
    """
    file_format = _resolve_format(path, file_format)
    if not path.is_file():
        raise TransferError(f"there is no file {path}")
    lock = DirectoryLock(directory)
    try:
        total = _validate_file(path, file_format, progress)
        return _store_rows(directory, path, file_format, total, progress)
    except OSError as error:
        raise TransferError(f"{path}: {error.strerror or error}") from error
    except sqlite3.Error as error:
        hint = "import again, rows that are already written are left out"
        raise TransferError(f"the journal cannot be written: {error}; {hint}") from error
    finally:
        lock.release()


def _resolve_format(path: Path, file_format: DataFormat | str | None) -> DataFormat:
    try:
        return DataFormat(file_format or path.suffix.removeprefix(".").lower())
    except ValueError:
        raise TransferError(f"{path}: name the format, one of {', '.join(DataFormat)}") from None


def _validated_rows(path: Path, file_format: DataFormat) -> Iterator[tuple[int, Measurement | list[str]]]:
    """Yield (line, measurement or errors) of every row."""
    validator = RowValidator(textual=file_format.textual)
    names = formats.read_header(path, file_format)
    errors = validator.validate_header(names) if names is not None else []
    if errors:
        yield 1, errors
        return
    for line, row in formats.READERS[file_format](path):
        yield line, [row] if isinstance(row, str) else validator.validate_row(row)


def _validate_file(path: Path, file_format: DataFormat, progress: Progress) -> int:
    """Return the number of rows if all are valid. Raises :class:`TransferError` otherwise."""
    errors: list[str] = []
    count = 0
    for line, one in _validated_rows(path, file_format):
        count += 1
        if isinstance(one, list):
            location = f"{path}: row {line}" if file_format is DataFormat.PARQUET else f"{path}:{line}"
            errors += [f"{location}: {error}" for error in one]
        if len(errors) >= MAX_REPORTED_ERRORS:
            raise TransferError(*errors[:MAX_REPORTED_ERRORS], f"stopped after {MAX_REPORTED_ERRORS} errors")
        if count % IMPORT_BATCH_ROWS == 0:
            progress(count, None)
    if errors:
        raise TransferError(*errors)
    return count


def _store_rows(directory: Path, path: Path, file_format: DataFormat, total: int, progress: Progress) -> ImportResult:
    read = added = 0
    with closing(JournalWriter(directory / JOURNAL_FILE, PROBE_KINDS)) as writer:
        rows = _validated_rows(path, file_format)
        while batch := [one for _, one in itertools.islice(rows, IMPORT_BATCH_ROWS)]:
            valid = [one for one in batch if not isinstance(one, list)]
            read += len(valid)
            if len(valid) < len(batch) or read > total:
                raise TransferError(f"{path} changed while it was imported, import it again")
            added += len(writer.write(valid))
            progress(read, total)
    return ImportResult(rows_read=read, added=added, already_present=read - added)
