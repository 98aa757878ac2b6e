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


class Sort(enum.StrEnum):
    """What a column holds, which says how it is shown."""

    TEXT = "text"
    LONG = "long"  # sentences
    WHOLE = "whole"
    NUMBER = "number"
    RATIO = "ratio"  # 0 to 1, shown as percent
    MOMENT = "moment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column; ``width`` in characters."""

    title: str
    sort: Sort = Sort.TEXT
    width: int = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """``id`` is the file's name, ``title`` the sheet's.

    ``keep``: how many columns stay in sight when one scrolls; ``printed``: how many go to paper, the rest is for
    screens and machines.
    """

    id: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    keep: int = 0
    printed: int = 0


Head = tuple[Text, Sort, int]
"""A column's title in both languages, what it holds, its width."""


def empty(  # noqa: PLR0913 - a table's head, named at each call
    id_: str, title: Text, columns: tuple[Head, ...], report: Report, *, keep: int, printed: int = 0
) -> Table:
    """A table without rows, its titles in the report's language."""
    told = tuple(Column(title=one.say(report.language), sort=sort, width=width) for one, sort, width in columns)
    return Table(
        id=id_, title=title.say(report.language), columns=told, rows=(), keep=keep, printed=printed or len(told)
    )


def filled(table: Table, rows: Iterator[tuple[Value, ...]]) -> Table:
    """The table with its rows."""
    found = tuple(rows)
    assert all(len(row) == len(table.columns) for row in found)  # noqa: S101 - our own rows
    return replace(table, rows=found)


RUBRIC = (Text(vi="Bộ tiêu chí", en="Rubric"), Sort.TEXT, 22)
PORTAL = (Text(vi="Cổng", en="Portal"), Sort.TEXT, 38)
ID = (Text(vi="Mã cổng", en="Portal id"), Sort.TEXT, 20)
CRITERION = (Text(vi="Tiêu chí", en="Criterion"), Sort.TEXT, 34)
