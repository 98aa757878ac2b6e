"""Mobile rendering: how fast and how fit are pages on a phone, against the limits of the criteria."""

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
    """The dashboard in one language."""
    kit = PanelBuilder(texts)
    first = [(4, _within_limit(kit, name)) for name in VITALS]
    curves = [(8, _vital_over_time(kit, name)) for name in VITALS]
    devices = query_variable("check", f"label_values({_LCP}, check)", texts, multi=False, initial="mobile")
    return DashboardSpec(
        name="mobile",
        variables=[*portal_variables(texts), devices],
        annotations=prometheus_annotations(texts, outages_enabled=False),
        time_from="now-7d",
        refresh="15m",
        rows=(
            PanelRow(height=4, panels=[*first, (4, _measured_portals(kit))]),
            PanelRow(height=7, panels=curves[:3]),
            PanelRow(height=7, panels=[*curves[3:], (8, _weight(kit))]),
            PanelRow(height=11, panels=[(16, _table(kit)), (8, _mobile_friendliness(kit))]),
            PanelRow(height=6, panels=[(24, _device_comparison(kit))]),
            PanelRow(height=7, panels=[(8, _lcp_histogram(kit)), (8, _devices(kit)), (8, _requests(kit))]),
        ),
    )


def vital_options(name: str) -> FieldOptions:
    """Unit and limits of a vital."""
    return FieldOptions(unit=mobile_metric(name).unit, decimals=2, thresholds=limit_steps(vital_limits(name)))


def _within_limit(builder: PanelBuilder, name: str) -> Panel:
    share = f"avg(max by (portal) ({mobile_metric(name).series}{{{_DEVICE}}}) < bool {vital_limits(name)[-1]})"
    dress = FieldOptions(
        unit="percentunit",
        decimals=0,
        thresholds=threshold_steps(BAD, (HALF_RATIO, WARN), (WITHIN_LIMIT_RATIO, GOOD)),
        min_value=0,
        max_value=1,
    )
    return builder.stat(f"mobile.kept_{name}", [instant_query(share)], dress)


def _measured_portals(builder: PanelBuilder) -> Panel:
    asked = instant_query(f"count(count by (portal) ({_LCP}{{{_DEVICE}}}))")
    return builder.stat("mobile.measured", [asked], FieldOptions(decimals=0))


def _vital_over_time(builder: PanelBuilder, name: str) -> Panel:
    series = mobile_metric(name).series
    asked = [
        range_query(portal_quantile(series, q, _DEVICE), builder.texts(f"legend.q{q * 100:.0f}"), ref)
        for ref, q in (("A", 0.5), ("B", 0.75), ("C", 0.95))
    ]
    good, bad = vital_limits(name)
    return builder.time_series(
        f"mobile.{name}",
        asked,
        FieldOptions(
            unit=mobile_metric(name).unit,
            min_value=0,
            thresholds=threshold_steps("transparent", (good, WARN), (bad, BAD)),
        ),
    )


def _weight(builder: PanelBuilder) -> Panel:
    series = mobile_metric("bytes_html").series
    asked = [
        range_query(f'avg({series}{{type="{sort}",{_DEVICE}}})', builder.texts(f"type.{sort}"), ref)
        for ref, sort in zip("ABCDEF", RESOURCE_TYPES, strict=True)
    ]
    return builder.stacked_series("mobile.weight", asked, FieldOptions(unit="bytes", min_value=0))


def vitals_table_options(builder: PanelBuilder, by: str, columns: Mapping[str, Sequence[str]]) -> FieldOptions:
    """Dress of a table of vitals, a row for each ``by`` (``portal`` or ``check``); vital -> its columns as queried."""
    say = builder.texts
    first = say("column.portal" if by == "portal" else "column.device")
    width = 96 if by == "portal" else 130
    names = {by: first} | {column: say(f"vital.{name}") for name, found in columns.items() for column in found}
    who = (
        builder.row_link("link.portal", "portal", first)
        if by == "portal"
        else {"mappings": [value_mapping((name, say(f"device.{name}"), "") for name in DEVICE_PROFILES)]}
    )
    return FieldOptions(
        unit="s",
        decimals=2,
        transformations=join_by_field(by, names),
        overrides={
            first: {**who, "unit": "string", "custom.minWidth": 150},
            **{
                say(f"vital.{name}"): {
                    "unit": mobile_metric(name).unit,
                    "custom.width": width,
                    **_vital_thresholds(name),
                }
                for name in columns
            },
        },
    )


def _vital_thresholds(name: str) -> dict[str, object]:
    """The colours of a vital that the criteria judge."""
    if name not in VITALS:
        return {}
    limited = {"mode": "absolute", "steps": limit_steps(vital_limits(name))}
    return {"thresholds": limited, "custom.cellOptions": {"type": "color-text"}}


def _table(builder: PanelBuilder) -> Panel:
    asked = dict(zip("ABCDE", VITALS, strict=True))
    told = [
        instant_query(f"max by (portal) ({mobile_metric(name).series}{{{_DEVICE}}})", ref_id=ref, table=True)
        for ref, name in asked.items()
    ]
    dress = vitals_table_options(builder, "portal", {name: [f"Value #{ref}"] for ref, name in asked.items()})
    return builder.table("mobile.table", told, dress, sort_column=builder.texts("vital.lcp_seconds"))


def _device_comparison(builder: PanelBuilder) -> Panel:
    """Every vital of every device side by side."""
    asked = dict(zip("ABCDEFG", COMPARED_METRICS, strict=True))
    told = [
        instant_query(
            f"quantile by (check) (0.5, {mobile_metric(name).series}{{{_ALL_DEVICES}}})", ref_id=ref, table=True
        )
        for ref, name in asked.items()
    ]
    dress = vitals_table_options(builder, "check", {name: [f"Value #{ref}"] for ref, name in asked.items()})
    return builder.table("mobile.compared", told, dress)


def _mobile_friendliness(builder: PanelBuilder) -> Panel:
    def mean(name: str, extra_selector: str = "") -> str:
        return f"avg({mobile_metric(name).series}{{{_DEVICE}{extra_selector}}})"

    asked = {
        "viewport": mean("viewport_ok"),
        "overflow": f'avg({mobile_metric("overflow_360_px").series}{{width="360",{_DEVICE}}} < bool 1)',
        "legible": mean("text_legible_ratio"),
        "tap": mean("tap_24_ratio", ',size="24"'),
        "zoom": mean("zoom_ok"),
        "lang": mean("lang_ok"),
    }
    dress = FieldOptions(
        unit="percentunit",
        decimals=0,
        min_value=0,
        max_value=1,
        thresholds=threshold_steps(BAD, (HALF_RATIO, WARN), (MOBILE_FRIENDLY_RATIO, GOOD)),
    )
    lines = [
        instant_query(expr, builder.texts(f"fit.{name}"), ref)
        for ref, (name, expr) in zip("ABCDEF", asked.items(), strict=True)
    ]
    return builder.bar_gauge("mobile.fitness", lines, dress)


def _lcp_histogram(builder: PanelBuilder) -> Panel:
    asked = instant_query(f"max by (portal) ({_LCP}{{{_DEVICE}}})", "{{portal}}")
    return builder.histogram("mobile.distribution", [asked], FieldOptions(unit="s", decimals=1))


def _devices(builder: PanelBuilder) -> Panel:
    asked = range_query(f"quantile by (check) (0.5, {_LCP}{{{SELECTED}}})", "{{check}}")
    return builder.time_series("mobile.devices", [asked], FieldOptions(unit="s", min_value=0))


def _requests(builder: PanelBuilder) -> Panel:
    asked = [
        range_query(f"avg({mobile_metric(name).series}{{{_DEVICE}}})", builder.texts(f"legend.{name}"), ref)
        for ref, name in (("A", "requests"), ("B", "requests_failed"), ("C", "console_errors"))
    ]
    return builder.time_series("mobile.requests", asked, FieldOptions(unit="short", min_value=0, decimals=0))
