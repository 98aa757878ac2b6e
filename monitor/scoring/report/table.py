"""Tables of reports, independent of the format: titled columns of a kind, and values."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.scoring.rubric import Text

if TYPE_CHECKING:
    from collections.abc import Iterable
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


def make_table(  # noqa: PLR0913 - a table and its layout
    report: Report,
    id_: str,
    title: Text,
    columns: tuple[ColumnHeader, ...],
    rows: Iterable[tuple[Value, ...]],
    *,
    frozen: int,
    printed: int = 0,
) -> ReportTable:
    """Return a table, its titles in the report's language; *printed* 0 prints all columns."""
    language, found = report.language, tuple(rows)
    assert all(len(row) == len(columns) for row in found)  # noqa: S101 - our own rows
    return ReportTable(
        id=id_,
        title=title.localize(language),
        columns=tuple(
            TableColumn(title=one.localize(language), kind=kind, width=width) for one, kind, width in columns
        ),
        rows=found,
        frozen_columns=frozen,
        printed_columns=printed or len(columns),
    )


RUBRIC = (Text(vi="Bộ tiêu chí", en="Rubric"), ColumnKind.TEXT, 22)
PORTAL = (Text(vi="Cổng", en="Portal"), ColumnKind.TEXT, 38)
PORTAL_ID = (Text(vi="Mã cổng", en="Portal id"), ColumnKind.TEXT, 20)
CRITERION = (Text(vi="Tiêu chí", en="Criterion"), ColumnKind.TEXT, 34)
