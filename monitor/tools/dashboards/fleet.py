"""Fleet: is anything wrong? A wallboard that shows it in five seconds, and the portal in thirty."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.model.records import PortalKind, State
from monitor.tools.dashboards import mappings, promql
from monitor.tools.dashboards.datasources import instant_query, range_queries, table_queries
from monitor.tools.dashboards.layout import DashboardSpec, PanelRow, wrap_panels
from monitor.tools.dashboards.mappings import ACCENT, BAD, GOOD, NEUTRAL, STATE_STYLES, WARN, steps, value_mapping
from monitor.tools.dashboards.metrics import CERTIFICATE_DAYS, DAY_SECONDS, SLOW_SECONDS
from monitor.tools.dashboards.panels import COUNT_AXIS, SECONDS_AXIS, PanelBuilder, fixed_color, select_columns
from monitor.tools.dashboards.promql import HOME_CHECK, SELECTED
from monitor.tools.dashboards.thresholds import NOT_PROBING_SECONDS
from monitor.tools.dashboards.variables import portal_variables, prometheus_annotations

if TYPE_CHECKING:
    from collections.abc import Mapping

    from grafana_foundation_sdk.models.dashboard import Panel, Threshold

    from monitor.tools.dashboards.texts import DashboardTexts

_CERTIFICATE_EXPIRY = f"min by (portal) (probe_ssl_earliest_cert_expiry{{{SELECTED}}})"
_COLOR_BACKGROUND = {"custom.cellOptions": {"type": "color-background", "mode": "basic"}}
PROBER_STATUS = (
    'max(portal_monitor_prober_state{state="unknown",location=~"$location"})'
    f" + 2 * (max(time() - portal_monitor_last_probe_timestamp_seconds) > bool {NOT_PROBING_SECONDS:g})"
)
"""0: self-check ok, 1: self-check failed, 2 and above: not probing."""


def dashboard(texts: DashboardTexts) -> DashboardSpec:
    """Return the dashboard in one language."""
    build = PanelBuilder(texts)
    ministries, provinces = _portal_tiles(build, PortalKind.MINISTRY), _portal_tiles(build, PortalKind.PROVINCE)
    national = _portal_tiles(build, PortalKind.NATIONAL)
    return DashboardSpec(
        name="fleet",
        variables=portal_variables(texts),
        annotations=prometheus_annotations(texts, outages_enabled=False),
        refresh="30s",
        rows=(
            *wrap_panels(_state_counts(build)),
            PanelRow(12, [(11, ministries), (13, provinces)]),
            PanelRow(8, [(4, national), (11, _problems(build)), (9, _state_changes(build))]),
            PanelRow(8, [(8, _slowest(build)), (8, _certificates(build)), (8, _latency(build))]),
            PanelRow(6, [(24, _states_over_time(build))]),
        ),
    )


def prober_status(build: PanelBuilder, key: str) -> Panel:
    """Build the panel of the prober's own status."""
    not_probing = f"✕ {build.texts('prober_status.not_probing')}"
    rows = (
        ("0", f"✓ {build.texts('prober_status.ok')}", GOOD),
        ("1", f"? {build.texts('prober_status.self_check_failed')}", BAD),
        ("2", not_probing, BAD),
        ("3", not_probing, BAD),
    )
    return build.value(key, PROBER_STATUS, unit="none", mappings=[value_mapping(rows)], no_value_color=BAD)


def _state_counts(build: PanelBuilder) -> list[Panel]:
    none = value_mapping([("0", f"✓ {build.texts('count.none')}", GOOD)])

    def count(key: str, expr: str, color: str) -> Panel:
        colors = steps(GOOD, (1, color))
        return build.value(key, expr, thresholds=colors, mappings=[none], decimals=0)

    soon = f"count({_CERTIFICATE_EXPIRY} - time() < {CERTIFICATE_DAYS[1] * DAY_SECONDS:.0f}) or vector(0)"
    return [
        count("fleet.down", promql.count_in_state(State.DOWN), BAD),
        count("fleet.degraded", promql.count_in_state(State.DEGRADED), WARN),
        count("fleet.unknown", promql.count_in_state(State.UNKNOWN), NEUTRAL),
        count("fleet.maintenance", promql.count_in_state(State.MAINTENANCE), ACCENT),
        build.value("fleet.up", promql.count_in_state(State.UP), thresholds=steps(BAD, (1, GOOD)), decimals=0),
        count("fleet.incidents", "sum(portal_monitor_incidents_open)", BAD),
        count("fleet.ending", soon, WARN),
        prober_status(build, "fleet.prober_status"),
    ]


def _portal_tiles(build: PanelBuilder, kind: PortalKind) -> Panel:
    query = instant_query(
        f'{promql.worst_state()} and on (portal) portal_monitor_portal_info{{kind="{kind}"}}', "{{portal}}"
    )
    symbols, link = mappings.state_symbol_mappings(), build.link("portal")
    return build.stat_tiles(f"fleet.tiles_{kind}", [query], unit="none", mappings=symbols, link=link)


def _problems(build: PanelBuilder) -> Panel:
    """Build the table of portals that are not up, with the fault: three results joined by portal."""
    expressions = (
        f"({promql.worst_state()} > 0) * {promql.WITH_NAME}",
        f"topk by (portal) (1, max by (portal, reason) (probe_failure_info{{{HOME_CHECK}}}))",
        f"max by (portal) ({promql.last_state_change()}) * 1000",
    )
    names = {"name": "portal", "Value #A": "state", "reason": "fault", "Value #C": "since", "portal": "id"}
    has_state = {"fieldName": "Value #A", "config": {"id": "isNotNull", "options": {}}}
    transformations: list[tuple[str, Mapping[str, object]]] = [
        ("joinByField", {"byField": "portal", "mode": "outer"}),
        ("filterByValue", {"type": "include", "match": "all", "filters": [has_state]}),
        *select_columns(build.columns(names)),
    ]
    states = mappings.state_code_mappings(build.texts)
    none = build.texts("portal.since.none")
    columns: dict[str, Mapping[str, object]] = {
        "state": {"mappings": states, **_COLOR_BACKGROUND, "custom.width": 130, "custom.align": "left"},
        "since": {"unit": "dateTimeFromNow", "noValue": none, "custom.width": 120},
        "portal": {**build.row_link("portal", "id"), "custom.minWidth": 180},
        "fault": {"custom.width": 130},
        "id": {"custom.hidden": True},
    }
    return build.table(
        "fleet.problems", table_queries(expressions), sort_key="column.state", unit="none",
        transformations=transformations, overrides=build.overrides("column", columns),
    )  # fmt: skip


def _state_changes(build: PanelBuilder) -> Panel:
    newest = instant_query(f"topk(15, {promql.last_state_change()}) * 1000", table=True)
    names = build.columns({"portal": "portal", "state": "state", "Value": "since"})
    columns = {
        "state": {"mappings": mappings.state_name_mappings(build.texts), **_COLOR_BACKGROUND, "custom.width": 130},
        "since": {"unit": "dateTimeFromNow", "custom.width": 120},
        "portal": build.row_link("portal", "portal"),
    }
    return build.table(
        "fleet.changes", [newest], sort_key="column.since", unit="none",
        transformations=select_columns(names), overrides=build.overrides("column", columns),
    )  # fmt: skip


def _slowest(build: PanelBuilder) -> Panel:
    query = instant_query(f"topk(10, max by (portal) (probe_duration_seconds{{{HOME_CHECK}}}))", "{{portal}}")
    colors = steps(GOOD, (SLOW_SECONDS / 2, WARN), (SLOW_SECONDS, BAD))
    return build.bar_gauge(
        "fleet.slow", [query], **SECONDS_AXIS, max_value=SLOW_SECONDS, decimals=1,
        thresholds=colors, link=build.link("portal"),
    )  # fmt: skip


def certificate_steps() -> list[Threshold]:
    """Return the colours of the days that a certificate has left."""
    urgent, soon, plan = CERTIFICATE_DAYS
    return steps(BAD, (urgent, BAD), (soon, WARN), (plan, GOOD))


def _certificates(build: PanelBuilder) -> Panel:
    days = f"sort(bottomk(10, ({_CERTIFICATE_EXPIRY} - time()) / {DAY_SECONDS:.0f}))"
    return build.bar_gauge(
        "fleet.certificates", [instant_query(days, "{{portal}}")], **COUNT_AXIS, max_value=3 * CERTIFICATE_DAYS[2],
        unit=build.texts("unit.days"), thresholds=certificate_steps(), link=build.link("portal"),
    )  # fmt: skip


def _latency(build: PanelBuilder) -> Panel:
    series = "probe_duration_seconds"
    curves = [
        (promql.portal_quantile(series, q, HOME_CHECK), build.texts(f"legend.q{q * 100:.0f}")) for q in (0.5, 0.95)
    ]
    return build.time_series("fleet.latency", range_queries(curves), **SECONDS_AXIS)


def _states_over_time(build: PanelBuilder) -> Panel:
    shown = (State.DOWN, State.DEGRADED, State.UNKNOWN, State.MAINTENANCE)
    queries = range_queries((promql.count_in_state(state), build.texts(f"state.{state}")) for state in shown)
    colors = build.overrides("state", {state: fixed_color(STATE_STYLES[state].color) for state in shown})
    return build.stacked_series("fleet.history", queries, **COUNT_AXIS, overrides=colors)
