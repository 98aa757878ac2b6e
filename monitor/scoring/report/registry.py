"""Registry of report formats: each turns a report into files, (path below the export, content)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from monitor.scoring.report.csv_tables import csv_files
from monitor.scoring.report.html import html_files
from monitor.scoring.report.json_document import json_files
from monitor.scoring.report.xlsx import xlsx_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from monitor.scoring.report.report import Report


class ReportFormat(Protocol):
    """The interface of a format: the same report gives the same files in the same order."""

    def __call__(self, report: Report) -> Iterator[tuple[str, bytes]]:
        """Yield (path, content) of every file."""


REPORT_FORMATS: Mapping[str, ReportFormat] = {
    "xlsx": xlsx_files,
    "csv": csv_files,
    "json": json_files,
    "html": html_files,
}
