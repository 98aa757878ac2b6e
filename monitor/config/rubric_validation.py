"""What the parts of a rubric say about each other: points that add up, metrics that exist, curves the right way up."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise

from monitor.config.diagnostics import ErrorCollector, SourceLocation, did_you_mean
from monitor.config.rubric_models import (
    OUTCOME,
    CriterionBlock,
    LinearBlock,
    LogNormalBlock,
    RubricFile,
    ShareBlock,
    StepsBlock,
    measurable_metrics,
)
from monitor.config.yaml_document import YamlDocument
from monitor.scoring.rubric import STATE_METRIC, Aggregate, Treatment
from probes.metric import Metric, Unit
from probes.registry import PROBE_KINDS

RATIO_AGGREGATES = (Aggregate.AVAILABILITY, Aggregate.SUCCESS, Aggregate.SHARE)
_LOWER_IS_BETTER_UNITS = {Unit.SECONDS, Unit.BYTES}


def unit_of(criterion: CriterionBlock) -> Unit:
    """The unit of a criterion's metric; of a value by hand a ratio."""
    return Unit.RATIO if criterion.by_hand else measurable_metrics().get(criterion.metric or "", Unit.RATIO)


def lower_is_better(criterion: CriterionBlock) -> bool | None:
    """Whether a lower value is the better one; None when neither the unit, the curve nor the file says so."""
    if criterion.aggregate in RATIO_AGGREGATES:
        return False
    if unit_of(criterion) in _LOWER_IS_BETTER_UNITS:
        return True
    if criterion.better is None:
        return False if isinstance(criterion.curve, ShareBlock) else None
    return criterion.better == "lower"


@dataclass(frozen=True, slots=True)
class RubricValidator:
    """Judges one rubric file; what is wrong goes to the ledger."""

    document: YamlDocument
    rubric: RubricFile
    collector: ErrorCollector

    def validate(self, portal_ids: Collection[str]) -> None:
        """Judge the file; ``portals`` are the ids that there are."""
        self._points()
        self._ids()
        self._validity()
        self._grades()
        self._substitute(portal_ids)
        for number, one in enumerate(self.rubric.criteria):
            self._criterion(number, one)

    def _locate(self, *key_path: str | int) -> SourceLocation:
        return self.document.locate(key_path)

    def _points(self) -> None:
        total = math.fsum(one.points for one in self.rubric.criteria)
        if abs(total - self.rubric.points) > 1e-9:  # noqa: PLR2004 - thirds do not add up to the last bit
            words = f"the criteria's points add up to {total:g}, not to {self.rubric.points:g}"
            self.collector.add(self._locate("points"), words)
        if self.rubric.pillar is not None and self.rubric.pillar < self.rubric.points:
            self.collector.add(self._locate("pillar"), "the whole set has fewer points than this pillar of it")

    def _ids(self) -> None:
        seen: set[str] = set()
        for number, one in enumerate(self.rubric.criteria):
            if one.id in seen:
                self.collector.add(
                    self._locate("criteria", number, "id"), f"{one.id!r} is already the id of a criterion"
                )
            seen.add(one.id)

    def _validity(self) -> None:
        valid = self.rubric.valid
        if valid.until is not None and valid.until <= valid.since:
            self.collector.add(self._locate("valid", "until"), "the validity ends before it begins")

    def _grades(self) -> None:
        if self.rubric.grades is None:
            return
        bands = self.rubric.grades.bands
        for number, (better, worse) in enumerate(pairwise(bands), 1):
            if worse.least >= better.least:
                words = f"the grades go from the best to the worst, and {worse.least:g} is not below {better.least:g}"
                self.collector.add(self._locate("grades", "bands", number, "least"), words)

    def _substitute(self, portal_ids: Collection[str]) -> None:
        block = self.rubric.portals
        if block.elsewhere is None:
            for key, treatment in (("redirects", block.redirects), ("retired", block.retired)):
                if treatment is Treatment.ELSEWHERE:
                    self.collector.add(
                        self._locate("portals", key), "missing: 'elsewhere' says on which portal and pages"
                    )
        elif block.elsewhere.portal not in portal_ids:
            name = block.elsewhere.portal
            words = f"no portal has the id {name!r}{did_you_mean(name, portal_ids)}"
            self.collector.add(self._locate("portals", "elsewhere", "portal"), words)

    def _criterion(self, number: int, criterion: CriterionBlock) -> None:
        here = ("criteria", number)
        if criterion.by_hand:
            for key in ("metric", "aggregate", "limit", "profile", "where"):
                if key in criterion.model_fields_set:
                    words = f"a criterion that is by hand has no {key!r}: its value is entered"
                    self.collector.add(self._locate(*here, key), words, at_key=True)
        elif self._has_metric(here, criterion):
            self._aggregate(here, criterion)
            self._where(here, criterion)
        else:
            return
        self._direction(here, criterion)

    def _has_metric(self, key_path: tuple[str | int, ...], criterion: CriterionBlock) -> bool:
        """Whether metric and aggregate are given, and the metric exists."""
        missing = [key for key in ("metric", "aggregate") if getattr(criterion, key) is None]
        for key in missing:
            self.collector.add(self._locate(*key_path), f"missing key {key!r}")
        if criterion.metric is not None and criterion.metric not in measurable_metrics():
            words = f"nobody measures {criterion.metric!r}{did_you_mean(criterion.metric, measurable_metrics())}"
            self.collector.add(self._locate(*key_path, "metric"), words)
            return False
        return not missing

    def _aggregate(self, key_path: tuple[str | int, ...], criterion: CriterionBlock) -> None:
        spot = self._locate(*key_path, "aggregate")
        metric = str(criterion.metric)
        if (criterion.aggregate is Aggregate.AVAILABILITY) != (metric == STATE_METRIC):
            self.collector.add(
                spot,
                f"availability is that of the metric {STATE_METRIC!r}, and {STATE_METRIC!r} has no other aggregate",
            )
        elif (criterion.aggregate is Aggregate.SUCCESS) != metric.endswith(f".{OUTCOME}"):
            self.collector.add(spot, f"success is that of a kind's {OUTCOME!r}, which has no other aggregate")
        if criterion.aggregate is Aggregate.SHARE and criterion.limit is None:
            self.collector.add(spot, "missing: 'limit' says below which value a look counts")
        if criterion.aggregate is not Aggregate.SHARE and criterion.limit is not None:
            words = "only the aggregate share has a limit of looks; the curve has its own"
            self.collector.add(self._locate(*key_path, "limit"), words, at_key=True)

    def _where(self, key_path: tuple[str | int, ...], criterion: CriterionBlock) -> None:
        kind = str(criterion.metric).partition(".")[0]
        known = (
            {metric.name: metric for metric in PROBE_KINDS[kind].metrics if not metric.sum_of}
            if kind in PROBE_KINDS
            else {}
        )
        if criterion.profile is not None and "profile" not in known:
            self.collector.add(self._locate(*key_path, "profile"), f"{kind} has no profiles", at_key=True)
        for key, value in criterion.where.items():
            spot = self._locate(*key_path, "where", key)
            if key not in known:
                self.collector.add(spot, f"{kind} does not measure {key!r}{did_you_mean(key, known)}", at_key=True)
            elif not _is_value_of(known[key], value):
                self.collector.add(
                    spot, f"{spot.display_value()} is no value of {key!r}, which is {_TYPE_NAMES[known[key].type]}"
                )

    def _direction(self, key_path: tuple[str | int, ...], criterion: CriterionBlock) -> None:
        low = lower_is_better(criterion)
        if low is None:
            self.collector.add(
                self._locate(*key_path), "missing key 'better': lower or higher, for the unit does not tell"
            )
            return
        if criterion.better is not None and low != (criterion.better == "lower"):
            word = "lower" if low else "higher"
            self.collector.add(
                self._locate(*key_path, "better"), f"of this metric and aggregate the {word} value is better"
            )
            return
        self._curve((*key_path, "curve"), criterion, is_lower_better=low)

    def _curve(self, key_path: tuple[str | int, ...], criterion: CriterionBlock, *, is_lower_better: bool) -> None:
        curve, word = criterion.curve, "lower" if is_lower_better else "higher"
        if isinstance(curve, LinearBlock) and (
            curve.full >= curve.zero if is_lower_better else curve.full <= curve.zero
        ):
            words = f"full ({curve.full:g}) is not better than zero ({curve.zero:g}): {word} is better"
            self.collector.add(self._locate(*key_path, "full"), words)
        if isinstance(curve, StepsBlock):
            for number, (first, second) in enumerate(pairwise(curve.steps), 1):
                worse = second.limit > first.limit if is_lower_better else second.limit < first.limit
                if not worse or second.share >= first.share:
                    words = f"steps go from the best to the worst, with fewer points each: {word} is better"
                    self.collector.add(self._locate(*key_path, "steps", number), words)
        if isinstance(curve, LogNormalBlock) and (not is_lower_better or curve.p10 >= curve.median):
            words = "a log-normal curve falls: lower is better, and p10 is below median"
            self.collector.add(self._locate(*key_path), words)
        if isinstance(curve, ShareBlock) and (is_lower_better or not _is_ratio(criterion)):
            self.collector.add(self._locate(*key_path), "a share needs a value from 0 to 1 of which more is better")


def _is_ratio(criterion: CriterionBlock) -> bool:
    return criterion.aggregate in RATIO_AGGREGATES or unit_of(criterion) in {Unit.RATIO, Unit.FLAG}


_TYPE_NAMES: dict[type, str] = {bool: "true or false", int: "a number", float: "a number", str: "text"}


def _is_value_of(metric: Metric, value: bool | float | str) -> bool:  # noqa: FBT001 - a value that may be one
    if metric.type is bool or isinstance(value, bool):
        return metric.type is bool and isinstance(value, bool)
    return isinstance(value, str) == (metric.type is str)
