"""Describe the methodology as rows of (part, item, text): first the rules, then each rubric with its basis."""

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
_RUNNING = Text(vi="đang diễn ra, số liệu tạm thời", en="still running, results are provisional")
_MANUAL = Text(vi="nhập tay, có người chịu trách nhiệm và lý do", en="entered manually, with author and reason")
_OVER = Text(vi="đã kết thúc", en="over")
_NOT_SEALED = Text(
    vi="Kỳ này chưa được niêm phong; số liệu còn có thể thay đổi.", en="Not sealed: results may still change."
)

_RULE_TEXTS = {
    Text(vi="Thiếu dữ liệu", en="Missing data"): Text(
        vi="Thiếu dữ liệu thì ghi “không đủ dữ liệu”, không bao giờ tính là 0 và không ước đoán.",
        en="Missing data is marked “insufficient data”; it is never counted as 0 and never guessed.",
    ),
    Text(vi="Phần không tính", en="What is excluded"): Text(
        vi="Thời gian bảo trì, thời gian không rõ trạng thái và loại trừ đã duyệt không nằm trong mẫu "
        "số; tất cả được liệt kê. Điểm có và không có loại trừ được ghi cạnh nhau.",
        en="Maintenance, time with unknown state, and approved exclusions leave the denominator; all of it is "
        "listed. Scores with and without exclusions are shown side by side.",
    ),
    Text(vi="Độ phủ", en="Coverage"): Text(
        vi="Trung bình theo ngày của số lần đo thấy được trên số lần đo đến hạn; dưới mức tối thiểu thì không chấm.",
        en="The mean over days of known attempts to due attempts; below the minimum there is no score.",
    ),
    Text(vi="Khoảng tin cậy 95 %", en="95 % interval"): Text(
        vi="Lấy mẫu lại theo ngày (bootstrap khối, {n} lần, hạt giống {seed}): kết quả có thể dao động đến đâu.",
        en="Days are resampled (block bootstrap, {n} times, seed {seed}): how far the result could vary.",
    ),
    Text(vi="Làm tròn", en="Rounding"): Text(
        vi="Chỉ làm tròn ở bước cuối cùng, nửa về số chẵn.", en="At the very end only, half to even."
    ),
    Text(vi="Xếp hạng", en="Ranking"): Text(
        vi="Chỉ xếp hạng giữa các cổng được đo như nhau (cùng tiêu chí được chấm, cùng phép đo), theo tỷ lệ điểm đã "
        "làm tròn; bằng nhau thì cùng hạng. Thay đổi hạng chỉ ghi khi kỳ trước dùng cùng bộ tiêu chí và cùng "
        "cách đo.",
        en="Only among portals measured alike (the same criteria scored, the same checks), by the rounded "
        "percentage; equals share a rank. Rank changes are shown only where the previous period had the same "
        "rubric and measuring.",
    ),
    Text(vi="Ba thay đổi lợi nhất", en="Three best changes"): Text(
        vi="Từng tiêu chí được đặt ở mức mục tiêu theo chính đường điểm của bộ tiêu chí, các tiêu chí khác giữ "
        "nguyên. Đây là phép tính, không phải dự báo; một cải tiến thực tế có thể làm thay đổi nhiều tiêu chí.",
        en="Each criterion is put at its goal by the rubric's own curve, all others left as they are. This is "
        "arithmetic, not a forecast; a real improvement may move several criteria at once.",
    ),
    Text(vi="Sự cố", en="Incidents"): Text(
        vi="Khoảng thời gian cổng được xác nhận là gián đoạn, sau nhiều lần đo độc lập, tính riêng cho từng điểm đo.",
        en="Time in which a portal was confirmed down by several independent attempts, for each location separately.",
    ),
    Text(vi="Căn cứ", en="Basis"): Text(
        vi="“theo văn bản chính thức”: ghi trong văn bản; “suy ra từ văn bản”: cách hiểu của dự án; “giả định”: lựa "
        "chọn của dự án vì văn bản không nêu.",
        en="“official”: written in the official text; “derived”: our reading of it; “assumed”: our choice, because "
        "the text does not specify it.",
    ),
}


_BULK_INPUT_PREFIXES = ("history ", "portal ")
"""Inputs that are too many for a page."""


def methodology_rows(report: Report) -> Iterator[MethodologyRow]:
    """Yield all rows."""
    language, period = report.language, report.period
    rules = _RULES.localize(language)
    state = (_OVER if report.score_set.ended else _RUNNING).localize(language)
    yield rules, _localized(language, "Kỳ báo cáo", "Period"), f"{period.name} ({state})"
    start, end = (time_text(at, period.zone, language) for at in (period.since_ms, period.until_ms))
    yield rules, _localized(language, "Thời gian", "Time"), f"{start} {DASH} {end}, {period.zone}"
    for item, text in _RULE_TEXTS.items():
        described = text.localize(language).format(n=report.score_set.replicates, seed=report.score_set.seed)
        yield rules, item.localize(language), described
    yield from seal_rows(report)
    for rubric in report.score_set.rubrics:
        yield from _rubric(rubric, language)


def seal_rows(report: Report) -> Iterator[MethodologyRow]:
    """Yield the seal, and the digests of the inputs of the scores."""
    language, seal = report.language, report.seal
    part = _localized(language, "Niêm phong", "Seal")
    if seal is None:
        yield part, _localized(language, "Tình trạng", "State"), _NOT_SEALED.localize(language)
    else:
        yield part, _localized(language, "Thời điểm", "Moment"), f"{seal.sealed_at} ({seal.by})"
        yield part, _localized(language, "SHA-256 của điểm đã niêm phong", "SHA-256 of the sealed scores"), seal.scores
        same = _localized(language, "trùng với điểm đã niêm phong", "the same as the sealed scores")
        other = _localized(language, "khác với điểm đã niêm phong", "not the same as the sealed scores")
        differs = "; ".join(seal.differing)
        yield part, _localized(language, "So sánh", "Comparison"), f"{other}: {differs}" if differs else same
    inputs = report.seal.inputs if report.seal else report.inputs
    rules = {name: digest for name, digest in inputs.items() if not name.startswith(_BULK_INPUT_PREFIXES)}
    yield from ((part, name, digest) for name, digest in rules.items())
    if rest := len(inputs) - len(rules):
        listed = _localized(language, "{n} mục, liệt kê trong manifest.json", "{n} of them, listed in manifest.json")
        yield part, _localized(language, "Lịch sử đo và danh mục cổng", "History and portals"), listed.format(n=rest)
    yield part, _localized(language, "Phiên bản phần mềm", "Software version"), report.code


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
        bands = ", ".join(f"{one.grade} ≥ {number(one.min, language)}" for one in rubric.grades.bands)
        basis = BASIS_TEXTS[rubric.grades.basis].localize(language)
        text = f"{bands} ({basis}). {grade_note(rubric, language)}"
        yield part, _localized(language, "Các mức xếp loại", "Grades"), text
    for criterion in rubric.criteria:
        yield part, criterion.title.localize(language), _criterion(criterion, language)


def _criterion(criterion: Criterion, language: str) -> str:
    points = f"{number(criterion.points, language)} {_localized(language, 'điểm', 'points')}"
    if criterion.manual:
        how = _MANUAL.localize(language)
    else:
        aggregate = AGGREGATE_TEXTS[criterion.aggregate].localize(language) if criterion.aggregate else ""
        how = f"{aggregate}, {criterion.metric or _localized(language, 'trạng thái đã xác nhận', 'confirmed states')}"
    note = f" {criterion.note.localize(language)}" if criterion.note else ""
    basis = f"{_localized(language, 'Căn cứ', 'Basis')}: {basis_text(criterion, language)}"
    source = f"{_localized(language, 'Nguồn', 'Source')}: {criterion.source}"
    return f"{points}. {how}; {curve_text(criterion, language)}. {basis}. {source}.{note}"


def _localized(language: str, vi: str, en: str) -> str:
    return en if language == "en" else vi
