"""Define the models of rubrics, exclusions and entries; ``rubric_validation.py`` checks their consistency."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, WithJsonSchema

from monitor.config.portals import Block
from monitor.config.value_types import PageRole, PageSelection, PortalSelection, Slug
from monitor.model.records import State
from monitor.scoring.rubric import STATE_METRIC, Aggregate, Basis, Treatment
from probes.metric import Unit
from probes.registry import PROBE_KINDS

DURATION, OUTCOME = "duration", "outcome"
"""Metrics of every kind beside its own: duration and success of a probe."""


def measurable_metrics() -> dict[str, Unit]:
    """Return every metric that a criterion may use, ``kind.metric``, with its unit."""
    found = {STATE_METRIC: Unit.RATIO}
    for kind, probe in PROBE_KINDS.items():
        found |= {f"{kind}.{DURATION}": Unit.SECONDS, f"{kind}.{OUTCOME}": Unit.RATIO}
        found |= {f"{kind}.{one.name}": one.unit for one in probe.metrics if one.type is not str and not one.sum_of}
    return found


def _reject_boolean(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("expected a number, got a boolean")  # noqa: TRY004 - pydantic wants a ValueError
    return value


def _identifier(value: str) -> str:
    if not value.replace("-", "").replace("_", "").isalnum() or not value.isascii() or len(value) > 64:  # noqa: PLR2004
        raise ValueError(f"{value!r} is not a name of at most 64 letters, digits, hyphens and underscores")
    return value


def _non_empty(value: tuple[object, ...]) -> tuple[object, ...]:
    if not value:
        raise ValueError("the list is empty")
    return value


NonEmpty = AfterValidator(_non_empty)
Number = Annotated[float, Field(allow_inf_nan=False), BeforeValidator(_reject_boolean)]
Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False), BeforeValidator(_reject_boolean)]
Points = Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False), BeforeValidator(_reject_boolean)]
Identifier = Annotated[str, AfterValidator(_identifier)]
MetricName = Annotated[str, WithJsonSchema({"type": "string", "enum": list(measurable_metrics())})]
NonEmptyText = Annotated[str, Field(min_length=1, max_length=2000)]


class TextBlock(Block):
    """A text in both languages."""

    vi: NonEmptyText
    en: NonEmptyText


class ThresholdBlock(Block):
    """All points on the better side of ``limit``. Where lower is better the limit itself gives none."""

    kind: Literal["threshold"]
    limit: Number = Field(description="In the unit of the value.")


class LinearBlock(Block):
    """All points at ``full``, none at ``zero``."""

    kind: Literal["linear"]
    full: Number
    zero: Number


class StepBlock(Block):
    """A part of the points on the better side of ``limit``."""

    limit: Number
    share: Fraction


class StepsBlock(Block):
    """The points of the first step, from the best, on whose better side the value is."""

    kind: Literal["steps"]
    steps: Annotated[tuple[StepBlock, ...], NonEmpty]


class ShareBlock(Block):
    """The value is the share of the points."""

    kind: Literal["share"]


class LogNormalBlock(Block):
    """Lighthouse's curve: 0.9 at ``p10``, 0.5 at ``median``."""

    kind: Literal["lognormal"]
    p10: Annotated[Number, Field(gt=0)]
    median: Annotated[Number, Field(gt=0)]


def _curve_kind(value: object) -> str:
    return f"<{value.get('kind') if isinstance(value, dict) else getattr(value, 'kind', '')}>"


CurveBlock = Annotated[
    Annotated[ThresholdBlock, Tag("<threshold>")]
    | Annotated[LinearBlock, Tag("<linear>")]
    | Annotated[StepsBlock, Tag("<steps>")]
    | Annotated[ShareBlock, Tag("<share>")]
    | Annotated[LogNormalBlock, Tag("<lognormal>")],
    Discriminator(
        _curve_kind,
        custom_error_type="curve_kind",
        custom_error_message="must have a kind: threshold, linear, steps, share or lognormal",
    ),
]


class BasisBlock(Block):
    """Basis of each part: written in the official text, derived from it, or assumed by us."""

    limit: Basis = Field(description="The limit or the curve.")
    metric: Basis = Field(description="Which metric is meant.")
    aggregate: Basis = Field(description="How the measurements of a period become one number.")
    points: Basis = Field(description="How many points it gives.")


class CriterionBlock(Block):
    """One line of a rubric."""

    id: Identifier
    title: TextBlock
    points: Points
    manual: bool = Field(default=False, description="The value is entered by a person, see config/entries.")
    metric: MetricName | None = Field(None, description="kind.metric, or state for availability.")
    pages: PageSelection = Field(("home",), description="Roles of pages, or all.")
    profile: str | None = Field(None, description="Device profile, of kinds that have one.")
    where: dict[str, bool | float | str] = Field(
        default_factory=dict, description="Measurements with these values only."
    )
    attempts: Literal["good", "seen"] = Field("good", description="seen: also those with outcome down.")
    confirming: bool = Field(default=False, description="Whether confirmation attempts count.")
    aggregate: Aggregate | None = None
    limit: Number | None = Field(None, description="Of the aggregate share: attempts below it count.")
    better: Literal["lower", "higher"] | None = Field(None, description="Only where the unit does not determine it.")
    curve: CurveBlock
    coverage: Fraction = Field(0.75, description="With less coverage there is not enough data.")
    min_attempts: int = Field(1, ge=1, description="With fewer values there is not enough data.")
    basis: BasisBlock
    source: NonEmptyText
    note: TextBlock | None = None


class BandBlock(Block):
    """``grade`` from ``min`` points of a hundred on."""

    grade: NonEmptyText
    min: Annotated[Number, Field(ge=0, le=100)]


class GradesBlock(Block):
    """The grade bands of the set, the best first."""

    bands: Annotated[tuple[BandBlock, ...], NonEmpty]
    rounded_to: int | None = Field(None, ge=0, le=6, description="Decimals before comparing; none: unrounded.")
    basis: Basis
    source: NonEmptyText
    note: TextBlock | None = None


class ValidBlock(Block):
    """Valid from ``since`` on, until the day before ``until``."""

    since: date
    until: date | None = None


class SubstituteBlock(Block):
    """The portal, and its pages, that are scored instead of a closed interface."""

    portal: Slug
    pages: Annotated[tuple[PageRole, ...], NonEmpty] = ("home",)


class PortalsBlock(Block):
    """Treatment of portals that redirect or are retired."""

    redirects: Treatment = Treatment.SKIP
    retired: Treatment = Treatment.SKIP
    substitute: SubstituteBlock | None = None


class RubricFile(Block):
    """A file of ``config/rubrics``."""

    id: Identifier
    version: int = Field(ge=1, description="A changed rubric is a new version with another validity.")
    title: TextBlock
    set: TextBlock = Field(description="The set of criteria that it belongs to.")
    points: Points = Field(description="What the criteria's points add up to.")
    pillar: Points | None = Field(None, description="Points of the whole set, of which these are a pillar's.")
    valid: ValidBlock
    portals: PortalsBlock = PortalsBlock()
    grades: GradesBlock | None = None
    decimals: int = Field(2, ge=0, le=6, description="Shown decimals; half to even, at the end only.")
    source: NonEmptyText
    note: TextBlock | None = None
    criteria: Annotated[tuple[CriterionBlock, ...], NonEmpty]


def _reject_bare_date(value: object) -> object:
    if type(value) is date:
        raise ValueError(f"{value.isoformat()!r} is not a day with a time such as 2026-08-14 01:00")
    return value


ExclusionTime = Annotated[datetime, BeforeValidator(_reject_bare_date, json_schema_input_type=str)]


class ExclusionBlock(Block):
    """Time excluded from scores, or a corrected state. Times without a zone are in the report zone."""

    id: Slug
    portals: PortalSelection
    since: ExclusionTime
    until: ExclusionTime
    reason: NonEmptyText
    approver: NonEmptyText
    approved: date
    state: State | None = Field(None, description="Count the time as this state instead of excluding it.")


class ExclusionsFile(Block):
    """A file of ``config/exclusions``."""

    exclusions: tuple[ExclusionBlock, ...]


class EntryBlock(Block):
    """A value that a person determined."""

    rubric: Identifier
    criterion: Identifier
    portal: Slug
    value: Number
    author: NonEmptyText
    reason: NonEmptyText
    made: date
    valid: ValidBlock


class EntriesFile(Block):
    """A file of ``config/entries``."""

    entries: tuple[EntryBlock, ...]


MODELS: dict[str, Any] = {"rubric": RubricFile, "exclusions": ExclusionsFile, "entries": EntriesFile}
"""Models of the files with a separate JSON Schema, by the name given on the command line."""
