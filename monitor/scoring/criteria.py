"""From evidence to the points of one criterion: coverage first, then the curve; what is missing is never guessed."""

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
    """What is known for one criterion of one portal.

    ``looked`` and ``figure`` are None without looks, ``entry`` without a value by hand. ``drawn`` as
    :func:`monitor.scoring.bootstrap.draws`, None: no intervals are wanted.
    """

    criterion: Criterion
    measured_time: MeasuredTime
    selection_result: SelectionResult | None = None
    aggregate_result: AggregateResult | None = None
    entry: ManualEntry | None = None
    day_draws: Integers | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredCriterion:
    """The score of a criterion and the shares (0 to 1) of its replicates: None where it has none, as by hand."""

    score: CriterionScore
    shares: tuple[float, ...] | None = None


def score_criterion(inputs: CriterionInput) -> ScoredCriterion:
    """Judge one criterion."""
    if inputs.criterion.by_hand:
        return ScoredCriterion(score=_manual(inputs))
    if inputs.criterion.aggregate is Aggregate.AVAILABILITY:
        figure, plain = _availability(inputs)
    else:
        figure, plain = _from_attempts(inputs)
    return _award_points(inputs, figure, plain)


def _manual(inputs: CriterionInput) -> CriterionScore:
    criterion, entry = inputs.criterion, inputs.entry
    found = CriterionScore(criterion=criterion, standing=CriterionStatus.NOT_MEASURED, sentence=EMPTY_TEXT)
    if entry is not None:
        share = criterion.curve.share(entry.value)
        found = replace(
            found,
            standing=CriterionStatus.SCORED,
            entry=entry,
            value=entry.value,
            share=share,
            points=share * criterion.points,
        )
    return replace(found, sentence=criterion_sentence(found))


def _availability(inputs: CriterionInput) -> tuple[AggregateResult, CriterionScore]:
    times = inputs.measured_time
    known = sum(times.known_ms)
    value = sum(times.available_ms) / known if known else None
    figure = AggregateResult(value=value, counts=times.known_ms, sums=times.available_ms)
    left = [
        ExcludedData(why=ExclusionReason.MAINTENANCE, ms=times.state_ms[State.MAINTENANCE]),
        *(ExcludedData(why=ExclusionReason.EXCLUDED, ms=ms, id=name) for name, ms in sorted(times.excluded_ms.items())),
        ExcludedData(why=ExclusionReason.UNKNOWN, ms=times.state_ms[State.UNKNOWN]),
    ]
    plain = CriterionScore(
        criterion=inputs.criterion,
        standing=CriterionStatus.INSUFFICIENT,
        value=value,
        coverage=coverage(times.due_ms, times.known_ms, times.skipped_days),
        days=sum(1 for one in times.known_ms if one),
        up=times.state_ms[State.UP],
        degraded=times.state_ms[State.DEGRADED],
        down=times.state_ms[State.DOWN],
        left_out=tuple(one for one in left if one.ms),
        sentence=EMPTY_TEXT,
    )
    return figure, plain


def _from_attempts(inputs: CriterionInput) -> tuple[AggregateResult, CriterionScore]:
    times, looked, figure = inputs.measured_time, inputs.selection_result, inputs.aggregate_result
    if looked is None or figure is None:
        figure = AggregateResult(counts=[0] * times.days)
        share = coverage([0] * times.days, [0] * times.days, times.skipped_days)
        return figure, CriterionScore(
            criterion=inputs.criterion, standing=CriterionStatus.INSUFFICIENT, coverage=share, sentence=EMPTY_TEXT
        )
    away = times.skipped_days | {
        day for day in range(times.days) if looked.in_excluded_time[day] and not looked.due[day]
    }
    plain = CriterionScore(
        criterion=inputs.criterion,
        standing=CriterionStatus.INSUFFICIENT,
        value=figure.value,
        coverage=coverage(looked.due, looked.known, away),
        looks=sum(figure.counts),
        days=sum(1 for one in figure.counts if one),
        checks=tuple(sorted(looked.checks)),
        left_out=looked.excluded_data(figure),
        sentence=EMPTY_TEXT,
    )
    return figure, plain


def coverage(due: Sequence[int], known: Sequence[int], skipped_days: set[int]) -> float | None:
    """The mean over days of seen / due: a day without anything due counts 0, one that is ``away`` does not count.

    None when no day counts.
    """
    shares = [known[day] / due[day] if due[day] else 0.0 for day in range(len(due)) if day not in skipped_days]
    return math.fsum(shares) / len(shares) if shares else None


def _award_points(inputs: CriterionInput, result: AggregateResult, unscored: CriterionScore) -> ScoredCriterion:
    """Give points when there is enough data."""
    criterion, value = inputs.criterion, unscored.value
    enough_time = unscored.coverage is not None and unscored.coverage >= criterion.min_coverage
    timed = criterion.aggregate is Aggregate.AVAILABILITY
    if value is None or not enough_time or (not timed and unscored.looks < criterion.min_attempts):
        needed = "looks" if enough_time and not timed else "coverage"
        return ScoredCriterion(score=replace(unscored, sentence=criterion_sentence(unscored, needed)))
    share = criterion.curve.share(value)
    found = replace(unscored, standing=CriterionStatus.SCORED, share=share, points=share * criterion.points)
    shares: tuple[float, ...] | None = None
    if inputs.day_draws is not None:
        quantile = criterion.aggregate.quantile if criterion.aggregate else None
        values = resample(result, quantile, inputs.day_draws)
        if values is not None:
            shares = tuple(apply_curve(criterion.curve, values))
            bounds = confidence_interval(shares, share)
            found = replace(
                found,
                value_interval=confidence_interval(values, value),
                points_interval=bounds
                and ConfidenceInterval(low=bounds.low * criterion.points, high=bounds.high * criterion.points),
            )
    return ScoredCriterion(score=replace(found, sentence=criterion_sentence(found)), shares=shares)
