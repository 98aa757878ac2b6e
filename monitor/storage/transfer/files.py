"""Measurements out of a journal into files, and from files into a journal; a file appears whole or not at all.

One file holds one kind. Its columns are ``kind`` and those of `history`; `docs/history-format.md` lists them.
"""

from __future__ import annotations

import itertools
import os
import secrets
import sqlite3
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from monitor.storage.history.reader import Window
from monitor.storage.history.source import Archive
from monitor.storage.journal.store import FILE, Lock, Writer
from monitor.storage.transfer import formats
from monitor.storage.transfer.formats import ExchangeError, Format
from monitor.storage.transfer.validation import Judge
from probes.registry import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from monitor.model.records import Measurement
    from monitor.storage.history.reader import Columns
    from monitor.storage.history.source import Source

    Progress = Callable[[int, int | None], None]
    """Told (rows done, rows in total or None where nobody knows yet), about once a batch."""

__all__ = ["ExchangeError", "Exported", "Format", "Imported", "export", "import_"]

MOST_COMPLAINTS = 20
BATCH = 5_000
"""Rows in one transaction of an import."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """One file that was written; ``path`` is None for standard output."""

    kind: str
    path: Path | None
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import did: ``read`` rows in the file, of which ``added`` are new and ``present`` were there already."""

    read: int
    added: int
    present: int


def _silent(_done: int, _total: int | None) -> None:
    """Nobody watches."""


def export(
    source: Source | Path,
    windows: Window | Sequence[Window],
    out: Path | str,
    form: Format | str = Format.CSV,
    progress: Progress = _silent,
) -> list[Exported]:
    """Write the measurements of each window, one kind a window, and return what was written.

    ``source`` is where history is read from; a data directory stands for its archive and journal.
    ``out`` is ``-`` (standard output), a file for one kind, or a directory, which gets one ``<kind>.<format>`` for each
    kind; several kinds need a directory, made when missing. A file is written under a temporary name beside its own,
    synced and renamed. Raises :class:`JournalError`, also as :class:`ExchangeError`.
    """
    chosen = [windows] if isinstance(windows, Window) else list(windows)
    form = Format(form)
    targets = _targets(chosen, out, form)
    read = Archive(source) if isinstance(source, Path) else source
    total = sum(read.count(window) for window in chosen)
    done = 0
    written = []
    for window, path in zip(chosen, targets, strict=True):
        batches = _Counted(read.measurements(window), done, total, progress)
        try:
            _write(path, window.kind, form, batches)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise ExchangeError(f"{path or out}: {error.strerror or error}") from error
        written.append(Exported(kind=window.kind, path=path, rows=batches.done - done))
        done = batches.done
    return written


def _targets(windows: Sequence[Window], out: Path | str, form: Format) -> list[Path | None]:
    kinds = [window.kind for window in windows]
    if len(set(kinds)) < len(kinds):
        raise ExchangeError("one export holds one window of each kind")
    if str(out) == "-":
        if form is Format.PARQUET:
            raise ExchangeError("a Parquet file cannot be written to standard output, name a file")
        if form is Format.CSV and len(kinds) > 1:
            raise ExchangeError("CSV on standard output holds one kind, name it or write to a directory")
        return [None] * len(kinds)
    path = Path(out)
    if path.is_dir() or len(kinds) > 1:
        return [path / f"{kind}.{form}" for kind in kinds]
    return [path]


class _Counted:
    """Batches on their way to a file, telling how far they are."""

    def __init__(self, batches: Iterator[Columns], done: int, total: int, progress: Progress) -> None:
        self.done = done
        self._batches, self._total, self._progress = batches, total, progress

    def __iter__(self) -> Iterator[Columns]:
        for batch in self._batches:
            yield batch
            self.done += len(batch["slot"])
            self._progress(self.done, max(self.done, self._total))


def _write(path: Path | None, kind: str, form: Format, batches: _Counted) -> None:
    if path is None:
        _write_lines(sys.stdout.buffer, kind, form, batches)
        sys.stdout.buffer.flush()
        return
    with replacing(path) as temporary:
        if form is Format.PARQUET:
            formats.write_parquet(temporary, kind, batches)
            return
        with temporary.open("xb") as file:
            _write_lines(file, kind, form, batches)


def _write_lines(file: BinaryIO, kind: str, form: Format, batches: _Counted) -> None:
    (formats.write_csv if form is Format.CSV else formats.write_jsonl)(file, kind, batches)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name beside ``path`` that takes its place, synced, when the block ends well, and vanishes otherwise.

    Raises OSError, and :class:`ExchangeError` when ``path`` is something that a file must not replace.
    """
    target = path.resolve()
    if target.exists() and not target.is_file():
        raise ExchangeError(f"{path} is not a regular file")
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        yield temporary
        _sync(temporary)
        temporary.replace(target)
        _sync(target.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def import_(directory: Path, path: Path, form: Format | str | None = None, progress: Progress = _silent) -> Imported:
    """Take a file of measurements into the journal in ``directory``, which no daemon may be using.

    The format is that of the suffix unless given. Every row is judged before the first is written: when any is bad,
    :class:`ExchangeError` names the first twenty with their lines and nothing is written. Rows whose identity is known,
    from the journal or from further up in the file, are left out, so a second import adds nothing. Raises
    :class:`JournalError` when the directory is in use or cannot be written.
    """
    form = _form(path, form)
    if not path.is_file():
        raise ExchangeError(f"there is no file {path}")
    lock = Lock(directory)
    try:
        total = _judge(path, form, progress)
        return _store(directory, path, form, total, progress)
    except OSError as error:
        raise ExchangeError(f"{path}: {error.strerror or error}") from error
    except sqlite3.Error as error:
        message = f"the journal cannot be written: {error}; import again, what is written already is left out then"
        raise ExchangeError(message) from error
    finally:
        lock.release()


def _form(path: Path, form: Format | str | None) -> Format:
    try:
        return Format(form or path.suffix.removeprefix(".").lower())
    except ValueError:
        raise ExchangeError(f"{path}: name the format, one of {', '.join(Format)}") from None


def _judged(path: Path, form: Format) -> Iterator[tuple[int, Measurement | list[str]]]:
    """(line, measurement or complaints) of every row."""
    judge = Judge(textual=form.textual)
    names = formats.header(path, form)
    complaints = judge.header(names) if names is not None else []
    if complaints:
        yield 1, complaints
        return
    for line, row in formats.READERS[form](path):
        yield line, [row] if isinstance(row, str) else judge.measurement(row)


def _judge(path: Path, form: Format, progress: Progress) -> int:
    """The number of rows, all of them good. Raises :class:`ExchangeError` otherwise."""
    complaints: list[str] = []
    count = 0
    for line, one in _judged(path, form):
        count += 1
        if isinstance(one, list):
            place = f"{path}: row {line}" if form is Format.PARQUET else f"{path}:{line}"
            complaints += [f"{place}: {complaint}" for complaint in one]
        if len(complaints) >= MOST_COMPLAINTS:
            rest = "there may be more: what follows was not judged"
            raise ExchangeError(*complaints[:MOST_COMPLAINTS], rest)
        if count % BATCH == 0:
            progress(count, None)
    if complaints:
        raise ExchangeError(*complaints)
    return count


def _store(directory: Path, path: Path, form: Format, total: int, progress: Progress) -> Imported:
    writer = Writer(directory / FILE, KINDS)
    read = added = 0
    try:
        rows = _judged(path, form)
        while batch := [one for _, one in itertools.islice(rows, BATCH)]:
            good = [one for one in batch if not isinstance(one, list)]
            read += len(good)
            if len(good) < len(batch) or read > total:
                raise ExchangeError(f"{path} changed while it was imported, import it again")
            added += len(writer.write(good))
            progress(read, total)
    finally:
        writer.close()
    return Imported(read=read, added=added, present=read - added)
