"""The tables of scores: one row a portal, one a portal and criterion, and what would raise each score most."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from monitor.scoring.explain import amount, curve_text, measured, rounded, unit_of
from monitor.scoring.report import texts
from monitor.scoring.report.improvements import changes
from monitor.scoring.report.ranking import Unranked
from monitor.scoring.report.table import CRITERION, ID, PORTAL, RUBRIC, Sort, Table, empty, filled
from monitor.scoring.rubric import Text
from monitor.scoring.texts import BASES, STANDINGS, VERDICTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.scoring.report.report import Report
    from monitor.scoring.report.table import Value
    from monitor.scoring.results import CriterionScore, Score

_SUMMARY = (
    RUBRIC,
    (Text(vi="Hạng", en="Rank"), Sort.WHOLE, 7),
    PORTAL,
    (Text(vi="Tỷ lệ điểm", en="Percent of points"), Sort.RATIO, 11),
    (Text(vi="Điểm", en="Points"), Sort.NUMBER, 9),
    (Text(vi="Trên tổng đo được", en="Of measured"), Sort.NUMBER, 11),
    (Text(vi="Kết quả", en="Verdict"), Sort.TEXT, 17),
    (Text(vi="Thay đổi hạng so với kỳ trước", en="Movement since the period before"), Sort.TEXT, 26),
    (Text(vi="Hạng kỳ trước", en="Rank before"), Sort.WHOLE, 9),
    (Text(vi="Tỷ lệ điểm kỳ trước", en="Percent before"), Sort.RATIO, 11),
    (Text(vi="Ghi chú", en="Note"), Sort.LONG, 36),
    (Text(vi="Số cổng cùng hạng", en="Portals on this rank"), Sort.WHOLE, 10),
    (Text(vi="Nhóm so sánh", en="Group compared"), Sort.WHOLE, 9),
    (Text(vi="Số cổng trong nhóm", en="Portals in the group"), Sort.WHOLE, 10),
    (Text(vi="Khoảng tin cậy 95 %: thấp", en="95 % interval: low"), Sort.RATIO, 11),
    (Text(vi="Khoảng tin cậy 95 %: cao", en="95 % interval: high"), Sort.RATIO, 11),
    (
        Text(vi="Xếp loại nếu mọi nhóm tiêu chí đều như vậy", en="Grade if all pillars were like this one"),
        Sort.TEXT,
        15,
    ),
    (Text(vi="Tỷ lệ nếu không có loại trừ", en="Percent without exclusions"), Sort.RATIO, 12),
    (Text(vi="Loại hình", en="Kind"), Sort.TEXT, 15),
    ID,
    (Text(vi="Chấm theo trang của", en="Scored on pages of"), Sort.TEXT, 20),
    (Text(vi="Giải thích", en="Explanation"), Sort.LONG, 70),
)


def summary(report: Report) -> Table:
    """A row a score, ranked."""
    table = empty("summary", Text(vi="Tổng hợp", en="Summary"), _SUMMARY, report, keep=3, printed=11)
    kinds = {one.id: texts.KINDS[one.kind].say(report.language) for one in report.portals}
    scores = (one for rubric in report.book.rubrics for one in report.ranked(rubric))
    return filled(table, (_summed(report, one, kinds.get(one.portal)) for one in scores))


def _summed(report: Report, one: Score, kind: str | None) -> tuple[Value, ...]:
    say, place = report.language, report.places[one.portal, one.rubric.key]
    earlier, plain = report.past.get((one.portal, one.rubric.key)), one.without_exclusions
    return (
        one.rubric.key,
        place.rank,
        one.name.say(say),
        _shown(one.percent),
        float(one.shown) if one.shown is not None else None,
        one.measured,
        VERDICTS[one.verdict].say(say),
        texts.movement(place, say),
        place.before,
        _shown(earlier.percent) if earlier else None,
        noted(report, one),
        place.shared or None,
        place.group or None,
        place.of or None,
        one.interval.low if one.interval else None,
        one.interval.high if one.interval else None,
        one.grade,
        _shown(plain.percent) if plain else None,
        kind,
        one.portal,
        one.looked_at,
        one.sentence.say(say),
    )


def _shown(percent: str | None) -> float | None:
    """A percentage as it is shown, as a ratio: places follow it, so that no two on one place differ on paper."""
    return None if percent is None else float(Decimal(percent) / 100)


def noted(report: Report, one: Score) -> str:
    """Why a score is missing or limited, and why it has no place; empty when all is well."""
    place, say = report.places[one.portal, one.rubric.key], report.language
    reason = one.reason.say(say) if one.reason else ""
    told = reason and place.unranked is Unranked.NO_SCORE  # the reason says it better
    unranked = "" if told or place.rank is not None else texts.rank(place, say)
    parts = [reason, unranked[:1].upper() + unranked[1:]]
    return " ".join(part if part.endswith(".") else f"{part}." for part in parts if part)


_CRITERIA = (
    RUBRIC,
    PORTAL,
    CRITERION,
    (Text(vi="Giá trị đo được", en="Measured value"), Sort.TEXT, 14),
    (Text(vi="Yêu cầu", en="What it asks for"), Sort.TEXT, 44),
    (Text(vi="Điểm", en="Points"), Sort.NUMBER, 9),
    (Text(vi="Trên", en="Of"), Sort.NUMBER, 8),
    (Text(vi="Mức đạt", en="Earned"), Sort.TEXT, 16),
    (Text(vi="Tình trạng", en="Standing"), Sort.TEXT, 18),
    (Text(vi="Độ phủ", en="Coverage"), Sort.RATIO, 9),
    (Text(vi="Căn cứ (phần yếu nhất)", en="Basis (weakest part)"), Sort.TEXT, 18),
    (Text(vi="Số lần đo", en="Looks"), Sort.WHOLE, 10),
    (Text(vi="Số ngày có dữ liệu", en="Days with data"), Sort.WHOLE, 9),
    (Text(vi="Điểm 95 %: thấp", en="Points 95 %: low"), Sort.NUMBER, 9),
    (Text(vi="Điểm 95 %: cao", en="Points 95 %: high"), Sort.NUMBER, 9),
    (Text(vi="Căn cứ: giới hạn", en="Basis: limit"), Sort.TEXT, 22),
    (Text(vi="Căn cứ: chỉ số đo", en="Basis: metric"), Sort.TEXT, 22),
    (Text(vi="Căn cứ: cách tổng hợp", en="Basis: aggregate"), Sort.TEXT, 22),
    (Text(vi="Căn cứ: điểm", en="Basis: points"), Sort.TEXT, 22),
    (Text(vi="Giá trị (đơn vị gốc)", en="Value (base unit)"), Sort.NUMBER, 14),
    (Text(vi="Đơn vị", en="Unit"), Sort.TEXT, 10),
    ID,
    (Text(vi="Mã tiêu chí", en="Criterion id"), Sort.TEXT, 22),
    (Text(vi="Giải thích", en="Explanation"), Sort.LONG, 80),
)


def criteria(report: Report) -> Table:
    """A row a portal and criterion."""
    table = empty(
        "criteria", Text(vi="Cổng và tiêu chí", en="Portals and criteria"), _CRITERIA, report, keep=3, printed=11
    )
    return filled(table, (_judged(report, score, one) for score, one in judged(report)))


def judged(report: Report) -> Iterator[tuple[Score, CriterionScore]]:
    """Every criterion of every score, in the order of the summary."""
    for rubric in report.book.rubrics:
        for score in report.ranked(rubric):
            yield from ((score, one) for one in score.criteria)


def _judged(report: Report, score: Score, one: CriterionScore) -> tuple[Value, ...]:
    say, criterion = report.language, one.criterion
    unit, basis, bounds = unit_of(criterion), criterion.basis, one.points_interval
    return (
        score.rubric.key,
        score.name.say(say),
        criterion.title.say(say),
        measured(one.value, criterion, say) if one.value is not None else None,
        curve_text(criterion, say),
        one.points,
        criterion.points,
        texts.earned(one.share, say),
        STANDINGS[one.standing].say(say),
        one.coverage,
        BASES[basis.weakest].say(say),
        one.looks,
        one.days,
        bounds.low if bounds else None,
        bounds.high if bounds else None,
        *(BASES[part].say(say) for part in (basis.limit, basis.metric, basis.aggregate, basis.points)),
        one.value,
        unit.value,
        score.portal,
        criterion.id,
        one.sentence.say(say),
    )


_CHANGES = (
    RUBRIC,
    PORTAL,
    (Text(vi="Thứ tự", en="Order"), Sort.WHOLE, 7),
    CRITERION,
    (Text(vi="Hiện nay", en="Now"), Sort.TEXT, 14),
    (Text(vi="Mục tiêu", en="Goal"), Sort.TEXT, 14),
    (Text(vi="Điểm thêm được", en="Points to win"), Sort.NUMBER, 10),
    (Text(vi="Tỷ lệ điểm tăng thêm", en="Percent to win"), Sort.RATIO, 11),
    ID,
    (Text(vi="Mã tiêu chí", en="Criterion id"), Sort.TEXT, 22),
)


def gains(report: Report) -> Table:
    """What would raise each score most."""
    title = Text(vi="Ba thay đổi lợi nhất", en="Three best changes")
    return filled(empty("changes", title, _CHANGES, report, keep=2, printed=8), _changed(report))


def _changed(report: Report) -> Iterator[tuple[Value, ...]]:
    say = report.language
    for rubric in report.book.rubrics:
        for score in report.ranked(rubric):
            for number, change in enumerate(changes(score), start=1):
                criterion, unit = change.one.criterion, unit_of(change.one.criterion)
                yield (
                    rubric.key,
                    score.name.say(say),
                    number,
                    criterion.title.say(say),
                    measured(change.one.value or 0, criterion, say),
                    ("< " if change.strict else "") + amount(change.goal, unit, say),
                    float(rounded(change.gain, 4)),
                    change.percent / 100,
                    score.portal,
                    criterion.id,
                )
