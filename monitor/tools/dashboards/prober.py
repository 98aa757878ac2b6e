"""Prober: can I trust it? Its punctuality, its machine, its journal, its couriers, its browser, its configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.model.records import Void
from monitor.tools.dashboards.datasources import PROMETHEUS, now, over_time
from monitor.tools.dashboards.fleet import light
from monitor.tools.dashboards.layout import Page, Row, in_rows
from monitor.tools.dashboards.mappings import BAD, CALM, GOOD, NEUTRAL, WARN, steps, values
from monitor.tools.dashboards.metrics import rendering
from monitor.tools.dashboards.panels import Dress, Kit, color
from monitor.tools.dashboards.promql import bucket
from monitor.tools.dashboards.thresholds import COURIER, JOURNAL, LOOP, MISSED, QUIET, SELDOM, STOPPED
from monitor.tools.dashboards.variables import ask, blindness, marks, source
from probes.result import Outcome

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel

    from monitor.tools.dashboards.texts import Say

_ME = 'instance=~"$instance"'
_OURS = "on (instance) portal_monitor_build_info"
"""Other processes tell their processor time under the same name."""

_MISSED = '"late|overlapped|prober"'
_QUANTILES = (("A", 0.5), ("B", 0.99))
_OUTCOMES = {Outcome.UP: GOOD, Outcome.DOWN: BAD, Outcome.VOID: NEUTRAL}


def page(say: Say) -> Page:
    """The dashboard in one language."""
    kit = Kit(say)
    return Page(
        name="prober",
        variables=[
            source("prometheus", PROMETHEUS, say),
            ask("instance", "label_values(portal_monitor_build_info, instance)", say),
            ask("location", "label_values(portal_monitor_prober_state, location)", say),
        ],
        annotations=[blindness(say), *marks(say, 'portal=~".*"', outages=False)[2:]],
        refresh="30s",
        rows=(
            *in_rows(_lights(kit)),
            Row(height=7, panels=[(8, _lateness(kit)), (8, _missed(kit)), (8, _loop(kit))]),
            Row(height=7, panels=[(8, _looks(kit)), (8, _commits(kit)), (8, _journal(kit))]),
            Row(height=7, panels=[(8, _couriers(kit)), (8, _refused(kit)), (8, _closed(kit))]),
            Row(height=7, panels=[(8, _host(kit)), (8, _process(kit)), (8, _alerts(kit))]),
        ),
    )


def _lights(kit: Kit) -> list[Panel]:
    say = kit.say
    fine = values((("1", f"✓ {say('light.fine')}", GOOD), ("0", f"✕ {say('light.refused')}", BAD)))
    sinks = values((("1", f"✓ {say('light.fine')}", GOOD), ("0", f"✕ {say('light.away')}", BAD)))
    missed = (
        f"sum(increase(portal_monitor_voids_total{{reason=~{_MISSED},{_ME}}}[1h]))"
        f" / sum(increase(portal_monitor_looks_total{{{_ME}}}[1h]))"
    )
    return [
        light(kit, "prober.light"),
        kit.stat(
            "prober.last", [now(f"max(time() - portal_monitor_last_look_timestamp_seconds{{{_ME}}})")],
            Dress(unit="s", decimals=0, colors=steps(GOOD, (QUIET, WARN), (STOPPED, BAD))),
        ),
        kit.stat(
            "prober.missed", [now(missed)],
            Dress(unit="percentunit", decimals=2, colors=steps(GOOD, (SELDOM, WARN), (MISSED, BAD))),
        ),
        kit.stat(
            "prober.config", [now(f"min(portal_monitor_config_last_reload_successful{{{_ME}}})")],
            Dress(unit="none", mappings=[fine]),
        ),
        kit.stat(
            "prober.journal_used", [now(f"max(portal_monitor_journal_limit_used_ratio{{{_ME}}})")],
            Dress(unit="percentunit", decimals=1, colors=steps(GOOD, (JOURNAL[0], WARN), (JOURNAL[1], BAD))),
        ),
        kit.stat(
            "prober.sinks", [now(f"min(portal_monitor_sink_up{{{_ME}}})")], Dress(unit="none", mappings=[sinks])
        ),
        kit.stat("prober.checks", [now(f"sum(portal_monitor_planned_checks{{{_ME}}})")], Dress(decimals=0)),
        kit.stat(
            "prober.version", [now(f"max by (version) (portal_monitor_build_info{{{_ME}}})", table=True)],
            Dress(unit="none", column="version"),
        ),
    ]  # fmt: skip


def _lateness(kit: Kit) -> Panel:
    series = "portal_monitor_start_lateness_seconds"
    asked = [over_time(bucket(series, q), kit.say(f"legend.q{q * 100:.0f}"), ref) for ref, q in _QUANTILES]
    return kit.lines("prober.lateness", asked, Dress(unit="s", low=0))


def _loop(kit: Kit) -> Panel:
    series = "portal_monitor_event_loop_lag_seconds"
    asked = [over_time(bucket(series, q), kit.say(f"legend.q{q * 100:.0f}"), ref) for ref, q in _QUANTILES]
    return kit.lines("prober.loop", asked, Dress(unit="s", low=0, colors=steps("transparent", (LOOP, BAD))))


def _missed(kit: Kit) -> Panel:
    asked = [
        over_time(
            f'sum(increase(portal_monitor_voids_total{{reason="{void}",{_ME}}}[$__rate_interval]))',
            kit.say(f"void.{void}"),
            ref,
        )
        for ref, void in zip("ABCDEFGH", Void, strict=False)
    ]
    return kit.stacked("prober.missing", asked, Dress(low=0, decimals=0), bars=True)


def _looks(kit: Kit) -> Panel:
    asked = [
        over_time(
            f'sum(rate(portal_monitor_looks_total{{outcome="{outcome}",{_ME}}}[$__rate_interval]))',
            kit.say(f"outcome.{outcome}"),
            ref,
        )
        for ref, outcome in zip("ABC", Outcome, strict=True)
    ]
    overrides = {kit.say(f"outcome.{outcome}"): color(shade) for outcome, shade in _OUTCOMES.items()}
    return kit.stacked("prober.looks", asked, Dress(unit="reqps", low=0, overrides=overrides))


def _commits(kit: Kit) -> Panel:
    series = "portal_monitor_journal_commit_seconds"
    asked = [over_time(bucket(series, q), kit.say(f"legend.q{q * 100:.0f}"), ref) for ref, q in _QUANTILES]
    return kit.lines("prober.commits", asked, Dress(unit="s", low=0))


def _journal(kit: Kit) -> Panel:
    size = f"sum by (instance) (portal_monitor_journal_size_bytes{{{_ME}}})"
    return kit.lines("prober.journal", [over_time(size, "{{instance}}")], Dress(unit="bytes", low=0))


def _couriers(kit: Kit) -> Panel:
    asked = over_time(f"max by (sink) (portal_monitor_sink_lag_seconds{{{_ME}}})", "{{sink}}")
    return kit.lines("prober.couriers", [asked], Dress(unit="s", low=0, colors=steps("transparent", (COURIER, BAD))))


def _refused(kit: Kit) -> Panel:
    failures = f"sum by (sink, failure) (increase(portal_monitor_sink_failures_total{{{_ME}}}[$__rate_interval]))"
    aside = f"sum by (sink) (increase(portal_monitor_sink_quarantined_total{{{_ME}}}[$__rate_interval]))"
    asked = [
        over_time(failures, "{{sink}} {{failure}}"),
        over_time(aside, "{{sink}} " + kit.say("legend.quarantined"), "B"),
    ]
    return kit.stacked("prober.refused", asked, Dress(low=0, decimals=0), bars=True)


def _closed(kit: Kit) -> Panel:
    asked = [
        over_time(
            f"time() - min(portal_monitor_archive_sealed_until_timestamp_seconds{{{_ME}}})", kit.say("legend.archive")
        ),
        over_time(
            f"time() - min by (tier) (portal_monitor_rollup_until_timestamp_seconds{{{_ME}}})",
            kit.say("legend.rollup") + " {{tier}}", "B",
        ),
        over_time(
            f"time() - min(portal_monitor_scoring_last_run_timestamp_seconds{{{_ME}}})", kit.say("legend.scores"), "C"
        ),
    ]  # fmt: skip
    return kit.lines("prober.closed", asked, Dress(unit="s", low=0))


def _host(kit: Kit) -> Panel:
    """The benchmark runs around every rendering, so it also tells that the browser works."""
    one = rendering("benchmark_index")
    asked = over_time(f'quantile by (location) (0.5, {one.series}{{location=~"$location"}})', "{{location}}")
    return kit.lines("prober.host", [asked], Dress(unit="none", low=0))


def _process(kit: Kit) -> Panel:
    cpu, memory = kit.say("legend.cpu"), kit.say("legend.memory")
    asked = [
        over_time(f"sum(rate(process_cpu_seconds_total{{{_ME}}}[$__rate_interval]) and {_OURS})", cpu),
        over_time(f"sum(process_resident_memory_bytes{{{_ME}}} and {_OURS})", memory, "B"),
    ]
    overrides = {memory: {"unit": "bytes", "custom.axisPlacement": "right", **color(CALM)}}
    return kit.lines("prober.process", asked, Dress(unit="percentunit", low=0, overrides=overrides))


def _alerts(kit: Kit) -> Panel:
    waiting = f"sum by (target) (portal_monitor_outbox_waiting_messages{{{_ME}}})"
    failed = f"sum by (target) (increase(portal_monitor_notification_failures_total{{{_ME}}}[$__rate_interval]))"
    asked = [
        over_time(waiting, "{{target}} " + kit.say("legend.waiting")),
        over_time(failed, "{{target}} " + kit.say("legend.failed"), "B"),
    ]
    return kit.lines("prober.alerts", asked, Dress(low=0, decimals=0))
