"""Verification of the archive: hash and count every file again, and describe each error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.storage.archive import catalog, duckdb_session
from monitor.storage.archive.layout import ARCHIVE_FOLDER, ArchiveError, archived_kinds, list_files, quote_literal
from monitor.storage.archive.parquet import sha256

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from monitor.storage.archive.catalog import ArchiveFile


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyResult:
    """The files that were verified, and their errors, one sentence each."""

    files: int
    rows: int
    size_bytes: int
    errors: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether every sealed file is present unchanged, and no other."""
        return not self.errors


def verify(directory: Path, progress: Callable[[int, int], None] = lambda _done, _total: None) -> VerifyResult:
    """Verify every file of the catalog, and that there are no others; works while the daemon runs.

    Raises :class:`JournalError` when there is no journal, and :class:`ArchiveError` without DuckDB.
    """
    listed = catalog.load(directory)
    errors: list[str] = []
    for done, one in enumerate(listed, start=1):
        if (problem := _file_error(directory, one)) is not None:
            errors.append(f"{one.path}: {problem}")
        progress(done, len(listed))
    known = {one.path for one in listed}
    errors += [f"{path}: not in the catalog" for path in list_files(directory) if path not in known]
    for kind in archived_kinds():
        try:
            catalog.sealed_periods(listed, kind)
        except ArchiveError as error:
            errors.append(str(error))
    rows, size_bytes = sum(one.rows for one in listed), sum(one.size for one in listed)
    return VerifyResult(files=len(listed), rows=rows, size_bytes=size_bytes, errors=tuple(errors))


def _file_error(directory: Path, file: ArchiveFile) -> str | None:
    """Return the error of a file, or None."""
    path = directory / ARCHIVE_FOLDER / file.path
    try:
        digest, size = sha256(path)
    except FileNotFoundError:
        return f"missing; it held {file.rows} rows"
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    if digest != file.sha256:
        return f"changed since it was sealed: {size} bytes (catalog: {file.size}), SHA-256 {digest}"
    try:
        with duckdb_session.open_session(directory, memory_limit="64MB", threads=1) as session:
            source = f"parquet_file_metadata({quote_literal(str(path))})"
            found = session.execute(f"SELECT num_rows FROM {source}").fetchone()  # noqa: S608 - quoted
    except ArchiveError as error:
        return f"not a Parquet file: {error}"
    rows = int(found[0]) if found else 0
    return None if rows == file.rows else f"holds {rows} rows, the catalog lists {file.rows}"
