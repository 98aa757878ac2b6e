"""Mobile rendering: how fast and how mobile-friendly are pages on a phone, against the limits of the criteria."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.tools.dashboards.datasources import instant_queries, range_queries, range_query, table_queries
from monitor.tools.dashboards.layout import DashboardSpec, PanelRow
from monitor.tools.dashboards.mappings import BAD, GOOD, WARN, limit_steps, steps, value_mapping
from monitor.tools.dashboards.metrics import COMPARED_METRICS, VITALS, mobile_metric, vital_limits
from monitor.tools.dashboards.panels import COUNT_AXIS, RATIO_AXIS, SECONDS_AXIS, PanelBuilder, join_by_field
from monitor.tools.dashboards.promql import SELECTED, portal_quantile
from monitor.tools.dashboards.thresholds import HALF_RATIO, MOBILE_FRIENDLY_RATIO, WITHIN_LIMIT_RATIO
from monitor.tools.dashboards.variables import portal_variables, prometheus_annotations, query_variable
from probes.browser.device_profiles import DEVICE_PROFILES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from grafana_foundation_sdk.cog.variants import Dataquery
    from grafana_foundation_sdk.models.dashboard import Panel, Threshold

    from monitor.tools.dashboards.texts import DashboardTexts

RESOURCE_TYPES = ("html", "script", "style", "image", "font", "other")
_LCP = mobile_metric("lcp_seconds").series
_DEVICE = f'check="$check",{SELECTED}'
_ALL_DEVICES = f'check=~"{"|".join(DEVICE_PROFILES)}",{SELECTED}'
"""The checks of home pages are named after their devices."""


def dashboard(texts: DashboardTexts) -> DashboardSpec:
    """Return the dashboard in one language."""
    build = PanelBuilder(texts)
    first = [(4, _within_limit(build, name)) for name in VITALS]
    curves = [(8, _vital_over_time(build, name)) for name in VITALS]
    devices = query_variable("check", f"label_values({_LCP}, check)", texts, multi=False, initial="mobile")
    return DashboardSpec(
        name="mobile",
        variables=[*portal_variables(texts), devices],
        annotations=prometheus_annotations(texts, outages_enabled=False),
        time_from="now-7d",
        refresh="15m",
        rows=(
            PanelRow(4, [*first, (4, _measured_portals(build))]),
            PanelRow(7, curves[:3]),
            PanelRow(7, [*curves[3:], (8, _weight(build))]),
            PanelRow(11, [(16, _table(build)), (8, _mobile_friendliness(build))]),
            PanelRow(6, [(24, _device_comparison(build))]),
            PanelRow(7, [(8, _lcp_histogram(build)), (8, _devices(build)), (8, _requests(build))]),
        ),
    )


def vital_lines(name: str) -> list[Threshold]:
    """Return the limits of a vital as lines of a time series."""
    good, bad = vital_limits(name)
    return steps("transparent", (good, WARN), (bad, BAD))


def _within_limit(build: PanelBuilder, name: str) -> Panel:
    share = f"avg(max by (portal) ({mobile_metric(name).series}{{{_DEVICE}}}) < bool {vital_limits(name)[-1]})"
    colors = steps(BAD, (HALF_RATIO, WARN), (WITHIN_LIMIT_RATIO, GOOD))
    key = f"mobile.within_limit_{name}"
    return build.value(key, share, **RATIO_AXIS, decimals=0, thresholds=colors)


def _measured_portals(build: PanelBuilder) -> Panel:
    return build.value("mobile.measured", f"count(count by (portal) ({_LCP}{{{_DEVICE}}}))", decimals=0)


def _vital_over_time(build: PanelBuilder, name: str) -> Panel:
    one = mobile_metric(name)
    quantiles = (0.5, 0.75, 0.95)
    curves = [(portal_quantile(one.series, q, _DEVICE), build.texts(f"legend.q{q * 100:.0f}")) for q in quantiles]
    lines = vital_lines(name)
    return build.time_series(f"mobile.{name}", range_queries(curves), unit=one.unit, min_value=0, thresholds=lines)


def _weight(build: PanelBuilder) -> Panel:
    series = mobile_metric("bytes_html").series
    curves = [(f'avg({series}{{type="{kind}",{_DEVICE}}})', build.texts(f"type.{kind}")) for kind in RESOURCE_TYPES]
    return build.stacked_series("mobile.weight", range_queries(curves), unit="bytes", min_value=0)


def vitals_table(
    build: PanelBuilder, key: str, by: str, queries: Sequence[Dataquery], columns: Mapping[str, Sequence[str]]
) -> Panel:
    """Build a table of vitals, a row for each *by* (portal or check); *columns*: vital -> its columns as queried."""
    texts = build.texts
    if by == "portal":
        first, width, sort_key = texts("column.portal"), 96, "vital.lcp_seconds"
        first_options = build.row_link("portal", "portal")
    else:
        first, width, sort_key = texts("column.device"), 130, ""
        devices = value_mapping((name, texts(f"device.{name}"), "") for name in DEVICE_PROFILES)
        first_options = {"mappings": [devices]}
    names = {by: first} | {column: texts(f"vital.{name}") for name, found in columns.items() for column in found}
    overrides = {first: {**first_options, "unit": "string", "custom.minWidth": 150}}
    for name in columns:
        unit = mobile_metric(name).unit
        overrides[texts(f"vital.{name}")] = {"unit": unit, "custom.width": width, **_vital_thresholds(name)}
    transformations = join_by_field(by, names)
    return build.table(
        key, queries, sort_key=sort_key, unit="s", decimals=2, transformations=transformations, overrides=overrides
    )


def _vital_thresholds(name: str) -> dict[str, object]:
    """Return the colours of a vital that the criteria score."""
    if name not in VITALS:
        return {}
    limited = {"mode": "absolute", "steps": limit_steps(vital_limits(name))}
    return {"thresholds": limited, "custom.cellOptions": {"type": "color-text"}}


def _table(build: PanelBuilder) -> Panel:
    queries = table_queries(f"max by (portal) ({mobile_metric(name).series}{{{_DEVICE}}})" for name in VITALS)
    columns = {name: [f"Value #{query.ref_id}"] for name, query in zip(VITALS, queries, strict=True)}
    return vitals_table(build, "mobile.table", "portal", queries, columns)


def _device_comparison(build: PanelBuilder) -> Panel:
    """Build the table of all vitals by device."""
    series = [mobile_metric(name).series for name in COMPARED_METRICS]
    queries = table_queries(f"quantile by (check) (0.5, {one}{{{_ALL_DEVICES}}})" for one in series)
    columns = {name: [f"Value #{query.ref_id}"] for name, query in zip(COMPARED_METRICS, queries, strict=True)}
    return vitals_table(build, "mobile.compared", "check", queries, columns)


def _mobile_friendliness(build: PanelBuilder) -> Panel:
    def mean(name: str, extra_selector: str = "") -> str:
        return f"avg({mobile_metric(name).series}{{{_DEVICE}{extra_selector}}})"

    expressions = {
        "viewport": mean("viewport_ok"),
        "overflow": f'avg({mobile_metric("overflow_360_px").series}{{width="360",{_DEVICE}}} < bool 1)',
        "legible": mean("text_legible_ratio"),
        "tap": mean("tap_24_ratio", ',size="24"'),
        "zoom": mean("zoom_ok"),
        "lang": mean("lang_ok"),
    }
    colors = steps(BAD, (HALF_RATIO, WARN), (MOBILE_FRIENDLY_RATIO, GOOD))
    queries = instant_queries((expr, build.texts(f"mobile_friendly.{name}")) for name, expr in expressions.items())
    return build.bar_gauge("mobile.mobile_friendliness", queries, **RATIO_AXIS, decimals=0, thresholds=colors)


def _lcp_histogram(build: PanelBuilder) -> Panel:
    queries = instant_queries([(f"max by (portal) ({_LCP}{{{_DEVICE}}})", "{{portal}}")])
    return build.histogram("mobile.distribution", queries, unit="s", decimals=1)


def _devices(build: PanelBuilder) -> Panel:
    query = range_query(f"quantile by (check) (0.5, {_LCP}{{{SELECTED}}})", "{{check}}")
    return build.time_series("mobile.devices", [query], **SECONDS_AXIS)


def _requests(build: PanelBuilder) -> Panel:
    shown = ("requests", "requests_failed", "console_errors")
    curves = [(f"avg({mobile_metric(name).series}{{{_DEVICE}}})", build.texts(f"legend.{name}")) for name in shown]
    return build.time_series("mobile.requests", range_queries(curves), **COUNT_AXIS)
