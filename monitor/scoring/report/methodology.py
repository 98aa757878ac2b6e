"""How the figures came about, as rows of (part, item, text): rules first, then each rubric with how sure it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.scoring.explain import basis_text, curve_text, grade_note, number
from monitor.scoring.report.texts import DASH
from monitor.scoring.report.times import time_text
from monitor.scoring.rubric import Text
from monitor.scoring.texts import AGGREGATE_TEXTS, BASIS_TEXTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.scoring.report.report import Report
    from monitor.scoring.rubric import Criterion, Rubric

MethodologyRow = tuple[str, str, str]

_RULES = Text(vi="Quy tắc", en="Rules")
_RUNNING = Text(vi="đang diễn ra, số liệu tạm thời", en="still running, figures are provisional")
_OVER = Text(vi="đã kết thúc", en="over")
_NOT_SEALED = Text(
    vi="Kỳ này chưa được niêm phong; số liệu còn có thể thay đổi.", en="Not sealed: figures may still change."
)

_RULE_TEXTS = (
    (
        Text(vi="Thiếu dữ liệu", en="Missing data"),
        Text(
            vi="Thiếu dữ liệu thì ghi “không đủ dữ liệu”, không bao giờ tính là 0 và không ước đoán.",
            en="Where data is short it says “insufficient data”; that is never counted as 0 and never guessed.",
        ),
    ),
    (
        Text(vi="Phần không tính", en="What is left out"),
        Text(
            vi="Thời gian bảo trì, thời gian phía giám sát không quan sát được và loại trừ đã duyệt không nằm "
            "trong mẫu số; "
            "tất cả được liệt kê. Điểm có và không có loại trừ được ghi cạnh nhau.",
            en="Maintenance, time that we could not see, and approved exclusions leave the denominator; all of it is "
            "listed. Scores with and without exclusions stand side by side.",
        ),
    ),
    (
        Text(vi="Độ phủ", en="Coverage"),
        Text(
            vi="Trung bình theo ngày của số lần đo thấy được trên số lần đo đến hạn; dưới mức tối thiểu thì "
            "không chấm.",
            en="The mean over days of looks that saw something to looks that were due; below the floor there is "
            "no score.",
        ),
    ),
    (
        Text(vi="Khoảng tin cậy 95 %", en="95 % interval"),
        Text(
            vi="Lấy mẫu lại theo ngày (bootstrap khối, {n} lần, hạt giống {seed}): kết quả có thể dao động đến đâu.",
            en="Days are drawn anew (block bootstrap, {n} times, seed {seed}): how far the figure could come "
            "out otherwise.",
        ),
    ),
    (
        Text(vi="Làm tròn", en="Rounding"),
        Text(
            vi="Chỉ làm tròn ở bước cuối cùng, nửa về số chẵn.",
            en="At the very end only, half to even.",
        ),
    ),
    (
        Text(vi="Xếp hạng", en="Ranking"),
        Text(
            vi="Chỉ xếp hạng giữa các cổng được đo như nhau (cùng tiêu chí được chấm, cùng phép đo), theo tỷ lệ "
            "điểm đã làm "
            "tròn; bằng nhau thì cùng hạng. Thay đổi hạng chỉ ghi khi kỳ trước dùng cùng bộ tiêu chí và cùng cách đo.",
            en="Only among portals measured alike (the same criteria scored, the same checks), by the rounded "
            "percentage; "
            "equals share a rank. Movement is told only where the period before had the same rubric and measuring.",
        ),
    ),
    (
        Text(vi="Ba thay đổi lợi nhất", en="Three best changes"),
        Text(
            vi="Từng tiêu chí được đặt ở mức mục tiêu theo chính đường điểm của bộ tiêu chí, các tiêu chí khác "
            "giữ nguyên. "
            "Đây là phép tính, không phải dự báo; một cải tiến thực tế có thể làm thay đổi nhiều tiêu chí.",
            en="Each criterion is put at its goal by the rubric's own curve, all others left as they are. This is "
            "arithmetic, not a forecast; a real improvement may move several criteria at once.",
        ),
    ),
    (
        Text(vi="Sự cố", en="Incidents"),
        Text(
            vi="Khoảng thời gian cổng được xác nhận là gián đoạn, sau nhiều lần đo độc lập, tính riêng cho từng "
            "điểm đo.",
            en="Time in which a portal was confirmed down by several independent looks, for each location by itself.",
        ),
    ),
    (
        Text(vi="Căn cứ", en="Basis"),
        Text(
            vi="“theo văn bản chính thức”: ghi trong văn bản; “suy ra từ văn bản”: cách hiểu của dự án; “giả "
            "định”: lựa chọn "
            "của dự án vì văn bản không nêu.",
            en="“official”: written in the official text; “derived”: our reading of it; “assumed”: our choice, because "
            "the text does not say.",
        ),
    ),
)


_BULK_INPUT_PREFIXES = ("history ", "portal ")
"""Inputs of which there are too many for a page."""


def methodology_rows(report: Report) -> Iterator[MethodologyRow]:
    """All rows."""
    say, period = report.language, report.period
    rules = _RULES.localize(say)
    state = (_OVER if report.score_set.ended else _RUNNING).localize(say)
    yield rules, _localized(say, "Kỳ báo cáo", "Period"), f"{period.name} ({state})"
    bounds = f"{time_text(period.since_ms, period.zone, say)} {DASH} {time_text(period.until_ms, period.zone, say)}"
    yield rules, _localized(say, "Thời gian", "Time"), f"{bounds}, {period.zone}"
    for item, text in _RULE_TEXTS:
        told = text.localize(say).format(n=report.score_set.replicates, seed=report.score_set.seed)
        yield rules, item.localize(say), told
    yield from seal_rows(report)
    for rubric in report.score_set.rubrics:
        yield from _rubric(rubric, say)


def seal_rows(report: Report) -> Iterator[MethodologyRow]:
    """What was sealed, and the digests of what the scores were made of."""
    say, seal = report.language, report.seal
    part = _localized(say, "Niêm phong", "Seal")
    if seal is None:
        yield part, _localized(say, "Tình trạng", "State"), _NOT_SEALED.localize(say)
    else:
        yield part, _localized(say, "Thời điểm", "Moment"), f"{seal.sealed_at} ({seal.by})"
        yield part, _localized(say, "SHA-256 của điểm đã niêm phong", "SHA-256 of the sealed scores"), seal.scores
        same = _localized(say, "trùng với điểm đã niêm phong", "the same as the sealed scores")
        other = _localized(say, "khác với điểm đã niêm phong", "not the same as the sealed scores")
        differs = "; ".join(seal.differing)
        yield part, _localized(say, "So sánh", "Comparison"), f"{other}: {differs}" if differs else same
    inputs = report.seal.inputs if report.seal else report.inputs
    rules = {name: digest for name, digest in inputs.items() if not name.startswith(_BULK_INPUT_PREFIXES)}
    yield from ((part, name, digest) for name, digest in rules.items())
    if rest := len(inputs) - len(rules):
        listed = _localized(say, "{n} mục, liệt kê trong manifest.json", "{n} of them, listed in manifest.json")
        yield part, _localized(say, "Lịch sử đo và danh mục cổng", "History and portals"), listed.format(n=rest)
    yield part, _localized(say, "Phiên bản phần mềm", "Software version"), report.code


def _rubric(rubric: Rubric, language: str) -> Iterator[MethodologyRow]:
    part = f"{_localized(language, 'Bộ tiêu chí', 'Rubric')} {rubric.key}"
    yield part, _localized(language, "Tên", "Title"), rubric.title.localize(language)
    yield part, _localized(language, "Thuộc", "Set"), rubric.set.localize(language)
    yield part, _localized(language, "Tổng điểm", "Points"), number(rubric.points, language, 6)
    yield part, _localized(language, "Nguồn", "Source"), rubric.source
    yield part, "SHA-256", rubric.digest
    if rubric.pillar is not None:
        whole = f"{number(rubric.points, language, 6)} / {number(rubric.pillar, language, 6)}"
        yield part, _localized(language, "Phần của cả bộ tiêu chí", "Share of the whole set"), whole
    if rubric.note is not None:
        yield part, _localized(language, "Lưu ý", "Note"), rubric.note.localize(language)
    if rubric.grades is not None:
        bands = ", ".join(f"{one.grade} ≥ {number(one.least, language)}" for one in rubric.grades.bands)
        basis = BASIS_TEXTS[rubric.grades.basis].localize(language)
        yield (
            part,
            _localized(language, "Các mức xếp loại", "Grades"),
            f"{bands} ({basis}). {grade_note(rubric, language)}",
        )
    for criterion in rubric.criteria:
        yield part, criterion.title.localize(language), _criterion(criterion, language)


def _criterion(criterion: Criterion, language: str) -> str:
    points = f"{number(criterion.points, language)} {_localized(language, 'điểm', 'points')}"
    if criterion.by_hand:
        how = _localized(
            language, "nhập tay, có người chịu trách nhiệm và lý do", "entered by hand, with author and reason"
        )
    else:
        aggregate = AGGREGATE_TEXTS[criterion.aggregate].localize(language) if criterion.aggregate else ""
        how = f"{aggregate}, {criterion.metric or _localized(language, 'trạng thái đã xác nhận', 'confirmed states')}"
    note = f" {criterion.note.localize(language)}" if criterion.note else ""
    sure = f"{_localized(language, 'Căn cứ', 'Basis')}: {basis_text(criterion, language)}"
    source = f"{_localized(language, 'Nguồn', 'Source')}: {criterion.source}"
    return f"{points}. {how}; {curve_text(criterion, language)}. {sure}. {source}.{note}"


def _localized(language: str, vi: str, en: str) -> str:
    return en if language == "en" else vi
