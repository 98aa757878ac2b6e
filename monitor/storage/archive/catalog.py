"""The catalog: sealed files with row count and SHA-256, as a table of the journal and as a JSON manifest."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, astuple, dataclass, fields
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from monitor.model.time_parsing import iso_utc
from monitor.storage.archive.layout import (
    ARCHIVE_FOLDER,
    ARCHIVE_SCHEMA_VERSION,
    MANIFEST_FILE,
    TEMP_SUFFIX,
    ArchiveError,
    RowSchema,
)
from monitor.storage.journal.store import JOURNAL_FILE, ArchiveUpdate, open_journal

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveFile:
    """One sealed file. Times in UTC milliseconds.

    ``path`` is relative to the archive. ``since`` and ``until`` bound the period that it belongs to, ``first`` and
    ``last`` its rows. ``late``: its rows were written after the period was sealed. ``through``: all rows of the period
    with sequence numbers up to this one are in files. ``columns`` is a JSON object of names and types.
    """

    path: str
    kind: str
    day: str
    number: int
    late: bool
    rows: int
    size: int
    sha256: str
    since: int
    until: int
    first: int
    last: int
    through: int
    columns: str
    zone: str
    schema: int
    code: str
    created: int

    @property
    def column_types(self) -> dict[str, str]:
        """Column name -> DuckDB type."""
        found: dict[str, str] = json.loads(self.columns)
        return found


def column_types_json(schema: RowSchema) -> str:
    """Return :attr:`ArchiveFile.columns` for files of this schema."""
    return json.dumps(schema.types, separators=(",", ":"))


_COLUMNS = [field.name for field in fields(ArchiveFile)]
_INSERT = f"INSERT OR REPLACE INTO archive_file ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608 - field names
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM archive_file ORDER BY kind, since, number"  # noqa: S608 - the same


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedPeriod:
    """A sealed period of one kind and its files."""

    since_ms: int
    until_ms: int
    through: int
    files: tuple[ArchiveFile, ...]


def table_exists(db: sqlite3.Connection, name: str) -> bool:
    """Return whether the journal has a table of that name."""
    return db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (name,)).fetchone() is not None


def read(db: sqlite3.Connection) -> list[ArchiveFile]:
    """Return all sealed files in order of (kind, since, number); none for a journal without a catalog."""
    if not table_exists(db, "archive_file"):
        return []
    return [_archive_file(row) for row in db.execute(_SELECT)]


def load(directory: Path) -> list[ArchiveFile]:
    """Return all sealed files of a data directory. Raises :class:`JournalError` when there is no journal."""
    db = open_journal(directory / JOURNAL_FILE, write=False)
    try:
        return read(db)
    finally:
        db.close()


def _archive_file(row: Sequence[Any]) -> ArchiveFile:
    values = dict(zip(_COLUMNS, row, strict=True))
    if values["schema"] > ARCHIVE_SCHEMA_VERSION:
        raise ArchiveError(
            f"{values['path']} was sealed by a newer version "
            f"(schema {values['schema']}, this version supports {ARCHIVE_SCHEMA_VERSION})"
        )
    return ArchiveFile(**(values | {"late": bool(values["late"])}))


def sealed_periods(files: Iterable[ArchiveFile], kind: str) -> list[SealedPeriod]:
    """Return the sealed periods of a kind, oldest first. Raises :class:`ArchiveError` when two of them overlap."""
    grouped: dict[tuple[int, int], list[ArchiveFile]] = {}
    for one in files:
        if one.kind == kind:
            grouped.setdefault((one.since, one.until), []).append(one)
    found = [
        SealedPeriod(since_ms=since, until_ms=until, through=max(one.through for one in group), files=tuple(group))
        for (since, until), group in sorted(grouped.items())
    ]
    for earlier, later in pairwise(found):
        if later.since_ms < earlier.until_ms:
            raise ArchiveError(f"{later.files[0].path} and {earlier.files[0].path} overlap")
    return found


def add_file(file: ArchiveFile, replaces: Iterable[str] = ()) -> ArchiveUpdate:
    """Add a sealed file; the files that it replaces are removed from the catalog in the same transaction."""
    removed = [("DELETE FROM archive_file WHERE path = ?", (path,)) for path in replaces]
    return ArchiveUpdate(statements=(*removed, (_INSERT, astuple(file))))


def advance_through(period: SealedPeriod, through: int) -> ArchiveUpdate:
    """Record that all rows of the period up to sequence number ``through`` are in files."""
    sql = "UPDATE archive_file SET through = MAX(through, ?) WHERE path = ?"
    return ArchiveUpdate(statements=tuple((sql, (through, one.path)) for one in period.files))


def remove_files(paths: Iterable[str]) -> ArchiveUpdate:
    """Remove files from the catalog."""
    return ArchiveUpdate(statements=tuple(("DELETE FROM archive_file WHERE path = ?", (path,)) for path in paths))


def manifest_json(files: Iterable[ArchiveFile]) -> Iterator[str]:
    """Yield the catalog as text, for operators and other programs."""
    listed = []
    for one in files:
        entry = asdict(one) | {"columns": one.column_types}
        entry |= {name: iso_utc(entry[name]) for name in ("since", "until", "first", "last", "created")}
        listed.append(entry)
    yield json.dumps({"schema": 1, "files": listed}, ensure_ascii=False, indent=1)
    yield "\n"


def write_manifest(directory: Path) -> None:
    """Write the manifest beside the files when it differs from the catalog, atomically.

    It is derived: only the catalog counts. The next sweep removes what a killed run left of it.
    """
    root, text = directory / ARCHIVE_FOLDER, "".join(manifest_json(load(directory)))
    root.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError):
        if (root / MANIFEST_FILE).read_text("utf-8") == text:
            return
    temporary = root / f".{MANIFEST_FILE}.{os.getpid()}{TEMP_SUFFIX}"
    temporary.write_text(text, "utf-8")
    temporary.replace(root / MANIFEST_FILE)
