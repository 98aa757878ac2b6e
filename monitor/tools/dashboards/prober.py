"""Prober: can I trust it? Its schedule, host, journal, sinks, background jobs, browser and configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.model.records import UnknownReason
from monitor.tools.dashboards.datasources import PROMETHEUS, instant_query, range_query
from monitor.tools.dashboards.fleet import prober_status
from monitor.tools.dashboards.layout import DashboardSpec, PanelRow, wrap_panels
from monitor.tools.dashboards.mappings import ACCENT, BAD, GOOD, NEUTRAL, WARN, threshold_steps, value_mapping
from monitor.tools.dashboards.metrics import mobile_metric
from monitor.tools.dashboards.panels import FieldOptions, PanelBuilder, fixed_color
from monitor.tools.dashboards.promql import histogram_quantile
from monitor.tools.dashboards.thresholds import (
    JOURNAL_SIZE_RATIOS,
    LOOP_LAG_SECONDS,
    MISSED_SLOTS_RATIO,
    MISSED_SLOTS_WARNING_RATIO,
    NOT_PROBING_SECONDS,
    PROBE_GAP_SECONDS,
    SINK_LAG_SECONDS,
)
from monitor.tools.dashboards.variables import (
    datasource_variable,
    prometheus_annotations,
    query_variable,
    self_check_annotation,
)
from probes.result import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grafana_foundation_sdk.models.dashboard import Panel, Threshold

    from monitor.tools.dashboards.texts import DashboardTexts

_SELECTED_INSTANCE = 'instance=~"$instance"'
_MONITOR_PROCESS = "on (instance) portal_monitor_build_info"
"""Other processes expose their processor time under the same name."""

_MISSED_REASONS = '"late|overlapped|internal_error"'
_QUANTILES = (("A", 0.5), ("B", 0.99))
_OUTCOME_COLORS = {Outcome.UP: GOOD, Outcome.DOWN: BAD, Outcome.UNKNOWN: NEUTRAL}


def dashboard(texts: DashboardTexts) -> DashboardSpec:
    """Return the dashboard in one language."""
    builder = PanelBuilder(texts)
    return DashboardSpec(
        name="prober",
        variables=[
            datasource_variable("prometheus", PROMETHEUS, texts),
            query_variable("instance", "label_values(portal_monitor_build_info, instance)", texts),
            query_variable("location", "label_values(portal_monitor_prober_state, location)", texts),
        ],
        annotations=[
            self_check_annotation(texts),
            *prometheus_annotations(texts, 'portal=~".*"', outages_enabled=False)[2:],
        ],
        refresh="30s",
        rows=(
            *wrap_panels(_summary(builder)),
            PanelRow(
                height=7, panels=[(8, _start_delay(builder)), (8, _unknown_results(builder)), (8, _loop_lag(builder))]
            ),
            PanelRow(
                height=7,
                panels=[(8, _probe_rate(builder)), (8, _commit_duration(builder)), (8, _journal_size(builder))],
            ),
            PanelRow(
                height=7,
                panels=[(8, _sink_lag(builder)), (8, _sink_failures(builder)), (8, _background_job_age(builder))],
            ),
            PanelRow(
                height=7,
                panels=[(8, _benchmark_index(builder)), (8, _process_usage(builder)), (8, _notifications(builder))],
            ),
        ),
    )


def _summary(builder: PanelBuilder) -> list[Panel]:
    texts = builder.texts
    config = value_mapping((("1", f"✓ {texts('status.ok')}", GOOD), ("0", f"✕ {texts('status.rejected')}", BAD)))
    sinks = value_mapping((("1", f"✓ {texts('status.ok')}", GOOD), ("0", f"✕ {texts('status.unreachable')}", BAD)))
    missed = (
        f"sum(increase(portal_monitor_unknown_results_total{{reason=~{_MISSED_REASONS},{_SELECTED_INSTANCE}}}[1h]))"
        f" / sum(increase(portal_monitor_probes_total{{{_SELECTED_INSTANCE}}}[1h]))"
    )
    return [
        prober_status(builder, "prober.prober_status"),
        builder.stat(
            "prober.last",
            [instant_query(f"max(time() - portal_monitor_last_probe_timestamp_seconds{{{_SELECTED_INSTANCE}}})")],
            FieldOptions(
                unit="s",
                decimals=0,
                thresholds=threshold_steps(GOOD, (PROBE_GAP_SECONDS, WARN), (NOT_PROBING_SECONDS, BAD)),
            ),
        ),
        builder.stat(
            "prober.missed",
            [instant_query(missed)],
            FieldOptions(
                unit="percentunit",
                decimals=2,
                thresholds=threshold_steps(GOOD, (MISSED_SLOTS_WARNING_RATIO, WARN), (MISSED_SLOTS_RATIO, BAD)),
            ),
        ),
        builder.stat(
            "prober.config",
            [instant_query(f"min(portal_monitor_config_last_reload_successful{{{_SELECTED_INSTANCE}}})")],
            FieldOptions(unit="none", mappings=[config]),
        ),
        builder.stat(
            "prober.journal_used",
            [instant_query(f"max(portal_monitor_journal_size_limit_ratio{{{_SELECTED_INSTANCE}}})")],
            FieldOptions(
                unit="percentunit",
                decimals=1,
                thresholds=threshold_steps(GOOD, (JOURNAL_SIZE_RATIOS[0], WARN), (JOURNAL_SIZE_RATIOS[1], BAD)),
            ),
        ),
        builder.stat(
            "prober.sinks",
            [instant_query(f"min(portal_monitor_sink_up{{{_SELECTED_INSTANCE}}})")],
            FieldOptions(unit="none", mappings=[sinks]),
        ),
        builder.stat(
            "prober.checks",
            [instant_query(f"sum(portal_monitor_scheduled_checks{{{_SELECTED_INSTANCE}}})")],
            FieldOptions(decimals=0),
        ),
        builder.stat(
            "prober.version",
            [instant_query(f"max by (version) (portal_monitor_build_info{{{_SELECTED_INSTANCE}}})", table=True)],
            FieldOptions(unit="none", column="version"),
        ),
    ]


def _quantile_curves(
    builder: PanelBuilder, key: str, series: str, thresholds: Sequence[Threshold] | None = None
) -> Panel:
    """Build median and 99th percentile of a histogram, in seconds."""
    queries = [
        range_query(histogram_quantile(series, q), builder.texts(f"legend.q{q * 100:.0f}"), ref)
        for ref, q in _QUANTILES
    ]
    return builder.time_series(key, queries, FieldOptions(unit="s", min_value=0, thresholds=thresholds))


def _start_delay(builder: PanelBuilder) -> Panel:
    return _quantile_curves(builder, "prober.start_delay", "portal_monitor_probe_start_delay_seconds")


def _loop_lag(builder: PanelBuilder) -> Panel:
    limit = threshold_steps("transparent", (LOOP_LAG_SECONDS, BAD))
    return _quantile_curves(builder, "prober.loop", "portal_monitor_event_loop_lag_seconds", limit)


def _unknown_results(builder: PanelBuilder) -> Panel:
    queries = [
        range_query(
            f'sum(increase(portal_monitor_unknown_results_total{{reason="{reason}",{_SELECTED_INSTANCE}}}[$__rate_interval]))',
            builder.texts(f"unknown.{reason}"),
            ref,
        )
        for ref, reason in zip("ABCDEFGH", UnknownReason, strict=False)
    ]
    return builder.stacked_series("prober.unknown_results", queries, FieldOptions(min_value=0, decimals=0), bars=True)


def _probe_rate(builder: PanelBuilder) -> Panel:
    queries = [
        range_query(
            f'sum(rate(portal_monitor_probes_total{{outcome="{outcome}",{_SELECTED_INSTANCE}}}[$__rate_interval]))',
            builder.texts(f"outcome.{outcome}"),
            ref,
        )
        for ref, outcome in zip("ABC", Outcome, strict=True)
    ]
    overrides = {builder.texts(f"outcome.{outcome}"): fixed_color(shade) for outcome, shade in _OUTCOME_COLORS.items()}
    return builder.stacked_series(
        "prober.probes", queries, FieldOptions(unit="reqps", min_value=0, overrides=overrides)
    )


def _commit_duration(builder: PanelBuilder) -> Panel:
    return _quantile_curves(builder, "prober.commits", "portal_monitor_journal_commit_seconds")


def _increase(series: str) -> str:
    return f"increase({series}{{{_SELECTED_INSTANCE}}}[$__rate_interval])"


def _journal_size(builder: PanelBuilder) -> Panel:
    size = f"sum by (instance) (portal_monitor_journal_size_bytes{{{_SELECTED_INSTANCE}}})"
    return builder.time_series(
        "prober.journal", [range_query(size, "{{instance}}")], FieldOptions(unit="bytes", min_value=0)
    )


def _sink_lag(builder: PanelBuilder) -> Panel:
    query = range_query(f"max by (sink) (portal_monitor_sink_lag_seconds{{{_SELECTED_INSTANCE}}})", "{{sink}}")
    return builder.time_series(
        "prober.sink_lag",
        [query],
        FieldOptions(unit="s", min_value=0, thresholds=threshold_steps("transparent", (SINK_LAG_SECONDS, BAD))),
    )


def _sink_failures(builder: PanelBuilder) -> Panel:
    failures = f"sum by (sink, failure) ({_increase('portal_monitor_sink_failures_total')})"
    quarantined = f"sum by (sink) ({_increase('portal_monitor_sink_quarantined_total')})"
    queries = [
        range_query(failures, "{{sink}} {{failure}}"),
        range_query(quarantined, "{{sink}} " + builder.texts("legend.quarantined"), "B"),
    ]
    return builder.stacked_series("prober.sink_failures", queries, FieldOptions(min_value=0, decimals=0), bars=True)


def _background_job_age(builder: PanelBuilder) -> Panel:
    queries = [
        range_query(
            f"time() - min(portal_monitor_archive_sealed_until_timestamp_seconds{{{_SELECTED_INSTANCE}}})",
            builder.texts("legend.archive"),
        ),
        range_query(
            f"time() - min by (tier) (portal_monitor_rollup_until_timestamp_seconds{{{_SELECTED_INSTANCE}}})",
            builder.texts("legend.rollup") + " {{tier}}",
            "B",
        ),
        range_query(
            f"time() - min(portal_monitor_scoring_last_run_timestamp_seconds{{{_SELECTED_INSTANCE}}})",
            builder.texts("legend.scores"),
            "C",
        ),
    ]
    return builder.time_series("prober.background_jobs", queries, FieldOptions(unit="s", min_value=0))


def _benchmark_index(builder: PanelBuilder) -> Panel:
    """Build the panel of the benchmark; it runs around every rendering, so it also shows that the browser works."""
    one = mobile_metric("benchmark_index")
    query = range_query(f'quantile by (location) (0.5, {one.series}{{location=~"$location"}})', "{{location}}")
    return builder.time_series("prober.host", [query], FieldOptions(unit="none", min_value=0))


def _process_usage(builder: PanelBuilder) -> Panel:
    cpu, memory = builder.texts("legend.cpu"), builder.texts("legend.memory")
    queries = [
        range_query(
            f"sum(rate(process_cpu_seconds_total{{{_SELECTED_INSTANCE}}}[$__rate_interval]) and {_MONITOR_PROCESS})",
            cpu,
        ),
        range_query(f"sum(process_resident_memory_bytes{{{_SELECTED_INSTANCE}}} and {_MONITOR_PROCESS})", memory, "B"),
    ]
    overrides = {memory: {"unit": "bytes", "custom.axisPlacement": "right", **fixed_color(ACCENT)}}
    return builder.time_series(
        "prober.process", queries, FieldOptions(unit="percentunit", min_value=0, overrides=overrides)
    )


def _notifications(builder: PanelBuilder) -> Panel:
    pending = f"sum by (target) (portal_monitor_outbox_pending_messages{{{_SELECTED_INSTANCE}}})"
    failed = f"sum by (target) ({_increase('portal_monitor_notification_failures_total')})"
    queries = [
        range_query(pending, "{{target}} " + builder.texts("legend.pending")),
        range_query(failed, "{{target}} " + builder.texts("legend.failed"), "B"),
    ]
    return builder.time_series("prober.alerts", queries, FieldOptions(min_value=0, decimals=0))
