"""The tables beside the scores: incidents, exclusions, coverage, method."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.scoring.explain import excluded_text
from monitor.scoring.report import texts
from monitor.scoring.report.methodology import methodology_rows as method_rows
from monitor.scoring.report.score_tables import criterion_scores
from monitor.scoring.report.table import (
    CRITERION_COLUMN,
    PORTAL_COLUMN,
    PORTAL_ID_COLUMN,
    RUBRIC_COLUMN,
    ColumnKind,
    ReportTable,
    empty_table,
    with_rows,
)
from monitor.scoring.report.times import local_time, minutes
from monitor.scoring.results import ExclusionReason
from monitor.scoring.rubric import Text

if TYPE_CHECKING:
    from monitor.scoring.report.report import Report
    from monitor.scoring.report.table import Value
    from monitor.scoring.results import CriterionScore, Score

_INCIDENTS = (
    PORTAL_COLUMN,
    (Text(vi="Bắt đầu", en="Start"), ColumnKind.MOMENT, 18),
    (Text(vi="Kết thúc", en="End"), ColumnKind.MOMENT, 18),
    (Text(vi="Số phút gián đoạn", en="Minutes down"), ColumnKind.NUMBER, 11),
    (Text(vi="Số phút bị tính", en="Minutes counted"), ColumnKind.NUMBER, 11),
    (Text(vi="Nguyên nhân", en="Fault"), ColumnKind.TEXT, 30),
    (Text(vi="Ghi chú", en="Note"), ColumnKind.TEXT, 34),
    (Text(vi="Loại trừ đã duyệt", en="Approved exclusions"), ColumnKind.TEXT, 22),
    (Text(vi="Điểm đo", en="Location"), ColumnKind.TEXT, 12),
    PORTAL_ID_COLUMN,
    (Text(vi="Chi tiết", en="Detail"), ColumnKind.LONG, 50),
)

_NOT_ENDED = Text(vi="chưa kết thúc khi hết kỳ", en="not over at the end of the period")


def incidents(report: Report) -> ReportTable:
    """A row an outage."""
    table = empty_table(
        "incidents", Text(vi="Sự cố", en="Incidents"), _INCIDENTS, report, frozen_columns=1, printed_columns=9
    )
    names = {one.id: one.name(report.language) for one in report.portals}
    say, zone = report.language, report.period.zone
    return with_rows(
        table,
        (
            (
                names.get(one.portal, one.portal),
                local_time(one.start_ms, zone),
                local_time(one.end_ms, zone),
                minutes(one.duration_ms),
                minutes(one.counted_ms),
                texts.fault_text(one.fault, say, began=one.began),
                "; ".join(
                    part.localize(say)
                    for part, it_is in ((texts.BEGAN_EARLIER, not one.began), (_NOT_ENDED, not one.ended))
                    if it_is
                ),
                ", ".join(one.excluded),
                one.location,
                one.portal,
                one.detail,
            )
            for one in report.outages
        ),
    )


_EXCLUSIONS = (
    (Text(vi="Mã", en="Id"), ColumnKind.TEXT, 22),
    (Text(vi="Cổng", en="Portals"), ColumnKind.TEXT, 34),
    (Text(vi="Từ", en="From"), ColumnKind.MOMENT, 18),
    (Text(vi="Đến", en="Until"), ColumnKind.MOMENT, 18),
    (Text(vi="Tính thành trạng thái", en="Counted as state"), ColumnKind.TEXT, 18),
    (Text(vi="Lý do", en="Reason"), ColumnKind.LONG, 50),
    (Text(vi="Người duyệt", en="Approver"), ColumnKind.TEXT, 24),
    (Text(vi="Ngày duyệt", en="Approved on"), ColumnKind.TEXT, 12),
)

ALL_PORTALS = Text(vi="tất cả các cổng", en="all portals")
NOT_COUNTED = Text(vi="không tính", en="left out")


def exclusions(report: Report) -> ReportTable:
    """A row an exclusion or correction that touches the period."""
    table = empty_table("exclusions", Text(vi="Loại trừ", en="Exclusions"), _EXCLUSIONS, report, frozen_columns=1)
    zone, say = report.period.zone, report.language
    return with_rows(
        table,
        (
            (
                one.id,
                ", ".join(sorted(one.portals)) if one.portals is not None else ALL_PORTALS.localize(say),
                local_time(one.since_ms, zone),
                local_time(one.until_ms, zone),
                texts.STATE_TEXTS[one.state].localize(say) if one.state else NOT_COUNTED.localize(say),
                one.reason,
                one.approver,
                one.approved.isoformat(),
            )
            for one in report.score_set.exclusions
        ),
    )


_SUFFICIENT = Text(vi="đủ", en="enough")
_INSUFFICIENT = Text(vi="thiếu", en="too little")

_COVERAGE = (
    RUBRIC_COLUMN,
    PORTAL_COLUMN,
    CRITERION_COLUMN,
    (Text(vi="Độ phủ", en="Coverage"), ColumnKind.RATIO, 9),
    (Text(vi="Độ phủ tối thiểu", en="Coverage needed"), ColumnKind.RATIO, 9),
    (Text(vi="Đánh giá", en="Judgement"), ColumnKind.TEXT, 11),
    (Text(vi="Số lần đo", en="Looks"), ColumnKind.WHOLE, 10),
    (Text(vi="Số lần đo tối thiểu", en="Looks needed"), ColumnKind.WHOLE, 9),
    (Text(vi="Số ngày có dữ liệu", en="Days with data"), ColumnKind.WHOLE, 9),
    (Text(vi="Bỏ: không quan sát được", en="Left out: not seen"), ColumnKind.WHOLE, 11),
    (Text(vi="Bỏ: cổng không phản hồi", en="Left out: portal failed"), ColumnKind.WHOLE, 11),
    (Text(vi="Bỏ: lần đo xác nhận", en="Left out: confirming"), ColumnKind.WHOLE, 11),
    (Text(vi="Bỏ: lượt hoặc cấu hình khác", en="Left out: other runs"), ColumnKind.WHOLE, 11),
    (Text(vi="Bỏ: không có giá trị", en="Left out: no value"), ColumnKind.WHOLE, 11),
    (Text(vi="Tất cả phần không tính", en="All that was left out"), ColumnKind.LONG, 60),
    (Text(vi="Phép đo dùng", en="Checks used"), ColumnKind.TEXT, 22),
    PORTAL_ID_COLUMN,
)


def coverage(report: Report) -> ReportTable:
    """A row a portal and criterion that is measured by itself: what was seen, needed and left out."""
    table = empty_table(
        "coverage", Text(vi="Độ phủ", en="Coverage"), _COVERAGE, report, frozen_columns=3, printed_columns=9
    )
    rows = (_coverage_row(report, score, one) for score, one in criterion_scores(report) if not one.criterion.by_hand)
    return with_rows(table, rows)


def _coverage_row(report: Report, score: Score, one: CriterionScore) -> tuple[Value, ...]:
    say, criterion = report.language, one.criterion
    timed = criterion.selection is None
    enough = (one.coverage or 0) >= criterion.min_coverage and (timed or one.looks >= criterion.min_attempts)
    left: dict[ExclusionReason, int] = dict.fromkeys(texts.ATTEMPT_REASONS, 0)
    for out in one.left_out:
        if out.why in left:
            left[out.why] += out.looks
    return (
        score.rubric.key,
        score.name.localize(say),
        criterion.title.localize(say),
        one.coverage,
        criterion.min_coverage,
        (_SUFFICIENT if enough else _INSUFFICIENT).localize(say),
        None if timed else one.looks,
        None if timed else criterion.min_attempts,
        one.days,
        *((None,) * len(left) if timed else left.values()),
        excluded_text(one.left_out, say),
        ", ".join(one.checks),
        score.portal,
    )


_METHOD = (
    (Text(vi="Phần", en="Part"), ColumnKind.TEXT, 28),
    (Text(vi="Mục", en="Item"), ColumnKind.TEXT, 40),
    (Text(vi="Nội dung", en="What it says"), ColumnKind.LONG, 110),
)


def method(report: Report) -> ReportTable:
    """How the figures came about."""
    table = empty_table("method", Text(vi="Phương pháp", en="Method"), _METHOD, report, frozen_columns=0)
    return with_rows(table, iter(method_rows(report)))
