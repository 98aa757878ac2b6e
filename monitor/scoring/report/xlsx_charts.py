"""Add the sheet of charts: the distribution of scores, and the mean share of points of each criterion."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from monitor.scoring.report.texts import DASH
from monitor.scoring.results import CriterionStatus
from monitor.scoring.rubric import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.scoring.report.report import Report
    from monitor.scoring.results import Score
    from monitor.scoring.rubric import Rubric

TENTHS = 10
_CHART_ROWS = 20
"""Rows of a chart."""

_TITLE = Text(vi="Biểu đồ", en="Charts")
_HISTOGRAM = Text(vi="Số cổng theo tỷ lệ điểm", en="Portals by percent of points")
_MEAN = Text(vi="Tỷ lệ điểm trung bình theo tiêu chí", en="Mean share of points by criterion")
_PORTALS = Text(vi="Số cổng", en="Portals")
_SHARE = Text(vi="Tỷ lệ", en="Share")
_CRITERION = Text(vi="Tiêu chí", en="Criterion")


def score_histogram(scores: Sequence[Score]) -> list[int]:
    """Return the number of scores in each tenth, from 0-10 % to 90-100 %; the last one includes 100 %."""
    found = [0] * TENTHS
    for one in scores:
        if one.ratio is not None:
            found[min(TENTHS - 1, max(0, math.floor(one.ratio * TENTHS)))] += 1
    return found


def mean_shares(rubric: Rubric, scores: Sequence[Score]) -> list[tuple[Text, float | None]]:
    """Return the mean share that each criterion earned where it was scored, by its title."""
    found: list[tuple[Text, float | None]] = []
    for criterion in rubric.criteria:
        lines = [one for score in scores for one in score.criteria if one.criterion.id == criterion.id]
        shares = [one.share for one in lines if one.status is CriterionStatus.SCORED and one.share is not None]
        found.append((criterion.title, math.fsum(shares) / len(shares) if shares else None))
    return found


def add_charts(workbook: Any, report: Report) -> None:  # noqa: ANN401 - the library is not typed
    """Add two charts per rubric, with their data beside them."""
    language = report.language
    sheet = workbook.add_worksheet(_TITLE.localize(language))
    bold = workbook.add_format({"bold": True, "font_name": "Arial", "font_size": 12})
    text = workbook.add_format({"font_name": "Arial", "font_size": 9})
    percent = workbook.add_format({"font_name": "Arial", "font_size": 9, "num_format": "0.0%"})
    sheet.set_column(0, 0, 44)
    sheet.set_column(1, 1, 9)
    for number, rubric in enumerate(report.score_set.rubrics):
        scores = [one for one in report.score_set.scores if one.rubric.key == rubric.key]
        top = number * (2 * _CHART_ROWS + 3)
        sheet.write_string(top, 0, rubric.title.localize(language), bold)
        counts = enumerate(score_histogram(scores))
        rows = [(f"{tenth * 10}{DASH}{tenth * 10 + 10} %", count) for tenth, count in counts]
        sheet.write_row(top + 1, 0, [_HISTOGRAM.localize(language), _PORTALS.localize(language)], text)
        for at, row in enumerate(rows, start=top + 2):
            sheet.write_row(at, 0, row, text)
        last = top + 1 + len(rows)
        _add_chart(workbook, sheet, "column", (top + 2, last), _HISTOGRAM.localize(language), None, top + 1)
        low = top + _CHART_ROWS + 2
        sheet.write_row(low - 1, 0, [_CRITERION.localize(language), _SHARE.localize(language)], text)
        shares = mean_shares(rubric, scores)
        for at, (title, share) in enumerate(shares, start=low):
            sheet.write_string(at, 0, title.localize(language), text)
            if share is not None:
                sheet.write_number(at, 1, share, percent)
        if shares:
            _add_chart(workbook, sheet, "bar", (low, low + len(shares) - 1), _MEAN.localize(language), 1, low - 1)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.set_h_pagebreaks([number * (2 * _CHART_ROWS + 3) for number in range(1, len(report.score_set.rubrics))])


def _add_chart(  # noqa: PLR0913, PLR0917 - one chart: what, where, of which rows
    workbook: Any,  # noqa: ANN401 - the library is not typed
    sheet: Any,  # noqa: ANN401 - the same
    kind: str,
    rows: tuple[int, int],
    title: str,
    maximum: float | None,
    top_row: int,
) -> None:
    chart = workbook.add_chart({"type": kind})
    first, last = rows
    chart.add_series(
        {
            "categories": [sheet.name, first, 0, last, 0],
            "values": [sheet.name, first, 1, last, 1],
            "fill": {"color": "#2F6CA3"},
            "gap": 40,
            "data_labels": {"value": True},
        }
    )
    chart.set_title({"name": title, "name_font": {"size": 12}, "overlay": False})
    chart.set_legend({"none": True})
    value = {"min": 0, "major_gridlines": {"visible": True, "line": {"color": "#D5D7D2"}}}
    if maximum is not None:
        value |= {"max": maximum}
    if kind == "bar":
        chart.set_x_axis(value)
        chart.set_y_axis({"reverse": True})
    else:
        chart.set_y_axis(value)
    chart.set_size({"width": 760, "height": 380})
    sheet.insert_chart(top_row, 2, chart, {"x_offset": 12, "description": title})
