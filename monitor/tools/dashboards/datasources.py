"""Data sources by their fixed uids, each behind a variable, and the queries of panels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from string import ascii_uppercase

from grafana_foundation_sdk.builders import prometheus
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.dashboard import DataSourceRef
from grafana_foundation_sdk.models.prometheus import Dataquery as PrometheusQuery
from grafana_foundation_sdk.models.prometheus import PromQueryFormat


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSource:
    """A data source of ``grafana/provisioning/datasources``: its type, its uid and its displayed name."""

    kind: str
    uid: str
    name: str


PROMETHEUS = DataSource(kind="prometheus", uid="portal-monitor-prometheus", name="portal-monitor Prometheus")
RAW = DataSource(kind="influxdb", uid="portal-monitor-influxdb", name="portal-monitor InfluxDB, raw")
HOURLY = DataSource(kind="influxdb", uid="portal-monitor-influxdb-hourly", name="portal-monitor InfluxDB, hourly")
DAILY = DataSource(kind="influxdb", uid="portal-monitor-influxdb-daily", name="portal-monitor InfluxDB, daily")
"""One data source per tier: a query of InfluxDB 3.x reads one database."""


def datasource_ref(variable: str) -> DataSourceRef:
    """Return the data source that *variable* selects, whose name begins with the type of the data source."""
    return DataSourceRef(type_val=variable.partition("_")[0], uid=f"${{{variable}}}")


def range_query(expr: str, legend: str = "", ref_id: str = "A") -> PrometheusQuery:
    """Return a PromQL query over the range of the dashboard."""
    return _build(prometheus.Dataquery().range(), expr, legend, ref_id)


def range_queries(curves: Iterable[tuple[str, str]]) -> list[PrometheusQuery]:
    """Return a query over the range for each (PromQL expression, legend)."""
    return [range_query(*curve, ref) for ref, curve in zip(ascii_uppercase, curves, strict=False)]


def instant_query(expr: str, legend: str = "", ref_id: str = "A", *, table: bool = False) -> PrometheusQuery:
    """Return a PromQL query at the end of the range."""
    query = prometheus.Dataquery().instant()
    return _build(query.format(PromQueryFormat.TABLE) if table else query, expr, legend, ref_id)


def instant_queries(values: Iterable[tuple[str, str]]) -> list[PrometheusQuery]:
    """Return a query at the end of the range for each (PromQL expression, legend)."""
    return [instant_query(*value, ref) for ref, value in zip(ascii_uppercase, values, strict=False)]


def table_queries(expressions: Iterable[str]) -> list[PrometheusQuery]:
    """Return a query for each PromQL expression; Grafana names their columns ``Value #A``, ``Value #B`` and so on."""
    refs = zip(ascii_uppercase, expressions, strict=False)
    return [instant_query(expr, ref_id=ref, table=True) for ref, expr in refs]


def _build(query: prometheus.Dataquery, expr: str, legend: str, ref_id: str) -> PrometheusQuery:
    built = query.expr(expr).legend_format(legend).ref_id(ref_id).build()
    built.datasource = datasource_ref("prometheus")
    return built


class InfluxPanelQuery(Dataquery):
    """An InfluxQL query; ``alias`` names its series, ``[[tag_portal]]`` stands for a tag in it."""

    def __init__(self, query: str, alias: str = "", ref_id: str = "A", *, table: bool = False) -> None:
        self.query = query
        self.ref_id = ref_id
        self.datasource = datasource_ref("influxdb")
        self._alias = alias
        self._format = "table" if table else "time_series"

    def to_json(self) -> dict[str, object]:
        """Return the query in the form of Grafana's InfluxDB data source."""
        return {
            "datasource": self.datasource,
            "refId": self.ref_id,
            "query": self.query,
            "rawQuery": True,
            "resultFormat": self._format,
            "alias": self._alias,
        }


def influx_queries(curves: Iterable[tuple[str, str]]) -> list[InfluxPanelQuery]:
    """Return a query for each (InfluxQL, alias)."""
    return [InfluxPanelQuery(*curve, ref) for ref, curve in zip(ascii_uppercase, curves, strict=False)]
