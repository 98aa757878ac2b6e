"""Mobile rendering over ranges that Prometheus no longer holds, from any tier of InfluxDB.

A page is rendered a few times a day, so an hour seldom has more than one rendering: its rollup has the values of that
rendering, kept for two years. Days, kept for ever, have the mean of their renderings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.tools.dashboards.datasources import HOURLY, InfluxPanelQuery
from monitor.tools.dashboards.layout import DashboardSpec, PanelRow
from monitor.tools.dashboards.mappings import BAD, WARN, threshold_steps
from monitor.tools.dashboards.metrics import COMPARED_METRICS, VITALS, mobile_metric, vital_limits
from monitor.tools.dashboards.mobile import RESOURCE_TYPES, vital_options, vitals_table_options
from monitor.tools.dashboards.panels import FieldOptions, PanelBuilder
from monitor.tools.dashboards.variables import (
    influx_annotations,
    influx_portal_variables,
    interval_variable,
    query_variable,
)
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
    builder = PanelBuilder(texts)
    devices = query_variable(
        "check",
        'SHOW TAG VALUES FROM "mobile" WITH KEY = "check"',
        texts,
        kind="influxdb",
        multi=False,
        initial="mobile",
    )
    curves = [(8, _vital_over_time(builder, name)) for name in VITALS]
    return DashboardSpec(
        name="mobile-history",
        variables=[*influx_portal_variables(texts, "mobile", HOURLY), devices, interval_variable(texts)],
        annotations=influx_annotations(texts),
        time_from="now-90d",
        refresh="",
        rows=(
            PanelRow(
                height=4,
                panels=[*((4, _current_value(builder, name)) for name in VITALS), (4, _measured_loads(builder))],
            ),
            PanelRow(height=7, panels=curves[:3]),
            PanelRow(height=7, panels=[*curves[3:], (8, _weight(builder))]),
            PanelRow(height=6, panels=[(24, _device_comparison(builder))]),
            PanelRow(height=11, panels=[(14, _table(builder)), (10, _devices(builder))]),
        ),
    )


def _field_pattern(name: str) -> str:
    """Return a pattern of the field's names in every tier: its own name, or the mean of a period."""
    return f"/^{name}(_mean)?$/"


def _column_names(name: str, ref_id: str) -> Sequence[str]:
    """Return the column names of ``p<ref>`` in each tier: a query by pattern appends the field's name."""
    return [f"p{ref_id}_{name}", f"p{ref_id}_{name}_mean"]


def _current_value(builder: PanelBuilder, name: str) -> Panel:
    query = InfluxPanelQuery(f'SELECT PERCENTILE({_field_pattern(name)}, 75) FROM "mobile" WHERE {_WHERE}')
    return builder.stat(f"mobile-history.now_{name}", [query], vital_options(name))


def _measured_loads(builder: PanelBuilder) -> Panel:
    query = InfluxPanelQuery(f'SELECT COUNT({_field_pattern("lcp_seconds")}) FROM "mobile" WHERE {_WHERE}')
    return builder.stat("mobile-history.measured", [query], FieldOptions(decimals=0))


def _vital_over_time(builder: PanelBuilder, name: str) -> Panel:
    queries = [
        InfluxPanelQuery(
            f'SELECT PERCENTILE({_field_pattern(name)}, {q}) FROM "mobile" WHERE {_WHERE} {_PER_INTERVAL}',
            builder.texts(f"legend.q{q}"),
            ref,
        )
        for ref, q in (("A", 50), ("B", 75), ("C", 95))
    ]
    good, bad = vital_limits(name)
    colors = threshold_steps("transparent", (good, WARN), (bad, BAD))
    options = FieldOptions(unit=mobile_metric(name).unit, min_value=0, interval=_INTERVAL, thresholds=colors)
    return builder.time_series(f"mobile-history.{name}", queries, options)


def _weight(builder: PanelBuilder) -> Panel:
    queries = [
        InfluxPanelQuery(
            f'SELECT MEAN({_field_pattern(f"bytes_{resource_type}")}) FROM "mobile" WHERE {_WHERE} {_PER_INTERVAL}',
            builder.texts(f"type.{resource_type}"),
            ref,
        )
        for ref, resource_type in zip("ABCDEF", RESOURCE_TYPES, strict=True)
    ]
    return builder.stacked_series(
        "mobile-history.weight", queries, FieldOptions(unit="bytes", min_value=0, interval=_INTERVAL)
    )


def _table(builder: PanelBuilder) -> Panel:
    metrics = dict(zip("ABCDE", VITALS, strict=True))
    queries = [_percentile_query(name, ref, 75, _WHERE, "portal") for ref, name in metrics.items()]
    options = vitals_table_options(builder, "portal", {name: _column_names(name, ref) for ref, name in metrics.items()})
    return builder.table("mobile-history.table", queries, options, sort_column=builder.texts("vital.lcp_seconds"))


def _device_comparison(builder: PanelBuilder) -> Panel:
    metrics = dict(zip("ABCDEFG", COMPARED_METRICS, strict=True))
    queries = [_percentile_query(name, ref, 50, _ALL_DEVICES, "check") for ref, name in metrics.items()]
    options = vitals_table_options(builder, "check", {name: _column_names(name, ref) for ref, name in metrics.items()})
    return builder.table("mobile-history.compared", queries, options)


def _percentile_query(name: str, ref_id: str, percentile: int, where: str, by: str) -> InfluxPanelQuery:
    selection = f'SELECT PERCENTILE({_field_pattern(name)}, {percentile}) AS "p{ref_id}" FROM "mobile"'
    return InfluxPanelQuery(f'{selection} WHERE {where} GROUP BY "{by}"', ref_id=ref_id, table=True)


def _devices(builder: PanelBuilder) -> Panel:
    query = InfluxPanelQuery(
        f'SELECT PERCENTILE({_field_pattern("lcp_seconds")}, 50) FROM "mobile" WHERE {_REPRESENTATIVE} '
        'GROUP BY time($__interval), "check" fill(null)',
        "[[tag_check]]",
    )
    return builder.time_series(
        "mobile-history.devices", [query], FieldOptions(unit="s", min_value=0, interval=_INTERVAL)
    )
