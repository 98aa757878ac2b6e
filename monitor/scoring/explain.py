"""Explain a score in sentences, in both languages, with every number that it was computed from; pure."""

from __future__ import annotations

import math
from dataclasses import asdict
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING

from monitor.scoring.curves import Linear, LogNormal, Share, Steps, Threshold
from monitor.scoring.results import CriterionStatus, ScoreStatus
from monitor.scoring.rubric import Aggregate, Text
from monitor.scoring.texts import AGGREGATE_TEXTS, BASIS_PART_TEXTS, BASIS_TEXTS, EXCLUSION_REASON_TEXTS
from probes.metric import Unit

if TYPE_CHECKING:
    from monitor.scoring.results import CriterionScore, ExcludedData, Score
    from monitor.scoring.rubric import Criterion, Rubric

LANGUAGES = ("vi", "en")


def rounded(value: float, decimals: int) -> str:
    """Round half to even to a fixed number of decimals: ``2.5`` becomes ``2``."""
    return str(Decimal(repr(value)).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_EVEN))


def number(value: float, language: str, digits: int = 3) -> str:
    """Format *value* to *digits* significant digits, without an exponent, with the language's decimal mark."""
    if value == 0 or not math.isfinite(value):
        text = f"{value:g}"
    else:
        text = f"{value:.{max(0, digits - 1 - math.floor(math.log10(abs(value))))}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
    return _decimal_mark(text, language)


def amount(value: float, unit: Unit, language: str, digits: int = 3) -> str:
    """Format a value with its unit: ``3.12 s``, ``98.7 %``, ``1,4 MB``."""
    if unit is Unit.SECONDS:
        return f"{number(value, language, digits)} s"
    if unit in {Unit.RATIO, Unit.FLAG}:
        return f"{number(100 * value, language, digits + 1)} %"
    if unit is Unit.BYTES:
        return f"{number(value / 1e6, language, digits)} MB"
    return number(value, language, digits)


def value_text(value: float, criterion: Criterion, language: str) -> str:
    """Format a criterion's value with enough digits to distinguish it from a limit: 5.796 s is not 5.8 s."""
    curve, unit = criterion.curve, unit_of(criterion)
    limits = [curve.limit] if isinstance(curve, Threshold) else []
    limits += [one.limit for one in curve.steps] if isinstance(curve, Steps) else []
    candidates = (amount(value, unit, language, digits) for digits in range(3, 17))
    bounds = {amount(limit, unit, language) for limit in limits if limit != value}
    return next((text for text in candidates if text not in bounds), repr(value))


def unit_of(criterion: Criterion) -> Unit:
    """Return the unit of a criterion's value: a share is a ratio.

    A metric whose name does not end in ``_ratio`` is a plain number, such as layout shift, where 0.1 is not a tenth of
    anything.
    """
    shares = {Aggregate.SHARE, Aggregate.SUCCESS, Aggregate.AVAILABILITY}
    if criterion.aggregate in shares or criterion.manual:
        return Unit.RATIO
    plain = criterion.unit is Unit.RATIO and not (criterion.metric or "").endswith("_ratio")
    return Unit.COUNT if plain else criterion.unit


def curve_text(criterion: Criterion, language: str) -> str:
    """Return the requirement of a criterion as text."""
    curve, unit = criterion.curve, unit_of(criterion)

    def formatted(value: float) -> str:
        return amount(value, unit, language)

    vi = language != "en"
    sign = "<" if criterion.lower else "≥"
    if isinstance(curve, Threshold):
        return f"{'yêu cầu' if vi else 'required'} {sign} {formatted(curve.limit)}"
    if isinstance(curve, Linear):
        full, zero = ("đủ điểm ở", "không điểm ở") if vi else ("all points at", "none at")
        return f"{full} {formatted(curve.full)}, {zero} {formatted(curve.zero)}"
    if isinstance(curve, Steps):
        of = "số điểm" if vi else "of the points"
        steps = ((formatted(one.limit), number(100 * one.share, language)) for one in curve.steps)
        return "; ".join(f"{sign} {limit}: {percent} % {of}" for limit, percent in steps)
    if isinstance(curve, LogNormal):
        words = "đường log-chuẩn: 0,9 ở {}, 0,5 ở {}" if vi else "log-normal curve: 0.9 at {}, 0.5 at {}"
        return words.format(formatted(curve.p10), formatted(curve.median))
    assert isinstance(curve, Share)  # noqa: S101 - the last of the union
    return "điểm theo tỷ lệ" if vi else "points in proportion"


def basis_text(criterion: Criterion, language: str) -> str:
    """Return the basis of each part of a criterion as text."""
    parts = ((BASIS_PART_TEXTS[part], BASIS_TEXTS[kind]) for part, kind in asdict(criterion.basis).items())
    return ", ".join(f"{part.localize(language)} {kind.localize(language)}" for part, kind in parts)


def excluded_text(excluded: tuple[ExcludedData, ...], language: str) -> str:
    """Return the excluded data with its reasons as text, or an empty text."""
    parts = []
    for one in excluded:
        hours = f"{number(one.ms / 3_600_000, language)} {'h' if language == 'en' else 'giờ'}"
        reason = EXCLUSION_REASON_TEXTS[one.reason].localize(language)
        parts.append(f"{one.attempts or hours} {reason}" + (f" ({one.id})" if one.id else ""))
    return "; ".join(parts)


def criterion_sentence(one: CriterionScore, shortfall: str = "") -> Text:
    """Explain the result of a criterion; *shortfall* is the minimum that was missed: ``coverage`` or ``attempts``."""
    return Text(**{language: _criterion_text(one, language, shortfall) for language in LANGUAGES})


def _criterion_text(one: CriterionScore, language: str, shortfall: str) -> str:
    vi = language != "en"
    criterion, title = one.criterion, one.criterion.title.localize(language)
    maximum = number(criterion.points, language)
    if one.status is CriterionStatus.NOT_MEASURED:
        return (
            f"{title}: không đo tự động và chưa có giá trị nhập tay; {maximum} điểm không tính."
            if vi
            else f"{title}: manual criterion without a value; points not counted: {maximum}."
        )
    if one.status is CriterionStatus.INSUFFICIENT:
        missing = _shortfall_text(one, language, shortfall)
        return f"{title}: {'không đủ dữ liệu' if vi else 'insufficient data'} ({missing})."
    got = f"{number(one.points or 0, language, 4)}/{maximum} {'điểm' if vi else 'points'}"
    value = value_text(one.value or 0, criterion, language)
    if one.entry is not None:
        by = "nhập tay bởi" if vi else "entered by"
        how = f"{by} {one.entry.author}, {one.entry.made.isoformat()}: {one.entry.reason}"
    else:
        how = _measurement_text(one, language)
    data = excluded_text(one.excluded, language)
    excluded = f" {'Không tính' if vi else 'Excluded'}: {data}." if data else ""
    basis = f" {'Căn cứ' if vi else 'Basis'}: {basis_text(criterion, language)}."
    return f"{title}: {value} ({how}); {curve_text(criterion, language)}: {got}.{excluded}{basis}"


def _measurement_text(one: CriterionScore, language: str) -> str:
    vi = language != "en"
    aggregate = one.criterion.aggregate or Aggregate.MEAN
    words = AGGREGATE_TEXTS[aggregate].localize(language)
    if aggregate is Aggregate.SHARE and one.criterion.limit is not None:
        words += f" {amount(one.criterion.limit, one.criterion.unit, language)}"
    covered = amount(one.coverage or 0, Unit.RATIO, language)
    cover = f"{'độ phủ' if vi else 'coverage'} {covered}"
    if aggregate is Aggregate.AVAILABILITY:
        down = number(one.down / 60_000, language)
        lost = f"ngừng {down} phút" if vi else f"{down} minutes down"
        return f"{words}, {lost}, {cover}"
    attempts = f"{one.attempts} lần đo trong {one.days} ngày" if vi else f"{one.attempts} attempts on {one.days} days"
    return f"{words}, {attempts}, {cover}"


def _shortfall_text(one: CriterionScore, language: str, shortfall: str) -> str:
    vi = language != "en"
    criterion = one.criterion
    if shortfall == "coverage":
        have = amount(one.coverage or 0, Unit.RATIO, language)
        want = amount(criterion.min_coverage, Unit.RATIO, language)
        return f"độ phủ {have}, cần {want}" if vi else f"coverage {have}, at least {want} required"
    if vi:
        return f"{one.attempts} lần đo dùng được, cần {criterion.min_attempts}"
    return f"{one.attempts} usable attempts, at least {criterion.min_attempts} required"


def score_sentence(score: Score) -> Text:
    """Explain a portal's score."""
    return Text(**{language: _score_text(score, language) for language in LANGUAGES})


def _score_text(score: Score, language: str) -> str:
    vi = language != "en"
    head = f"{score.name.localize(language)}, {score.rubric.title.localize(language)}, {score.period.name}"
    reason = f" {score.reason.localize(language)}" if score.reason else ""
    if score.status is ScoreStatus.NOT_SCORED:
        return f"{head}: {'không chấm' if vi else 'not scored'}.{reason}"
    if score.shown is None or score.measured is None:
        return f"{head}: {'không đủ dữ liệu' if vi else 'insufficient data'}.{reason}"
    points = f"{_decimal_mark(score.shown, language)}/{number(score.measured, language, 4)}"
    text = f"{head}: {points} {'điểm' if vi else 'points'}"
    if score.measured < score.rubric.points:
        whole = number(score.rubric.points, language, 4)
        text += f" (đo được {points.partition('/')[2]}/{whole})" if vi else f" (of {whole} in the rubric)"
    if score.interval is not None and score.measured:
        ends = (rounded(one * score.measured, 2) for one in (score.interval.low, score.interval.high))
        low, high = (_decimal_mark(one, language) for one in ends)
        text += f", {'khoảng tin cậy 95 %' if vi else '95 % interval'} {low}-{high}"
    if score.grade is not None:
        like = "xếp loại nếu mọi trụ cột đều như trụ cột này" if vi else "grade if all pillars were like this one"
        text += f"; {like}: {score.grade}"
    return f"{text}.{reason}"


def grade_note(rubric: Rubric, language: str) -> str:
    """Return the note that is shown beside a grade: it is not the grade of the set."""
    note = rubric.grades.note if rubric.grades else None
    return note.localize(language) if note else ""


def _decimal_mark(text: str, language: str) -> str:
    return text if language == "en" else text.replace(".", ",")
