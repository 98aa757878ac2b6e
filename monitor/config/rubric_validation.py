"""Check the consistency of a rubric: sum of points, known metrics, direction of curves."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise

from monitor.config import rubric_models as models
from monitor.config.diagnostics import ErrorCollector, KeyPath, SourceLocation, did_you_mean
from monitor.config.yaml_document import YamlDocument
from monitor.scoring.rubric import STATE_METRIC, Aggregate, Treatment
from probes.metric import Metric, Unit
from probes.registry import PROBE_KINDS

RATIO_AGGREGATES = (Aggregate.AVAILABILITY, Aggregate.SUCCESS, Aggregate.SHARE)
_LOWER_IS_BETTER_UNITS = {Unit.SECONDS, Unit.BYTES}


def unit_of(criterion: models.CriterionBlock) -> Unit:
    """Return the unit of a criterion's metric; of a manual value a ratio."""
    return Unit.RATIO if criterion.manual else models.measurable_metrics().get(criterion.metric or "", Unit.RATIO)


def lower_is_better(criterion: models.CriterionBlock) -> bool | None:
    """Return whether a lower value is better; None if neither unit, curve nor file determines it."""
    if criterion.aggregate in RATIO_AGGREGATES:
        return False
    if unit_of(criterion) in _LOWER_IS_BETTER_UNITS:
        return True
    if criterion.better is None:
        return False if isinstance(criterion.curve, models.ShareBlock) else None
    return criterion.better == "lower"


@dataclass(frozen=True, slots=True)
class RubricValidator:
    """Validates one rubric file; errors go to the collector."""

    document: YamlDocument
    rubric: models.RubricFile
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

    def _add(self, message: str, *key_path: str | int, at_key: bool = False) -> None:
        self.collector.add(self._locate(*key_path), message, at_key=at_key)

    def _points(self) -> None:
        points, pillar = self.rubric.points, self.rubric.pillar
        total = math.fsum(one.points for one in self.rubric.criteria)
        if abs(total - points) > 1e-9:  # noqa: PLR2004 - thirds do not add up to the last bit
            self._add(f"the criteria's points add up to {total:g}, not to {points:g}", "points")
        if pillar is not None and pillar < points:
            self._add("the whole set has fewer points than this pillar of it", "pillar")

    def _ids(self) -> None:
        seen: set[str] = set()
        for number, one in enumerate(self.rubric.criteria):
            if one.id in seen:
                self._add(f"{one.id!r} is already the id of a criterion", "criteria", number, "id")
            seen.add(one.id)

    def _validity(self) -> None:
        valid = self.rubric.valid
        if valid.until is not None and valid.until <= valid.since:
            self._add("the validity ends before it begins", "valid", "until")

    def _grades(self) -> None:
        bands = self.rubric.grades.bands if self.rubric.grades else ()
        for number, (better, worse) in enumerate(pairwise(bands), 1):
            if worse.min >= better.min:
                message = f"the grades go from the best to the worst, and {worse.min:g} is not below {better.min:g}"
                self._add(message, "grades", "bands", number, "min")

    def _substitute(self, portal_ids: Collection[str]) -> None:
        block = self.rubric.portals
        if block.substitute is None:
            for key, treatment in (("redirects", block.redirects), ("retired", block.retired)):
                if treatment is Treatment.SUBSTITUTE:
                    self._add("missing key 'substitute': the portal and pages to score instead", "portals", key)
        elif (name := block.substitute.portal) not in portal_ids:
            message = f"no portal has the id {name!r}{did_you_mean(name, portal_ids)}"
            self._add(message, "portals", "substitute", "portal")

    def _criterion(self, number: int, criterion: models.CriterionBlock) -> None:
        key_path = ("criteria", number)
        if criterion.manual:
            for key in ("metric", "aggregate", "limit", "profile", "where"):
                if key in criterion.model_fields_set:
                    message = f"a manual criterion has no {key!r}: its value is entered"
                    self._add(message, *key_path, key, at_key=True)
        elif self._has_metric(key_path, criterion):
            self._aggregate(key_path, criterion)
            self._where(key_path, criterion)
        else:
            return
        self._direction(key_path, criterion)

    def _has_metric(self, key_path: KeyPath, criterion: models.CriterionBlock) -> bool:
        """Return whether metric and aggregate are given and the metric exists."""
        missing = [key for key in ("metric", "aggregate") if getattr(criterion, key) is None]
        for key in missing:
            self._add(f"missing key {key!r}", *key_path)
        name, known = criterion.metric, models.measurable_metrics()
        if name is not None and name not in known:
            self._add(f"unknown metric {name!r}{did_you_mean(name, known)}", *key_path, "metric")
            return False
        return not missing

    def _aggregate(self, key_path: KeyPath, criterion: models.CriterionBlock) -> None:
        place = (*key_path, "aggregate")
        metric, aggregate = str(criterion.metric), criterion.aggregate
        if (aggregate is Aggregate.AVAILABILITY) != (metric == STATE_METRIC):
            name = repr(STATE_METRIC)
            self._add(f"availability is that of the metric {name}, and {name} has no other aggregate", *place)
        elif (aggregate is Aggregate.SUCCESS) != metric.endswith(f".{models.OUTCOME}"):
            self._add(f"success is that of a kind's {models.OUTCOME!r}, which has no other aggregate", *place)
        if aggregate is Aggregate.SHARE and criterion.limit is None:
            self._add("missing key 'limit': the value below which an attempt counts", *place)
        if aggregate is not Aggregate.SHARE and criterion.limit is not None:
            message = "'limit' belongs to the aggregate share; the curve has its own"
            self._add(message, *key_path, "limit", at_key=True)

    def _where(self, key_path: KeyPath, criterion: models.CriterionBlock) -> None:
        kind = str(criterion.metric).partition(".")[0]
        metrics = PROBE_KINDS[kind].metrics if kind in PROBE_KINDS else ()
        known = {metric.name: metric for metric in metrics if not metric.sum_of}
        if criterion.profile is not None and "profile" not in known:
            self._add(f"{kind} has no profiles", *key_path, "profile", at_key=True)
        for key, value in criterion.where.items():
            place = (*key_path, "where", key)
            if key not in known:
                self._add(f"{kind} does not measure {key!r}{did_you_mean(key, known)}", *place, at_key=True)
            elif not _is_value_of(known[key], value):
                shown = self._locate(*place).display_value()
                self._add(f"{shown} is no value of {key!r}, which is {_TYPE_NAMES[known[key].type]}", *place)

    def _direction(self, key_path: KeyPath, criterion: models.CriterionBlock) -> None:
        lower = lower_is_better(criterion)
        if lower is None:
            self._add("missing key 'better': lower or higher (the unit does not determine it)", *key_path)
        elif criterion.better is not None and lower != (criterion.better == "lower"):
            word = "lower" if lower else "higher"
            self._add(f"of this metric and aggregate the {word} value is better", *key_path, "better")
        else:
            self._curve((*key_path, "curve"), criterion, lower=lower)

    def _curve(self, key_path: KeyPath, criterion: models.CriterionBlock, *, lower: bool) -> None:
        curve, word = criterion.curve, "lower" if lower else "higher"
        if isinstance(curve, models.LinearBlock) and (curve.full >= curve.zero if lower else curve.full <= curve.zero):
            message = f"full ({curve.full:g}) is not better than zero ({curve.zero:g}): {word} is better"
            self._add(message, *key_path, "full")
        if isinstance(curve, models.StepsBlock):
            for number, (first, second) in enumerate(pairwise(curve.steps), 1):
                worse = second.limit > first.limit if lower else second.limit < first.limit
                if not worse or second.share >= first.share:
                    message = f"steps go from the best to the worst, with fewer points each: {word} is better"
                    self._add(message, *key_path, "steps", number)
        if isinstance(curve, models.LogNormalBlock) and (not lower or curve.p10 >= curve.median):
            self._add("a log-normal curve falls: lower is better, and p10 is below median", *key_path)
        if isinstance(curve, models.ShareBlock) and (lower or not _is_ratio(criterion)):
            self._add("a share needs a value from 0 to 1 of which more is better", *key_path)


def _is_ratio(criterion: models.CriterionBlock) -> bool:
    return criterion.aggregate in RATIO_AGGREGATES or unit_of(criterion) in {Unit.RATIO, Unit.FLAG}


_TYPE_NAMES: dict[type, str] = {bool: "true or false", int: "a number", float: "a number", str: "text"}


def _is_value_of(metric: Metric, value: bool | float | str) -> bool:  # noqa: FBT001 - a value that may be one
    if metric.type is bool or isinstance(value, bool):
        return metric.type is bool and isinstance(value, bool)
    return isinstance(value, str) == (metric.type is str)
