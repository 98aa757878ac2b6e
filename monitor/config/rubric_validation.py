"""Check the consistency of a rubric: sum of points, known metrics, direction of curves."""

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
    """Return the unit of a criterion's metric; of a manual value a ratio."""
    return Unit.RATIO if criterion.manual else measurable_metrics().get(criterion.metric or "", Unit.RATIO)


def lower_is_better(criterion: CriterionBlock) -> bool | None:
    """Return whether a lower value is better; None if neither unit, curve nor file determines it."""
    if criterion.aggregate in RATIO_AGGREGATES:
        return False
    if unit_of(criterion) in _LOWER_IS_BETTER_UNITS:
        return True
    if criterion.better is None:
        return False if isinstance(criterion.curve, ShareBlock) else None
    return criterion.better == "lower"


@dataclass(frozen=True, slots=True)
class RubricValidator:
    """Validates one rubric file; errors go to the collector."""

    document: YamlDocument
    rubric: RubricFile
    collector: ErrorCollector

    def validate(self, portal_ids: Collection[str]) -> None:
        """Validate the file; ``portal_ids`` are the ids of the inventory."""
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
            message = f"the criteria's points add up to {total:g}, not to {self.rubric.points:g}"
            self.collector.add(self._locate("points"), message)
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
            if worse.min >= better.min:
                message = f"the grades go from the best to the worst, and {worse.min:g} is not below {better.min:g}"
                self.collector.add(self._locate("grades", "bands", number, "min"), message)

    def _substitute(self, portal_ids: Collection[str]) -> None:
        block = self.rubric.portals
        if block.substitute is None:
            for key, treatment in (("redirects", block.redirects), ("retired", block.retired)):
                if treatment is Treatment.SUBSTITUTE:
                    message = "missing key 'substitute': the portal and pages to score instead"
                    self.collector.add(self._locate("portals", key), message)
        elif block.substitute.portal not in portal_ids:
            name = block.substitute.portal
            message = f"no portal has the id {name!r}{did_you_mean(name, portal_ids)}"
            self.collector.add(self._locate("portals", "substitute", "portal"), message)

    def _criterion(self, number: int, criterion: CriterionBlock) -> None:
        key_path = ("criteria", number)
        if criterion.manual:
            for key in ("metric", "aggregate", "limit", "profile", "where"):
                if key in criterion.model_fields_set:
                    message = f"a manual criterion has no {key!r}: its value is entered"
                    self.collector.add(self._locate(*key_path, key), message, at_key=True)
        elif self._has_metric(key_path, criterion):
            self._aggregate(key_path, criterion)
            self._where(key_path, criterion)
        else:
            return
        self._direction(key_path, criterion)

    def _has_metric(self, key_path: tuple[str | int, ...], criterion: CriterionBlock) -> bool:
        """Return whether metric and aggregate are given and the metric exists."""
        missing = [key for key in ("metric", "aggregate") if getattr(criterion, key) is None]
        for key in missing:
            self.collector.add(self._locate(*key_path), f"missing key {key!r}")
        if criterion.metric is not None and criterion.metric not in measurable_metrics():
            message = f"unknown metric {criterion.metric!r}{did_you_mean(criterion.metric, measurable_metrics())}"
            self.collector.add(self._locate(*key_path, "metric"), message)
            return False
        return not missing

    def _aggregate(self, key_path: tuple[str | int, ...], criterion: CriterionBlock) -> None:
        location = self._locate(*key_path, "aggregate")
        metric = str(criterion.metric)
        if (criterion.aggregate is Aggregate.AVAILABILITY) != (metric == STATE_METRIC):
            self.collector.add(
                location,
                f"availability is that of the metric {STATE_METRIC!r}, and {STATE_METRIC!r} has no other aggregate",
            )
        elif (criterion.aggregate is Aggregate.SUCCESS) != metric.endswith(f".{OUTCOME}"):
            self.collector.add(location, f"success is that of a kind's {OUTCOME!r}, which has no other aggregate")
        if criterion.aggregate is Aggregate.SHARE and criterion.limit is None:
            self.collector.add(location, "missing key 'limit': the value below which an attempt counts")
        if criterion.aggregate is not Aggregate.SHARE and criterion.limit is not None:
            message = "'limit' belongs to the aggregate share; the curve has its own"
            self.collector.add(self._locate(*key_path, "limit"), message, at_key=True)

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
            location = self._locate(*key_path, "where", key)
            if key not in known:
                self.collector.add(location, f"{kind} does not measure {key!r}{did_you_mean(key, known)}", at_key=True)
            elif not _is_value_of(known[key], value):
                self.collector.add(
                    location,
                    f"{location.display_value()} is no value of {key!r}, which is {_TYPE_NAMES[known[key].type]}",
                )

    def _direction(self, key_path: tuple[str | int, ...], criterion: CriterionBlock) -> None:
        lower = lower_is_better(criterion)
        if lower is None:
            self.collector.add(
                self._locate(*key_path), "missing key 'better': lower or higher (the unit does not determine it)"
            )
            return
        if criterion.better is not None and lower != (criterion.better == "lower"):
            word = "lower" if lower else "higher"
            self.collector.add(
                self._locate(*key_path, "better"), f"of this metric and aggregate the {word} value is better"
            )
            return
        self._curve((*key_path, "curve"), criterion, is_lower_better=lower)

    def _curve(self, key_path: tuple[str | int, ...], criterion: CriterionBlock, *, is_lower_better: bool) -> None:
        curve, word = criterion.curve, "lower" if is_lower_better else "higher"
        if isinstance(curve, LinearBlock) and (
            curve.full >= curve.zero if is_lower_better else curve.full <= curve.zero
        ):
            message = f"full ({curve.full:g}) is not better than zero ({curve.zero:g}): {word} is better"
            self.collector.add(self._locate(*key_path, "full"), message)
        if isinstance(curve, StepsBlock):
            for number, (first, second) in enumerate(pairwise(curve.steps), 1):
                worse = second.limit > first.limit if is_lower_better else second.limit < first.limit
                if not worse or second.share >= first.share:
                    message = f"steps go from the best to the worst, with fewer points each: {word} is better"
                    self.collector.add(self._locate(*key_path, "steps", number), message)
        if isinstance(curve, LogNormalBlock) and (not is_lower_better or curve.p10 >= curve.median):
            message = "a log-normal curve falls: lower is better, and p10 is below median"
            self.collector.add(self._locate(*key_path), message)
        if isinstance(curve, ShareBlock) and (is_lower_better or not _is_ratio(criterion)):
            self.collector.add(self._locate(*key_path), "a share needs a value from 0 to 1 of which more is better")


def _is_ratio(criterion: CriterionBlock) -> bool:
    return criterion.aggregate in RATIO_AGGREGATES or unit_of(criterion) in {Unit.RATIO, Unit.FLAG}


_TYPE_NAMES: dict[type, str] = {bool: "true or false", int: "a number", float: "a number", str: "text"}


def _is_value_of(metric: Metric, value: bool | float | str) -> bool:  # noqa: FBT001 - a value that may be one
    if metric.type is bool or isinstance(value, bool):
        return metric.type is bool and isinstance(value, bool)
    return isinstance(value, str) == (metric.type is str)
