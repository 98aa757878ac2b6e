"""The ledger: which files are sealed, with row count and SHA-256; a table of the journal, and a manifest for people."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, astuple, dataclass, fields
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from monitor.storage.archive.layout import FOLDER, MANIFEST, PART, SCHEMA, ArchiveError, Shape
from monitor.storage.journal.store import FILE, Chore, connect

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """One sealed file. Moments in UTC milliseconds.

    ``path`` is relative to the archive. ``since`` and ``until`` bound the period that it belongs to, ``first`` and
    ``last`` its rows. ``late``: its rows came after the period was sealed. ``through``: all rows of the period that the
    journal numbered up to this one are in files. ``columns`` is a JSON object of names and types.
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
    def types(self) -> dict[str, str]:
        """Column name -> DuckDB type."""
        found: dict[str, str] = json.loads(self.columns)
        return found


def types_text(form: Shape) -> str:
    """What :attr:`Sealed.columns` holds for files of this shape."""
    return json.dumps(form.types, separators=(",", ":"))


_NAMES = [field.name for field in fields(Sealed)]
_INSERT = f"INSERT OR REPLACE INTO sealed ({', '.join(_NAMES)}) VALUES ({', '.join('?' * len(_NAMES))})"  # noqa: S608 - our own names
_SELECT = f"SELECT {', '.join(_NAMES)} FROM sealed ORDER BY kind, since, number"  # noqa: S608 - the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A sealed period of one kind and its files."""

    since: int
    until: int
    through: int
    files: tuple[Sealed, ...]


def exists(db: sqlite3.Connection, form: Shape) -> bool:
    """Whether the journal has a table for rows of this shape."""
    return db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (form.table,)).fetchone() is not None


def read(db: sqlite3.Connection) -> list[Sealed]:
    """All sealed files in order of (kind, since, number); none in a journal that never saw an archive."""
    if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'sealed'").fetchone():
        return []
    return [_sealed(row) for row in db.execute(_SELECT)]


def read_at(directory: Path) -> list[Sealed]:
    """All sealed files of a data directory. Raises :class:`JournalError` when there is no journal."""
    db = connect(directory / FILE, write=False)
    try:
        return read(db)
    finally:
        db.close()


def _sealed(row: Sequence[Any]) -> Sealed:
    values = dict(zip(_NAMES, row, strict=True))
    if values["schema"] > SCHEMA:
        raise ArchiveError(
            f"{values['path']} was sealed by a newer version (schema {values['schema']}, this one knows {SCHEMA})"
        )
    return Sealed(**(values | {"late": bool(values["late"])}))


def spans(files: Iterable[Sealed], kind: str) -> list[Span]:
    """The sealed periods of a kind, oldest first. Raises :class:`ArchiveError` when two of them overlap."""
    grouped: dict[tuple[int, int], list[Sealed]] = {}
    for one in files:
        if one.kind == kind:
            grouped.setdefault((one.since, one.until), []).append(one)
    found = [
        Span(since=since, until=until, through=max(one.through for one in group), files=tuple(group))
        for (since, until), group in sorted(grouped.items())
    ]
    for earlier, later in pairwise(found):
        if later.since < earlier.until:
            raise ArchiveError(f"{later.files[0].path} and {earlier.files[0].path} claim the same time")
    return found


def record(one: Sealed, instead_of: Iterable[str] = ()) -> Chore:
    """Enter a sealed file; the files that it replaces leave the ledger in the same transaction."""
    gone = [("DELETE FROM sealed WHERE path = ?", (path,)) for path in instead_of]
    return Chore(statements=(*gone, (_INSERT, astuple(one))))


def advance(span: Span, through: int) -> Chore:
    """Note that all rows of the period up to number ``through`` are in files."""
    sql = "UPDATE sealed SET through = MAX(through, ?) WHERE path = ?"
    return Chore(statements=tuple((sql, (through, one.path)) for one in span.files))


def forget(paths: Iterable[str]) -> Chore:
    """Strike files off the ledger."""
    return Chore(statements=tuple(("DELETE FROM sealed WHERE path = ?", (path,)) for path in paths))


def manifest(files: Iterable[Sealed]) -> Iterator[str]:
    """The ledger for people and for other programs, as text."""
    listed = []
    for one in files:
        entry = asdict(one) | {"columns": one.types}
        entry |= {name: _iso(entry[name]) for name in ("since", "until", "first", "last", "created")}
        listed.append(entry)
    yield json.dumps({"schema": 1, "files": listed}, ensure_ascii=False, indent=1)
    yield "\n"


def write_manifest(directory: Path) -> None:
    """Write the manifest beside the files where it is not as the ledger is, whole or not at all.

    It is derived: only the ledger counts. What a killed run left of it goes with the next sweep.
    """
    root, text = directory / FOLDER, "".join(manifest(read_at(directory)))
    root.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError):
        if (root / MANIFEST).read_text("utf-8") == text:
            return
    temporary = root / f".{MANIFEST}.{os.getpid()}{PART}"
    temporary.write_text(text, "utf-8")
    temporary.replace(root / MANIFEST)


def _iso(moment: int) -> str:
    return datetime.fromtimestamp(moment / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
