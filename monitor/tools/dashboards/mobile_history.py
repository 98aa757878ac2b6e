"""Mobile rendering over ranges that Prometheus no longer holds, out of any tier of InfluxDB.

A page is rendered a few times a day, so an hour seldom has more than one rendering: its figures are those of the
rendering itself, kept for two years. Days, kept for ever, have the mean of theirs.
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

# Of the renderings of a slot one speaks; a rolled-up period is known by its count of slots.
_REPRESENTATIVE = (
    '"portal" =~ /^$portal$/ AND "location" =~ /^$location$/ AND ("median" = true OR "slots" > 0) AND $timeFilter'
)
_WHERE = f"\"check\" = '$check' AND {_REPRESENTATIVE}"
_ALL_DEVICES = f'"check" =~ /^({"|".join(DEVICE_PROFILES)})$/ AND {_REPRESENTATIVE}'
_PER_INTERVAL = "GROUP BY time($__interval) fill(null)"
_INTERVAL = "$step"


def dashboard(texts: DashboardTexts) -> DashboardSpec:
    """The dashboard in one language."""
    kit = PanelBuilder(texts)
    devices = query_variable(
        "check",
        'SHOW TAG VALUES FROM "mobile" WITH KEY = "check"',
        texts,
        kind="influxdb",
        multi=False,
        initial="mobile",
    )
    curves = [(8, _vital_over_time(kit, name)) for name in VITALS]
    return DashboardSpec(
        name="mobile-history",
        variables=[*influx_portal_variables(texts, "mobile", HOURLY), devices, interval_variable(texts)],
        annotations=influx_annotations(texts),
        time_from="now-90d",
        refresh="",
        rows=(
            PanelRow(
                height=4, panels=[*((4, _current_value(kit, name)) for name in VITALS), (4, _measured_loads(kit))]
            ),
            PanelRow(height=7, panels=curves[:3]),
            PanelRow(height=7, panels=[*curves[3:], (8, _weight(kit))]),
            PanelRow(height=6, panels=[(24, _device_comparison(kit))]),
            PanelRow(height=11, panels=[(14, _table(kit)), (10, _devices(kit))]),
        ),
    )


def _field_pattern(name: str) -> str:
    """A field by a pattern, as every tier calls it: by itself, or as the mean of a period."""
    return f"/^{name}(_mean)?$/"


def _column_names(name: str, ref_id: str) -> Sequence[str]:
    """What the column of a figure called ``p<ref>`` is named in each tier: a pattern adds the field's own name."""
    return [f"p{ref_id}_{name}", f"p{ref_id}_{name}_mean"]


def _current_value(builder: PanelBuilder, name: str) -> Panel:
    asked = InfluxPanelQuery(f'SELECT PERCENTILE({_field_pattern(name)}, 75) FROM "mobile" WHERE {_WHERE}')
    return builder.stat(f"mobile-history.now_{name}", [asked], vital_options(name))


def _measured_loads(builder: PanelBuilder) -> Panel:
    asked = InfluxPanelQuery(f'SELECT COUNT({_field_pattern("lcp_seconds")}) FROM "mobile" WHERE {_WHERE}')
    return builder.stat("mobile-history.measured", [asked], FieldOptions(decimals=0))


def _vital_over_time(builder: PanelBuilder, name: str) -> Panel:
    asked = [
        InfluxPanelQuery(
            f'SELECT PERCENTILE({_field_pattern(name)}, {q}) FROM "mobile" WHERE {_WHERE} {_PER_INTERVAL}',
            builder.texts(f"legend.q{q}"),
            ref,
        )
        for ref, q in (("A", 50), ("B", 75), ("C", 95))
    ]
    good, bad = vital_limits(name)
    colors = threshold_steps("transparent", (good, WARN), (bad, BAD))
    dress = FieldOptions(unit=mobile_metric(name).unit, min_value=0, interval=_INTERVAL, thresholds=colors)
    return builder.time_series(f"mobile-history.{name}", asked, dress)


def _weight(builder: PanelBuilder) -> Panel:
    asked = [
        InfluxPanelQuery(
            f'SELECT MEAN({_field_pattern(f"bytes_{sort}")}) FROM "mobile" WHERE {_WHERE} {_PER_INTERVAL}',
            builder.texts(f"type.{sort}"),
            ref,
        )
        for ref, sort in zip("ABCDEF", RESOURCE_TYPES, strict=True)
    ]
    return builder.stacked_series(
        "mobile-history.weight", asked, FieldOptions(unit="bytes", min_value=0, interval=_INTERVAL)
    )


def _table(builder: PanelBuilder) -> Panel:
    asked = dict(zip("ABCDE", VITALS, strict=True))
    told = [_percentile_query(name, ref, 75, _WHERE, "portal") for ref, name in asked.items()]
    dress = vitals_table_options(builder, "portal", {name: _column_names(name, ref) for ref, name in asked.items()})
    return builder.table("mobile-history.table", told, dress, sort_column=builder.texts("vital.lcp_seconds"))


def _device_comparison(builder: PanelBuilder) -> Panel:
    asked = dict(zip("ABCDEFG", COMPARED_METRICS, strict=True))
    told = [_percentile_query(name, ref, 50, _ALL_DEVICES, "check") for ref, name in asked.items()]
    dress = vitals_table_options(builder, "check", {name: _column_names(name, ref) for ref, name in asked.items()})
    return builder.table("mobile-history.compared", told, dress)


def _percentile_query(name: str, ref_id: str, percentile: int, where: str, by: str) -> InfluxPanelQuery:
    query = f'SELECT PERCENTILE({_field_pattern(name)}, {percentile}) AS "p{ref_id}" FROM "mobile" WHERE {where} GROUP BY "{by}"'
    return InfluxPanelQuery(query, ref_id=ref_id, table=True)


def _devices(builder: PanelBuilder) -> Panel:
    asked = InfluxPanelQuery(
        f'SELECT PERCENTILE({_field_pattern("lcp_seconds")}, 50) FROM "mobile" WHERE {_REPRESENTATIVE} '
        'GROUP BY time($__interval), "check" fill(null)',
        "[[tag_check]]",
    )
    return builder.time_series(
        "mobile-history.devices", [asked], FieldOptions(unit="s", min_value=0, interval=_INTERVAL)
    )
