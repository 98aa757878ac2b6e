"""Mobile rendering: how fast and how mobile-friendly are pages on a phone, against the limits of the criteria."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.tools.dashboards.datasources import instant_query, range_query
from monitor.tools.dashboards.layout import DashboardSpec, PanelRow
from monitor.tools.dashboards.mappings import BAD, GOOD, WARN, limit_steps, threshold_steps, value_mapping
from monitor.tools.dashboards.metrics import COMPARED_METRICS, VITALS, mobile_metric, vital_limits
from monitor.tools.dashboards.panels import FieldOptions, PanelBuilder, join_by_field
from monitor.tools.dashboards.promql import SELECTED, portal_quantile
from monitor.tools.dashboards.thresholds import HALF_RATIO, MOBILE_FRIENDLY_RATIO, WITHIN_LIMIT_RATIO
from monitor.tools.dashboards.variables import portal_variables, prometheus_annotations, query_variable
from probes.browser.device_profiles import DEVICE_PROFILES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from grafana_foundation_sdk.models.dashboard import Panel

    from monitor.tools.dashboards.texts import DashboardTexts

RESOURCE_TYPES = ("html", "script", "style", "image", "font", "other")
_LCP = mobile_metric("lcp_seconds").series
_DEVICE = f'check="$check",{SELECTED}'
_ALL_DEVICES = f'check=~"{"|".join(DEVICE_PROFILES)}",{SELECTED}'
"""The checks of home pages are named after their devices."""


def dashboard(texts: DashboardTexts) -> DashboardSpec:
    """Return the dashboard in one language."""
    builder = PanelBuilder(texts)
    first = [(4, _within_limit(builder, name)) for name in VITALS]
    curves = [(8, _vital_over_time(builder, name)) for name in VITALS]
    devices = query_variable("check", f"label_values({_LCP}, check)", texts, multi=False, initial="mobile")
    return DashboardSpec(
        name="mobile",
        variables=[*portal_variables(texts), devices],
        annotations=prometheus_annotations(texts, outages_enabled=False),
        time_from="now-7d",
        refresh="15m",
        rows=(
            PanelRow(height=4, panels=[*first, (4, _measured_portals(builder))]),
            PanelRow(height=7, panels=curves[:3]),
            PanelRow(height=7, panels=[*curves[3:], (8, _weight(builder))]),
            PanelRow(height=11, panels=[(16, _table(builder)), (8, _mobile_friendliness(builder))]),
            PanelRow(height=6, panels=[(24, _device_comparison(builder))]),
            PanelRow(height=7, panels=[(8, _lcp_histogram(builder)), (8, _devices(builder)), (8, _requests(builder))]),
        ),
    )


def vital_options(name: str) -> FieldOptions:
    """Return unit and limits of a vital."""
    return FieldOptions(unit=mobile_metric(name).unit, decimals=2, thresholds=limit_steps(vital_limits(name)))


def _within_limit(builder: PanelBuilder, name: str) -> Panel:
    share = f"avg(max by (portal) ({mobile_metric(name).series}{{{_DEVICE}}}) < bool {vital_limits(name)[-1]})"
    options = FieldOptions(
        unit="percentunit",
        decimals=0,
        thresholds=threshold_steps(BAD, (HALF_RATIO, WARN), (WITHIN_LIMIT_RATIO, GOOD)),
        min_value=0,
        max_value=1,
    )
    return builder.stat(f"mobile.within_limit_{name}", [instant_query(share)], options)


def _measured_portals(builder: PanelBuilder) -> Panel:
    query = instant_query(f"count(count by (portal) ({_LCP}{{{_DEVICE}}}))")
    return builder.stat("mobile.measured", [query], FieldOptions(decimals=0))


def _vital_over_time(builder: PanelBuilder, name: str) -> Panel:
    series = mobile_metric(name).series
    queries = [
        range_query(portal_quantile(series, q, _DEVICE), builder.texts(f"legend.q{q * 100:.0f}"), ref)
        for ref, q in (("A", 0.5), ("B", 0.75), ("C", 0.95))
    ]
    good, bad = vital_limits(name)
    return builder.time_series(
        f"mobile.{name}",
        queries,
        FieldOptions(
            unit=mobile_metric(name).unit,
            min_value=0,
            thresholds=threshold_steps("transparent", (good, WARN), (bad, BAD)),
        ),
    )


def _weight(builder: PanelBuilder) -> Panel:
    series = mobile_metric("bytes_html").series
    queries = [
        range_query(f'avg({series}{{type="{resource_type}",{_DEVICE}}})', builder.texts(f"type.{resource_type}"), ref)
        for ref, resource_type in zip("ABCDEF", RESOURCE_TYPES, strict=True)
    ]
    return builder.stacked_series("mobile.weight", queries, FieldOptions(unit="bytes", min_value=0))


def vitals_table_options(builder: PanelBuilder, by: str, columns: Mapping[str, Sequence[str]]) -> FieldOptions:
    """Return options of a table of vitals, a row for each *by* (portal or check); vital -> its columns as queried."""
    texts = builder.texts
    first = texts("column.portal" if by == "portal" else "column.device")
    width = 96 if by == "portal" else 130
    names = {by: first} | {column: texts(f"vital.{name}") for name, found in columns.items() for column in found}
    first_options = (
        builder.row_link("link.portal", "portal", first)
        if by == "portal"
        else {"mappings": [value_mapping((name, texts(f"device.{name}"), "") for name in DEVICE_PROFILES)]}
    )
    return FieldOptions(
        unit="s",
        decimals=2,
        transformations=join_by_field(by, names),
        overrides={
            first: {**first_options, "unit": "string", "custom.minWidth": 150},
            **{
                texts(f"vital.{name}"): {
                    "unit": mobile_metric(name).unit,
                    "custom.width": width,
                    **_vital_thresholds(name),
                }
                for name in columns
            },
        },
    )


def _vital_thresholds(name: str) -> dict[str, object]:
    """Return the colours of a vital that the criteria score."""
    if name not in VITALS:
        return {}
    limited = {"mode": "absolute", "steps": limit_steps(vital_limits(name))}
    return {"thresholds": limited, "custom.cellOptions": {"type": "color-text"}}


def _table(builder: PanelBuilder) -> Panel:
    metrics = dict(zip("ABCDE", VITALS, strict=True))
    queries = [
        instant_query(f"max by (portal) ({mobile_metric(name).series}{{{_DEVICE}}})", ref_id=ref, table=True)
        for ref, name in metrics.items()
    ]
    options = vitals_table_options(builder, "portal", {name: [f"Value #{ref}"] for ref, name in metrics.items()})
    return builder.table("mobile.table", queries, options, sort_column=builder.texts("vital.lcp_seconds"))


def _device_comparison(builder: PanelBuilder) -> Panel:
    """Build the table of all vitals by device."""
    metrics = dict(zip("ABCDEFG", COMPARED_METRICS, strict=True))
    queries = [
        instant_query(
            f"quantile by (check) (0.5, {mobile_metric(name).series}{{{_ALL_DEVICES}}})", ref_id=ref, table=True
        )
        for ref, name in metrics.items()
    ]
    options = vitals_table_options(builder, "check", {name: [f"Value #{ref}"] for ref, name in metrics.items()})
    return builder.table("mobile.compared", queries, options)


def _mobile_friendliness(builder: PanelBuilder) -> Panel:
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
    options = FieldOptions(
        unit="percentunit",
        decimals=0,
        min_value=0,
        max_value=1,
        thresholds=threshold_steps(BAD, (HALF_RATIO, WARN), (MOBILE_FRIENDLY_RATIO, GOOD)),
    )
    queries = [
        instant_query(expr, builder.texts(f"mobile_friendly.{name}"), ref)
        for ref, (name, expr) in zip("ABCDEF", expressions.items(), strict=True)
    ]
    return builder.bar_gauge("mobile.mobile_friendliness", queries, options)


def _lcp_histogram(builder: PanelBuilder) -> Panel:
    query = instant_query(f"max by (portal) ({_LCP}{{{_DEVICE}}})", "{{portal}}")
    return builder.histogram("mobile.distribution", [query], FieldOptions(unit="s", decimals=1))


def _devices(builder: PanelBuilder) -> Panel:
    query = range_query(f"quantile by (check) (0.5, {_LCP}{{{SELECTED}}})", "{{check}}")
    return builder.time_series("mobile.devices", [query], FieldOptions(unit="s", min_value=0))


def _requests(builder: PanelBuilder) -> Panel:
    queries = [
        range_query(f"avg({mobile_metric(name).series}{{{_DEVICE}}})", builder.texts(f"legend.{name}"), ref)
        for ref, name in (("A", "requests"), ("B", "requests_failed"), ("C", "console_errors"))
    ]
    return builder.time_series("mobile.requests", queries, FieldOptions(unit="short", min_value=0, decimals=0))
