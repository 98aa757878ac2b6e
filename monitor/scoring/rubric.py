"""The records of a rubric: criteria, their points and measurement, and the basis of each part."""

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
    """One text in both languages."""

    vi: str
    en: str

    def localize(self, language: str) -> str:
        """Return the text in ``vi`` or ``en``."""
        return self.en if language == "en" else self.vi


class Basis(enum.StrEnum):
    """Basis of a part of a rubric, the surest first: official text, interpretation of it, or our choice."""

    OFFICIAL = "official"
    DERIVED = "derived"
    ASSUMED = "assumed"


class Aggregate(enum.StrEnum):
    """How the attempts of a period become one number. Quantiles are exact and interpolated between neighbours."""

    AVAILABILITY = "availability"  # (up + degraded) / (up + degraded + down), of time in confirmed states
    MEAN = "mean"
    MEDIAN = "median"
    P75 = "p75"
    P95 = "p95"
    P99 = "p99"
    MAX = "max"
    SHARE = "share"  # of values below the criterion's limit
    SUCCESS = "success"  # successful attempts of those with a known outcome

    @property
    def quantile(self) -> float | None:
        """The quantile, None for other aggregates."""
        return _QUANTILES.get(self)


_QUANTILES = {Aggregate.MEDIAN: 0.5, Aggregate.P75: 0.75, Aggregate.P95: 0.95, Aggregate.P99: 0.99}

STATE_METRIC = "state"
"""The metric of availability: it is computed from confirmed states, not from attempts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which attempts count: of probe ``kind``, at ``pages`` (None: all), with the values of ``where``.

    ``check_prefix`` is the prefix of its check names: that of the kind, or of one of its variants (a profile).

    ``confirming``: confirmation attempts count as well. ``failed``: attempts with outcome down count as well. Unknown
    outcomes never count.
    """

    kind: str
    check_prefix: str
    pages: tuple[str, ...] | None = ("home",)
    where: tuple[tuple[str, Scalar], ...] = ()
    confirming: bool = False
    failed: bool = False

    @property
    def checks(self) -> tuple[str, ...] | None:
        """The names of the checks, None: all checks of the kind."""
        return None if self.pages is None else tuple(check_name(self.check_prefix, page) for page in self.pages)


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionBasis:
    """Basis of each part of a criterion: the limit or curve, the metric that is meant, the aggregate, the points."""

    limit: Basis
    metric: Basis
    aggregate: Basis
    points: Basis

    @property
    def weakest(self) -> Basis:
        """The least sure of them, which is the basis of the criterion as a whole."""
        order = list(Basis)
        return max((self.limit, self.metric, self.aggregate, self.points), key=order.index)


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One line of a rubric.

    ``selection`` and ``metric`` (a column of that kind) define what is measured; for availability both are None, for
    success the metric is. A ``manual`` criterion has neither: its value comes from a :class:`ManualEntry`.
    ``limit`` belongs to the aggregate ``share``. With less than ``min_coverage`` (0 to 1) or ``min_attempts`` there is
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
    manual: bool = False
    basis: CriterionBasis
    source: str
    note: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GradeBand:
    """``grade`` from ``min`` points of a hundred on."""

    grade: str
    min: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Grades:
    """The grade bands of the set, best first; ``decimals``: a score is rounded (half to even) before the comparison."""

    bands: tuple[GradeBand, ...]
    decimals: int | None = None
    basis: Basis = Basis.OFFICIAL
    source: str = ""
    note: Text | None = None


class Treatment(enum.StrEnum):
    """How a portal that redirects or is retired is scored."""

    SKIP = "skip"
    SUBSTITUTE = "substitute"  # scored on a page of another portal, which the rubric names
    SCORE = "score"


@dataclass(frozen=True, slots=True, kw_only=True)
class Substitute:
    """The portal, and its pages, that are scored for a portal without an interface."""

    portal: str
    pages: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rubric:
    """A set of criteria with its validity, sources and rules.

    ``since`` and ``until`` (excluded) are days of validity in the report zone; None is open. ``digest`` is the SHA-256
    of its content in hexadecimal. ``pillar`` is the points of the whole set, of which ``points`` are this pillar's,
    None where there is no such set. ``decimals``: number of decimals shown; nothing is rounded before that.
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
    substitute: Substitute | None = None
    decimals: int = 2
    digest: str = ""

    @property
    def key(self) -> str:
        """``id@version``."""
        return f"{self.id}@{self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """Time that an approver excluded from scores, or a state that was corrected.

    ``portals`` None: all portals. ``since_ms <= time < until_ms`` in UTC ms. Without ``state`` the time and its
    attempts leave the denominator; with one, the time counts as that state, and attempts leave only when it is
    maintenance or unknown.
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
        """Its name among the inputs of a score."""
        return f"exclusion {self.id}"

    def applies_to(self, portal: str, since_ms: int, until_ms: int) -> bool:
        """Return whether it overlaps a window of *portal*."""
        overlaps = self.since_ms < until_ms and self.until_ms > since_ms
        return overlaps and (self.portals is None or portal in self.portals)


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualEntry:
    """A value entered by its author. ``since`` and ``until`` (excluded) are days, None is open."""

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
        """Its name among the inputs of a score."""
        return f"entry {self.rubric}/{self.criterion}/{self.portal} since {self.since}, made {self.made}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringRules:
    """Everything that a score depends on beside history; ``digests`` maps each input name to its SHA-256."""

    rubrics: tuple[Rubric, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    entries: tuple[ManualEntry, ...] = ()
    digests: Mapping[str, str] = field(default_factory=dict)

    def digests_in(self, period: Period) -> dict[str, str]:
        """Return the digests of the rubrics, and of the exclusions and entries that overlap *period*."""
        names = [f"rubric {one.key}" for one in self.rubrics]
        since, until = period.since_ms, period.until_ms
        names += [one.input_name for one in self.exclusions if one.since_ms < until and one.until_ms > since]
        entries = (one for one in self.entries if one.since <= period.last)
        names += [one.input_name for one in entries if one.until is None or one.until > period.first]
        return {name: self.digests[name] for name in names}
