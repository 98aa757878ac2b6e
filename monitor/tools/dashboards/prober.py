"""Prober: can I trust it? Its schedule, host, journal, sinks, background jobs, browser and configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.model.records import UnknownReason
from monitor.tools.dashboards import thresholds, variables
from monitor.tools.dashboards.datasources import PROMETHEUS, range_queries, range_query, table_queries
from monitor.tools.dashboards.fleet import prober_status
from monitor.tools.dashboards.layout import DashboardSpec, PanelRow, wrap_panels
from monitor.tools.dashboards.mappings import ACCENT, BAD, GOOD, NEUTRAL, WARN, flag_mappings, steps
from monitor.tools.dashboards.metrics import mobile_metric
from monitor.tools.dashboards.panels import COUNT_AXIS, SECONDS_AXIS, PanelBuilder, fixed_color
from monitor.tools.dashboards.promql import histogram_quantile
from probes.result import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grafana_foundation_sdk.models.dashboard import Panel, Threshold

    from monitor.tools.dashboards.texts import DashboardTexts

_INSTANCE = 'instance=~"$instance"'
_MONITOR_PROCESS = "on (instance) portal_monitor_build_info"
"""Other processes expose their processor time under the same name."""

_MISSED_REASONS = '"late|overlapped|internal_error"'
_OUTCOME_COLORS = {Outcome.UP: GOOD, Outcome.DOWN: BAD, Outcome.UNKNOWN: NEUTRAL}


def dashboard(texts: DashboardTexts) -> DashboardSpec:
    """Return the dashboard in one language."""
    build = PanelBuilder(texts)
    curves = _quantile_curves
    delay = curves(build, "prober.start_delay", "probe_start_delay_seconds")
    lag = curves(build, "prober.loop", "event_loop_lag_seconds", _limit_line(thresholds.LOOP_LAG_SECONDS))
    commits = curves(build, "prober.commits", "journal_commit_seconds")
    return DashboardSpec(
        name="prober",
        variables=[
            variables.datasource_variable("prometheus", PROMETHEUS, texts),
            variables.query_variable("instance", "label_values(portal_monitor_build_info, instance)", texts),
            variables.query_variable("location", "label_values(portal_monitor_prober_state, location)", texts),
        ],
        annotations=[
            variables.self_check_annotation(texts),
            *variables.prometheus_annotations(texts, 'portal=~".*"', outages_enabled=False)[2:],
        ],
        refresh="30s",
        rows=(
            *wrap_panels(_summary(build)),
            PanelRow(7, [(8, delay), (8, _unknown_results(build)), (8, lag)]),
            PanelRow(7, [(8, _probe_rate(build)), (8, commits), (8, _journal_size(build))]),
            PanelRow(7, [(8, _sink_lag(build)), (8, _sink_failures(build)), (8, _background_job_age(build))]),
            PanelRow(7, [(8, _benchmark_index(build)), (8, _process_usage(build)), (8, _notifications(build))]),
        ),
    )


def _summary(build: PanelBuilder) -> list[Panel]:
    texts = build.texts
    ok, rejected, unreachable = (texts(f"status.{name}") for name in ("ok", "rejected", "unreachable"))
    missed = (
        f"sum(increase(portal_monitor_unknown_results_total{{reason=~{_MISSED_REASONS},{_INSTANCE}}}[1h]))"
        f" / sum(increase(portal_monitor_probes_total{{{_INSTANCE}}}[1h]))"
    )
    version = table_queries([f"max by (version) ({_series('build_info')})"])

    def limited(key: str, expr: str, unit: str, decimals: int, limits: tuple[float, float]) -> Panel:
        colors = steps(GOOD, (limits[0], WARN), (limits[1], BAD))
        return build.value(key, expr, unit=unit, decimals=decimals, thresholds=colors)

    gap_limits = (thresholds.PROBE_GAP_SECONDS, thresholds.NOT_PROBING_SECONDS)
    missed_limits = (thresholds.MISSED_SLOTS_WARNING_RATIO, thresholds.MISSED_SLOTS_RATIO)
    gap = f"max(time() - {_series('last_probe_timestamp_seconds')})"
    journal = f"max({_series('journal_size_limit_ratio')})"
    reload_ok = f"min({_series('config_last_reload_successful')})"
    return [
        prober_status(build, "prober.prober_status"),
        limited("prober.last", gap, "s", 0, gap_limits),
        limited("prober.missed", missed, "percentunit", 2, missed_limits),
        build.value("prober.config", reload_ok, unit="none", mappings=flag_mappings(ok, rejected)),
        limited("prober.journal_used", journal, "percentunit", 1, thresholds.JOURNAL_SIZE_RATIOS),
        build.value("prober.sinks", f"min({_series('sink_up')})", unit="none", mappings=flag_mappings(ok, unreachable)),
        build.value("prober.checks", f"sum({_series('scheduled_checks')})", decimals=0),
        build.stat("prober.version", version, unit="none", column="version"),
    ]


def _series(name: str, extra_selector: str = "") -> str:
    """Return a series of the chosen daemons."""
    return f"portal_monitor_{name}{{{extra_selector}{_INSTANCE}}}"


def _increase(name: str, extra_selector: str = "") -> str:
    return f"increase({_series(name, extra_selector)}[$__rate_interval])"


def _limit_line(limit: float) -> list[Threshold]:
    return steps("transparent", (limit, BAD))


def _quantile_curves(build: PanelBuilder, key: str, name: str, lines: Sequence[Threshold] = ()) -> Panel:
    """Build median and 99th percentile of a histogram, in seconds."""
    series = f"portal_monitor_{name}"
    curves = [(histogram_quantile(series, q), build.texts(f"legend.q{q * 100:.0f}")) for q in (0.5, 0.99)]
    return build.time_series(key, range_queries(curves), **SECONDS_AXIS, thresholds=lines)


def _unknown_results(build: PanelBuilder) -> Panel:
    def count(reason: UnknownReason) -> str:
        selector = f'reason="{reason}",'
        return f"sum({_increase('unknown_results_total', selector)})"

    queries = range_queries((count(reason), build.texts(f"unknown.{reason}")) for reason in UnknownReason)
    return build.stacked_series("prober.unknown_results", queries, **COUNT_AXIS, bars=True)


def _probe_rate(build: PanelBuilder) -> Panel:
    def rate(outcome: Outcome) -> str:
        selector = f'outcome="{outcome}",'
        return f"sum(rate({_series('probes_total', selector)}[$__rate_interval]))"

    queries = range_queries((rate(outcome), build.texts(f"outcome.{outcome}")) for outcome in Outcome)
    overrides = build.overrides("outcome", {outcome: fixed_color(shade) for outcome, shade in _OUTCOME_COLORS.items()})
    return build.stacked_series("prober.probes", queries, unit="reqps", min_value=0, overrides=overrides)


def _journal_size(build: PanelBuilder) -> Panel:
    query = range_query(f"sum by (instance) ({_series('journal_size_bytes')})", "{{instance}}")
    return build.time_series("prober.journal", [query], unit="bytes", min_value=0)


def _sink_lag(build: PanelBuilder) -> Panel:
    query = range_query(f"max by (sink) ({_series('sink_lag_seconds')})", "{{sink}}")
    lines = _limit_line(thresholds.SINK_LAG_SECONDS)
    return build.time_series("prober.sink_lag", [query], **SECONDS_AXIS, thresholds=lines)


def _sink_failures(build: PanelBuilder) -> Panel:
    failures = f"sum by (sink, failure) ({_increase('sink_failures_total')})"
    quarantined = f"sum by (sink) ({_increase('sink_quarantined_total')})"
    quarantined_legend = "{{sink}} " + build.texts("legend.quarantined")
    queries = range_queries(((failures, "{{sink}} {{failure}}"), (quarantined, quarantined_legend)))
    return build.stacked_series("prober.sink_failures", queries, **COUNT_AXIS, bars=True)


def _background_job_age(build: PanelBuilder) -> Panel:
    texts = build.texts
    rollup = texts("legend.rollup") + " {{tier}}"
    curves = (
        (f"time() - min({_series('archive_sealed_until_timestamp_seconds')})", texts("legend.archive")),
        (f"time() - min by (tier) ({_series('rollup_until_timestamp_seconds')})", rollup),
        (f"time() - min({_series('scoring_last_run_timestamp_seconds')})", texts("legend.scores")),
    )
    return build.time_series("prober.background_jobs", range_queries(curves), **SECONDS_AXIS)


def _benchmark_index(build: PanelBuilder) -> Panel:
    """Build the panel of the benchmark; it runs around every rendering, so it also shows that the browser works."""
    one = mobile_metric("benchmark_index")
    query = range_query(f'quantile by (location) (0.5, {one.series}{{location=~"$location"}})', "{{location}}")
    return build.time_series("prober.host", [query], unit="none", min_value=0)


def _process_usage(build: PanelBuilder) -> Panel:
    rate = f"rate(process_cpu_seconds_total{{{_INSTANCE}}}[$__rate_interval])"
    memory = build.texts("legend.memory")
    curves = (
        (f"sum({rate} and {_MONITOR_PROCESS})", build.texts("legend.cpu")),
        (f"sum(process_resident_memory_bytes{{{_INSTANCE}}} and {_MONITOR_PROCESS})", memory),
    )
    overrides = {memory: {"unit": "bytes", "custom.axisPlacement": "right", **fixed_color(ACCENT)}}
    queries = range_queries(curves)
    return build.time_series("prober.process", queries, unit="percentunit", min_value=0, overrides=overrides)


def _notifications(build: PanelBuilder) -> Panel:
    pending = f"sum by (target) ({_series('outbox_pending_messages')})"
    failed = f"sum by (target) ({_increase('notification_failures_total')})"
    curves = ((pending, "legend.pending"), (failed, "legend.failed"))
    queries = range_queries((expr, "{{target}} " + build.texts(legend)) for expr, legend in curves)
    return build.time_series("prober.alerts", queries, **COUNT_AXIS)
