"""Data sources by their fixed uids, each behind a variable, and the queries of panels."""

from __future__ import annotations

from dataclasses import dataclass

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


def range_query(expr: str, legend: str, ref_id: str = "A") -> PrometheusQuery:
    """Return a PromQL query over the range of the dashboard."""
    query = prometheus.Dataquery().expr(expr).range().legend_format(legend).ref_id(ref_id)
    return _with_datasource(query.build())


def instant_query(expr: str, legend: str = "", ref_id: str = "A", *, table: bool = False) -> PrometheusQuery:
    """Return a PromQL query at the end of the range."""
    query = prometheus.Dataquery().expr(expr).instant().legend_format(legend).ref_id(ref_id)
    if table:
        query.format(PromQueryFormat.TABLE)
    return _with_datasource(query.build())


def _with_datasource(query: PrometheusQuery) -> PrometheusQuery:
    query.datasource = datasource_ref("prometheus")
    return query


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
