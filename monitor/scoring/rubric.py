"""The records of a rubric: what earns points, how it is measured, and how sure each part of that is."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from monitor.model.records import State, check_name
from probes.metric import Unit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from monitor.scoring.curves import Curve
    from monitor.scoring.periods import Period
    from probes.result import Scalar


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """The same in both languages."""

    vi: str
    en: str

    def localize(self, language: str) -> str:
        """The text in ``vi`` or ``en``."""
        return self.en if language == "en" else self.vi


class Basis(enum.StrEnum):
    """How sure a part of a rubric is, from the surest: written in the official text, read out of it, or our choice."""

    OFFICIAL = "official"
    DERIVED = "derived"
    ASSUMED = "assumed"


class Aggregate(enum.StrEnum):
    """How the looks of a period become one number. Quantiles are exact and interpolated between neighbours."""

    AVAILABILITY = "availability"  # (up + degraded) / (up + degraded + down), of time in confirmed states
    MEAN = "mean"
    MEDIAN = "median"
    P75 = "p75"
    P95 = "p95"
    P99 = "p99"
    MAX = "max"
    SHARE = "share"  # of values below the criterion's limit
    SUCCESS = "success"  # good looks of those that saw anything

    @property
    def quantile(self) -> float | None:
        """Which quantile it is, None for the others."""
        return _QUANTILES.get(self)


_QUANTILES = {Aggregate.MEDIAN: 0.5, Aggregate.P75: 0.75, Aggregate.P95: 0.95, Aggregate.P99: 0.99}

STATE_METRIC = "state"
"""The metric of availability: not of looks, but of confirmed states."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which looks count: of probe ``kind``, at ``pages`` (None: all), with the values of ``where``.

    ``word`` is what the names of its checks begin with: the kind's own, or that of one of its variants (a profile).

    ``confirming``: further looks at the same slot count as well. ``failed``: looks that found the portal down count
    too. Void looks never do.
    """

    kind: str
    word: str
    pages: tuple[str, ...] | None = ("home",)
    where: tuple[tuple[str, Scalar], ...] = ()
    confirming: bool = False
    failed: bool = False

    @property
    def checks(self) -> tuple[str, ...] | None:
        """The names of the checks, None: all of the kind."""
        return None if self.pages is None else tuple(check_name(self.word, page) for page in self.pages)


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionBasis:
    """How sure each part of a criterion is: the limit or curve, which metric is meant, how looks are joined, points."""

    limit: Basis
    metric: Basis
    aggregate: Basis
    points: Basis

    @property
    def weakest(self) -> Basis:
        """The least sure of them, which is how sure the criterion as a whole is."""
        order = list(Basis)
        return max((self.limit, self.metric, self.aggregate, self.points), key=order.index)


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One line of a rubric.

    ``selection`` and ``metric`` (a column of that kind) say what is measured; for availability both are None, for
    success the metric is. A criterion that is ``by_hand`` has neither: its value comes from an :class:`Entry`.
    ``limit`` belongs to the aggregate ``share``. ``coverage`` (0 to 1) and ``looks`` are floors: with less there is
    not enough data for a score. ``lower``: a lower value is the better one.
    """

    id: str
    title: Text
    points: float
    aggregate: Aggregate | None
    curve: Curve
    lower: bool
    unit: Unit = Unit.RATIO
    selection: Selection | None = None
    metric: str | None = None
    profile: str | None = None
    limit: float | None = None
    min_coverage: float = 0.0
    min_attempts: int = 1
    by_hand: bool = False
    basis: CriterionBasis
    source: str
    note: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GradeBand:
    """``grade`` from ``least`` on, in points of a hundred."""

    grade: str
    least: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Grades:
    """The bands of the set, best first, and whether a score is rounded (half to even) before it is compared."""

    bands: tuple[GradeBand, ...]
    decimals: int | None = None
    basis: Basis = Basis.OFFICIAL
    source: str = ""
    note: Text | None = None


class Treatment(enum.StrEnum):
    """What becomes of a portal that redirects or is retired."""

    SKIP = "skip"
    ELSEWHERE = "elsewhere"  # scored on a page of another portal, which the rubric names
    SCORE = "score"


@dataclass(frozen=True, slots=True, kw_only=True)
class Substitute:
    """The portal, and its pages, that stand for one that has no interface of its own any more."""

    portal: str
    pages: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rubric:
    """A way to score, with everything that it was made of.

    ``since`` and ``until`` (excluded) are days of validity in the report zone; None is open. ``digest`` is the SHA-256
    of its meaning in hexadecimal. ``pillar`` is the whole set's points, of which ``points`` are this pillar's, None
    where there is no such set. ``decimals``: how many are shown; nothing is rounded before that.
    """

    id: str
    version: int
    title: Text
    set: Text
    points: float
    since: date
    until: date | None
    criteria: tuple[Criterion, ...]
    source: str
    note: Text | None = None
    pillar: float | None = None
    grades: Grades | None = None
    redirects: Treatment = Treatment.SKIP
    retired: Treatment = Treatment.SKIP
    elsewhere: Substitute | None = None
    decimals: int = 2
    digest: str = ""

    @property
    def key(self) -> str:
        """``id@version``."""
        return f"{self.id}@{self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """Time that an approver took out of scores, or a state that was corrected.

    ``portals`` None: all of them. ``since <= moment < until`` in UTC ms. Without ``state`` the time and its looks leave
    the denominator; with one, the time counts as that state, and looks leave only when it is maintenance or unknown.
    """

    id: str
    portals: frozenset[str] | None
    since_ms: int
    until_ms: int
    reason: str
    approver: str
    approved: date
    state: State | None = None

    @property
    def input_name(self) -> str:
        """What it is called among the inputs of a score."""
        return f"exclusion {self.id}"

    def applies_to(self, portal: str, since_ms: int, until_ms: int) -> bool:
        """Whether it touches a portal within a window."""
        return (
            (self.portals is None or portal in self.portals) and self.since_ms < until_ms and self.until_ms > since_ms
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualEntry:
    """A value that a person found out and stands for. ``since`` and ``until`` (excluded) are days, None is open."""

    rubric: str
    criterion: str
    portal: str
    value: float
    author: str
    reason: str
    made: date
    since: date
    until: date | None = None

    @property
    def input_name(self) -> str:
        """What it is called among the inputs of a score."""
        return f"entry {self.rubric}/{self.criterion}/{self.portal} since {self.since}, made {self.made}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringRules:
    """All that a score depends on beside history; ``digests`` has the SHA-256 of each under its name."""

    rubrics: tuple[Rubric, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    entries: tuple[ManualEntry, ...] = ()
    digests: Mapping[str, str] = field(default_factory=dict)

    def digests_in(self, period: Period) -> dict[str, str]:
        """The digests of the rubrics, and of the exclusions and entries that touch a period."""
        names = [f"rubric {one.key}" for one in self.rubrics]
        names += [
            one.input_name
            for one in self.exclusions
            if one.since_ms < period.until_ms and one.until_ms > period.since_ms
        ]
        names += [
            one.input_name
            for one in self.entries
            if one.since <= period.last and (one.until is None or one.until > period.first)
        ]
        return {name: self.digests[name] for name in names}
