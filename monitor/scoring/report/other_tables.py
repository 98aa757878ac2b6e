"""The tables beside the scores: incidents, exclusions, coverage, method."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.scoring.explain import left_text
from monitor.scoring.report import texts
from monitor.scoring.report.methodology import method as method_rows
from monitor.scoring.report.score_tables import judged
from monitor.scoring.report.table import CRITERION, ID, PORTAL, RUBRIC, Sort, Table, empty, filled
from monitor.scoring.report.times import local, minutes
from monitor.scoring.results import Left
from monitor.scoring.rubric import Text

if TYPE_CHECKING:
    from monitor.scoring.report.report import Report
    from monitor.scoring.report.table import Value
    from monitor.scoring.results import CriterionScore, Score

_INCIDENTS = (
    PORTAL,
    (Text(vi="Bắt đầu", en="Start"), Sort.MOMENT, 18),
    (Text(vi="Kết thúc", en="End"), Sort.MOMENT, 18),
    (Text(vi="Số phút gián đoạn", en="Minutes down"), Sort.NUMBER, 11),
    (Text(vi="Số phút bị tính", en="Minutes counted"), Sort.NUMBER, 11),
    (Text(vi="Nguyên nhân", en="Fault"), Sort.TEXT, 30),
    (Text(vi="Ghi chú", en="Note"), Sort.TEXT, 34),
    (Text(vi="Loại trừ đã duyệt", en="Approved exclusions"), Sort.TEXT, 22),
    (Text(vi="Điểm đo", en="Location"), Sort.TEXT, 12),
    ID,
    (Text(vi="Chi tiết", en="Detail"), Sort.LONG, 50),
)

_LATER = Text(vi="chưa kết thúc khi hết kỳ", en="not over at the end of the period")


def incidents(report: Report) -> Table:
    """A row an outage."""
    table = empty("incidents", Text(vi="Sự cố", en="Incidents"), _INCIDENTS, report, keep=1, printed=9)
    names = {one.id: one.name(report.language) for one in report.portals}
    say, zone = report.language, report.period.zone
    return filled(
        table,
        (
            (
                names.get(one.portal, one.portal),
                local(one.start, zone),
                local(one.end, zone),
                minutes(one.ms),
                minutes(one.counted),
                texts.fault(one.fault, say, began=one.began),
                "; ".join(
                    part.say(say) for part, it_is in ((texts.EARLIER, not one.began), (_LATER, not one.ended)) if it_is
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
    (Text(vi="Mã", en="Id"), Sort.TEXT, 22),
    (Text(vi="Cổng", en="Portals"), Sort.TEXT, 34),
    (Text(vi="Từ", en="From"), Sort.MOMENT, 18),
    (Text(vi="Đến", en="Until"), Sort.MOMENT, 18),
    (Text(vi="Tính thành trạng thái", en="Counted as state"), Sort.TEXT, 18),
    (Text(vi="Lý do", en="Reason"), Sort.LONG, 50),
    (Text(vi="Người duyệt", en="Approver"), Sort.TEXT, 24),
    (Text(vi="Ngày duyệt", en="Approved on"), Sort.TEXT, 12),
)

ALL = Text(vi="tất cả các cổng", en="all portals")
LEAVES = Text(vi="không tính", en="left out")


def exclusions(report: Report) -> Table:
    """A row an exclusion or correction that touches the period."""
    table = empty("exclusions", Text(vi="Loại trừ", en="Exclusions"), _EXCLUSIONS, report, keep=1)
    zone, say = report.period.zone, report.language
    return filled(
        table,
        (
            (
                one.id,
                ", ".join(sorted(one.portals)) if one.portals is not None else ALL.say(say),
                local(one.since, zone),
                local(one.until, zone),
                texts.STATES[one.state].say(say) if one.state else LEAVES.say(say),
                one.reason,
                one.approver,
                one.approved.isoformat(),
            )
            for one in report.book.exclusions
        ),
    )


_ENOUGH = Text(vi="đủ", en="enough")
_SHORT = Text(vi="thiếu", en="too little")

_COVERAGE = (
    RUBRIC,
    PORTAL,
    CRITERION,
    (Text(vi="Độ phủ", en="Coverage"), Sort.RATIO, 9),
    (Text(vi="Độ phủ tối thiểu", en="Coverage needed"), Sort.RATIO, 9),
    (Text(vi="Đánh giá", en="Judgement"), Sort.TEXT, 11),
    (Text(vi="Số lần đo", en="Looks"), Sort.WHOLE, 10),
    (Text(vi="Số lần đo tối thiểu", en="Looks needed"), Sort.WHOLE, 9),
    (Text(vi="Số ngày có dữ liệu", en="Days with data"), Sort.WHOLE, 9),
    (Text(vi="Bỏ: không quan sát được", en="Left out: not seen"), Sort.WHOLE, 11),
    (Text(vi="Bỏ: cổng không phản hồi", en="Left out: portal failed"), Sort.WHOLE, 11),
    (Text(vi="Bỏ: lần đo xác nhận", en="Left out: confirming"), Sort.WHOLE, 11),
    (Text(vi="Bỏ: lượt hoặc cấu hình khác", en="Left out: other runs"), Sort.WHOLE, 11),
    (Text(vi="Bỏ: không có giá trị", en="Left out: no value"), Sort.WHOLE, 11),
    (Text(vi="Tất cả phần không tính", en="All that was left out"), Sort.LONG, 60),
    (Text(vi="Phép đo dùng", en="Checks used"), Sort.TEXT, 22),
    ID,
)


def coverage(report: Report) -> Table:
    """A row a portal and criterion that is measured by itself: what was seen, needed and left out."""
    table = empty("coverage", Text(vi="Độ phủ", en="Coverage"), _COVERAGE, report, keep=3, printed=9)
    rows = (_covered(report, score, one) for score, one in judged(report) if not one.criterion.by_hand)
    return filled(table, rows)


def _covered(report: Report, score: Score, one: CriterionScore) -> tuple[Value, ...]:
    say, criterion = report.language, one.criterion
    timed = criterion.selection is None
    enough = (one.coverage or 0) >= criterion.coverage and (timed or one.looks >= criterion.looks)
    left: dict[Left, int] = dict.fromkeys(texts.COUNTED, 0)
    for out in one.left_out:
        if out.why in left:
            left[out.why] += out.looks
    return (
        score.rubric.key,
        score.name.say(say),
        criterion.title.say(say),
        one.coverage,
        criterion.coverage,
        (_ENOUGH if enough else _SHORT).say(say),
        None if timed else one.looks,
        None if timed else criterion.looks,
        one.days,
        *((None,) * len(left) if timed else left.values()),
        left_text(one.left_out, say),
        ", ".join(one.checks),
        score.portal,
    )


_METHOD = (
    (Text(vi="Phần", en="Part"), Sort.TEXT, 28),
    (Text(vi="Mục", en="Item"), Sort.TEXT, 40),
    (Text(vi="Nội dung", en="What it says"), Sort.LONG, 110),
)


def method(report: Report) -> Table:
    """How the figures came about."""
    table = empty("method", Text(vi="Phương pháp", en="Method"), _METHOD, report, keep=0)
    return filled(table, iter(method_rows(report)))
