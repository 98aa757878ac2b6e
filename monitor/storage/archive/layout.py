"""Paths and names of the archive's files, the schema of their rows, and the days of the report zone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from monitor.storage.journal import columns
from monitor.storage.journal.columns import DUCKDB_TYPES, STATE_CHANGE_COLUMNS, STATE_IDENTITY_COLUMNS
from monitor.storage.journal.store import JournalError
from probes.registry import PROBE_KINDS

if TYPE_CHECKING:
    from pathlib import Path
    from zoneinfo import ZoneInfo

MIN_RETENTION_DAYS = 460
"""Five quarters: nothing younger is removed, so that a year can be compared with the year before."""

ARCHIVE_FOLDER = "archive"
"""The archive's directory inside the data directory."""

MANIFEST_FILE = "manifest.json"
TEMP_SUFFIX = ".part"
"""The suffix of an incomplete file."""

ARCHIVE_SCHEMA_VERSION = 2
"""Version of the files' schema."""

STATE_CHANGE_KIND = "state_change"
"""The kind of archived state changes."""

_FILE_NAME = re.compile(r"(\d{4}-\d\d-\d\d)(?:\.(\d+))?\.parquet")


class ArchiveError(JournalError):
    """The archive cannot be used; the message is one sentence for the operator."""


@dataclass(frozen=True, slots=True)
class ReportDay:
    """A calendar day of the report zone: ``since_ms <= time < until_ms`` (UTC ms)."""

    date: str
    since_ms: int
    until_ms: int


@dataclass(frozen=True, slots=True)
class RowSchema:
    """The rows of a kind, in the journal and in the files: ``types`` maps column to DuckDB type."""

    kind: str
    table: str
    time_column: str
    types: dict[str, str]
    identity_columns: tuple[str, ...]
    sort_columns: tuple[str, ...]

    @property
    def time_sql(self) -> str:
        """The quoted name of the time column: ``at`` is a keyword of DuckDB."""
        return quote_identifier(self.time_column)


def row_schema(kind: str) -> RowSchema:
    """Return the schema of a kind's rows, or of state changes. Raises :class:`JournalError` for an unknown kind."""
    if kind == STATE_CHANGE_KIND:
        types = {column.name: DUCKDB_TYPES[column.type] for column in STATE_CHANGE_COLUMNS}
        types |= {"cause": "BIGINT", "seq": "BIGINT"}
        return RowSchema(kind, kind, "at", types, STATE_IDENTITY_COLUMNS, ("portal", "at", "location", "seq"))
    types = {column.name: DUCKDB_TYPES[column.type] for column in columns.history_columns(kind)}
    sort_columns = ("portal", "slot", "check", "location", "attempt")
    return RowSchema(kind, columns.kind_table(kind).name, "slot", types, columns.IDENTITY_COLUMNS, sort_columns)


def archived_kinds() -> list[str]:
    """Return the kinds that are archived."""
    return [*PROBE_KINDS, STATE_CHANGE_KIND]


def day_of(at_ms: int, zone: ZoneInfo) -> ReportDay:
    """Return the day that contains ``at_ms`` (UTC ms). Days last 23 to 25 hours where clocks are changed."""
    day = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone).date()
    return ReportDay(day.isoformat(), _midnight_ms(day, zone), _midnight_ms(day + timedelta(1), zone))


def _midnight_ms(day: date, zone: ZoneInfo) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() * 1000)


def relative_path(kind: str, day: str, number: int) -> str:
    """Return the path of a day's file below the archive: number 0 is the day itself, others are supplements."""
    return f"{kind}/{day[:4]}/{day}{f'.{number}' if number else ''}.parquet"


def parse_path(path: str) -> tuple[str, str, int] | None:
    """Return (kind, day, number) of a path of :func:`relative_path`, None for any other."""
    parts = path.split("/")
    found = _FILE_NAME.fullmatch(parts[-1])
    if found is None:
        return None
    kind, day, number = parts[0], found[1], int(found[2] or 0)
    return (kind, day, number) if relative_path(kind, day, number) == path else None


def list_files(directory: Path) -> list[str]:
    """Return every Parquet file of the archive in data directory ``directory``, relative to the archive."""
    root = directory / ARCHIVE_FOLDER
    found = (path for kind in kind_folders(directory) for path in kind.glob("*/*.parquet") if path.is_file())
    return sorted(path.relative_to(root).as_posix() for path in found)


def kind_folders(directory: Path) -> list[Path]:
    """Return the folders of kinds; temporary folders may vanish while they are listed."""
    root = directory / ARCHIVE_FOLDER
    return [root / kind for kind in archived_kinds() if (root / kind).is_dir()]


def quote_identifier(name: str) -> str:
    """Quote a name for SQL."""
    return '"' + name.replace('"', '""') + '"'


def quote_literal(text: str) -> str:
    """Quote a text for SQL."""
    return "'" + text.replace("'", "''") + "'"
