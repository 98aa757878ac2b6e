"""From evidence to the points of one criterion: coverage first, then the curve; what is missing is never guessed."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from monitor.model.records import State
from monitor.scoring.bootstrap import curved, interval, resampled
from monitor.scoring.explain import criterion_sentence
from monitor.scoring.results import CriterionScore, Interval, Left, LeftOut, Standing
from monitor.scoring.rubric import Aggregate, Text
from monitor.scoring.selections import Figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.scoring.bootstrap import Integers
    from monitor.scoring.measured_time import Times
    from monitor.scoring.rubric import Criterion, Entry
    from monitor.scoring.selections import Looked

UNSAID = Text(vi="", en="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known for one criterion of one portal.

    ``looked`` and ``figure`` are None without looks, ``entry`` without a value by hand. ``drawn`` as
    :func:`monitor.scoring.bootstrap.draws`, None: no intervals are wanted.
    """

    criterion: Criterion
    times: Times
    looked: Looked | None = None
    figure: Figure | None = None
    entry: Entry | None = None
    drawn: Integers | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The score of a criterion and the shares (0 to 1) of its replicates: None where it has none, as by hand."""

    score: CriterionScore
    shares: tuple[float, ...] | None = None


def criterion_score(evidence: Evidence) -> Judged:
    """Judge one criterion."""
    if evidence.criterion.by_hand:
        return Judged(score=_by_hand(evidence))
    if evidence.criterion.aggregate is Aggregate.AVAILABILITY:
        figure, plain = _availability(evidence)
    else:
        figure, plain = _looks(evidence)
    return _pointed(evidence, figure, plain)


def _by_hand(evidence: Evidence) -> CriterionScore:
    criterion, entry = evidence.criterion, evidence.entry
    found = CriterionScore(criterion=criterion, standing=Standing.NOT_MEASURED, sentence=UNSAID)
    if entry is not None:
        share = criterion.curve.share(entry.value)
        found = replace(
            found,
            standing=Standing.SCORED,
            entry=entry,
            value=entry.value,
            share=share,
            points=share * criterion.points,
        )
    return replace(found, sentence=criterion_sentence(found))


def _availability(evidence: Evidence) -> tuple[Figure, CriterionScore]:
    times = evidence.times
    known = sum(times.known)
    value = sum(times.good) / known if known else None
    figure = Figure(value=value, looks=times.known, over=times.good)
    left = [
        LeftOut(why=Left.MAINTENANCE, ms=times.states[State.MAINTENANCE]),
        *(LeftOut(why=Left.EXCLUDED, ms=ms, id=name) for name, ms in sorted(times.excluded.items())),
        LeftOut(why=Left.UNKNOWN, ms=times.states[State.UNKNOWN]),
    ]
    plain = CriterionScore(
        criterion=evidence.criterion,
        standing=Standing.INSUFFICIENT,
        value=value,
        coverage=coverage(times.due, times.known, times.away),
        days=sum(1 for one in times.known if one),
        up=times.states[State.UP],
        degraded=times.states[State.DEGRADED],
        down=times.states[State.DOWN],
        left_out=tuple(one for one in left if one.ms),
        sentence=UNSAID,
    )
    return figure, plain


def _looks(evidence: Evidence) -> tuple[Figure, CriterionScore]:
    times, looked, figure = evidence.times, evidence.looked, evidence.figure
    if looked is None or figure is None:
        figure = Figure(looks=[0] * times.days)
        share = coverage([0] * times.days, [0] * times.days, times.away)
        return figure, CriterionScore(
            criterion=evidence.criterion, standing=Standing.INSUFFICIENT, coverage=share, sentence=UNSAID
        )
    away = times.away | {day for day in range(times.days) if looked.marked[day] and not looked.due[day]}
    plain = CriterionScore(
        criterion=evidence.criterion,
        standing=Standing.INSUFFICIENT,
        value=figure.value,
        coverage=coverage(looked.due, looked.seen, away),
        looks=sum(figure.looks),
        days=sum(1 for one in figure.looks if one),
        checks=tuple(sorted(looked.checks)),
        left_out=looked.left_out(figure),
        sentence=UNSAID,
    )
    return figure, plain


def coverage(due: Sequence[int], seen: Sequence[int], away: set[int]) -> float | None:
    """The mean over days of seen / due: a day without anything due counts 0, one that is ``away`` does not count.

    None when no day counts.
    """
    shares = [seen[day] / due[day] if due[day] else 0.0 for day in range(len(due)) if day not in away]
    return math.fsum(shares) / len(shares) if shares else None


def _pointed(evidence: Evidence, figure: Figure, plain: CriterionScore) -> Judged:
    """Give points when there is enough data."""
    criterion, value = evidence.criterion, plain.value
    enough_time = plain.coverage is not None and plain.coverage >= criterion.coverage
    timed = criterion.aggregate is Aggregate.AVAILABILITY
    if value is None or not enough_time or (not timed and plain.looks < criterion.looks):
        needed = "looks" if enough_time and not timed else "coverage"
        return Judged(score=replace(plain, sentence=criterion_sentence(plain, needed)))
    share = criterion.curve.share(value)
    found = replace(plain, standing=Standing.SCORED, share=share, points=share * criterion.points)
    shares: tuple[float, ...] | None = None
    if evidence.drawn is not None:
        quantile = criterion.aggregate.quantile if criterion.aggregate else None
        values = resampled(figure, quantile, evidence.drawn)
        if values is not None:
            shares = tuple(curved(criterion.curve, values))
            bounds = interval(shares, share)
            found = replace(
                found,
                value_interval=interval(values, value),
                points_interval=bounds
                and Interval(low=bounds.low * criterion.points, high=bounds.high * criterion.points),
            )
    return Judged(score=replace(found, sentence=criterion_sentence(found)), shares=shares)
