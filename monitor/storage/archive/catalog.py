"""The catalog: sealed files with row count and SHA-256, as a table of the journal and as a JSON manifest."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, astuple, dataclass, fields
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from monitor import __version__
from monitor.model.time_parsing import iso_utc
from monitor.storage.archive import layout
from monitor.storage.archive.layout import ARCHIVE_SCHEMA_VERSION, MANIFEST_FILE, ArchiveError, RowSchema
from monitor.storage.journal.database import read_only
from monitor.storage.journal.store import ArchiveUpdate

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence
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


def new_file(  # noqa: PLR0913, PLR0917 - the identity of a file
    schema: RowSchema, day: str, number: int, since: int, until: int, zone: str, created: int
) -> ArchiveFile:
    """Return the entry of a file that this version writes, without what is read from the written file."""
    return ArchiveFile(
        path=layout.relative_path(schema.kind, day, number), kind=schema.kind, day=day, number=number, late=False,
        rows=0, size=0, sha256="", since=since, until=until, first=0, last=0, through=0,
        columns=column_types_json(schema), zone=zone, schema=ARCHIVE_SCHEMA_VERSION, code=__version__, created=created,
    )  # fmt: skip


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


def late_row_exists(db: sqlite3.Connection, schema: RowSchema, period: SealedPeriod) -> bool:
    """Return whether the journal has rows of the period that may not be in its files."""
    sql = f"SELECT 1 FROM {schema.table} WHERE {schema.time_sql} >= ? AND {schema.time_sql} < ? AND seq > ? LIMIT 1"  # noqa: S608 - names of this schema
    return db.execute(sql, (period.since_ms, period.until_ms, period.through)).fetchone() is not None


def read(db: sqlite3.Connection) -> list[ArchiveFile]:
    """Return all sealed files in order of (kind, since, number); none for a journal without a catalog."""
    return [_archive_file(row) for row in db.execute(_SELECT)] if table_exists(db, "archive_file") else []


def load(directory: Path) -> list[ArchiveFile]:
    """Return all sealed files of a data directory. Raises :class:`JournalError` when there is no journal."""
    with read_only(directory) as db:
        return read(db)


def _archive_file(row: Sequence[Any]) -> ArchiveFile:
    values = dict(zip(_COLUMNS, row, strict=True))
    if values["schema"] > ARCHIVE_SCHEMA_VERSION:
        versions = f"(schema {values['schema']}, this version supports {ARCHIVE_SCHEMA_VERSION})"
        raise ArchiveError(f"{values['path']} was sealed by a newer version {versions}")
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


def next_number(directory: Path, kind: str, day: str, period: SealedPeriod | None) -> int:
    """Return the number of the next file of a day, above those on disk and those of the period."""
    listed = [layout.parse_path(path) for path in layout.list_files(directory)]
    known = [one[2] for one in listed if one is not None and one[:2] == (kind, day)]
    known += [one.number for one in period.files] if period else []
    return max(known, default=-1) + 1


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


def manifest_json(files: Iterable[ArchiveFile]) -> str:
    """Return the catalog as text, for operators and other programs."""
    listed = []
    for one in files:
        entry = asdict(one) | {"columns": one.column_types}
        entry |= {name: iso_utc(entry[name]) for name in ("since", "until", "first", "last", "created")}
        listed.append(entry)
    return json.dumps({"schema": 1, "files": listed}, ensure_ascii=False, indent=1) + "\n"


def write_manifest(directory: Path) -> None:
    """Write the manifest beside the files when it differs from the catalog, atomically.

    It is derived: only the catalog counts. The next sweep removes what a killed run left of it.
    """
    root, text = directory / layout.ARCHIVE_FOLDER, manifest_json(load(directory))
    root.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError):
        if (root / MANIFEST_FILE).read_text("utf-8") == text:
            return
    temporary = root / f".{MANIFEST_FILE}.{os.getpid()}{layout.TEMP_SUFFIX}"
    temporary.write_text(text, "utf-8")
    temporary.replace(root / MANIFEST_FILE)
