"""Tables of scores: one row per portal, one per portal and criterion, and the improvements of each score."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from monitor.scoring.explain import amount, curve_text, rounded, unit_of, value_text
from monitor.scoring.report import texts
from monitor.scoring.report.improvements import best_improvements
from monitor.scoring.report.ranking import UnrankedReason
from monitor.scoring.report.table import CRITERION, PORTAL, PORTAL_ID, RUBRIC, ColumnKind, make_table
from monitor.scoring.rubric import Text
from monitor.scoring.texts import BASIS_TEXTS, CRITERION_STATUS_TEXTS, SCORE_STATUS_TEXTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.scoring.report.report import Report
    from monitor.scoring.report.table import ReportTable, Value
    from monitor.scoring.results import CriterionScore, Score

_GRADE = Text(vi="Xếp loại nếu mọi nhóm tiêu chí đều như vậy", en="Grade if all pillars were like this one")
_SUMMARY = (
    RUBRIC,
    (Text(vi="Hạng", en="Rank"), ColumnKind.WHOLE, 7),
    PORTAL,
    (Text(vi="Tỷ lệ điểm", en="Percent of points"), ColumnKind.RATIO, 11),
    (Text(vi="Điểm", en="Points"), ColumnKind.NUMBER, 9),
    (Text(vi="Trên tổng đo được", en="Out of (measured)"), ColumnKind.NUMBER, 11),
    (Text(vi="Kết quả", en="Status"), ColumnKind.TEXT, 17),
    (Text(vi="Thay đổi hạng so với kỳ trước", en="Rank change since the previous period"), ColumnKind.TEXT, 26),
    (Text(vi="Hạng kỳ trước", en="Previous rank"), ColumnKind.WHOLE, 9),
    (Text(vi="Tỷ lệ điểm kỳ trước", en="Previous percent"), ColumnKind.RATIO, 11),
    (Text(vi="Ghi chú", en="Note"), ColumnKind.LONG, 36),
    (Text(vi="Số cổng cùng hạng", en="Portals on this rank"), ColumnKind.WHOLE, 10),
    (Text(vi="Nhóm so sánh", en="Group compared"), ColumnKind.WHOLE, 9),
    (Text(vi="Số cổng trong nhóm", en="Portals in the group"), ColumnKind.WHOLE, 10),
    (Text(vi="Khoảng tin cậy 95 %: thấp", en="95 % interval: low"), ColumnKind.RATIO, 11),
    (Text(vi="Khoảng tin cậy 95 %: cao", en="95 % interval: high"), ColumnKind.RATIO, 11),
    (_GRADE, ColumnKind.TEXT, 15),
    (Text(vi="Tỷ lệ nếu không có loại trừ", en="Percent without exclusions"), ColumnKind.RATIO, 12),
    (Text(vi="Loại hình", en="Kind"), ColumnKind.TEXT, 15),
    PORTAL_ID,
    (Text(vi="Chấm theo trang của", en="Scored on pages of"), ColumnKind.TEXT, 20),
    (Text(vi="Giải thích", en="Explanation"), ColumnKind.LONG, 70),
)


def summary(report: Report) -> ReportTable:
    """Return one row per score, ranked."""
    kinds = {one.id: texts.PORTAL_KIND_TEXTS[one.kind].localize(report.language) for one in report.portals}
    rows = (_summary_row(report, one, kinds.get(one.portal)) for one in _ranked(report))
    title = Text(vi="Tổng hợp", en="Summary")
    return make_table(report, "summary", title, _SUMMARY, rows, frozen=3, printed=11)


def _summary_row(report: Report, one: Score, kind: str | None) -> tuple[Value, ...]:
    language, place = report.language, report.places[one.portal, one.rubric.key]
    previous, unexcluded = report.previous_by_key.get((one.portal, one.rubric.key)), one.without_exclusions
    return (
        one.rubric.key,
        place.rank,
        one.name.localize(language),
        _shown_ratio(one.percent),
        float(one.shown) if one.shown is not None else None,
        one.measured,
        SCORE_STATUS_TEXTS[one.status].localize(language),
        texts.movement_text(place, language),
        place.previous_rank,
        _shown_ratio(previous.percent) if previous else None,
        score_note(report, one),
        place.shared or None,
        place.group or None,
        place.of or None,
        one.interval.low if one.interval else None,
        one.interval.high if one.interval else None,
        one.grade,
        _shown_ratio(unexcluded.percent) if unexcluded else None,
        kind,
        one.portal,
        one.measured_portal,
        one.sentence.localize(language),
    )


def _shown_ratio(percent: str | None) -> float | None:
    """Return the shown percentage as a ratio: ranks follow it, so that equal ranks show equal numbers."""
    return None if percent is None else float(Decimal(percent) / 100)


def score_note(report: Report, one: Score) -> str:
    """Return why a score is missing or limited, and why it has no place; else an empty text."""
    place, language = report.places[one.portal, one.rubric.key], report.language
    reason = one.reason.localize(language) if one.reason else ""
    explained = reason and place.unranked is UnrankedReason.NO_SCORE  # the reason is more specific
    unranked = "" if explained or place.rank is not None else texts.rank_text(place, language)
    parts = [reason, unranked[:1].upper() + unranked[1:]]
    return " ".join(part if part.endswith(".") else f"{part}." for part in parts if part)


_CRITERIA = (
    RUBRIC,
    PORTAL,
    CRITERION,
    (Text(vi="Giá trị đo được", en="Measured value"), ColumnKind.TEXT, 14),
    (Text(vi="Yêu cầu", en="Requirement"), ColumnKind.TEXT, 44),
    (Text(vi="Điểm", en="Points"), ColumnKind.NUMBER, 9),
    (Text(vi="Trên", en="Of"), ColumnKind.NUMBER, 8),
    (Text(vi="Mức đạt", en="Earned"), ColumnKind.TEXT, 16),
    (Text(vi="Tình trạng", en="Status"), ColumnKind.TEXT, 18),
    (Text(vi="Độ phủ", en="Coverage"), ColumnKind.RATIO, 9),
    (Text(vi="Căn cứ (phần yếu nhất)", en="Basis (weakest part)"), ColumnKind.TEXT, 18),
    (Text(vi="Số lần đo", en="Attempts"), ColumnKind.WHOLE, 10),
    (Text(vi="Số ngày có dữ liệu", en="Days with data"), ColumnKind.WHOLE, 9),
    (Text(vi="Điểm 95 %: thấp", en="Points 95 %: low"), ColumnKind.NUMBER, 9),
    (Text(vi="Điểm 95 %: cao", en="Points 95 %: high"), ColumnKind.NUMBER, 9),
    (Text(vi="Căn cứ: giới hạn", en="Basis: limit"), ColumnKind.TEXT, 22),
    (Text(vi="Căn cứ: chỉ số đo", en="Basis: metric"), ColumnKind.TEXT, 22),
    (Text(vi="Căn cứ: cách tổng hợp", en="Basis: aggregate"), ColumnKind.TEXT, 22),
    (Text(vi="Căn cứ: điểm", en="Basis: points"), ColumnKind.TEXT, 22),
    (Text(vi="Giá trị (đơn vị gốc)", en="Value (base unit)"), ColumnKind.NUMBER, 14),
    (Text(vi="Đơn vị", en="Unit"), ColumnKind.TEXT, 10),
    PORTAL_ID,
    (Text(vi="Mã tiêu chí", en="Criterion id"), ColumnKind.TEXT, 22),
    (Text(vi="Giải thích", en="Explanation"), ColumnKind.LONG, 80),
)


def criteria(report: Report) -> ReportTable:
    """Return one row per portal and criterion."""
    title = Text(vi="Cổng và tiêu chí", en="Portals and criteria")
    rows = (_criterion_row(report, score, one) for score, one in criterion_scores(report))
    return make_table(report, "criteria", title, _CRITERIA, rows, frozen=3, printed=11)


def criterion_scores(report: Report) -> Iterator[tuple[Score, CriterionScore]]:
    """Return every criterion of every score, in the order of the summary."""
    return ((score, one) for score in _ranked(report) for one in score.criteria)


def _ranked(report: Report) -> Iterator[Score]:
    """Return every score, in the order of the summary."""
    return (one for rubric in report.score_set.rubrics for one in report.ranked(rubric))


def _criterion_row(report: Report, score: Score, one: CriterionScore) -> tuple[Value, ...]:
    language, criterion = report.language, one.criterion
    basis, bounds = criterion.basis, one.points_interval
    return (
        score.rubric.key,
        score.name.localize(language),
        criterion.title.localize(language),
        value_text(one.value, criterion, language) if one.value is not None else None,
        curve_text(criterion, language),
        one.points,
        criterion.points,
        texts.earned_text(one.share, language),
        CRITERION_STATUS_TEXTS[one.status].localize(language),
        one.coverage,
        BASIS_TEXTS[basis.weakest].localize(language),
        one.attempts,
        one.days,
        bounds.low if bounds else None,
        bounds.high if bounds else None,
        *(BASIS_TEXTS[part].localize(language) for part in (basis.limit, basis.metric, basis.aggregate, basis.points)),
        one.value,
        unit_of(criterion).value,
        score.portal,
        criterion.id,
        one.sentence.localize(language),
    )


_IMPROVEMENTS = (
    RUBRIC,
    PORTAL,
    (Text(vi="Thứ tự", en="Order"), ColumnKind.WHOLE, 7),
    CRITERION,
    (Text(vi="Hiện nay", en="Now"), ColumnKind.TEXT, 14),
    (Text(vi="Mục tiêu", en="Goal"), ColumnKind.TEXT, 14),
    (Text(vi="Điểm thêm được", en="Points to win"), ColumnKind.NUMBER, 10),
    (Text(vi="Tỷ lệ điểm tăng thêm", en="Percent to win"), ColumnKind.RATIO, 11),
    PORTAL_ID,
    (Text(vi="Mã tiêu chí", en="Criterion id"), ColumnKind.TEXT, 22),
)


def improvements(report: Report) -> ReportTable:
    """Return one row per improvement of a score."""
    title = Text(vi="Ba thay đổi lợi nhất", en="Three best changes")
    return make_table(report, "changes", title, _IMPROVEMENTS, _improvement_rows(report), frozen=2, printed=8)


def _improvement_rows(report: Report) -> Iterator[tuple[Value, ...]]:
    language = report.language
    for score in _ranked(report):
        for number, one in enumerate(best_improvements(score), start=1):
            criterion = one.criterion_score.criterion
            yield (
                score.rubric.key,
                score.name.localize(language),
                number,
                criterion.title.localize(language),
                value_text(one.criterion_score.value or 0, criterion, language),
                ("< " if one.below_goal else "") + amount(one.goal, unit_of(criterion), language),
                float(rounded(one.gain, 4)),
                one.percent / 100,
                score.portal,
                criterion.id,
            )
