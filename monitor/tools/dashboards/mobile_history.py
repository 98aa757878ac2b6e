"""Mobile rendering over ranges that Prometheus no longer holds, from any tier of InfluxDB.

A page is rendered a few times a day, so an hour seldom has more than one rendering: its rollup has the values of that
rendering, kept for two years. Days, kept for ever, have the mean of their renderings.
"""

from __future__ import annotations

from string import ascii_uppercase
from typing import TYPE_CHECKING

from monitor.tools.dashboards import variables
from monitor.tools.dashboards.datasources import HOURLY, InfluxPanelQuery, influx_queries
from monitor.tools.dashboards.layout import DashboardSpec, PanelRow
from monitor.tools.dashboards.mappings import limit_steps
from monitor.tools.dashboards.metrics import COMPARED_METRICS, VITALS, mobile_metric, vital_limits
from monitor.tools.dashboards.mobile import RESOURCE_TYPES, vital_lines, vitals_table
from monitor.tools.dashboards.panels import SECONDS_AXIS, PanelBuilder
from probes.browser.device_profiles import DEVICE_PROFILES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grafana_foundation_sdk.models.dashboard import Panel

    from monitor.tools.dashboards.texts import DashboardTexts

# One rendering represents its slot; a rolled-up period is recognized by its count of slots.
_REPRESENTATIVE = (
    '"portal" =~ /^$portal$/ AND "location" =~ /^$location$/ AND ("median" = true OR "slots" > 0) AND $timeFilter'
)
_WHERE = f"\"check\" = '$check' AND {_REPRESENTATIVE}"
_ALL_DEVICES = f'"check" =~ /^({"|".join(DEVICE_PROFILES)})$/ AND {_REPRESENTATIVE}'
_PER_INTERVAL = "GROUP BY time($__interval) fill(null)"
_INTERVAL = "$step"


def dashboard(texts: DashboardTexts) -> DashboardSpec:
    """Return the dashboard in one language."""
    build = PanelBuilder(texts)
    checks = 'SHOW TAG VALUES FROM "mobile" WITH KEY = "check"'
    devices = variables.query_variable("check", checks, texts, kind="influxdb", multi=False, initial="mobile")
    first = [(4, _current_value(build, name)) for name in VITALS]
    curves = [(8, _vital_over_time(build, name)) for name in VITALS]
    return DashboardSpec(
        name="mobile-history",
        variables=[
            *variables.influx_portal_variables(texts, "mobile", HOURLY),
            devices,
            variables.interval_variable(texts),
        ],
        annotations=variables.influx_annotations(texts),
        time_from="now-90d",
        refresh="",
        rows=(
            PanelRow(4, [*first, (4, _measured_loads(build))]),
            PanelRow(7, curves[:3]),
            PanelRow(7, [*curves[3:], (8, _weight(build))]),
            PanelRow(6, [(24, _device_comparison(build))]),
            PanelRow(11, [(14, _table(build)), (10, _devices(build))]),
        ),
    )


def _field_pattern(name: str) -> str:
    """Return a pattern of the field's names in every tier: its own name, or the mean of a period."""
    return f"/^{name}(_mean)?$/"


def _percentile(name: str, percentile: int, where: str) -> str:
    return f'SELECT PERCENTILE({_field_pattern(name)}, {percentile}) FROM "mobile" WHERE {where}'


def _current_value(build: PanelBuilder, name: str) -> Panel:
    query = InfluxPanelQuery(_percentile(name, 75, _WHERE))
    unit, colors = mobile_metric(name).unit, limit_steps(vital_limits(name))
    return build.stat(f"mobile-history.now_{name}", [query], unit=unit, decimals=2, thresholds=colors)


def _measured_loads(build: PanelBuilder) -> Panel:
    query = InfluxPanelQuery(f'SELECT COUNT({_field_pattern("lcp_seconds")}) FROM "mobile" WHERE {_WHERE}')
    return build.stat("mobile-history.measured", [query], decimals=0)


def _vital_over_time(build: PanelBuilder, name: str) -> Panel:
    where = f"{_WHERE} {_PER_INTERVAL}"
    queries = influx_queries((_percentile(name, q, where), build.texts(f"legend.q{q}")) for q in (50, 75, 95))
    unit, key = mobile_metric(name).unit, f"mobile-history.{name}"
    return build.time_series(key, queries, unit=unit, min_value=0, interval=_INTERVAL, thresholds=vital_lines(name))


def _weight(build: PanelBuilder) -> Panel:
    def mean(kind: str) -> str:
        return f'SELECT MEAN({_field_pattern(f"bytes_{kind}")}) FROM "mobile" WHERE {_WHERE} {_PER_INTERVAL}'

    queries = influx_queries((mean(kind), build.texts(f"type.{kind}")) for kind in RESOURCE_TYPES)
    return build.stacked_series("mobile-history.weight", queries, unit="bytes", min_value=0, interval=_INTERVAL)


def _table(build: PanelBuilder) -> Panel:
    return _percentile_table(build, "table", "portal", VITALS, 75, _WHERE)


def _device_comparison(build: PanelBuilder) -> Panel:
    return _percentile_table(build, "compared", "check", COMPARED_METRICS, 50, _ALL_DEVICES)


def _percentile_table(  # noqa: PLR0913, PLR0917 - in the order of the query
    build: PanelBuilder, key: str, by: str, vitals: Sequence[str], percentile: int, where: str
) -> Panel:
    queries: list[InfluxPanelQuery] = []
    columns: dict[str, Sequence[str]] = {}
    for ref, name in zip(ascii_uppercase, vitals, strict=False):
        selection = f'SELECT PERCENTILE({_field_pattern(name)}, {percentile}) AS "p{ref}" FROM "mobile"'
        queries.append(InfluxPanelQuery(f'{selection} WHERE {where} GROUP BY "{by}"', ref_id=ref, table=True))
        # A query by pattern appends the field's name, which the tier decides.
        columns[name] = [f"p{ref}_{name}", f"p{ref}_{name}_mean"]
    return vitals_table(build, f"mobile-history.{key}", by, queries, columns)


def _devices(build: PanelBuilder) -> Panel:
    per_device = f'{_REPRESENTATIVE} GROUP BY time($__interval), "check" fill(null)'
    query = InfluxPanelQuery(_percentile("lcp_seconds", 50, per_device), "[[tag_check]]")
    return build.time_series("mobile-history.devices", [query], **SECONDS_AXIS, interval=_INTERVAL)
