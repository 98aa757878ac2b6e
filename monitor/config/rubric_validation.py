"""What the parts of a rubric say about each other: points that add up, metrics that exist, curves the right way up."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise

from monitor.config.diagnostics import Ledger, Spot, did_you_mean
from monitor.config.rubric_models import (
    OUTCOME,
    CriterionBlock,
    LinearBlock,
    LogNormalBlock,
    RubricFile,
    ShareBlock,
    StepsBlock,
    measurable,
)
from monitor.config.yaml_document import Document
from monitor.scoring.rubric import STATES, Aggregate, Treatment
from probes.metric import Metric, Unit
from probes.registry import KINDS

RATIOS = (Aggregate.AVAILABILITY, Aggregate.SUCCESS, Aggregate.SHARE)
_LOWER = {Unit.SECONDS, Unit.BYTES}


def unit(told: CriterionBlock) -> Unit:
    """The unit of a criterion's metric; of a value by hand a ratio."""
    return Unit.RATIO if told.by_hand else measurable().get(told.metric or "", Unit.RATIO)


def lower(told: CriterionBlock) -> bool | None:
    """Whether a lower value is the better one; None when neither the unit, the curve nor the file says so."""
    if told.aggregate in RATIOS:
        return False
    if unit(told) in _LOWER:
        return True
    if told.better is None:
        return False if isinstance(told.curve, ShareBlock) else None
    return told.better == "lower"


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges one rubric file; what is wrong goes to the ledger."""

    document: Document
    told: RubricFile
    ledger: Ledger

    def all(self, portals: Collection[str]) -> None:
        """Judge the file; ``portals`` are the ids that there are."""
        self._points()
        self._ids()
        self._validity()
        self._grades()
        self._elsewhere(portals)
        for number, one in enumerate(self.told.criteria):
            self._criterion(number, one)

    def _spot(self, *steps: str | int) -> Spot:
        return self.document.spot(steps)

    def _points(self) -> None:
        total = math.fsum(one.points for one in self.told.criteria)
        if abs(total - self.told.points) > 1e-9:  # noqa: PLR2004 - thirds do not add up to the last bit
            words = f"the criteria's points add up to {total:g}, not to {self.told.points:g}"
            self.ledger.add(self._spot("points"), words)
        if self.told.pillar is not None and self.told.pillar < self.told.points:
            self.ledger.add(self._spot("pillar"), "the whole set has fewer points than this pillar of it")

    def _ids(self) -> None:
        seen: set[str] = set()
        for number, one in enumerate(self.told.criteria):
            if one.id in seen:
                self.ledger.add(self._spot("criteria", number, "id"), f"{one.id!r} is already the id of a criterion")
            seen.add(one.id)

    def _validity(self) -> None:
        valid = self.told.valid
        if valid.until is not None and valid.until <= valid.since:
            self.ledger.add(self._spot("valid", "until"), "the validity ends before it begins")

    def _grades(self) -> None:
        if self.told.grades is None:
            return
        bands = self.told.grades.bands
        for number, (better, worse) in enumerate(pairwise(bands), 1):
            if worse.least >= better.least:
                words = f"the grades go from the best to the worst, and {worse.least:g} is not below {better.least:g}"
                self.ledger.add(self._spot("grades", "bands", number, "least"), words)

    def _elsewhere(self, portals: Collection[str]) -> None:
        block = self.told.portals
        if block.elsewhere is None:
            for key, treatment in (("redirects", block.redirects), ("retired", block.retired)):
                if treatment is Treatment.ELSEWHERE:
                    self.ledger.add(self._spot("portals", key), "missing: 'elsewhere' says on which portal and pages")
        elif block.elsewhere.portal not in portals:
            name = block.elsewhere.portal
            words = f"no portal has the id {name!r}{did_you_mean(name, portals)}"
            self.ledger.add(self._spot("portals", "elsewhere", "portal"), words)

    def _criterion(self, number: int, one: CriterionBlock) -> None:
        here = ("criteria", number)
        if one.by_hand:
            for key in ("metric", "aggregate", "limit", "profile", "where"):
                if key in one.model_fields_set:
                    words = f"a criterion that is by hand has no {key!r}: its value is entered"
                    self.ledger.add(self._spot(*here, key), words, key=True)
        elif self._measured(here, one):
            self._aggregate(here, one)
            self._where(here, one)
        else:
            return
        self._direction(here, one)

    def _measured(self, here: tuple[str | int, ...], one: CriterionBlock) -> bool:
        """Whether metric and aggregate are given, and the metric exists."""
        missing = [key for key in ("metric", "aggregate") if getattr(one, key) is None]
        for key in missing:
            self.ledger.add(self._spot(*here), f"missing key {key!r}")
        if one.metric is not None and one.metric not in measurable():
            words = f"nobody measures {one.metric!r}{did_you_mean(one.metric, measurable())}"
            self.ledger.add(self._spot(*here, "metric"), words)
            return False
        return not missing

    def _aggregate(self, here: tuple[str | int, ...], one: CriterionBlock) -> None:
        spot = self._spot(*here, "aggregate")
        metric = str(one.metric)
        if (one.aggregate is Aggregate.AVAILABILITY) != (metric == STATES):
            self.ledger.add(
                spot, f"availability is that of the metric {STATES!r}, and {STATES!r} has no other aggregate"
            )
        elif (one.aggregate is Aggregate.SUCCESS) != metric.endswith(f".{OUTCOME}"):
            self.ledger.add(spot, f"success is that of a kind's {OUTCOME!r}, which has no other aggregate")
        if one.aggregate is Aggregate.SHARE and one.limit is None:
            self.ledger.add(spot, "missing: 'limit' says below which value a look counts")
        if one.aggregate is not Aggregate.SHARE and one.limit is not None:
            words = "only the aggregate share has a limit of looks; the curve has its own"
            self.ledger.add(self._spot(*here, "limit"), words, key=True)

    def _where(self, here: tuple[str | int, ...], one: CriterionBlock) -> None:
        kind = str(one.metric).partition(".")[0]
        known = {metric.name: metric for metric in KINDS[kind].metrics if not metric.sum_of} if kind in KINDS else {}
        if one.profile is not None and "profile" not in known:
            self.ledger.add(self._spot(*here, "profile"), f"{kind} has no profiles", key=True)
        for key, value in one.where.items():
            spot = self._spot(*here, "where", key)
            if key not in known:
                self.ledger.add(spot, f"{kind} does not measure {key!r}{did_you_mean(key, known)}", key=True)
            elif not _fits(known[key], value):
                self.ledger.add(spot, f"{spot.shown()} is no value of {key!r}, which is {_SORTS[known[key].type]}")

    def _direction(self, here: tuple[str | int, ...], one: CriterionBlock) -> None:
        low = lower(one)
        if low is None:
            self.ledger.add(self._spot(*here), "missing key 'better': lower or higher, for the unit does not tell")
            return
        if one.better is not None and low != (one.better == "lower"):
            word = "lower" if low else "higher"
            self.ledger.add(self._spot(*here, "better"), f"of this metric and aggregate the {word} value is better")
            return
        self._curve((*here, "curve"), one, low=low)

    def _curve(self, here: tuple[str | int, ...], one: CriterionBlock, *, low: bool) -> None:
        curve, word = one.curve, "lower" if low else "higher"
        if isinstance(curve, LinearBlock) and (curve.full >= curve.zero if low else curve.full <= curve.zero):
            words = f"full ({curve.full:g}) is not better than zero ({curve.zero:g}): {word} is better"
            self.ledger.add(self._spot(*here, "full"), words)
        if isinstance(curve, StepsBlock):
            for number, (first, second) in enumerate(pairwise(curve.steps), 1):
                worse = second.limit > first.limit if low else second.limit < first.limit
                if not worse or second.share >= first.share:
                    words = f"steps go from the best to the worst, with fewer points each: {word} is better"
                    self.ledger.add(self._spot(*here, "steps", number), words)
        if isinstance(curve, LogNormalBlock) and (not low or curve.p10 >= curve.median):
            words = "a log-normal curve falls: lower is better, and p10 is below median"
            self.ledger.add(self._spot(*here), words)
        if isinstance(curve, ShareBlock) and (low or not _is_ratio(one)):
            self.ledger.add(self._spot(*here), "a share needs a value from 0 to 1 of which more is better")


def _is_ratio(one: CriterionBlock) -> bool:
    return one.aggregate in RATIOS or unit(one) in {Unit.RATIO, Unit.FLAG}


_SORTS: dict[type, str] = {bool: "true or false", int: "a number", float: "a number", str: "text"}


def _fits(metric: Metric, value: bool | float | str) -> bool:  # noqa: FBT001 - a value that may be one
    if metric.type is bool or isinstance(value, bool):
        return metric.type is bool and isinstance(value, bool)
    return isinstance(value, str) == (metric.type is str)
