"""Write CSV: one file per table, RFC 4180, UTF-8 with a byte-order mark so that Excel reads Vietnamese correctly."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from typing import TYPE_CHECKING

from monitor.scoring.report.spreadsheet_safe import neutralize
from monitor.scoring.report.tables import report_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.scoring.report.report import Report
    from monitor.scoring.report.table import ReportTable, Value

BYTE_ORDER_MARK = "\ufeff"


def csv_files(report: Report) -> Iterator[tuple[str, bytes]]:
    """Yield (path, content) of each table."""
    for table in report_tables(report):
        yield f"csv/{table.id}.csv", (BYTE_ORDER_MARK + csv_text(table)).encode()


def csv_text(table: ReportTable) -> str:
    """Return a header line and one line per row, ended by CR LF; numbers are unrounded with a decimal point."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([neutralize(one.title) for one in table.columns])
    writer.writerows([_cell(value) for value in row] for row in table.rows)
    return out.getvalue()


def _cell(value: Value) -> str | int | float:
    if value is None:
        return ""
    if isinstance(value, str):
        return neutralize(value)
    return value.isoformat(sep=" ") if isinstance(value, datetime) else value
