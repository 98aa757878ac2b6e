"""The other tables: incidents, exclusions, coverage, method."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.scoring.explain import excluded_text
from monitor.scoring.report import texts
from monitor.scoring.report.methodology import methodology_rows
from monitor.scoring.report.score_tables import criterion_scores
from monitor.scoring.report.table import CRITERION, PORTAL, PORTAL_ID, RUBRIC, ColumnKind, make_table
from monitor.scoring.report.times import local_time, minutes
from monitor.scoring.results import ExclusionReason
from monitor.scoring.rubric import Text

if TYPE_CHECKING:
    from monitor.scoring.report.outages import Outage
    from monitor.scoring.report.report import Report
    from monitor.scoring.report.table import ReportTable, Value
    from monitor.scoring.results import CriterionScore, Score

_INCIDENTS = (
    PORTAL,
    (Text(vi="Bắt đầu", en="Start"), ColumnKind.MOMENT, 18),
    (Text(vi="Kết thúc", en="End"), ColumnKind.MOMENT, 18),
    (Text(vi="Số phút gián đoạn", en="Minutes down"), ColumnKind.NUMBER, 11),
    (Text(vi="Số phút bị tính", en="Minutes counted"), ColumnKind.NUMBER, 11),
    (Text(vi="Nguyên nhân", en="Fault"), ColumnKind.TEXT, 30),
    (Text(vi="Ghi chú", en="Note"), ColumnKind.TEXT, 34),
    (Text(vi="Loại trừ đã duyệt", en="Approved exclusions"), ColumnKind.TEXT, 22),
    (Text(vi="Điểm đo", en="Location"), ColumnKind.TEXT, 12),
    PORTAL_ID,
    (Text(vi="Chi tiết", en="Detail"), ColumnKind.LONG, 50),
)

_NOT_ENDED = Text(vi="chưa kết thúc khi hết kỳ", en="not over at the end of the period")


def incidents(report: Report) -> ReportTable:
    """Return one row per outage."""
    names = {one.id: one.name(report.language) for one in report.portals}
    language, zone = report.language, report.period.zone

    def row(one: Outage) -> tuple[Value, ...]:
        notes = ((texts.BEGAN_EARLIER, not one.began), (_NOT_ENDED, not one.ended))
        return (
            names.get(one.portal, one.portal),
            local_time(one.start_ms, zone),
            local_time(one.end_ms, zone),
            minutes(one.duration_ms),
            minutes(one.counted_ms),
            texts.fault_text(one.fault, language, began=one.began),
            "; ".join(note.localize(language) for note, applies in notes if applies),
            ", ".join(one.excluded),
            one.location,
            one.portal,
            one.detail,
        )

    title = Text(vi="Sự cố", en="Incidents")
    return make_table(report, "incidents", title, _INCIDENTS, map(row, report.outages), frozen=1, printed=9)


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
NOT_COUNTED = Text(vi="không tính", en="excluded")


def exclusions(report: Report) -> ReportTable:
    """Return one row per exclusion or correction that overlaps the period."""
    zone, language = report.period.zone, report.language
    rows = (
        (
            one.id,
            ", ".join(sorted(one.portals)) if one.portals is not None else ALL_PORTALS.localize(language),
            local_time(one.since_ms, zone),
            local_time(one.until_ms, zone),
            (texts.STATE_TEXTS[one.state] if one.state else NOT_COUNTED).localize(language),
            one.reason,
            one.approver,
            one.approved.isoformat(),
        )
        for one in report.score_set.exclusions
    )
    return make_table(report, "exclusions", Text(vi="Loại trừ", en="Exclusions"), _EXCLUSIONS, rows, frozen=1)


_SUFFICIENT = Text(vi="đủ", en="enough")
_INSUFFICIENT = Text(vi="thiếu", en="too little")

_COVERAGE = (
    RUBRIC,
    PORTAL,
    CRITERION,
    (Text(vi="Độ phủ", en="Coverage"), ColumnKind.RATIO, 9),
    (Text(vi="Độ phủ tối thiểu", en="Minimum coverage"), ColumnKind.RATIO, 9),
    (Text(vi="Đánh giá", en="Result"), ColumnKind.TEXT, 11),
    (Text(vi="Số lần đo", en="Attempts"), ColumnKind.WHOLE, 10),
    (Text(vi="Số lần đo tối thiểu", en="Minimum attempts"), ColumnKind.WHOLE, 9),
    (Text(vi="Số ngày có dữ liệu", en="Days with data"), ColumnKind.WHOLE, 9),
    (Text(vi="Bỏ: không xác định", en="Excluded: unknown"), ColumnKind.WHOLE, 11),
    (Text(vi="Bỏ: cổng không phản hồi", en="Excluded: failed attempts"), ColumnKind.WHOLE, 11),
    (Text(vi="Bỏ: lần đo xác nhận", en="Excluded: confirmation attempts"), ColumnKind.WHOLE, 11),
    (Text(vi="Bỏ: lượt hoặc cấu hình khác", en="Excluded: other runs"), ColumnKind.WHOLE, 11),
    (Text(vi="Bỏ: không có giá trị", en="Excluded: no value"), ColumnKind.WHOLE, 11),
    (Text(vi="Tất cả phần không tính", en="Everything excluded"), ColumnKind.LONG, 60),
    (Text(vi="Phép đo dùng", en="Checks used"), ColumnKind.TEXT, 22),
    PORTAL_ID,
)


def coverage(report: Report) -> ReportTable:
    """Return one row per portal and measured criterion: coverage, minimums and exclusions."""
    rows = (_coverage_row(report, score, one) for score, one in criterion_scores(report) if not one.criterion.manual)
    title = Text(vi="Độ phủ", en="Coverage")
    return make_table(report, "coverage", title, _COVERAGE, rows, frozen=3, printed=9)


def _coverage_row(report: Report, score: Score, one: CriterionScore) -> tuple[Value, ...]:
    language, criterion = report.language, one.criterion
    timed = criterion.selection is None
    enough = (one.coverage or 0) >= criterion.min_coverage and (timed or one.attempts >= criterion.min_attempts)
    counts: dict[ExclusionReason, int] = dict.fromkeys(texts.ATTEMPT_REASONS, 0)
    for data in one.excluded:
        if data.reason in counts:
            counts[data.reason] += data.attempts
    return (
        score.rubric.key,
        score.name.localize(language),
        criterion.title.localize(language),
        one.coverage,
        criterion.min_coverage,
        (_SUFFICIENT if enough else _INSUFFICIENT).localize(language),
        None if timed else one.attempts,
        None if timed else criterion.min_attempts,
        one.days,
        *((None,) * len(counts) if timed else counts.values()),
        excluded_text(one.excluded, language),
        ", ".join(one.checks),
        score.portal,
    )


_METHOD = (
    (Text(vi="Phần", en="Part"), ColumnKind.TEXT, 28),
    (Text(vi="Mục", en="Item"), ColumnKind.TEXT, 40),
    (Text(vi="Nội dung", en="Description"), ColumnKind.LONG, 110),
)


def method(report: Report) -> ReportTable:
    """Return the methodology."""
    title = Text(vi="Phương pháp", en="Method")
    return make_table(report, "method", title, _METHOD, methodology_rows(report), frozen=0)
