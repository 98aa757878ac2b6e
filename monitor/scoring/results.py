"""The records of a score: every intermediate value from attempts to points, so that it can be recomputed by hand."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitor.scoring.periods import Period
    from monitor.scoring.rubric import Criterion, Exclusion, ManualEntry, Rubric, Text

SCORES_SCHEMA_VERSION = 1
"""Schema version of these records in JSON."""


class CriterionStatus(enum.StrEnum):
    """Status of a criterion."""

    SCORED = "scored"
    INSUFFICIENT = "insufficient_data"
    NOT_MEASURED = "not_measured"  # manual, without an entry


class ScoreStatus(enum.StrEnum):
    """Status of a portal's score."""

    COMPLETE = "complete"  # every measured criterion has points
    PARTIAL = "partial"  # some lack data; the ratio is that of the others
    INSUFFICIENT = "insufficient_data"
    NOT_SCORED = "not_scored"  # by rule of the rubric: merged, retired, redirecting


class ExclusionReason(enum.StrEnum):
    """Why attempts or time are excluded."""

    UNKNOWN = "unknown"  # the outcome of the attempt is unknown
    FAILED = "failed"  # outcome down, which counts for availability and not for speed
    CONFIRMING = "confirming"  # a confirmation attempt
    OTHER = "other"  # another profile, another run of the same slot
    ABSENT = "absent"  # outcome up without a value of the metric
    MAINTENANCE = "maintenance"
    EXCLUDED = "excluded"  # an approved exclusion, named in ``id``
    STATE_UNKNOWN = "state_unknown"  # time in no confirmed state


@dataclass(frozen=True, slots=True, kw_only=True)
class ExcludedData:
    """Data excluded for one reason: a number of ``attempts``, or ``ms`` of time; ``id`` names the exclusion."""

    reason: ExclusionReason
    attempts: int = 0
    ms: int = 0
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfidenceInterval:
    """The range of 95 of 100 resampled periods."""

    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionScore:
    """The result of one criterion; nothing is rounded.

    ``value`` is the aggregate in the criterion's unit, ``share`` the share that the curve gives (0 to 1), ``points``
    that share of the criterion's points; each is None when there is none. ``coverage`` (0 to 1) is the mean over the
    period's days of known / due; ``attempts`` counts the values used, ``days`` the days with any. ``up``, ``degraded``,
    ``down`` are ms of confirmed states for availability. ``checks`` names the checks of these attempts. ``sentence``
    explains the result.
    """

    criterion: Criterion
    status: CriterionStatus
    value: float | None = None
    share: float | None = None
    points: float | None = None
    coverage: float | None = None
    attempts: int = 0
    days: int = 0
    up: int = 0
    degraded: int = 0
    down: int = 0
    checks: tuple[str, ...] = ()
    excluded: tuple[ExcludedData, ...] = ()
    value_interval: ConfidenceInterval | None = None
    points_interval: ConfidenceInterval | None = None
    entry: ManualEntry | None = None
    sentence: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One portal under one rubric in one period.

    ``points`` is the sum over scored criteria, ``measured`` their maximum, ``ratio`` the quotient of the two; all None
    without a score. ``interval`` bounds the ratio. ``shown`` is ``points`` and ``percent`` a hundred times the ratio,
    rounded half to even, as text: ``17.25``. ``grade`` would be the set's if all its pillars were like this one.
    ``measured_portal`` is the portal whose attempts were scored. ``without_exclusions`` is the score without any
    approved exclusion, None where none applies. ``reason`` explains why there is no score, or what limits it.
    """

    portal: str
    name: Text
    rubric: Rubric
    period: Period
    status: ScoreStatus
    measured_portal: str
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
        return tuple(one.criterion.id for one in self.criteria if one.status is CriterionStatus.SCORED)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreSet:
    """All scores of one period, in order of rubric and then of the inventory.

    ``exclusions`` holds those that overlap the period. ``ended``: the period was over when it was scored.
    """

    period: Period
    ended: bool
    rubrics: tuple[Rubric, ...]
    scores: tuple[Score, ...]
    exclusions: tuple[Exclusion, ...] = ()
    seed: int
    replicates: int
