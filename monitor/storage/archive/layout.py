"""Where the files of the archive lie, what they are called, and when a day begins and ends in the report zone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from monitor.storage.journal import columns
from monitor.storage.journal.columns import SQL_TYPES, STATE_COLUMNS, STATE_IDENTITY
from monitor.storage.journal.store import JournalError
from probes.registry import KINDS

if TYPE_CHECKING:
    from pathlib import Path
    from zoneinfo import ZoneInfo

FLOOR_DAYS = 460
"""Nothing younger than five quarters is ever removed: a year can be compared with the year before."""

FOLDER = "archive"
"""The archive's directory inside the data directory."""

MANIFEST = "manifest.json"
PART = ".part"
"""What a file is called as long as it is not whole."""

SCHEMA = 1
"""Version of the files' form."""

STATES = "state_change"
"""The kind under which state changes rest."""

_NAME = re.compile(r"(\d{4}-\d\d-\d\d)(?:\.(\d+))?\.parquet")


class ArchiveError(JournalError):
    """The archive cannot be used; the message is one sentence for the operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A calendar day of the report zone; ``since <= moment < until`` in UTC milliseconds."""

    label: str
    since: int
    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What the rows of a kind look like, in the journal and in the files: ``types`` maps column to DuckDB type."""

    kind: str
    table: str
    time: str
    types: dict[str, str]
    identity: tuple[str, ...]
    order: tuple[str, ...]

    @property
    def moment(self) -> str:
        """The name of the column that says when, as SQL writes it: ``at`` is a word of DuckDB's own."""
        return sql_name(self.time)


def shape(kind: str) -> Shape:
    """The shape of a kind's rows, or of state changes. Raises :class:`JournalError` for a kind that does not exist."""
    if kind == STATES:
        return Shape(
            kind=kind,
            table=kind,
            time="at",
            types={column.name: SQL_TYPES[column.type] for column in STATE_COLUMNS}
            | {"cause": "BIGINT", "seq": "BIGINT"},
            identity=STATE_IDENTITY,
            order=("portal", "at", "location", "seq"),
        )
    return Shape(
        kind=kind,
        table=columns.table(kind).name,
        time="slot",
        types={column.name: SQL_TYPES[column.type] for column in columns.columns(kind)},
        identity=columns.IDENTITY,
        order=("portal", "slot", "check", "location", "attempt"),
    )


def kinds() -> list[str]:
    """All that is archived."""
    return [*KINDS, STATES]


def day_of(moment: int, zone: ZoneInfo) -> Day:
    """The day that holds ``moment`` (UTC ms). Days are 23 to 25 hours long where clocks are changed."""
    label = datetime.fromtimestamp(moment / 1000, UTC).astimezone(zone).date()
    return Day(label=label.isoformat(), since=_midnight(label, zone), until=_midnight(label + timedelta(1), zone))


def _midnight(label: date, zone: ZoneInfo) -> int:
    return int(datetime(label.year, label.month, label.day, tzinfo=zone).timestamp() * 1000)


def relative(kind: str, label: str, number: int) -> str:
    """The path of a day's file below the archive: number 0 is the day itself, further ones came later."""
    return f"{kind}/{label[:4]}/{label}{f'.{number}' if number else ''}.parquet"


def parse(path: str) -> tuple[str, str, int] | None:
    """(kind, label, number) of a path that :func:`relative` gave, None for any other."""
    parts = path.split("/")
    found = _NAME.fullmatch(parts[-1])
    if found is None:
        return None
    kind, label, number = parts[0], found[1], int(found[2] or 0)
    return (kind, label, number) if relative(kind, label, number) == path else None


def files(directory: Path) -> list[str]:
    """Every Parquet file below the archive in data directory ``directory``, relative to the archive."""
    root = directory / FOLDER
    found = (path for kind in folders(directory) for path in kind.glob("*/*.parquet") if path.is_file())
    return sorted(path.relative_to(root).as_posix() for path in found)


def folders(directory: Path) -> list[Path]:
    """The folders of kinds; other folders come and go while they are looked at."""
    root = directory / FOLDER
    return [root / kind for kind in kinds() if (root / kind).is_dir()]


def sql_name(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def sql_text(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"
