"""Rollups of a closed period: the record, and its fields by kind, declared once for computation and storage."""

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
    """The length of the periods."""

    HOUR = "hour"
    DAY = "day"

    @property
    def consumer_name(self) -> str:
        """The consumer's name: its checkpoint has the last sequence number processed, and the time rolled up to."""
        return f"rollup-{self.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollup:
    """Aggregates of one check in ``start <= slot < end`` (UTC ms). The identity is all but ``end`` and ``values``.

    ``values`` holds only those that exist: counts as int, all others as float; :func:`rollup_fields` lists them.
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
    """Return the stored metrics of a kind that are aggregated: times, sizes and ratios, such as layout shift."""
    wanted = {Unit.SECONDS, Unit.BYTES, Unit.RATIO}
    return tuple(one for one in PROBE_KINDS[kind].metrics if not one.sum_of and one.unit in wanted)


def rollup_fields(kind: str) -> dict[str, type[int | float]]:
    """Return the aggregates of a kind, and their types.

    ``slots`` counts scheduled attempts, ``measured_slots`` those with a known outcome (up or down),
    ``confirmation_attempts`` the attempts that confirm a failure and count nowhere else. ``availability`` is up /
    measured_slots. Durations, phases, bytes and ratios are those of successful probes, in seconds, bytes and 0 to 1: a
    timeout is no measure of speed. Quantiles are exact, interpolated.
    """
    counts = [
        *("slots", "measured_slots", "up", "down", "unknown"),
        *(f"unknown_{reason.value}" for reason in UnknownReason),
        "confirmation_attempts",
    ]
    aggregates = ["availability", *(f"duration_{name}" for name in ("mean", "p50", "p75", "p95", "p99", "max"))]
    for metric in aggregated_metrics(kind):
        aggregates += [f"{metric.name}_mean", *([f"{metric.name}_p95"] if metric.unit is Unit.SECONDS else [])]
    return dict.fromkeys(counts, int) | dict.fromkeys(aggregates, float)
