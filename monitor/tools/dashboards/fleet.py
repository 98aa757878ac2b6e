"""Fleet: is anything wrong? A wallboard that says so in five seconds, and names the portal in thirty."""

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
from monitor.tools.dashboards.panels import FieldOptions, PanelBuilder, fixed_color
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
    f" + 2 * (max(time() - portal_monitor_last_look_timestamp_seconds) > bool {NOT_PROBING_SECONDS:g})"
)
"""0 the prober sees, 1 it does not, 2 and above it does not look."""


def dashboard(texts: DashboardTexts) -> DashboardSpec:
    """The dashboard in one language."""
    kit = PanelBuilder(texts)
    return DashboardSpec(
        name="fleet",
        variables=portal_variables(texts),
        annotations=prometheus_annotations(texts, outages_enabled=False),
        refresh="30s",
        rows=(
            *wrap_panels(_state_counts(kit)),
            PanelRow(
                height=12,
                panels=[(11, _portal_tiles(kit, PortalKind.MINISTRY)), (13, _portal_tiles(kit, PortalKind.PROVINCE))],
            ),
            PanelRow(
                height=8,
                panels=[(4, _portal_tiles(kit, PortalKind.NATIONAL)), (11, _problems(kit)), (9, _state_changes(kit))],
            ),
            PanelRow(height=8, panels=[(8, _slowest(kit)), (8, _certificates(kit)), (8, _latency(kit))]),
            PanelRow(height=6, panels=[(24, _states_over_time(kit))]),
        ),
    )


def prober_status(builder: PanelBuilder, key: str) -> Panel:
    """The prober's own light, with its word."""
    say = builder.texts
    told = value_mapping(
        (
            ("0", f"✓ {say('light.good')}", GOOD),
            ("1", f"? {say('light.blind')}", BAD),
            ("2", f"✕ {say('light.silent')}", BAD),
            ("3", f"✕ {say('light.silent')}", BAD),
        )
    )
    return builder.stat(
        key, [instant_query(PROBER_STATUS)], FieldOptions(unit="none", mappings=[told], no_value_color=BAD)
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
        prober_status(builder, "fleet.light"),
    ]


def _portal_tiles(builder: PanelBuilder, kind: PortalKind) -> Panel:
    asked = instant_query(f'{worst_state()} and on (portal) portal_monitor_portal_info{{kind="{kind}"}}', "{{portal}}")
    dress = FieldOptions(unit="none", mappings=state_symbol_mappings(), link=builder.link("link.portal", "portal"))
    return builder.stat_tiles(f"fleet.tiles_{kind}", [asked], dress)


def _problems(builder: PanelBuilder) -> Panel:
    """Everything that is not up, with the reason: three answers joined by portal."""
    fault = f"max by (portal, reason) (probe_failure_info{{{HOME_CHECK}}})"
    asked = [
        instant_query(f"({worst_state()} > 0) * {WITH_NAME}", ref_id="A", table=True),
        instant_query(f"topk by (portal) (1, {fault})", ref_id="B", table=True),
        instant_query(f"max by (portal) ({last_state_change()}) * 1000", ref_id="C", table=True),
    ]
    say = builder.texts
    names = {
        "name": say("column.portal"), "Value #A": say("column.state"), "reason": say("column.fault"),
        "Value #C": say("column.since"), "portal": say("column.id"),
    }  # fmt: skip
    dress = FieldOptions(
        unit="none",
        transformations=[
            ("joinByField", {"byField": "portal", "mode": "outer"}),
            ("filterByValue", {"type": "include", "match": "all", "filters": [
                {"fieldName": "Value #A", "config": {"id": "isNotNull", "options": {}}}]}),
            ("filterFieldsByName", {"include": {"names": list(names)}}),
            ("organize", {"renameByName": names, "indexByName": {name: at for at, name in enumerate(names)}}),
        ],
        overrides={
            say("column.state"): {
                "mappings": state_code_mappings(say), **_COLOR_BACKGROUND, "custom.width": 130, "custom.align": "left",
            },
            say("column.since"): {
                "unit": "dateTimeFromNow", "noValue": say("portal.since.none"), "custom.width": 120,
            },
            say("column.portal"): {**builder.row_link("link.portal", "portal", say("column.id")), "custom.minWidth": 180},
            say("column.fault"): {"custom.width": 130},
            say("column.id"): {"custom.hidden": True},
        },
    )  # fmt: skip
    return builder.table("fleet.trouble", asked, dress, sort_column=say("column.state"))


_COLOR_BACKGROUND = {"custom.cellOptions": {"type": "color-background", "mode": "basic"}}


def _state_changes(builder: PanelBuilder) -> Panel:
    say = builder.texts
    names = {"portal": say("column.portal"), "state": say("column.state"), "Value": say("column.since")}
    dress = FieldOptions(
        unit="none",
        transformations=[
            ("filterFieldsByName", {"include": {"names": list(names)}}),
            ("organize", {"renameByName": names, "indexByName": {name: at for at, name in enumerate(names)}}),
        ],
        overrides={
            say("column.state"): {"mappings": state_name_mappings(say), **_COLOR_BACKGROUND, "custom.width": 130},
            say("column.since"): {"unit": "dateTimeFromNow", "custom.width": 120},
            say("column.portal"): builder.row_link("link.portal", "portal", say("column.portal")),
        },
    )
    newest = f"topk(15, {last_state_change()}) * 1000"
    return builder.table("fleet.changes", [instant_query(newest, table=True)], dress, sort_column=say("column.since"))


def _slowest(builder: PanelBuilder) -> Panel:
    asked = instant_query(f"topk(10, max by (portal) (probe_duration_seconds{{{HOME_CHECK}}}))", "{{portal}}")
    dress = FieldOptions(
        unit="s", decimals=1, min_value=0, max_value=SLOW_SECONDS, thresholds=threshold_steps(GOOD, (SLOW_SECONDS / 2, WARN), (SLOW_SECONDS, BAD)),
        link=builder.link("link.portal", "portal"),
    )  # fmt: skip
    return builder.bar_gauge("fleet.slow", [asked], dress)


def _certificates(builder: PanelBuilder) -> Panel:
    urgent, soon, plan = CERTIFICATE_DAYS
    dress = FieldOptions(
        unit=builder.texts("unit.days"), decimals=0, min_value=0, max_value=3 * plan,
        thresholds=threshold_steps(BAD, (urgent, BAD), (soon, WARN), (plan, GOOD)),
        link=builder.link("link.portal", "portal"),
    )  # fmt: skip
    return builder.bar_gauge(
        "fleet.certificates",
        [instant_query(f"sort(bottomk(10, ({_CERTIFICATE_EXPIRY} - time()) / {DAY_SECONDS:.0f}))", "{{portal}}")],
        dress,
    )


def _latency(builder: PanelBuilder) -> Panel:
    asked = [
        range_query(
            portal_quantile("probe_duration_seconds", q, HOME_CHECK), builder.texts(f"legend.q{q * 100:.0f}"), ref
        )
        for ref, q in (("A", 0.5), ("B", 0.95))
    ]
    return builder.time_series("fleet.latency", asked, FieldOptions(unit="s", min_value=0))


def _states_over_time(builder: PanelBuilder) -> Panel:
    shown = (State.DOWN, State.DEGRADED, State.UNKNOWN, State.MAINTENANCE)
    asked = [
        range_query(count_in_state(state), builder.texts(f"state.{state}"), ref)
        for ref, state in zip("ABCD", shown, strict=True)
    ]
    overrides = {builder.texts(f"state.{state}"): fixed_color(STATE_STYLES[state].color) for state in shown}
    return builder.stacked_series("fleet.history", asked, FieldOptions(min_value=0, decimals=0, overrides=overrides))
