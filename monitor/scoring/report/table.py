"""Tables of reports, independent of the format: titled columns of a kind, and values."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from monitor.scoring.rubric import Text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from monitor.scoring.report.report import Report

    Value = str | int | float | datetime | None


class ColumnKind(enum.StrEnum):
    """Content of a column, which determines its format."""

    TEXT = "text"
    LONG = "long"  # sentences
    WHOLE = "whole"
    NUMBER = "number"
    RATIO = "ratio"  # 0 to 1, shown as percent
    MOMENT = "moment"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableColumn:
    """One column; ``width`` in characters."""

    title: str
    kind: ColumnKind = ColumnKind.TEXT
    width: int = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportTable:
    """A table; ``id`` is the name of the file, ``title`` that of the sheet.

    ``frozen_columns``: number of columns that stay visible when scrolling; ``printed_columns``: number of columns on
    paper, the others are for screens and programs.
    """

    id: str
    title: str
    columns: tuple[TableColumn, ...]
    rows: tuple[tuple[Value, ...], ...]
    frozen_columns: int = 0
    printed_columns: int = 0


ColumnHeader = tuple[Text, ColumnKind, int]
"""A column's title in both languages, its kind, its width."""


def empty_table(  # noqa: PLR0913 - the header of a table
    id_: str,
    title: Text,
    columns: tuple[ColumnHeader, ...],
    report: Report,
    *,
    frozen_columns: int,
    printed_columns: int = 0,
) -> ReportTable:
    """Return a table without rows, its titles in the report's language."""
    titled = tuple(
        TableColumn(title=one.localize(report.language), kind=kind, width=width) for one, kind, width in columns
    )
    return ReportTable(
        id=id_,
        title=title.localize(report.language),
        columns=titled,
        rows=(),
        frozen_columns=frozen_columns,
        printed_columns=printed_columns or len(titled),
    )


def with_rows(table: ReportTable, rows: Iterator[tuple[Value, ...]]) -> ReportTable:
    """Return the table with its rows."""
    found = tuple(rows)
    assert all(len(row) == len(table.columns) for row in found)  # noqa: S101 - our own rows
    return replace(table, rows=found)


RUBRIC_COLUMN = (Text(vi="Bộ tiêu chí", en="Rubric"), ColumnKind.TEXT, 22)
PORTAL_COLUMN = (Text(vi="Cổng", en="Portal"), ColumnKind.TEXT, 38)
PORTAL_ID_COLUMN = (Text(vi="Mã cổng", en="Portal id"), ColumnKind.TEXT, 20)
CRITERION_COLUMN = (Text(vi="Tiêu chí", en="Criterion"), ColumnKind.TEXT, 34)
