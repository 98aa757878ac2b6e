"""All tables of a report, in display order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.scoring.report.other_tables import coverage, exclusions, incidents, method
from monitor.scoring.report.score_tables import criteria, improvements, summary

if TYPE_CHECKING:
    from monitor.scoring.report.report import Report
    from monitor.scoring.report.table import ReportTable


def report_tables(report: Report) -> tuple[ReportTable, ...]:
    """Return the tables: each is one worksheet and one CSV file."""
    makers = (summary, criteria, improvements, incidents, exclusions, coverage, method)
    return tuple(make(report) for make in makers)
