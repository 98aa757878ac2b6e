"""The workbook: a sheet a table, and one of charts, made to be read, filtered, printed and signed.

Its bytes depend on the report alone: the archive's entries carry no moment, the properties that of the period's end.
Colours only repeat what the cell beside them says in words.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import xlsxwriter

from monitor.scoring.report.spreadsheet_safe import neutral
from monitor.scoring.report.table import Sort
from monitor.scoring.report.tables import tables
from monitor.scoring.report.texts import FULL, PART, ZERO
from monitor.scoring.report.xlsx_charts import add_charts
from monitor.scoring.results import Standing, Verdict
from monitor.scoring.rubric import Text
from monitor.scoring.texts import STANDINGS, VERDICTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from monitor.scoring.report.report import Report
    from monitor.scoring.report.table import Column, Table, Value

    Book = Any
    Sheet = Any
    Look = Any

GREEN, AMBER, RED, GREY = (
    {"bg_color": fill, "font_color": ink}
    for fill, ink in (("#DDEFE3", "#0B5A33"), ("#FBEBCB", "#6B4300"), ("#F9DEDB", "#8E1710"), ("#ECECE9", "#4A4F53"))
)

_NUMBERS: Mapping[Sort, str] = {
    Sort.WHOLE: "#,##0",
    Sort.NUMBER: "#,##0.00##",
    Sort.RATIO: "0.00%",
    Sort.MOMENT: "yyyy-mm-dd hh:mm:ss",
}
_LINE = "#D5D7D2"
_LINE_HEIGHT = 13.5
_HEADER = Text(vi="Kết quả hiệu năng cổng dịch vụ công, {name}", en="Performance of public-service portals, {name}")
_PAGE = Text(vi="Trang &P/&N", en="Page &P/&N")
_EMPTY = Text(vi="Không có dòng nào.", en="No rows.")


def xlsx_files(report: Report) -> Iterator[tuple[str, bytes]]:
    """One workbook."""
    out = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(out, options) as book:
        title = _HEADER.say(report.language).format(name=report.period.name)
        made = datetime.fromtimestamp(report.period.until / 1000, UTC).replace(tzinfo=None)
        book.set_properties({"title": title, "author": "portal-monitor", "created": made})
        looks = _looks(book)
        found = tables(report)
        for table in found:
            _sheet(book, table, looks, report, title)
            if table.id == "summary":
                add_charts(book, report)
    yield "scores.xlsx", out.getvalue()


def _looks(book: Book) -> dict[str, Look]:
    base = {"font_name": "Arial", "font_size": 10, "valign": "top", "border": 1, "border_color": _LINE}
    found = {sort.value: book.add_format({**base, "num_format": form}) for sort, form in _NUMBERS.items()}
    found["text"] = book.add_format({**base, "text_wrap": True, "align": "left", "indent": 1})
    found["line"] = book.add_format({**base, "align": "left", "indent": 1})
    head = {"bold": True, "bg_color": "#1D4F7C", "font_color": "#FFFFFF", "text_wrap": True, "valign": "vcenter"}
    found["head"] = book.add_format({**base, **head})
    for name, fill in (("green", GREEN), ("amber", AMBER), ("red", RED), ("grey", GREY)):
        found[name] = book.add_format(fill)
    return found


def _sheet(book: Book, table: Table, looks: Mapping[str, Look], report: Report, title: str) -> None:
    sheet = book.add_worksheet(table.title)
    told = [_look(column, looks, printed=at < table.printed) for at, column in enumerate(table.columns)]
    for at, column in enumerate(table.columns):
        sheet.set_column(at, at, column.width)
        sheet.write_string(0, at, neutral(column.title), looks["head"])
    sheet.set_row(0, 54)
    for number, row in enumerate(table.rows, start=1):
        for at, (value, look) in enumerate(zip(row, told, strict=True)):
            _cell(sheet, number, at, value, look)
        if (lines := _lines(table, row)) > 1:
            sheet.set_row(number, lines * _LINE_HEIGHT)
    last = max(1, len(table.rows))
    if not table.rows:
        sheet.write_string(1, 0, _EMPTY.say(report.language), looks["line"])
    sheet.autofilter(0, 0, last, len(table.columns) - 1)
    sheet.freeze_panes(1, table.keep)
    _colour(sheet, table, last, looks, report.language)
    _print_set_up(sheet, title, report)
    sheet.repeat_rows(0)
    sheet.print_area(0, 0, last, table.printed - 1)


def _look(column: Column, looks: Mapping[str, Look], *, printed: bool) -> Look:
    """Text is wrapped where it is printed; beyond that a row of sentences would be too tall to be read on a screen."""
    if column.sort in {Sort.TEXT, Sort.LONG}:
        return looks["text" if printed else "line"]
    return looks[column.sort.value]


def _lines(table: Table, row: tuple[Value, ...]) -> int:
    """How many lines the longest text of the printed columns takes, so that no program has to measure it."""
    printed = zip(table.columns[: table.printed], row, strict=False)
    return max(
        (-(-len(value) // max(1, column.width - 2)) for column, value in printed if isinstance(value, str)), default=1
    )


def _print_set_up(sheet: Sheet, title: str, report: Report) -> None:
    """A4 across, the columns on a page's width, the title above, the page's number and the zone below."""
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(left=0.4, right=0.4, top=0.75, bottom=0.75)
    sheet.set_header(f"&L{_plain(title)}&R&A")
    sheet.set_footer(f"&L{_plain(report.period.zone)}&R{_PAGE.say(report.language)}")


def _plain(text: str) -> str:
    return text.replace("&", "&&")


def _cell(sheet: Sheet, row: int, at: int, value: Value, look: Look) -> None:
    if value is None:
        sheet.write_blank(row, at, None, look)
    elif isinstance(value, str):
        sheet.write_string(row, at, neutral(value), look)
    elif isinstance(value, datetime):
        sheet.write_datetime(row, at, value, look)
    else:
        sheet.write_number(row, at, value, look)


def _colour(sheet: Sheet, table: Table, last: int, looks: Mapping[str, Look], say: str) -> None:
    """Colours for the words that columns may hold; bars for percentages."""
    bar = {"type": "data_bar", "bar_solid": True, "bar_color": "#BFD3E6"}
    bar |= {"min_type": "num", "max_type": "num", "min_value": 0, "max_value": 1}
    for at, column in enumerate(table.columns):
        if column.sort is Sort.RATIO:
            sheet.conditional_format(1, at, last, at, bar)
        if column.sort is Sort.TEXT:
            for text, look in _colours(say):
                rule = {"type": "cell", "criteria": "==", "value": f'"{text}"', "format": looks[look]}
                sheet.conditional_format(1, at, last, at, rule)
            for text, look in (("▲", "green"), ("▼", "red")):
                rule = {"type": "text", "criteria": "begins with", "value": text, "format": looks[look]}
                sheet.conditional_format(1, at, last, at, rule)


def _colours(say: str) -> list[tuple[str, str]]:
    told = {
        FULL: "green",
        PART: "amber",
        ZERO: "red",
        STANDINGS[Standing.INSUFFICIENT]: "grey",
        STANDINGS[Standing.NOT_MEASURED]: "grey",
        VERDICTS[Verdict.PARTIAL]: "amber",
        VERDICTS[Verdict.NOT_SCORED]: "grey",
    }
    return [(text.say(say), look) for text, look in told.items()]
