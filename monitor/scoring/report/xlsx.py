"""Write the workbook: one sheet per table and one of charts, set up to be filtered, printed and signed.

Its bytes depend on the report alone: the archive's entries have a fixed time, the properties the end of the period.
Colours only repeat the text of the cell.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import xlsxwriter

from monitor.scoring.report.spreadsheet_safe import neutralize
from monitor.scoring.report.table import ColumnKind
from monitor.scoring.report.tables import report_tables
from monitor.scoring.report.texts import FULL_POINTS, PARTIAL_POINTS, ZERO_POINTS
from monitor.scoring.report.xlsx_charts import add_charts
from monitor.scoring.results import CriterionStatus, ScoreStatus
from monitor.scoring.rubric import Text
from monitor.scoring.texts import CRITERION_STATUS_TEXTS, SCORE_STATUS_TEXTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from monitor.scoring.report.report import Report
    from monitor.scoring.report.table import ReportTable, TableColumn, Value

    Workbook = Any
    Worksheet = Any
    CellFormat = Any

GREEN, AMBER, RED, GREY = (
    {"bg_color": fill, "font_color": ink}
    for fill, ink in (("#DDEFE3", "#0B5A33"), ("#FBEBCB", "#6B4300"), ("#F9DEDB", "#8E1710"), ("#ECECE9", "#4A4F53"))
)

_NUMBER_FORMATS: Mapping[ColumnKind, str] = {
    ColumnKind.WHOLE: "#,##0",
    ColumnKind.NUMBER: "#,##0.00##",
    ColumnKind.RATIO: "0.00%",
    ColumnKind.MOMENT: "yyyy-mm-dd hh:mm:ss",
}
_BORDER_COLOR = "#D5D7D2"
_LINE_HEIGHT_POINTS = 13.5
_HEADER = Text(vi="Kết quả hiệu năng cổng dịch vụ công, {name}", en="Performance of public-service portals, {name}")
_PAGE = Text(vi="Trang &P/&N", en="Page &P/&N")
_EMPTY = Text(vi="Không có dòng nào.", en="No rows.")


def xlsx_files(report: Report) -> Iterator[tuple[str, bytes]]:
    """Yield the one workbook."""
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(out, options) as workbook:
        title = _HEADER.localize(report.language).format(name=report.period.name)
        made = datetime.fromtimestamp(report.period.until_ms / 1000, UTC).replace(tzinfo=None)
        workbook.set_properties({"title": title, "author": "portal-monitor", "created": made})
        formats = _cell_formats(workbook)
        for table in report_tables(report):
            _add_worksheet(workbook, table, formats, report, title)
            if table.id == "summary":
                add_charts(workbook, report)
    yield "scores.xlsx", out.getvalue()


def _cell_formats(workbook: Workbook) -> dict[str, CellFormat]:
    base = {"font_name": "Arial", "font_size": 10, "valign": "top", "border": 1, "border_color": _BORDER_COLOR}
    found = {kind.value: workbook.add_format({**base, "num_format": form}) for kind, form in _NUMBER_FORMATS.items()}
    found["text"] = workbook.add_format({**base, "text_wrap": True, "align": "left", "indent": 1})
    found["line"] = workbook.add_format({**base, "align": "left", "indent": 1})
    head = {"bold": True, "bg_color": "#1D4F7C", "font_color": "#FFFFFF", "text_wrap": True, "valign": "vcenter"}
    found["head"] = workbook.add_format({**base, **head})
    for name, fill in (("green", GREEN), ("amber", AMBER), ("red", RED), ("grey", GREY)):
        found[name] = workbook.add_format(fill)
    return found


def _add_worksheet(
    workbook: Workbook, table: ReportTable, formats: Mapping[str, CellFormat], report: Report, title: str
) -> None:
    sheet = workbook.add_worksheet(table.title)
    columns = [(one, at < table.printed_columns) for at, one in enumerate(table.columns)]
    column_formats = [_column_format(column, formats, printed=printed) for column, printed in columns]
    for at, column in enumerate(table.columns):
        sheet.set_column(at, at, column.width)
        sheet.write_string(0, at, neutralize(column.title), formats["head"])
    sheet.set_row(0, 54)
    for number, row in enumerate(table.rows, start=1):
        for at, (value, cell_format) in enumerate(zip(row, column_formats, strict=True)):
            _write_cell(sheet, number, at, value, cell_format)
        if (lines := _line_count(table, row)) > 1:
            sheet.set_row(number, lines * _LINE_HEIGHT_POINTS)
    last = max(1, len(table.rows))
    if not table.rows:
        sheet.write_string(1, 0, _EMPTY.localize(report.language), formats["line"])
    sheet.autofilter(0, 0, last, len(table.columns) - 1)
    sheet.freeze_panes(1, table.frozen_columns)
    _add_conditional_formats(sheet, table, last, formats, report.language)
    _print_set_up(sheet, title, report)
    sheet.repeat_rows(0)
    sheet.print_area(0, 0, last, table.printed_columns - 1)


def _column_format(column: TableColumn, formats: Mapping[str, CellFormat], *, printed: bool) -> CellFormat:
    """Return the format of a column; only printed text is wrapped, else a row of sentences is too tall for a screen."""
    if column.kind in {ColumnKind.TEXT, ColumnKind.LONG}:
        return formats["text" if printed else "line"]
    return formats[column.kind.value]


def _line_count(table: ReportTable, row: tuple[Value, ...]) -> int:
    """Return the number of lines of the longest printed text, so that spreadsheet programs need not measure it."""
    printed = zip(table.columns[: table.printed_columns], row, strict=False)
    texts = ((len(value), max(1, column.width - 2)) for column, value in printed if isinstance(value, str))
    return max((-(-length // width) for length, width in texts), default=1)


def _print_set_up(sheet: Worksheet, title: str, report: Report) -> None:
    """Set A4 landscape, fit to page width, the title as header, the zone and page number as footer."""
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(left=0.4, right=0.4, top=0.75, bottom=0.75)
    sheet.set_header(f"&L{_escape_ampersand(title)}&R&A")
    sheet.set_footer(f"&L{_escape_ampersand(report.period.zone)}&R{_PAGE.localize(report.language)}")


def _escape_ampersand(text: str) -> str:
    return text.replace("&", "&&")


def _write_cell(sheet: Worksheet, row: int, column: int, value: Value, cell_format: CellFormat) -> None:
    if value is None:
        sheet.write_blank(row, column, None, cell_format)
    elif isinstance(value, str):
        sheet.write_string(row, column, neutralize(value), cell_format)
    elif isinstance(value, datetime):
        sheet.write_datetime(row, column, value, cell_format)
    else:
        sheet.write_number(row, column, value, cell_format)


def _add_conditional_formats(
    sheet: Worksheet, table: ReportTable, last_row: int, formats: Mapping[str, CellFormat], language: str
) -> None:
    """Add colours for the texts of statuses and data bars for percentages."""
    bar = {"type": "data_bar", "bar_solid": True, "bar_color": "#BFD3E6"}
    bar |= {"min_type": "num", "max_type": "num", "min_value": 0, "max_value": 1}
    for at, column in enumerate(table.columns):
        if column.kind is ColumnKind.RATIO:
            sheet.conditional_format(1, at, last_row, at, bar)
        if column.kind is ColumnKind.TEXT:
            for text, colour in _text_colours(language):
                rule = {"type": "cell", "criteria": "==", "value": f'"{text}"', "format": formats[colour]}
                sheet.conditional_format(1, at, last_row, at, rule)
            for text, colour in (("▲", "green"), ("▼", "red")):
                rule = {"type": "text", "criteria": "begins with", "value": text, "format": formats[colour]}
                sheet.conditional_format(1, at, last_row, at, rule)


def _text_colours(language: str) -> list[tuple[str, str]]:
    colours = {
        FULL_POINTS: "green",
        PARTIAL_POINTS: "amber",
        ZERO_POINTS: "red",
        CRITERION_STATUS_TEXTS[CriterionStatus.INSUFFICIENT]: "grey",
        CRITERION_STATUS_TEXTS[CriterionStatus.NOT_MEASURED]: "grey",
        SCORE_STATUS_TEXTS[ScoreStatus.PARTIAL]: "amber",
        SCORE_STATUS_TEXTS[ScoreStatus.NOT_SCORED]: "grey",
    }
    return [(text.localize(language), colour) for text, colour in colours.items()]
