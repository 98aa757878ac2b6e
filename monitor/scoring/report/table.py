"""What a table is, whatever format prints it: titled columns of a known sort, and values."""

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
    """What a column holds, which says how it is shown."""

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
    """``id`` is the file's name, ``title`` the sheet's.

    ``keep``: how many columns stay in sight when one scrolls; ``printed``: how many go to paper, the rest is for
    screens and machines.
    """

    id: str
    title: str
    columns: tuple[TableColumn, ...]
    rows: tuple[tuple[Value, ...], ...]
    frozen_columns: int = 0
    printed_columns: int = 0


ColumnHeader = tuple[Text, ColumnKind, int]
"""A column's title in both languages, what it holds, its width."""


def empty_table(  # noqa: PLR0913 - a table's head, named at each call
    id_: str,
    title: Text,
    columns: tuple[ColumnHeader, ...],
    report: Report,
    *,
    frozen_columns: int,
    printed_columns: int = 0,
) -> ReportTable:
    """A table without rows, its titles in the report's language."""
    told = tuple(
        TableColumn(title=one.localize(report.language), kind=sort, width=width) for one, sort, width in columns
    )
    return ReportTable(
        id=id_,
        title=title.localize(report.language),
        columns=told,
        rows=(),
        frozen_columns=frozen_columns,
        printed_columns=printed_columns or len(told),
    )


def with_rows(table: ReportTable, rows: Iterator[tuple[Value, ...]]) -> ReportTable:
    """The table with its rows."""
    found = tuple(rows)
    assert all(len(row) == len(table.columns) for row in found)  # noqa: S101 - our own rows
    return replace(table, rows=found)


RUBRIC_COLUMN = (Text(vi="Bộ tiêu chí", en="Rubric"), ColumnKind.TEXT, 22)
PORTAL_COLUMN = (Text(vi="Cổng", en="Portal"), ColumnKind.TEXT, 38)
PORTAL_ID_COLUMN = (Text(vi="Mã cổng", en="Portal id"), ColumnKind.TEXT, 20)
CRITERION_COLUMN = (Text(vi="Tiêu chí", en="Criterion"), ColumnKind.TEXT, 34)
