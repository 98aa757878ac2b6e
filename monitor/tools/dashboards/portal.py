"""Portal: what is wrong with this one? From its state down to the phase, the address family and the certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.tools.dashboards import mappings
from monitor.tools.dashboards.datasources import instant_queries, range_queries, range_query, table_queries
from monitor.tools.dashboards.fleet import certificate_steps
from monitor.tools.dashboards.layout import DashboardSpec, PanelRow, external_link, wrap_panels
from monitor.tools.dashboards.mappings import BAD, GOOD, WARN, limit_steps, range_mapping, steps
from monitor.tools.dashboards.metrics import DAY_SECONDS, SLOW_SECONDS, VITALS, http_metric, mobile_metric, vital_limits
from monitor.tools.dashboards.panels import COUNT_AXIS, SECONDS_AXIS, PanelBuilder, fixed_color, join_by_field
from monitor.tools.dashboards.promql import HOME_CHECK, SELECTED, last_state_change, worst_state
from monitor.tools.dashboards.thresholds import AVAILABILITY_CRITICAL, AVAILABILITY_OBJECTIVE
from monitor.tools.dashboards.variables import portal_variables, prometheus_annotations, status_page_variable
from monitor.web.metrics.hop_series import INFO, PHASE, STATUS
from probes.trace import PHASES as HOP_PHASES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from grafana_foundation_sdk.models.dashboard import Panel, ValueMapping
    from grafana_foundation_sdk.models.prometheus import Dataquery as PrometheusQuery

    from monitor.tools.dashboards.texts import DashboardTexts

PHASE_COLORS = {
    "resolve": "#8ab8ff",
    "connect": "#b877d9",
    "tls": "#ff9830",
    "processing": "#3274d9",
    "transfer": "#56a64b",
}
_HOP_PHASES = tuple(HOP_PHASES.values())


def dashboard(texts: DashboardTexts) -> DashboardSpec:
    """Return the dashboard in one language."""
    build = PanelBuilder(texts)
    return DashboardSpec(
        name="portal",
        variables=[*portal_variables(texts, single_portal=True), status_page_variable(texts)],
        annotations=prometheus_annotations(texts),
        refresh="30s",
        links=(external_link(texts("link.status"), "${status_page:raw}/portals/${portal}"),),
        rows=(
            *wrap_panels(_summary(build)),
            PanelRow(4, [(24, _state_timeline(build))]),
            PanelRow(7, [(12, _check_results(build)), (12, _fault_counts(build))]),
            PanelRow(8, [(12, _phases(build)), (12, _families(build))]),
            PanelRow(6, [(24, _hops(build))]),
            PanelRow(7, [(12, _duration_by_check(build)), (6, _status_codes(build)), (6, _redirects(build))]),
            PanelRow(6, [(12, _vital_tiles(build)), (12, _certificate(build))]),
        ),
    )


def _summary(build: PanelBuilder) -> list[Panel]:
    texts = build.texts
    fault = table_queries([f"topk(1, max by (reason) (probe_failure_info{{{SELECTED}}}))"])
    status = f"max({http_metric('status').series}{{{HOME_CHECK}}})"
    duration = range_query(f"max(probe_duration_seconds{{{HOME_CHECK}}})")
    certificate_days = f"(min(probe_ssl_earliest_cert_expiry{{{SELECTED}}}) - time()) / {DAY_SECONDS:.0f}"
    ages = certificate_steps()
    slow = steps(GOOD, (SLOW_SECONDS / 2, WARN), (SLOW_SECONDS, BAD))

    def availability(key: str, days: int) -> Panel:
        expr = f"min(portal:portal_monitor_availability:ratio{days}d{{{SELECTED}}})"
        share = steps(BAD, (AVAILABILITY_CRITICAL, WARN), (AVAILABILITY_OBJECTIVE, GOOD))
        return build.value(key, expr, unit="percentunit", decimals=2, thresholds=share)

    return [
        build.value("portal.state", worst_state(), unit="none", mappings=mappings.state_code_mappings(texts)),
        build.value("portal.since", f"max({last_state_change()}) * 1000", unit="dateTimeFromNow"),
        availability("portal.day", 1),
        availability("portal.month", 30),
        build.stat("portal.latency", [duration], sparkline=True, unit="s", decimals=2, thresholds=slow),
        build.value("portal.certificate_left", certificate_days, unit=texts("unit.days"), decimals=0, thresholds=ages),
        build.value("portal.code", status, unit="none", mappings=_status_code_mappings(texts)),
        build.stat("portal.fault", fault, unit="none", thresholds=steps(BAD), no_value_color=GOOD, column="reason"),
    ]


def _status_code_mappings(texts: DashboardTexts) -> list[ValueMapping]:
    """Map ranges of status codes to their meaning."""
    return [
        range_mapping(200, 399, f"✓ {texts('code.good')}", GOOD),
        range_mapping(500, 599, f"✕ {texts('code.server')}", BAD),
        range_mapping(400, 499, f"✕ {texts('code.client')}", BAD),
    ]


def _state_timeline(build: PanelBuilder) -> Panel:
    query = range_query(worst_state("location"), "{{location}}")
    states = mappings.state_code_mappings(build.texts)
    return build.state_timeline("portal.states", [query], unit="none", mappings=states)


def _check_results(build: PanelBuilder) -> Panel:
    family = http_metric("ipv4_success").series
    curves = (
        (f"min by (check) (probe_success{{{SELECTED}}})", "{{check}}"),
        (f"min by (family) ({family}{{{HOME_CHECK}}})", "{{family}}"),
    )
    results = mappings.flag_mappings(build.texts("probe.ok"), build.texts("probe.failed"))
    return build.state_timeline("portal.pages", range_queries(curves), unit="none", mappings=results)


def _fault_counts(build: PanelBuilder) -> Panel:
    count = f"count by (reason) (max by (check, location, reason) (probe_failure_info{{{SELECTED}}}))"
    return build.stacked_series("portal.faults", [range_query(count, "{{reason}}")], **COUNT_AXIS, bars=True)


def _phases(build: PanelBuilder) -> Panel:
    series = http_metric("resolve_seconds").series
    curves = [(f'avg({series}{{phase="{name}",{HOME_CHECK}}})', build.texts(f"phase.{name}")) for name in PHASE_COLORS]
    overrides = build.overrides("phase", {name: fixed_color(shade) for name, shade in PHASE_COLORS.items()})
    return build.stacked_series("portal.phases", range_queries(curves), **SECONDS_AXIS, overrides=overrides)


def _families(build: PanelBuilder) -> Panel:
    series = http_metric("ipv4_seconds").series
    curves = [(f'max({series}{{family="ipv{number}",{HOME_CHECK}}})', f"IPv{number}") for number in (4, 6)]
    return build.time_series("portal.families", range_queries(curves), **SECONDS_AXIS)


def _by_check(series: str) -> PrometheusQuery:
    return range_query(f"max by (check) ({series}{{{SELECTED}}})", "{{check}}")


def _duration_by_check(build: PanelBuilder) -> Panel:
    lines = steps("transparent", (SLOW_SECONDS, BAD))
    return build.time_series("portal.by_page", [_by_check("probe_duration_seconds")], **SECONDS_AXIS, thresholds=lines)


def _status_codes(build: PanelBuilder) -> Panel:
    return build.time_series("portal.status", [_by_check(http_metric("status").series)], unit="none", decimals=0)


def _redirects(build: PanelBuilder) -> Panel:
    return build.time_series("portal.redirects", [_by_check(http_metric("redirects").series)], **COUNT_AXIS)


def _hops(build: PanelBuilder) -> Panel:
    """Build the table of the requests of the latest probe of the home page, in order, at every chosen location."""
    texts = build.texts
    by = "location, hop"
    results = {
        "where": f"max by ({by}, url, address) ({INFO}{{{HOME_CHECK}}})",
        "status": f"max by ({by}) ({STATUS}{{{HOME_CHECK}}})",
        **{name: f'max by ({by}) ({PHASE}{{phase="{name}",{HOME_CHECK}}})' for name in _HOP_PHASES},
        "total": f"sum by ({by}) (max by ({by}, phase) ({PHASE}{{{HOME_CHECK}}}))",
    }
    # Answers are joined by one column, so it has to contain location and hop.
    queries = table_queries(f'label_join({expr}, "step", " ", "location", "hop")' for expr in results.values())
    names = build.columns({"step": "hop", "url": "url", "address": "ip"}) | {
        f"Value #{query.ref_id}": texts(f"phase.{name}" if name in _HOP_PHASES else f"column.{name}")
        for query, name in list(zip(queries, results, strict=True))[1:]
    }
    seconds = {"unit": "s", "decimals": 1, "custom.width": 80}
    overrides = {
        texts("column.hop"): {"unit": "string", "custom.width": 110},
        texts("column.url"): {"unit": "string", "custom.minWidth": 160},
        texts("column.ip"): {"unit": "string", "custom.width": 120},
        texts("column.status"): {"unit": "none", "custom.width": 80},
        **{texts(f"phase.{name}"): seconds for name in _HOP_PHASES},
        texts("column.total"): seconds,
    }
    return build.table(
        "portal.hops", queries, sort_key="column.hop", ascending=True, unit="none",
        transformations=join_by_field("step", names), overrides=overrides,
    )  # fmt: skip


def _vital_tiles(build: PanelBuilder) -> Panel:
    series = {name: mobile_metric(name).series for name in VITALS}
    queries = instant_queries(
        (f'max({one}{{check="mobile",{SELECTED}}})', build.texts(f"vital.{name}")) for name, one in series.items()
    )
    vitals: dict[str, Mapping[str, object]] = {
        name: {
            "unit": mobile_metric(name).unit,
            "thresholds": {"mode": "absolute", "steps": limit_steps(vital_limits(name))},
            "links": [build.link("mobile")],
        }
        for name in VITALS
    }
    overrides = build.overrides("vital", vitals)
    return build.stat_tiles("portal.vitals", queries, unit="s", decimals=2, overrides=overrides)


def _certificate(build: PanelBuilder) -> Panel:
    expressions = (
        f"max by (portal, subject, issuer) (probe_ssl_last_chain_info{{{HOME_CHECK}}})",
        f"max by (portal, version) (probe_tls_version_info{{{HOME_CHECK}}})",
        f"min by (portal) ({http_metric('cert_leaf_expiry').series}{{{HOME_CHECK}}}) * 1000",
    )
    names = build.columns({"subject": "subject", "issuer": "issuer", "version": "tls", "Value #C": "ends"})
    columns: dict[str, Mapping[str, object]] = {
        "ends": {"unit": "dateTimeAsIso", "custom.width": 170},
        "tls": {"custom.width": 90},
    }
    return build.table(
        "portal.certificate", table_queries(expressions), unit="none",
        transformations=join_by_field("portal", names), overrides=build.overrides("column", columns),
    )  # fmt: skip
