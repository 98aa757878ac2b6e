"""All tables of a report, in the order that they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.scoring.report.other_tables import coverage, exclusions, incidents, method
from monitor.scoring.report.score_tables import criteria, improvements, summary

if TYPE_CHECKING:
    from monitor.scoring.report.report import Report
    from monitor.scoring.report.table import ReportTable


def report_tables(report: Report) -> tuple[ReportTable, ...]:
    """One table a sheet, one a CSV file."""
    makers = (summary, criteria, improvements, incidents, exclusions, coverage, method)
    return tuple(make(report) for make in makers)
