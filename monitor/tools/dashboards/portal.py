"""Portal: what is wrong with this one? From its state down to the phase, the address family and the certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.tools.dashboards.datasources import instant_query, range_query
from monitor.tools.dashboards.layout import DashboardSpec, PanelRow, external_link, wrap_panels
from monitor.tools.dashboards.mappings import (
    BAD,
    GOOD,
    WARN,
    limit_steps,
    range_mapping,
    state_code_mappings,
    threshold_steps,
    value_mapping,
)
from monitor.tools.dashboards.metrics import (
    CERTIFICATE_DAYS,
    DAY_SECONDS,
    SLOW_SECONDS,
    VITALS,
    http_metric,
    mobile_metric,
    vital_limits,
)
from monitor.tools.dashboards.panels import FieldOptions, PanelBuilder, fixed_color, join_by_field
from monitor.tools.dashboards.promql import HOME_CHECK, SELECTED, last_state_change, worst_state
from monitor.tools.dashboards.thresholds import AVAILABILITY_CRITICAL, AVAILABILITY_OBJECTIVE
from monitor.tools.dashboards.variables import portal_variables, prometheus_annotations, status_page_variable
from monitor.web.metrics.hop_series import INFO, PHASE, STATUS
from probes.trace import PHASES as HOP_PHASES

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel, ValueMapping

    from monitor.tools.dashboards.texts import DashboardTexts

PHASE_COLORS = {
    "resolve": "#8ab8ff",
    "connect": "#b877d9",
    "tls": "#ff9830",
    "processing": "#3274d9",
    "transfer": "#56a64b",
}
_HOP_PHASES = tuple(HOP_PHASES.values())
_CERTIFICATE_DAYS_LEFT = f"(min(probe_ssl_earliest_cert_expiry{{{SELECTED}}}) - time()) / {DAY_SECONDS:.0f}"


def dashboard(texts: DashboardTexts) -> DashboardSpec:
    """Return the dashboard in one language."""
    builder = PanelBuilder(texts)
    return DashboardSpec(
        name="portal",
        variables=[*portal_variables(texts, single_portal=True), status_page_variable(texts)],
        annotations=prometheus_annotations(texts),
        refresh="30s",
        links=(external_link(texts("link.status"), "${status_page:raw}/portals/${portal}"),),
        rows=(
            *wrap_panels(_summary(builder)),
            PanelRow(height=4, panels=[(24, _state_timeline(builder))]),
            PanelRow(height=7, panels=[(12, _check_results(builder)), (12, _fault_counts(builder))]),
            PanelRow(height=8, panels=[(12, _phases(builder)), (12, _families(builder))]),
            PanelRow(height=6, panels=[(24, _hops(builder))]),
            PanelRow(
                height=7,
                panels=[(12, _duration_by_check(builder)), (6, _status_codes(builder)), (6, _redirects(builder))],
            ),
            PanelRow(height=6, panels=[(12, _vital_tiles(builder)), (12, _certificate(builder))]),
        ),
    )


def _summary(builder: PanelBuilder) -> list[Panel]:
    texts = builder.texts
    share = threshold_steps(BAD, (AVAILABILITY_CRITICAL, WARN), (AVAILABILITY_OBJECTIVE, GOOD))
    urgent, soon, plan = CERTIFICATE_DAYS
    fault = f"topk(1, max by (reason) (probe_failure_info{{{SELECTED}}}))"
    status = f"max({http_metric('status').series}{{{HOME_CHECK}}})"
    return [
        builder.stat(
            "portal.state",
            [instant_query(worst_state())],
            FieldOptions(unit="none", mappings=state_code_mappings(texts)),
        ),
        builder.stat(
            "portal.since", [instant_query(f"max({last_state_change()}) * 1000")], FieldOptions(unit="dateTimeFromNow")
        ),
        builder.stat(
            "portal.day",
            [instant_query(f"min(portal:portal_monitor_availability:ratio1d{{{SELECTED}}})")],
            FieldOptions(unit="percentunit", decimals=2, thresholds=share),
        ),
        builder.stat(
            "portal.month",
            [instant_query(f"min(portal:portal_monitor_availability:ratio30d{{{SELECTED}}})")],
            FieldOptions(unit="percentunit", decimals=2, thresholds=share),
        ),
        builder.stat(
            "portal.latency",
            [range_query(f"max(probe_duration_seconds{{{HOME_CHECK}}})", "")],
            FieldOptions(
                unit="s", decimals=2, thresholds=threshold_steps(GOOD, (SLOW_SECONDS / 2, WARN), (SLOW_SECONDS, BAD))
            ),
            sparkline=True,
        ),
        builder.stat(
            "portal.certificate_left",
            [instant_query(_CERTIFICATE_DAYS_LEFT)],
            FieldOptions(
                unit=texts("unit.days"),
                decimals=0,
                thresholds=threshold_steps(BAD, (urgent, BAD), (soon, WARN), (plan, GOOD)),
            ),
        ),
        builder.stat(
            "portal.code", [instant_query(status)], FieldOptions(unit="none", mappings=_status_code_mappings(texts))
        ),
        builder.stat(
            "portal.fault",
            [instant_query(fault, table=True)],
            FieldOptions(unit="none", thresholds=threshold_steps(BAD), no_value_color=GOOD, column="reason"),
        ),
    ]


def _status_code_mappings(texts: DashboardTexts) -> list[ValueMapping]:
    """Map ranges of status codes to their meaning."""
    return [
        range_mapping(200, 399, f"✓ {texts('code.good')}", GOOD),
        range_mapping(500, 599, f"✕ {texts('code.server')}", BAD),
        range_mapping(400, 499, f"✕ {texts('code.client')}", BAD),
    ]


def _state_timeline(builder: PanelBuilder) -> Panel:
    query = range_query(worst_state("location"), "{{location}}")
    return builder.state_timeline(
        "portal.states", [query], FieldOptions(unit="none", mappings=state_code_mappings(builder.texts))
    )


def _check_results(builder: PanelBuilder) -> Panel:
    texts = builder.texts
    family = http_metric("ipv4_success").series
    queries = [
        range_query(f"min by (check) (probe_success{{{SELECTED}}})", "{{check}}"),
        range_query(f"min by (family) ({family}{{{HOME_CHECK}}})", "{{family}}", "B"),
    ]
    mapping = value_mapping((("1", f"✓ {texts('probe.ok')}", GOOD), ("0", f"✕ {texts('probe.failed')}", BAD)))
    return builder.state_timeline("portal.pages", queries, FieldOptions(unit="none", mappings=[mapping]))


def _fault_counts(builder: PanelBuilder) -> Panel:
    query = range_query(
        f"count by (reason) (max by (check, location, reason) (probe_failure_info{{{SELECTED}}}))", "{{reason}}"
    )
    return builder.stacked_series("portal.faults", [query], FieldOptions(min_value=0, decimals=0), bars=True)


def _phases(builder: PanelBuilder) -> Panel:
    series = http_metric("resolve_seconds").series
    queries = [
        range_query(f'avg({series}{{phase="{phase}",{HOME_CHECK}}})', builder.texts(f"phase.{phase}"), ref)
        for ref, phase in zip("ABCDE", PHASE_COLORS, strict=True)
    ]
    overrides = {builder.texts(f"phase.{phase}"): fixed_color(shade) for phase, shade in PHASE_COLORS.items()}
    return builder.stacked_series("portal.phases", queries, FieldOptions(unit="s", min_value=0, overrides=overrides))


def _families(builder: PanelBuilder) -> Panel:
    series = http_metric("ipv4_seconds").series
    queries = [
        range_query(f'max({series}{{family="ipv{family}",{HOME_CHECK}}})', f"IPv{family}", ref)
        for ref, family in (("A", 4), ("B", 6))
    ]
    return builder.time_series("portal.families", queries, FieldOptions(unit="s", min_value=0))


def _duration_by_check(builder: PanelBuilder) -> Panel:
    query = range_query(f"max by (check) (probe_duration_seconds{{{SELECTED}}})", "{{check}}")
    return builder.time_series(
        "portal.by_page",
        [query],
        FieldOptions(unit="s", min_value=0, thresholds=threshold_steps("transparent", (SLOW_SECONDS, BAD))),
    )


def _status_codes(builder: PanelBuilder) -> Panel:
    query = range_query(f"max by (check) ({http_metric('status').series}{{{SELECTED}}})", "{{check}}")
    return builder.time_series("portal.status", [query], FieldOptions(unit="none", decimals=0))


def _redirects(builder: PanelBuilder) -> Panel:
    query = range_query(f"max by (check) ({http_metric('redirects').series}{{{SELECTED}}})", "{{check}}")
    return builder.time_series("portal.redirects", [query], FieldOptions(unit="short", min_value=0, decimals=0))


def _hops(builder: PanelBuilder) -> Panel:
    """Build the table of the requests of the latest probe of the home page, in order, at every chosen location."""
    texts = builder.texts
    by = "location, hop"

    def with_step_label(expr: str) -> str:
        # Answers are joined by one column, so it has to texts location and hop.
        return f'label_join({expr}, "step", " ", "location", "hop")'

    expressions = {
        "where": with_step_label(f"max by ({by}, url, address) ({INFO}{{{HOME_CHECK}}})"),
        "status": with_step_label(f"max by ({by}) ({STATUS}{{{HOME_CHECK}}})"),
        **{name: with_step_label(f'max by ({by}) ({PHASE}{{phase="{name}",{HOME_CHECK}}})') for name in _HOP_PHASES},
        "total": with_step_label(f"sum by ({by}) (max by ({by}, phase) ({PHASE}{{{HOME_CHECK}}}))"),
    }
    queries = [
        instant_query(expr, ref_id=ref, table=True) for ref, expr in zip("ABCDEFGHI", expressions.values(), strict=True)
    ]
    names = {"step": texts("column.hop"), "url": texts("column.url"), "address": texts("column.ip")}
    names |= {
        f"Value #{ref}": texts(f"phase.{name}" if name in _HOP_PHASES else f"column.{name}")
        for ref, name in zip("BCDEFGHI", list(expressions)[1:], strict=True)
    }
    seconds = {"unit": "s", "decimals": 1, "custom.width": 80}
    options = FieldOptions(
        unit="none",
        transformations=join_by_field("step", names),
        overrides={
            texts("column.hop"): {"unit": "string", "custom.width": 110},
            texts("column.url"): {"unit": "string", "custom.minWidth": 160},
            texts("column.ip"): {"unit": "string", "custom.width": 120},
            texts("column.status"): {"unit": "none", "custom.width": 80},
            **{texts(f"phase.{name}"): seconds for name in _HOP_PHASES},
            texts("column.total"): seconds,
        },
    )
    return builder.table("portal.hops", queries, options, sort_column=texts("column.hop"), ascending=True)


def _vital_tiles(builder: PanelBuilder) -> Panel:
    queries = [
        instant_query(
            f'max({mobile_metric(name).series}{{check="mobile",{SELECTED}}})', builder.texts(f"vital.{name}"), ref
        )
        for ref, name in zip("ABCDE", VITALS, strict=True)
    ]
    overrides = {
        builder.texts(f"vital.{name}"): {
            "unit": mobile_metric(name).unit,
            "thresholds": {"mode": "absolute", "steps": limit_steps(vital_limits(name))},
            "links": [builder.link("link.mobile", "mobile")],
        }
        for name in VITALS
    }
    return builder.stat_tiles("portal.vitals", queries, FieldOptions(unit="s", decimals=2, overrides=overrides))


def _certificate(builder: PanelBuilder) -> Panel:
    texts = builder.texts
    facts = "probe_ssl_last_chain_info"
    queries = [
        instant_query(f"max by (portal, subject, issuer) ({facts}{{{HOME_CHECK}}})", ref_id="A", table=True),
        instant_query(f"max by (portal, version) (probe_tls_version_info{{{HOME_CHECK}}})", ref_id="B", table=True),
        instant_query(
            f"min by (portal) ({http_metric('cert_leaf_expiry').series}{{{HOME_CHECK}}}) * 1000", ref_id="C", table=True
        ),
    ]
    names = {
        "subject": texts("column.subject"), "issuer": texts("column.issuer"), "version": texts("column.tls"),
        "Value #C": texts("column.ends"),
    }  # fmt: skip
    options = FieldOptions(
        unit="none",
        transformations=join_by_field("portal", names),
        overrides={
            texts("column.ends"): {"unit": "dateTimeAsIso", "custom.width": 170},
            texts("column.tls"): {"custom.width": 90},
        },
    )
    return builder.table("portal.certificate", queries, options)
