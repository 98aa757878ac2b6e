"""Figures of a closed period: the record, and its fields by kind, declared once for all who compute or store them."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.model.records import UnknownReason
from probes.metric import Unit
from probes.registry import PROBE_KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from probes.metric import Metric


class Tier(enum.StrEnum):
    """How long the periods are."""

    HOUR = "hour"
    DAY = "day"

    @property
    def consumer_name(self) -> str:
        """The bookmark: its number is the last one that was seen, its memo how far time is rolled up."""
        return f"rollup-{self.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollup:
    """What one check measured in ``start <= slot < end`` (UTC ms). The identity is all but ``end`` and ``values``.

    ``values`` holds only figures that exist: counts as int, all others as float; :func:`fields` lists them.
    """

    tier: Tier
    start: int
    end: int
    portal: str
    check: str
    location: str
    kind: str
    values: Mapping[str, int | float]


def aggregated_metrics(kind: str) -> tuple[Metric, ...]:
    """The stored metrics of a kind that have figures: times, sizes and shares, a page's shift of layout among them."""
    wanted = {Unit.SECONDS, Unit.BYTES, Unit.RATIO}
    return tuple(one for one in PROBE_KINDS[kind].metrics if not one.sum_of and one.unit in wanted)


def rollup_fields(kind: str) -> dict[str, type[int | float]]:
    """The figures of a kind, and their types.

    ``slots`` counts scheduled looks, ``looks`` those that saw something (up or down), ``attempts`` the further looks
    that confirmed a failure and count nowhere else. ``availability`` is up / looks. Durations, phases, bytes and shares
    are those of good looks, in seconds, bytes and parts of one: a timeout says nothing about speed. Quantiles are
    exact, interpolated.
    """
    counts = ["slots", "looks", "up", "down", "void", *(f"void_{reason.value}" for reason in UnknownReason), "attempts"]
    figures = ["availability", *(f"duration_{name}" for name in ("mean", "p50", "p75", "p95", "p99", "max"))]
    for metric in aggregated_metrics(kind):
        figures += [f"{metric.name}_mean", *([f"{metric.name}_p95"] if metric.unit is Unit.SECONDS else [])]
    return dict.fromkeys(counts, int) | dict.fromkeys(figures, float)
