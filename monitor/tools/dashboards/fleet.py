"""Fleet: is anything wrong? A wallboard that shows it in five seconds, and the portal in thirty."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.model.records import PortalKind, State
from monitor.tools.dashboards.datasources import instant_query, range_query
from monitor.tools.dashboards.layout import DashboardSpec, PanelRow, wrap_panels
from monitor.tools.dashboards.mappings import (
    ACCENT,
    BAD,
    GOOD,
    NEUTRAL,
    STATE_STYLES,
    WARN,
    state_code_mappings,
    state_name_mappings,
    state_symbol_mappings,
    threshold_steps,
    value_mapping,
)
from monitor.tools.dashboards.metrics import CERTIFICATE_DAYS, DAY_SECONDS, SLOW_SECONDS
from monitor.tools.dashboards.panels import FieldOptions, PanelBuilder, fixed_color, select_columns
from monitor.tools.dashboards.promql import (
    HOME_CHECK,
    SELECTED,
    WITH_NAME,
    count_in_state,
    last_state_change,
    portal_quantile,
    worst_state,
)
from monitor.tools.dashboards.thresholds import NOT_PROBING_SECONDS
from monitor.tools.dashboards.variables import portal_variables, prometheus_annotations

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel

    from monitor.tools.dashboards.texts import DashboardTexts

_CERTIFICATE_EXPIRY = f"min by (portal) (probe_ssl_earliest_cert_expiry{{{SELECTED}}})"
PROBER_STATUS = (
    'max(portal_monitor_prober_state{state="unknown",location=~"$location"})'
    f" + 2 * (max(time() - portal_monitor_last_probe_timestamp_seconds) > bool {NOT_PROBING_SECONDS:g})"
)
"""0: self-check ok, 1: self-check failed, 2 and above: not probing."""


def dashboard(texts: DashboardTexts) -> DashboardSpec:
    """Return the dashboard in one language."""
    builder = PanelBuilder(texts)
    return DashboardSpec(
        name="fleet",
        variables=portal_variables(texts),
        annotations=prometheus_annotations(texts, outages_enabled=False),
        refresh="30s",
        rows=(
            *wrap_panels(_state_counts(builder)),
            PanelRow(
                height=12,
                panels=[
                    (11, _portal_tiles(builder, PortalKind.MINISTRY)),
                    (13, _portal_tiles(builder, PortalKind.PROVINCE)),
                ],
            ),
            PanelRow(
                height=8,
                panels=[
                    (4, _portal_tiles(builder, PortalKind.NATIONAL)),
                    (11, _problems(builder)),
                    (9, _state_changes(builder)),
                ],
            ),
            PanelRow(height=8, panels=[(8, _slowest(builder)), (8, _certificates(builder)), (8, _latency(builder))]),
            PanelRow(height=6, panels=[(24, _states_over_time(builder))]),
        ),
    )


def prober_status(builder: PanelBuilder, key: str) -> Panel:
    """Build the panel of the prober's own status."""
    texts = builder.texts
    mapping = value_mapping(
        (
            ("0", f"✓ {texts('prober_status.ok')}", GOOD),
            ("1", f"? {texts('prober_status.self_check_failed')}", BAD),
            ("2", f"✕ {texts('prober_status.not_probing')}", BAD),
            ("3", f"✕ {texts('prober_status.not_probing')}", BAD),
        )
    )
    return builder.stat(
        key, [instant_query(PROBER_STATUS)], FieldOptions(unit="none", mappings=[mapping], no_value_color=BAD)
    )


def _state_counts(builder: PanelBuilder) -> list[Panel]:
    def count(key: str, state: State, threshold_color: str) -> Panel:
        none = value_mapping([("0", f"✓ {builder.texts('count.none')}", GOOD)])
        return builder.stat(
            key,
            [instant_query(count_in_state(state))],
            FieldOptions(thresholds=threshold_steps(GOOD, (1, threshold_color)), mappings=[none], decimals=0),
        )

    soon = f"count({_CERTIFICATE_EXPIRY} - time() < {CERTIFICATE_DAYS[1] * DAY_SECONDS:.0f}) or vector(0)"
    clear = value_mapping([("0", f"✓ {builder.texts('count.none')}", GOOD)])
    return [
        count("fleet.down", State.DOWN, BAD),
        count("fleet.degraded", State.DEGRADED, WARN),
        count("fleet.unknown", State.UNKNOWN, NEUTRAL),
        count("fleet.maintenance", State.MAINTENANCE, ACCENT),
        builder.stat(
            "fleet.up",
            [instant_query(count_in_state(State.UP))],
            FieldOptions(thresholds=threshold_steps(BAD, (1, GOOD)), decimals=0),
        ),
        builder.stat(
            "fleet.incidents",
            [instant_query("sum(portal_monitor_incidents_open)")],
            FieldOptions(thresholds=threshold_steps(GOOD, (1, BAD)), mappings=[clear], decimals=0),
        ),
        builder.stat(
            "fleet.ending",
            [instant_query(soon)],
            FieldOptions(thresholds=threshold_steps(GOOD, (1, WARN)), mappings=[clear], decimals=0),
        ),
        prober_status(builder, "fleet.prober_status"),
    ]


def _portal_tiles(builder: PanelBuilder, kind: PortalKind) -> Panel:
    query = instant_query(f'{worst_state()} and on (portal) portal_monitor_portal_info{{kind="{kind}"}}', "{{portal}}")
    options = FieldOptions(unit="none", mappings=state_symbol_mappings(), link=builder.link("link.portal", "portal"))
    return builder.stat_tiles(f"fleet.tiles_{kind}", [query], options)


def _problems(builder: PanelBuilder) -> Panel:
    """Build the table of portals that are not up, with the fault: three results joined by portal."""
    fault = f"max by (portal, reason) (probe_failure_info{{{HOME_CHECK}}})"
    queries = [
        instant_query(f"({worst_state()} > 0) * {WITH_NAME}", ref_id="A", table=True),
        instant_query(f"topk by (portal) (1, {fault})", ref_id="B", table=True),
        instant_query(f"max by (portal) ({last_state_change()}) * 1000", ref_id="C", table=True),
    ]
    texts = builder.texts
    names = {
        "name": texts("column.portal"), "Value #A": texts("column.state"), "reason": texts("column.fault"),
        "Value #C": texts("column.since"), "portal": texts("column.id"),
    }  # fmt: skip
    options = FieldOptions(
        unit="none",
        transformations=[
            ("joinByField", {"byField": "portal", "mode": "outer"}),
            (
                "filterByValue",
                {
                    "type": "include",
                    "match": "all",
                    "filters": [{"fieldName": "Value #A", "config": {"id": "isNotNull", "options": {}}}],
                },
            ),
            *select_columns(names),
        ],
        overrides={
            texts("column.state"): {
                "mappings": state_code_mappings(texts),
                **_COLOR_BACKGROUND,
                "custom.width": 130,
                "custom.align": "left",
            },
            texts("column.since"): {
                "unit": "dateTimeFromNow",
                "noValue": texts("portal.since.none"),
                "custom.width": 120,
            },
            texts("column.portal"): {
                **builder.row_link("link.portal", "portal", texts("column.id")),
                "custom.minWidth": 180,
            },
            texts("column.fault"): {"custom.width": 130},
            texts("column.id"): {"custom.hidden": True},
        },
    )
    return builder.table("fleet.problems", queries, options, sort_column=texts("column.state"))


_COLOR_BACKGROUND = {"custom.cellOptions": {"type": "color-background", "mode": "basic"}}


def _state_changes(builder: PanelBuilder) -> Panel:
    texts = builder.texts
    names = {"portal": texts("column.portal"), "state": texts("column.state"), "Value": texts("column.since")}
    options = FieldOptions(
        unit="none",
        transformations=select_columns(names),
        overrides={
            texts("column.state"): {"mappings": state_name_mappings(texts), **_COLOR_BACKGROUND, "custom.width": 130},
            texts("column.since"): {"unit": "dateTimeFromNow", "custom.width": 120},
            texts("column.portal"): builder.row_link("link.portal", "portal", texts("column.portal")),
        },
    )
    newest = f"topk(15, {last_state_change()}) * 1000"
    return builder.table(
        "fleet.changes", [instant_query(newest, table=True)], options, sort_column=texts("column.since")
    )


def _slowest(builder: PanelBuilder) -> Panel:
    query = instant_query(f"topk(10, max by (portal) (probe_duration_seconds{{{HOME_CHECK}}}))", "{{portal}}")
    options = FieldOptions(
        unit="s",
        decimals=1,
        min_value=0,
        max_value=SLOW_SECONDS,
        thresholds=threshold_steps(GOOD, (SLOW_SECONDS / 2, WARN), (SLOW_SECONDS, BAD)),
        link=builder.link("link.portal", "portal"),
    )
    return builder.bar_gauge("fleet.slow", [query], options)


def _certificates(builder: PanelBuilder) -> Panel:
    urgent, soon, plan = CERTIFICATE_DAYS
    options = FieldOptions(
        unit=builder.texts("unit.days"), decimals=0, min_value=0, max_value=3 * plan,
        thresholds=threshold_steps(BAD, (urgent, BAD), (soon, WARN), (plan, GOOD)),
        link=builder.link("link.portal", "portal"),
    )  # fmt: skip
    return builder.bar_gauge(
        "fleet.certificates",
        [instant_query(f"sort(bottomk(10, ({_CERTIFICATE_EXPIRY} - time()) / {DAY_SECONDS:.0f}))", "{{portal}}")],
        options,
    )


def _latency(builder: PanelBuilder) -> Panel:
    queries = [
        range_query(
            portal_quantile("probe_duration_seconds", q, HOME_CHECK), builder.texts(f"legend.q{q * 100:.0f}"), ref
        )
        for ref, q in (("A", 0.5), ("B", 0.95))
    ]
    return builder.time_series("fleet.latency", queries, FieldOptions(unit="s", min_value=0))


def _states_over_time(builder: PanelBuilder) -> Panel:
    shown = (State.DOWN, State.DEGRADED, State.UNKNOWN, State.MAINTENANCE)
    queries = [
        range_query(count_in_state(state), builder.texts(f"state.{state}"), ref)
        for ref, state in zip("ABCD", shown, strict=True)
    ]
    overrides = {builder.texts(f"state.{state}"): fixed_color(STATE_STYLES[state].color) for state in shown}
    return builder.stacked_series("fleet.history", queries, FieldOptions(min_value=0, decimals=0, overrides=overrides))
