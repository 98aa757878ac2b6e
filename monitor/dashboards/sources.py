"""Where panels read from: the two data sources by their fixed uids, and one query of each as a target."""

from __future__ import annotations

from grafana_foundation_sdk.builders import prometheus
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.dashboard import DataSourceRef
from grafana_foundation_sdk.models.prometheus import Dataquery as PrometheusQuery
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

UIDS = {"prometheus": "portal-monitor-prometheus", "influxdb": "portal-monitor-influxdb"}
"""Type of a data source: its uid in ``grafana/provisioning/datasources``."""


def reference(source: str) -> DataSourceRef:
    """The data source of that type; behind a variable, so that an installation may choose another of its own."""
    return DataSourceRef(type_val=source, uid=f"${{{source}}}")


def over_time(expr: str, legend: str, ref: str = "A") -> PrometheusQuery:
    """A PromQL query over the range of the dashboard."""
    asked = prometheus.Dataquery().expr(expr).range().legend_format(legend).ref_id(ref)
    return _with_source(asked.build())


def now(expr: str, legend: str = "", ref: str = "A", *, table: bool = False) -> PrometheusQuery:
    """A PromQL query at the end of the range."""
    asked = prometheus.Dataquery().expr(expr).instant().legend_format(legend).ref_id(ref)
    if table:
        asked.format(PromQueryFormat.TABLE)
    return _with_source(asked.build())


def _with_source(query: PrometheusQuery) -> PrometheusQuery:
    query.datasource = reference("prometheus")
    return query


class Influx(Dataquery):
    """An InfluxQL query; ``alias`` names its series, ``[[tag_portal]]`` stands for a tag in it."""

    def __init__(self, query: str, alias: str = "", ref: str = "A", *, table: bool = False) -> None:
        self.query = query
        self.ref_id = ref
        self.datasource = reference("influxdb")
        self._alias = alias
        self._format = "table" if table else "time_series"

    def to_json(self) -> dict[str, object]:
        """As Grafana's InfluxDB data source keeps it."""
        return {
            "datasource": self.datasource,
            "refId": self.ref_id,
            "query": self.query,
            "rawQuery": True,
            "resultFormat": self._format,
            "alias": self._alias,
        }
