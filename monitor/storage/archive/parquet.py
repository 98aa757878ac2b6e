"""One Parquet file: written under a temporary name, synced, counted, hashed, renamed, so that it appears atomically."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from typing import TYPE_CHECKING

from monitor.storage.archive import layout
from monitor.storage.archive.layout import ArchiveError, RowSchema, quote_literal

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from monitor.storage.archive.catalog import ArchiveFile

ROW_GROUP_ROWS = 40_960
"""Rows in a row group: a day of about ten portals, so that a query about one portal reads little."""


def write_parquet_file(
    directory: Path, session: duckdb.DuckDBPyConnection, source: str, schema: RowSchema, entry: ArchiveFile
) -> ArchiveFile:
    """Write the rows of query ``source`` to ``entry.path``, durably; return the entry with size, digest and bounds.

    Raises :class:`ArchiveError` when the file does not contain exactly ``entry.rows`` rows.
    """
    target = directory / layout.ARCHIVE_FOLDER / entry.path
    temporary = target.with_name(f".{target.name}.{os.getpid()}{layout.TEMP_SUFFIX}")
    _make_durable_directory(target.parent)
    keys = ", ".join(layout.quote_identifier(name) for name in schema.sort_columns)
    metadata = {name: str(getattr(entry, name)) for name in ("kind", "day", "since", "until", "zone", "schema", "code")}
    pairs = ", ".join(f"{name}: {quote_literal(value)}" for name, value in metadata.items())
    options = f"FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP_ROWS}, KV_METADATA {{{pairs}}}"
    session.execute(f"COPY ({source} ORDER BY {keys}) TO {quote_literal(str(temporary))} ({options})")
    fsync_path(temporary)
    rows, first, last = count_and_bounds(session, temporary, schema)
    if rows != entry.rows:
        raise ArchiveError(f"{entry.path}: {rows} rows written, {entry.rows} expected")
    digest, size = sha256(temporary)
    temporary.rename(target)
    fsync_path(target.parent)
    return replace(entry, size=size, sha256=digest, first=first, last=last)


def count_and_bounds(session: duckdb.DuckDBPyConnection, path: Path, schema: RowSchema) -> tuple[int, int, int]:
    """Return (rows, first time, last time) of a file."""
    time, file = schema.time_sql, quote_literal(str(path))
    found = session.execute(f"SELECT COUNT(*), MIN({time}), MAX({time}) FROM read_parquet({file})").fetchone()  # noqa: S608 - quoted
    return (int(found[0]), int(found[1] or 0), int(found[2] or 0)) if found else (0, 0, 0)


def _make_durable_directory(path: Path) -> None:
    """Create a directory that survives a power failure."""
    if not path.is_dir():
        _make_durable_directory(path.parent)
        path.mkdir(exist_ok=True)
        fsync_path(path.parent)


def fsync_path(path: Path) -> None:
    """Sync a file or directory to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256(path: Path) -> tuple[str, int]:
    """Return (hexadecimal SHA-256, bytes) of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return digest.hexdigest(), file.tell()
