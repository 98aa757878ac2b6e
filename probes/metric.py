"""The declaration of each value that a probe kind measures."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field


class Unit(enum.StrEnum):
    """List the units of metrics, in base units; Prometheus names, InfluxDB fields and dashboards use them."""

    SECONDS = "seconds"
    BYTES = "bytes"
    COUNT = "count"
    RATIO = "ratio"
    FLAG = "flag"
    CODE = "code"
    TIMESTAMP = "timestamp"  # seconds since 1970-01-01 UTC
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Metric:
    """Declare one measured value once, for storage, exposition, dashboards and documentation.

    ``name`` is the column and InfluxDB field. ``prometheus_name`` is the exposed name (empty: not exposed), with the
    constant ``labels``. A text metric is exposed as label ``info_label`` of an info series of value 1; text metrics
    with the same ``prometheus_name`` share that series. A metric with ``sum_of`` is not stored: it is the sum of the
    stored metrics that are present.
    """

    name: str
    unit: Unit
    help: str
    type: type[bool] | type[int] | type[float] | type[str] = float
    prometheus_name: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    info_label: str = ""
    sum_of: tuple[str, ...] = ()
