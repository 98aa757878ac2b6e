"""Rubrics and history in, scores out: the plan of what is wanted, one pass over the looks, then points; pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from monitor.model.records import Expect
from monitor.scoring.aggregates import aggregate
from monitor.scoring.bootstrap import REPLICATES, SEED, draws
from monitor.scoring.criteria import UNSAID, Evidence, criterion_score
from monitor.scoring.explain import score_sentence
from monitor.scoring.measured_time import times
from monitor.scoring.results import Book, Score, Verdict
from monitor.scoring.rubric import Text, Treatment
from monitor.scoring.selections import Frame, Need
from monitor.scoring.totals import total

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from monitor.model.records import Portal
    from monitor.scoring.bootstrap import Integers
    from monitor.scoring.criteria import Judged
    from monitor.scoring.periods import Period
    from monitor.scoring.rubric import Criterion, Entry, Exclusion, Rubric, Rules, Selection
    from monitor.scoring.selections import Looked
    from monitor.scoring.source import Changes, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A portal under a rubric: whose looks are taken, at which pages instead of the rubric's own, or why none are."""

    portal: Portal
    rubric: Rubric
    looked_at: str
    pages: tuple[str, ...] | None = None
    skipped: Text | None = None
    reason: Text | None = None

    def need(self, criterion: Criterion) -> Need | None:
        """What the criterion asks of looks; None for availability and for what is entered by hand."""
        if criterion.selection is None or criterion.aggregate is None:
            return None
        selection = criterion.selection
        if self.pages is not None:
            selection = replace(selection, pages=self.pages)
        return Need(selection=selection, metric=criterion.metric, aggregate=criterion.aggregate, limit=criterion.limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """One run over a set of plans: the looks that were taken in, the portals' time, the draws of the bootstrap."""

    looked: Mapping[tuple[Selection, str], Looked]
    frame: Frame
    drawn: Integers | None


def in_force(rubrics: Iterable[Rubric], period: Period) -> tuple[Rubric, ...]:
    """The rubrics whose validity touches the period. When a version changed within it, the old and the new one."""
    return tuple(one for one in rubrics if one.since <= period.last and (one.until is None or one.until > period.first))


def plan(portal: Portal, rubric: Rubric) -> Plan:
    """What the rubric does with a portal."""
    found = Plan(portal=portal, rubric=rubric, looked_at=portal.id)
    if portal.merged_into is not None:
        return replace(found, skipped=_merged(portal.merged_into))
    treatment = {Expect.RETIRED: rubric.retired, Expect.REDIRECTS: rubric.redirects}.get(portal.expect, Treatment.SCORE)
    if treatment is Treatment.SCORE:
        return found
    if treatment is Treatment.SKIP or rubric.elsewhere is None:
        return replace(found, skipped=_RETIRED if portal.expect is Expect.RETIRED else _redirects(portal))
    where = rubric.elsewhere
    return replace(found, looked_at=where.portal, pages=where.pages, reason=_elsewhere(where.portal))


_RETIRED = Text(vi="Giao diện công dân đã đóng.", en="Its citizen interface was closed.")


def _merged(into: str) -> Text:
    return Text(vi=f"Đơn vị đã sáp nhập vào {into}; xem điểm ở đó.", en=f"Merged into {into}: see the score there.")


def _redirects(portal: Portal) -> Text:
    host = portal.redirects_to or ""
    return Text(vi=f"Chuyển người dùng sang {host}.", en=f"It sends its visitors on to {host}.")


def _elsewhere(portal: str) -> Text:
    return Text(vi=f"Chấm trên trang của {portal}.", en=f"Scored on a page of {portal}.")


def score(  # noqa: PLR0913 - all that a score depends on, named where it is asked for
    rules: Rules,
    portals: Sequence[Portal],
    period: Period,
    source: Source,
    now: int,
    *,
    intervals: bool = True,
) -> Book:
    """Score ``portals`` under every rubric of ``rules`` in ``period``, as far as it has elapsed at ``now`` (UTC ms).

    ``intervals`` false leaves the bootstrap out. Raises what ``source`` raises.
    """
    until = period.elapsed(now)
    plans = [plan(portal, rubric) for rubric in rules.rubrics for portal in portals]
    touching = tuple(one for one in rules.exclusions if one.since < until and one.until > period.since)
    drawn = draws(max(1, period.days(until))) if intervals else None
    changes = source.changes(period.since, until)
    found = _run(plans, rules, changes, source, period, until, touching, drawn)
    touched = [one for one in plans if any(_concerns(one, other, period, until) for other in touching)]
    plain = _run(touched, rules, changes, source, period, until, (), drawn) if touched else []
    without = {(one.portal, one.rubric.key): one for one in plain}
    return Book(
        period=period,
        ended=until >= period.until,
        rubrics=rules.rubrics,
        scores=tuple(
            replace(one, without_exclusions=without.get((one.portal, one.rubric.key)), exclusions=_names(one, touching))
            for one in found
        ),
        exclusions=touching,
        seed=SEED,
        replicates=REPLICATES if intervals else 0,
    )


def _concerns(one: Plan, exclusion: Exclusion, period: Period, until: int) -> bool:
    return one.skipped is None and exclusion.concerns(one.looked_at, period.since, until)


def _names(one: Score, touching: Sequence[Exclusion]) -> tuple[str, ...]:
    return tuple(other.id for other in touching if other.concerns(one.looked_at, one.period.since, one.period.until))


def _run(  # noqa: PLR0913, PLR0917 - one pass of score, with and without exclusions
    plans: Sequence[Plan],
    rules: Rules,
    changes: Changes,
    source: Source,
    period: Period,
    until: int,
    exclusions: Sequence[Exclusion],
    drawn: Integers | None,
) -> list[Score]:
    wanted = [one for one in plans if one.skipped is None]
    ids = list(dict.fromkeys(one.looked_at for one in wanted))
    frame = Frame(
        since=period.since, days=period.days(until), times=times(changes, exclusions, ids, period.since, until)
    )
    needs = list(dict.fromkeys(filter(None, (one.need(line) for one in wanted for line in one.rubric.criteria))))
    looked: dict[tuple[Selection, str], Looked] = {}
    if needs and until > period.since:
        kinds = list(dict.fromkeys(one.selection.kind for one in needs))
        with source.looks(kinds, period.since, until, _columns(needs)) as db:
            looked = aggregate(db, needs, frame, intervals=drawn is not None)
    made = Scored(looked=looked, frame=frame, drawn=drawn)
    return [_score(one, rules.entries, period, made) for one in plans]


def _columns(needs: Iterable[Need]) -> list[str]:
    names = ["outcome"]
    for one in needs:
        names += [one.metric] if one.metric else []
        names += [name for name, _ in one.selection.where]
    return list(dict.fromkeys(names))


def _score(one: Plan, entries: Sequence[Entry], period: Period, made: Scored) -> Score:
    name = Text(vi=one.portal.name_vi, en=one.portal.name_en)
    blank = Score(
        portal=one.portal.id, name=name, rubric=one.rubric, period=period, verdict=Verdict.NOT_SCORED,
        looked_at=one.looked_at, reason=one.skipped or one.reason, sentence=UNSAID,
    )  # fmt: skip
    if one.skipped is not None:
        return replace(blank, sentence=score_sentence(blank))
    return total(blank, [_judged(one, criterion, entries, period, made) for criterion in one.rubric.criteria])


def _judged(one: Plan, criterion: Criterion, entries: Sequence[Entry], period: Period, made: Scored) -> Judged:
    need = one.need(criterion)
    looked = made.looked.get((need.selection, one.looked_at)) if need else None
    evidence = Evidence(
        criterion=criterion,
        times=made.frame.times[one.looked_at],
        looked=looked,
        figure=looked.figures[need] if looked and need else None,
        entry=entry_for(entries, one.rubric.id, criterion.id, one.portal.id, period),
        drawn=made.drawn,
    )
    return criterion_score(evidence)


def entry_for(entries: Sequence[Entry], rubric: str, criterion: str, portal: str, period: Period) -> Entry | None:
    """The newest entry that is valid on the period's last day."""
    found = [
        one
        for one in entries
        if (one.rubric, one.criterion, one.portal) == (rubric, criterion, portal)
        and one.since <= period.last
        and (one.until is None or one.until > period.last)
    ]
    return max(found, key=lambda one: (one.made, one.since), default=None)
