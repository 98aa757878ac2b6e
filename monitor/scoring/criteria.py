"""Score one criterion from its aggregates: check coverage, then apply the curve; missing data is never guessed."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from monitor.model.records import State
from monitor.scoring.bootstrap import apply_curve, confidence_interval, resample
from monitor.scoring.explain import criterion_sentence
from monitor.scoring.results import ConfidenceInterval, CriterionScore, CriterionStatus, ExcludedData, ExclusionReason
from monitor.scoring.rubric import Aggregate, Text
from monitor.scoring.selections import AggregateResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.scoring.bootstrap import Integers
    from monitor.scoring.measured_time import MeasuredTime
    from monitor.scoring.rubric import Criterion, ManualEntry
    from monitor.scoring.selections import SelectionResult

EMPTY_TEXT = Text(vi="", en="")


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionInput:
    """Everything that the score of one criterion of one portal depends on.

    ``selection_result`` and ``aggregate_result`` are None without attempts, ``entry`` without a manual value.
    ``day_draws`` comes from :func:`monitor.scoring.bootstrap.draw_days`, None: no intervals are wanted.
    """

    criterion: Criterion
    measured_time: MeasuredTime
    selection_result: SelectionResult | None = None
    aggregate_result: AggregateResult | None = None
    entry: ManualEntry | None = None
    day_draws: Integers | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredCriterion:
    """The score of a criterion and the shares (0 to 1) of its replicates: None without them, as for a manual one."""

    score: CriterionScore
    shares: tuple[float, ...] | None = None


def score_criterion(inputs: CriterionInput) -> ScoredCriterion:
    """Score one criterion."""
    if inputs.criterion.manual:
        return ScoredCriterion(score=_manual(inputs))
    if inputs.criterion.aggregate is Aggregate.AVAILABILITY:
        result, unscored = _availability(inputs)
    else:
        result, unscored = _from_attempts(inputs)
    return _award_points(inputs, result, unscored)


def _manual(inputs: CriterionInput) -> CriterionScore:
    criterion, entry = inputs.criterion, inputs.entry
    found = CriterionScore(criterion=criterion, status=CriterionStatus.NOT_MEASURED, sentence=EMPTY_TEXT)
    if entry is not None:
        value, share = entry.value, criterion.curve.share(entry.value)
        found = replace(found, status=CriterionStatus.SCORED, entry=entry, value=value)
        found = replace(found, share=share, points=share * criterion.points)
    return replace(found, sentence=criterion_sentence(found))


def _availability(inputs: CriterionInput) -> tuple[AggregateResult, CriterionScore]:
    times = inputs.measured_time
    known = sum(times.known_ms)
    value = sum(times.available_ms) / known if known else None
    result = AggregateResult(value=value, counts=times.known_ms, sums=times.available_ms)
    approved = sorted(times.excluded_ms.items())
    excluded = [
        ExcludedData(reason=ExclusionReason.MAINTENANCE, ms=times.state_ms[State.MAINTENANCE]),
        *(ExcludedData(reason=ExclusionReason.EXCLUDED, ms=ms, id=name) for name, ms in approved),
        ExcludedData(reason=ExclusionReason.STATE_UNKNOWN, ms=times.state_ms[State.UNKNOWN]),
    ]
    unscored = CriterionScore(
        criterion=inputs.criterion,
        status=CriterionStatus.INSUFFICIENT,
        value=value,
        coverage=coverage(times.due_ms, times.known_ms, times.skipped_days),
        days=sum(1 for one in times.known_ms if one),
        up=times.state_ms[State.UP],
        degraded=times.state_ms[State.DEGRADED],
        down=times.state_ms[State.DOWN],
        excluded=tuple(one for one in excluded if one.ms),
        sentence=EMPTY_TEXT,
    )
    return result, unscored


def _from_attempts(inputs: CriterionInput) -> tuple[AggregateResult, CriterionScore]:
    times, found, result = inputs.measured_time, inputs.selection_result, inputs.aggregate_result
    blank = CriterionScore(criterion=inputs.criterion, status=CriterionStatus.INSUFFICIENT, sentence=EMPTY_TEXT)
    if found is None or result is None:
        nothing = [0] * times.days
        share = coverage(nothing, nothing, times.skipped_days)
        return AggregateResult(counts=nothing), replace(blank, coverage=share)
    excluded_days = {day for day in range(times.days) if found.in_excluded_time[day] and not found.due[day]}
    unscored = replace(
        blank,
        value=result.value,
        coverage=coverage(found.due, found.known, times.skipped_days | excluded_days),
        attempts=sum(result.counts),
        days=sum(1 for one in result.counts if one),
        checks=tuple(sorted(found.checks)),
        excluded=found.excluded_data(result),
    )
    return result, unscored


def coverage(due: Sequence[int], known: Sequence[int], skipped_days: set[int]) -> float | None:
    """Return the mean over days of known / due: a day without due attempts counts 0, a skipped day does not count.

    None when no day counts.
    """
    shares = [known[day] / due[day] if due[day] else 0.0 for day in range(len(due)) if day not in skipped_days]
    return math.fsum(shares) / len(shares) if shares else None


def _award_points(inputs: CriterionInput, result: AggregateResult, unscored: CriterionScore) -> ScoredCriterion:
    """Add points to *unscored* when there is enough data."""
    criterion, value = inputs.criterion, unscored.value
    enough_time = unscored.coverage is not None and unscored.coverage >= criterion.min_coverage
    timed = criterion.aggregate is Aggregate.AVAILABILITY
    if value is None or not enough_time or (not timed and unscored.attempts < criterion.min_attempts):
        shortfall = "attempts" if enough_time and not timed else "coverage"
        return ScoredCriterion(score=replace(unscored, sentence=criterion_sentence(unscored, shortfall)))
    share = criterion.curve.share(value)
    found = replace(unscored, status=CriterionStatus.SCORED, share=share, points=share * criterion.points)
    shares: tuple[float, ...] | None = None
    if inputs.day_draws is not None:
        quantile = criterion.aggregate.quantile if criterion.aggregate else None
        values = resample(result, quantile, inputs.day_draws)
        if values is not None:
            shares = tuple(apply_curve(criterion.curve, values))
            found = replace(found, value_interval=confidence_interval(values, value))
            if (bounds := confidence_interval(shares, share)) is not None:
                low, high = bounds.low * criterion.points, bounds.high * criterion.points
                found = replace(found, points_interval=ConfidenceInterval(low=low, high=high))
    return ScoredCriterion(score=replace(found, sentence=criterion_sentence(found)), shares=shares)
