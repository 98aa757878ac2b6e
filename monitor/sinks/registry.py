"""Registry of sink kinds. A new kind is one file and one line here; the contract suite then covers it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.sinks.influxdb.sink import InfluxDBSettings

if TYPE_CHECKING:
    from monitor.sinks.base import SinkSettings

SINKS: dict[str, type[SinkSettings]] = {"influxdb": InfluxDBSettings}
