"""Compute scores from rubrics and history: plan the aggregates, read the attempts once, then give points; pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from monitor.model.records import Expect
from monitor.scoring.aggregates import aggregate
from monitor.scoring.bootstrap import REPLICATES, SEED, draw_days
from monitor.scoring.criteria import EMPTY_TEXT, CriterionInput, score_criterion
from monitor.scoring.explain import score_sentence
from monitor.scoring.measured_time import measured_times
from monitor.scoring.results import Score, ScoreSet, ScoreStatus
from monitor.scoring.rubric import Text, Treatment
from monitor.scoring.selections import AggregateSpec, ScoringWindow
from monitor.scoring.totals import total_score

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from monitor.model.records import Portal
    from monitor.scoring.bootstrap import Integers
    from monitor.scoring.criteria import ScoredCriterion
    from monitor.scoring.periods import Period
    from monitor.scoring.rubric import Criterion, Exclusion, ManualEntry, Rubric, ScoringRules, Selection
    from monitor.scoring.selections import SelectionResult
    from monitor.scoring.source import ScoringSource, StateHistory


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringPlan:
    """A portal under a rubric: the measured portal, pages that replace the rubric's own, or why it is skipped."""

    portal: Portal
    rubric: Rubric
    measured_portal: str
    pages: tuple[str, ...] | None = None
    skip_reason: Text | None = None
    reason: Text | None = None

    def aggregate_spec(self, criterion: Criterion) -> AggregateSpec | None:
        """Return the aggregate that the criterion needs; None for availability and for manual criteria."""
        if criterion.selection is None or criterion.aggregate is None:
            return None
        selection, metric, limit = criterion.selection, criterion.metric, criterion.limit
        if self.pages is not None:
            selection = replace(selection, pages=self.pages)
        return AggregateSpec(selection=selection, metric=metric, aggregate=criterion.aggregate, limit=limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringRun:
    """One run over a set of plans: the aggregated attempts, the portals' time, the draws of the bootstrap."""

    selections: Mapping[tuple[Selection, str], SelectionResult]
    window: ScoringWindow
    day_draws: Integers | None


def in_force(rubrics: Iterable[Rubric], period: Period) -> tuple[Rubric, ...]:
    """Return the rubrics whose validity overlaps the period, both versions when one changed within it."""
    return tuple(one for one in rubrics if one.since <= period.last and (one.until is None or one.until > period.first))


def scoring_plan(portal: Portal, rubric: Rubric) -> ScoringPlan:
    """Return how the rubric treats a portal."""
    found = ScoringPlan(portal=portal, rubric=rubric, measured_portal=portal.id)
    if portal.merged_into is not None:
        return replace(found, skip_reason=_merged_reason(portal.merged_into))
    treatment = {Expect.RETIRED: rubric.retired, Expect.REDIRECTS: rubric.redirects}.get(portal.expect, Treatment.SCORE)
    if treatment is Treatment.SCORE:
        return found
    if treatment is Treatment.SKIP or rubric.substitute is None:
        reason = _RETIRED_REASON if portal.expect is Expect.RETIRED else _redirect_reason(portal)
        return replace(found, skip_reason=reason)
    other = rubric.substitute
    return replace(found, measured_portal=other.portal, pages=other.pages, reason=_substitute_reason(other.portal))


_RETIRED_REASON = Text(vi="Giao diện công dân đã đóng.", en="Its citizen interface was closed.")


def _merged_reason(into: str) -> Text:
    return Text(vi=f"Đơn vị đã sáp nhập vào {into}; xem điểm ở đó.", en=f"Merged into {into}: see the score there.")


def _redirect_reason(portal: Portal) -> Text:
    host = portal.redirects_to or ""
    return Text(vi=f"Chuyển người dùng sang {host}.", en=f"It redirects to {host}.")


def _substitute_reason(substitute: str) -> Text:
    return Text(vi=f"Chấm trên trang của {substitute}.", en=f"Scored on a page of {substitute}.")


def score(  # noqa: PLR0913 - everything that a score depends on, by keyword
    rules: ScoringRules,
    portals: Sequence[Portal],
    period: Period,
    source: ScoringSource,
    now_ms: int,
    *,
    intervals: bool = True,
) -> ScoreSet:
    """Score *portals* under every rubric of *rules* in *period*, as far as it has elapsed at *now_ms* (UTC).

    ``intervals`` false skips the bootstrap. Raises what *source* raises.
    """
    until = period.elapsed_until(now_ms)
    plans = [scoring_plan(portal, rubric) for rubric in rules.rubrics for portal in portals]
    touching = tuple(one for one in rules.exclusions if one.since_ms < until and one.until_ms > period.since_ms)
    day_draws = draw_days(max(1, period.days(until))) if intervals else None
    history = source.state_history(period.since_ms, until)
    found = _run(plans, rules, history, source, period, until, touching, day_draws)
    touched = [one for one in plans if any(_excludes(one, other, period, until) for other in touching)]
    unexcluded = _run(touched, rules, history, source, period, until, (), day_draws) if touched else []
    without = {(one.portal, one.rubric.key): one for one in unexcluded}
    excluded = [(without.get((one.portal, one.rubric.key)), _exclusion_ids(one, touching)) for one in found]
    return ScoreSet(
        period=period,
        ended=until >= period.until_ms,
        rubrics=rules.rubrics,
        scores=tuple(
            replace(one, without_exclusions=other, exclusions=ids)
            for one, (other, ids) in zip(found, excluded, strict=True)
        ),
        exclusions=touching,
        seed=SEED,
        replicates=REPLICATES if intervals else 0,
    )


def _excludes(one: ScoringPlan, exclusion: Exclusion, period: Period, until_ms: int) -> bool:
    return one.skip_reason is None and exclusion.applies_to(one.measured_portal, period.since_ms, until_ms)


def _exclusion_ids(one: Score, exclusions: Sequence[Exclusion]) -> tuple[str, ...]:
    bounds = one.period.since_ms, one.period.until_ms
    return tuple(other.id for other in exclusions if other.applies_to(one.measured_portal, *bounds))


def _run(  # noqa: PLR0913, PLR0917 - one pass of score, with and without exclusions
    plans: Sequence[ScoringPlan],
    rules: ScoringRules,
    history: StateHistory,
    source: ScoringSource,
    period: Period,
    until_ms: int,
    exclusions: Sequence[Exclusion],
    day_draws: Integers | None,
) -> list[Score]:
    wanted = [one for one in plans if one.skip_reason is None]
    ids = list(dict.fromkeys(one.measured_portal for one in wanted))
    times = measured_times(history, exclusions, ids, period.since_ms, until_ms)
    window = ScoringWindow(since_ms=period.since_ms, days=period.days(until_ms), measured_times=times)
    needed = (one.aggregate_spec(line) for one in wanted for line in one.rubric.criteria)
    specs = list(dict.fromkeys(filter(None, needed)))
    results: dict[tuple[Selection, str], SelectionResult] = {}
    if specs and until_ms > period.since_ms:
        kinds = list(dict.fromkeys(one.selection.kind for one in specs))
        with source.attempts(kinds, period.since_ms, until_ms, _columns(specs)) as db:
            results = aggregate(db, specs, window, intervals=day_draws is not None)
    run = ScoringRun(selections=results, window=window, day_draws=day_draws)
    return [_score(one, rules.entries, period, run) for one in plans]


def _columns(specs: Iterable[AggregateSpec]) -> list[str]:
    names = ["outcome"]
    for one in specs:
        names += [one.metric] if one.metric else []
        names += [name for name, _ in one.selection.where]
    return list(dict.fromkeys(names))


def _score(one: ScoringPlan, entries: Sequence[ManualEntry], period: Period, run: ScoringRun) -> Score:
    name = Text(vi=one.portal.name_vi, en=one.portal.name_en)
    blank = Score(
        portal=one.portal.id, name=name, rubric=one.rubric, period=period, status=ScoreStatus.NOT_SCORED,
        measured_portal=one.measured_portal, reason=one.skip_reason or one.reason, sentence=EMPTY_TEXT,
    )  # fmt: skip
    if one.skip_reason is not None:
        return replace(blank, sentence=score_sentence(blank))
    return total_score(blank, [_scored_criterion(one, line, entries, period, run) for line in one.rubric.criteria])


def _scored_criterion(
    one: ScoringPlan, criterion: Criterion, entries: Sequence[ManualEntry], period: Period, run: ScoringRun
) -> ScoredCriterion:
    spec = one.aggregate_spec(criterion)
    result = run.selections.get((spec.selection, one.measured_portal)) if spec else None
    inputs = CriterionInput(
        criterion=criterion,
        measured_time=run.window.measured_times[one.measured_portal],
        selection_result=result,
        aggregate_result=result.aggregates[spec] if result and spec else None,
        entry=entry_for(entries, one.rubric.id, criterion.id, one.portal.id, period),
        day_draws=run.day_draws,
    )
    return score_criterion(inputs)


def entry_for(
    entries: Sequence[ManualEntry], rubric: str, criterion: str, portal: str, period: Period
) -> ManualEntry | None:
    """Return the newest entry that is valid on the period's last day."""
    found = [
        one
        for one in entries
        if (one.rubric, one.criterion, one.portal) == (rubric, criterion, portal)
        and one.since <= period.last
        and (one.until is None or one.until > period.last)
    ]
    return max(found, key=lambda one: (one.made, one.since), default=None)
