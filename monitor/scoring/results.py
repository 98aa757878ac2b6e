"""The records of a score: every figure between the looks and the points, so that anybody can follow it by hand."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitor.scoring.periods import Period
    from monitor.scoring.rubric import Criterion, Exclusion, ManualEntry, Rubric, Text

SCORES_SCHEMA_VERSION = 1
"""Version of the form of these records, as written to JSON."""


class CriterionStatus(enum.StrEnum):
    """What became of a criterion."""

    SCORED = "scored"
    INSUFFICIENT = "insufficient_data"
    NOT_MEASURED = "not_measured"  # by hand, and nobody entered a value


class ScoreStatus(enum.StrEnum):
    """What became of a portal's score."""

    COMPLETE = "complete"  # every criterion that is measured by itself has points
    PARTIAL = "partial"  # some of them have not enough data; the ratio is that of the others
    INSUFFICIENT = "insufficient_data"
    NOT_SCORED = "not_scored"  # by the rubric's own rule: merged, retired, redirecting


class ExclusionReason(enum.StrEnum):
    """Why looks or time were left out."""

    VOID = "void"  # we did not see
    FAILED = "failed"  # the look found the portal down, which availability counts and speed does not
    CONFIRMING = "confirming"  # a further look at the same slot
    OTHER = "other"  # another profile, another run of the same slot
    ABSENT = "absent"  # the look was good and has no such value
    MAINTENANCE = "maintenance"
    EXCLUDED = "excluded"  # an approved exclusion, named in ``id``
    UNKNOWN = "unknown"  # time in no confirmed state


@dataclass(frozen=True, slots=True, kw_only=True)
class ExcludedData:
    """What was left out for one reason: ``looks`` of them, or ``ms`` of time; ``id`` names the exclusion."""

    why: ExclusionReason
    looks: int = 0
    ms: int = 0
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfidenceInterval:
    """Where 95 of 100 resampled periods come out."""

    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionScore:
    """What one criterion came to; nothing is rounded.

    ``value`` is the aggregate in the criterion's unit, ``share`` the curve's answer (0 to 1), ``points`` the share of
    the criterion's points; each is None when it could not be had. ``coverage`` (0 to 1) is the mean over the period's
    days of what was seen of what was due; ``looks`` counts the values that went in, ``days`` the days with any.
    ``up``, ``degraded``, ``down`` are ms of confirmed states for availability. ``checks`` names the checks that gave
    looks. ``sentence`` tells all of that.
    """

    criterion: Criterion
    standing: CriterionStatus
    value: float | None = None
    share: float | None = None
    points: float | None = None
    coverage: float | None = None
    looks: int = 0
    days: int = 0
    up: int = 0
    degraded: int = 0
    down: int = 0
    checks: tuple[str, ...] = ()
    left_out: tuple[ExcludedData, ...] = ()
    value_interval: ConfidenceInterval | None = None
    points_interval: ConfidenceInterval | None = None
    entry: ManualEntry | None = None
    sentence: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One portal under one rubric in one period.

    ``points`` is the sum over scored criteria, ``measured`` the most that these could give, ``ratio`` one by the other;
    all None without a score. ``interval`` bounds the ratio. ``shown`` is ``points`` and ``percent`` a hundred times the
    ratio, rounded half to even, as text: ``17.25``. ``grade`` would be the set's if all its pillars were like this one.
    ``looked_at`` is the portal whose looks were scored. ``without_exclusions`` is the same score as if nobody had
    approved any exclusion, None where none touches it. ``reason`` says why there is no score, or what limits it.
    """

    portal: str
    name: Text
    rubric: Rubric
    period: Period
    verdict: ScoreStatus
    looked_at: str
    reason: Text | None = None
    points: float | None = None
    measured: float | None = None
    ratio: float | None = None
    shown: str | None = None
    percent: str | None = None
    grade: str | None = None
    interval: ConfidenceInterval | None = None
    criteria: tuple[CriterionScore, ...] = ()
    exclusions: tuple[str, ...] = ()
    without_exclusions: Score | None = None
    sentence: Text

    @property
    def profile(self) -> tuple[str, ...]:
        """The criteria that were scored: only scores of the same profile are ranked against each other."""
        return tuple(one.criterion.id for one in self.criteria if one.standing is CriterionStatus.SCORED)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreSet:
    """All scores of one period, in order of rubric and then of the inventory.

    ``exclusions`` holds those that touch the period. ``ended``: the period was over when it was scored.
    """

    period: Period
    ended: bool
    rubrics: tuple[Rubric, ...]
    scores: tuple[Score, ...]
    exclusions: tuple[Exclusion, ...] = ()
    seed: int
    replicates: int
