"""One Parquet file: written under a temporary name, synced, counted, hashed, renamed; it is there whole, or not."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from typing import TYPE_CHECKING

from monitor.storage.archive.layout import FOLDER, PART, ArchiveError, Shape, sql_name, sql_text

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from monitor.storage.archive.catalog import Sealed

ROW_GROUP = 40_960
"""Rows in a row group: about ten portals' day, so that a question about one portal reads little."""


def publish(directory: Path, work: duckdb.DuckDBPyConnection, source: str, form: Shape, wanted: Sealed) -> Sealed:
    """Write the rows of query ``source`` as ``wanted.path``, durably, and return the entry with what is in the file.

    Raises :class:`ArchiveError` when the file does not hold exactly ``wanted.rows`` rows.
    """
    target = directory / FOLDER / wanted.path
    temporary = target.with_name(f".{target.name}.{os.getpid()}{PART}")
    _make_directory(target.parent)
    keys = ", ".join(sql_name(name) for name in form.order)
    about = {name: str(getattr(wanted, name)) for name in ("kind", "day", "since", "until", "zone", "schema", "code")}
    marks = ", ".join(f"{name}: {sql_text(value)}" for name, value in about.items())
    how = f"FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP}, KV_METADATA {{{marks}}}"
    work.execute(f"COPY ({source} ORDER BY {keys}) TO {sql_text(str(temporary))} ({how})")
    synced(temporary)
    rows, first, last = contents(work, temporary, form)
    if rows != wanted.rows:
        raise ArchiveError(f"{wanted.path} would hold {rows} rows where {wanted.rows} were read")
    digest, size = sha256(temporary)
    temporary.rename(target)
    synced(target.parent)
    return replace(wanted, size=size, sha256=digest, first=first, last=last)


def contents(work: duckdb.DuckDBPyConnection, path: Path, form: Shape) -> tuple[int, int, int]:
    """(rows, time of the first, time of the last) of a file."""
    sql = f"SELECT COUNT(*), MIN({form.moment}), MAX({form.moment}) FROM read_parquet({sql_text(str(path))})"  # noqa: S608 - quoted
    found = work.execute(sql).fetchone()
    return (int(found[0]), int(found[1] or 0), int(found[2] or 0)) if found else (0, 0, 0)


def _make_directory(path: Path) -> None:
    """Make a directory that survives a power cut."""
    if not path.is_dir():
        _make_directory(path.parent)
        path.mkdir(exist_ok=True)
        synced(path.parent)


def synced(path: Path) -> None:
    """Return when a file or directory is on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256(path: Path) -> tuple[str, int]:
    """(hexadecimal SHA-256, bytes) of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return digest.hexdigest(), file.tell()
