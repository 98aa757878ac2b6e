"""Proof that the archive is what was sealed: every file is hashed and counted again, what is wrong is said in words."""

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
    """What was looked at, and what is wrong with it: one sentence a complaint."""

    files: int
    rows: int
    size_bytes: int
    errors: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether every sealed file is there unchanged, and no other."""
        return not self.errors


def verify(directory: Path, progress: Callable[[int, int], None] = lambda _done, _total: None) -> VerifyResult:
    """Check every file of the ledger, and that there are no others; works while the daemon runs.

    Raises :class:`JournalError` when there is no journal, and :class:`ArchiveError` without DuckDB.
    """
    listed = catalog.load(directory)
    complaints: list[str] = []
    for done, one in enumerate(listed, start=1):
        if (complaint := _file_error(directory, one)) is not None:
            complaints.append(f"{one.path}: {complaint}")
        progress(done, len(listed))
    known = {one.path for one in listed}
    complaints += [f"{path}: the ledger does not know this file" for path in list_files(directory) if path not in known]
    for kind in archived_kinds():
        try:
            catalog.sealed_periods(listed, kind)
        except ArchiveError as error:
            complaints.append(str(error))
    return VerifyResult(
        files=len(listed),
        rows=sum(one.rows for one in listed),
        size_bytes=sum(one.size for one in listed),
        errors=tuple(complaints),
    )


def _file_error(directory: Path, file: ArchiveFile) -> str | None:
    """What is wrong with a file, None when nothing is."""
    path = directory / ARCHIVE_FOLDER / file.path
    try:
        digest, size = sha256(path)
    except FileNotFoundError:
        return f"missing; it held {file.rows} rows"
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    if digest != file.sha256:
        return f"changed since it was sealed: {size} bytes where there were {file.size}, SHA-256 {digest}"
    try:
        with duckdb_session.open_session(directory, memory_limit="64MB", threads=1) as work:
            found = work.execute(f"SELECT num_rows FROM parquet_file_metadata({quote_literal(str(path))})").fetchone()  # noqa: S608 - quoted
    except ArchiveError as error:
        return f"no Parquet file: {error}"
    rows = int(found[0]) if found else 0
    return None if rows == file.rows else f"holds {rows} rows where the ledger says {file.rows}"
