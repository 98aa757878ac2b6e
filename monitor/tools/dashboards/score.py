"""Performance score: is the quarter safe? The map from metric to limit to points, and where the points go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.tools.dashboards.datasources import instant_query, range_query
from monitor.tools.dashboards.grades import (
    criterion_id_mappings,
    grade_mappings,
    grade_ranges,
    grade_thresholds,
    graded_rubric,
    rubric_titles,
)
from monitor.tools.dashboards.layout import DashboardSpec, PanelRow
from monitor.tools.dashboards.mappings import BAD, GOOD, NEUTRAL, WARN, threshold_steps
from monitor.tools.dashboards.panels import FieldOptions, PanelBuilder, fixed_color, join_by_field
from monitor.tools.dashboards.thresholds import GOOD_COVERAGE, HALF_RATIO, MIN_COVERAGE, SCORE_CHANGE_RATIO
from monitor.tools.dashboards.variables import PORTAL_INFO, portal_variables, prometheus_annotations, query_variable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from grafana_foundation_sdk.models.dashboard import Panel

    from monitor.tools.dashboards.texts import DashboardTexts

_WINDOW = 'window="$window"'
_PORTAL_SELECTOR = f'portal=~"$portal",rubric="$rubric",{_WINDOW}'
_ALL_SELECTOR = f'rubric="$rubric",{_WINDOW}'
_METRIC_PREFIX = "portal_monitor_score"
_SELECTED_PORTALS = f'on (portal) {PORTAL_INFO}{{kind=~"$kind",group=~"$group"}}'


def dashboard(texts: DashboardTexts) -> DashboardSpec:
    """The dashboard in one language."""
    kit = PanelBuilder(texts)
    known = f"label_values({_METRIC_PREFIX}_ratio"
    return DashboardSpec(
        name="score",
        variables=[
            *portal_variables(texts, single_portal=True, with_location=False),
            query_variable("rubric", f"{known}, rubric)", texts, multi=False, initial=graded_rubric().id),
            query_variable("window", f"{known}, window)", texts, multi=False, initial="quarter"),
        ],
        annotations=prometheus_annotations(texts, outages_enabled=False),
        time_from="now-30d",
        refresh="5m",
        rows=(
            PanelRow(height=4, panels=[(4, panel) for panel in _totals(kit)]),
            PanelRow(height=11, panels=[(24, _criteria_table(kit))]),
            PanelRow(height=10, panels=[(12, _lost_points(kit)), (12, _trend(kit))]),
            PanelRow(
                height=9, panels=[(12, _rubric_comparison(kit)), (6, _grade_counts(kit)), (6, _low_coverage(kit))]
            ),
            PanelRow(height=11, panels=[(24, _ranking(kit))]),
        ),
    )


def _totals(builder: PanelBuilder) -> list[Panel]:
    ratio = f"max({_METRIC_PREFIX}_ratio{{{_PORTAL_SELECTOR}}})"
    seen = f"min({_METRIC_PREFIX}_criterion_coverage_ratio{{{_PORTAL_SELECTOR}}})"
    grade = f'max({_METRIC_PREFIX}_ratio{{{_PORTAL_SELECTOR},rubric="{graded_rubric().id}"}})'
    return [
        builder.stat("score.points", [instant_query(f"max({_METRIC_PREFIX}_points{{{_PORTAL_SELECTOR}}})")], FieldOptions(decimals=2)),
        builder.stat("score.possible", [instant_query(f"max({_METRIC_PREFIX}_possible_points{{{_PORTAL_SELECTOR}}})")], FieldOptions(decimals=2)),
        builder.stat("score.ratio", [range_query(ratio, "")], FieldOptions(unit="percentunit", decimals=1, thresholds=grade_thresholds()),
                 sparkline=True),
        builder.stat("score.grade", [instant_query(grade)], FieldOptions(unit="percentunit", decimals=1, mappings=grade_mappings(builder.texts))),
        builder.stat(
            "score.change", [instant_query(f"{ratio} - max({_METRIC_PREFIX}_ratio{{{_PORTAL_SELECTOR}}} offset 7d)")],
            FieldOptions(unit="percentunit", decimals=2, thresholds=threshold_steps(BAD, (-SCORE_CHANGE_RATIO, NEUTRAL), (SCORE_CHANGE_RATIO, GOOD))),
        ),
        builder.stat(
            "score.coverage", [instant_query(seen)],
            FieldOptions(unit="percentunit", decimals=1, thresholds=threshold_steps(BAD, (MIN_COVERAGE, WARN), (GOOD_COVERAGE, GOOD))),
        ),
    ]  # fmt: skip


def criteria_table_options(
    builder: PanelBuilder, names: Mapping[str, str], overrides: Mapping[str, Mapping[str, object]]
) -> FieldOptions:
    """Dress of the map: a row for each criterion. ``names``: column as queried -> text, in order."""
    say = builder.texts
    figure = {"unit": "none", "decimals": 2, "custom.width": 90}
    shown = {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}
    part = {"unit": "percentunit", "decimals": 0, "min": 0, "max": 1, "custom.width": 130}
    colors = {"mode": "absolute", "steps": threshold_steps(BAD, (HALF_RATIO, WARN), (1.0, GOOD))}
    seen = {"mode": "absolute", "steps": threshold_steps(BAD, (MIN_COVERAGE, WARN), (GOOD_COVERAGE, GOOD))}
    return FieldOptions(
        unit="none",
        transformations=join_by_field(next(iter(names)), names),
        overrides={
            **{
                say(f"column.{name}"): figure
                for name in ("value", "limit", "zero", "points", "possible", "lost")
            },
            say("column.share"): {**part, "custom.cellOptions": shown, "thresholds": colors},
            say("column.coverage"): {**part, "custom.cellOptions": {"type": "color-text"}, "thresholds": seen,
                                     "custom.width": 90},
            **overrides,
        },
    )  # fmt: skip


def _criterion_query(name: str, selector: str = _PORTAL_SELECTOR) -> str:
    return f"max by (criterion) ({_METRIC_PREFIX}_criterion_{name}{{{selector}}})"


def _criteria_table(builder: PanelBuilder) -> Panel:
    say = builder.texts
    fixed = 'rubric="$rubric"'
    possible = _criterion_query("possible_points", fixed)
    asked = {
        "value": _criterion_query("value"),
        "limit": _criterion_query("limit", fixed),
        "zero": _criterion_query("zero", fixed),
        "points": _criterion_query("points"),
        "possible": f"{possible} and {_criterion_query('points')}",
        "lost": f"{possible} - {_criterion_query('points')}",
        "share": f"{_criterion_query('points')} / {possible}",
        "coverage": _criterion_query("coverage_ratio"),
    }
    names = {"criterion": say("column.criterion")}
    names |= {f"Value #{ref}": say(f"column.{name}") for ref, name in zip("ABCDEFGH", asked, strict=True)}
    title = {
        say("column.criterion"): {"mappings": criterion_id_mappings(say), "unit": "string", "custom.minWidth": 220}
    }
    queries = [
        instant_query(expr, ref_id=ref, table=True) for ref, expr in zip("ABCDEFGH", asked.values(), strict=True)
    ]
    return builder.table(
        "score.map", queries, criteria_table_options(builder, names, title), sort_column=say("column.lost")
    )


def _lost_points(builder: PanelBuilder) -> Panel:
    """Won and lost points of each criterion as one bar."""
    say = builder.texts
    possible = _criterion_query("possible_points", 'rubric="$rubric"')
    asked = [
        instant_query(_criterion_query("points"), ref_id="A", table=True),
        instant_query(f"{possible} - {_criterion_query('points')}", ref_id="B", table=True),
    ]
    names = {"criterion": say("column.criterion"), "Value #A": say("column.won"), "Value #B": say("column.lost")}
    dress = FieldOptions(
        unit="none",
        decimals=2,
        transformations=join_by_field("criterion", names),
        overrides={
            say("column.criterion"): {"mappings": criterion_id_mappings(say), "unit": "string"},
            say("column.won"): fixed_color(GOOD),
            say("column.lost"): fixed_color(BAD),
        },
    )
    return builder.bar_chart("score.lost", asked, dress, x_column=say("column.criterion"))


def _trend(builder: PanelBuilder) -> Panel:
    asked = [
        range_query(f'max by (window) ({_METRIC_PREFIX}_ratio{{portal=~"$portal",rubric="$rubric"}})', "{{window}}"),
    ]  # fmt: skip
    shown = {window: {"displayName": builder.texts(f"window.{window}")} for window in ("quarter", "30d")}
    dress = FieldOptions(unit="percentunit", decimals=1, max_value=1, thresholds=grade_thresholds(), overrides=shown)
    return builder.time_series("score.trend", asked, dress)


def _rubric_comparison(builder: PanelBuilder) -> Panel:
    asked = range_query(f'max by (rubric) ({_METRIC_PREFIX}_ratio{{portal=~"$portal",{_WINDOW}}})', "{{rubric}}")
    shown = {id_: {"displayName": title} for id_, title in rubric_titles(builder.texts)}
    return builder.time_series(
        "score.formulas",
        [asked],
        FieldOptions(unit="percentunit", decimals=1, min_value=0, max_value=1, overrides=shown),
    )


def _ranking(builder: PanelBuilder) -> Panel:
    say = builder.texts
    asked = [
        instant_query(
            f"max by (portal) ({_METRIC_PREFIX}_ratio{{{_ALL_SELECTOR}}}) and {_SELECTED_PORTALS}",
            ref_id="A",
            table=True,
        ),
        instant_query(
            f"max by (portal) ({_METRIC_PREFIX}_points{{{_ALL_SELECTOR}}}) and {_SELECTED_PORTALS}",
            ref_id="B",
            table=True,
        ),
        instant_query(
            f"min by (portal) ({_METRIC_PREFIX}_criterion_coverage_ratio{{{_ALL_SELECTOR}}}) and {_SELECTED_PORTALS}",
            ref_id="C",
            table=True,
        ),
    ]
    names = {
        "portal": say("column.portal"), "Value #A": say("column.ratio"), "Value #B": say("column.points"),
        "Value #C": say("column.coverage"),
    }  # fmt: skip
    return builder.table("score.ranking", asked, ranking_options(builder, names), sort_column=say("column.ratio"))


def ranking_options(builder: PanelBuilder, names: Mapping[str, str]) -> FieldOptions:
    """Dress of a table of portals by their share of the points."""
    say = builder.texts
    grade = {"mode": "absolute", "steps": grade_thresholds()}
    return FieldOptions(
        unit="none",
        decimals=2,
        transformations=join_by_field("portal", names),
        overrides={
            say("column.portal"): {**builder.row_link("link.score", "score", say("column.portal")), "unit": "string"},
            say("column.ratio"): {
                "unit": "percentunit", "decimals": 1, "min": 0, "max": 1, "thresholds": grade,
                "custom.cellOptions": {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"},
            },
            say("column.coverage"): {"unit": "percentunit", "decimals": 0},
        },
    )  # fmt: skip


def _grade_counts(builder: PanelBuilder) -> Panel:
    ratio = f"(max by (portal) ({_METRIC_PREFIX}_ratio{{{_ALL_SELECTOR}}}) and {_SELECTED_PORTALS})"
    asked = [
        instant_query(
            f"count(({ratio} >= {low}) < {top}) or vector(0)", builder.texts("grade.is").format(grade=grade), ref
        )
        for ref, (grade, low, top) in zip("ABCDEFGH", grade_ranges(), strict=False)
    ]
    return builder.bar_gauge("score.grades", asked, FieldOptions(decimals=0, min_value=0))


def _low_coverage(builder: PanelBuilder) -> Panel:
    seen = f"min by (portal) ({_METRIC_PREFIX}_criterion_coverage_ratio{{{_ALL_SELECTOR}}}) and {_SELECTED_PORTALS}"
    colors = threshold_steps(BAD, (MIN_COVERAGE, WARN), (GOOD_COVERAGE, GOOD))
    dress = FieldOptions(
        unit="percentunit",
        decimals=0,
        min_value=0,
        max_value=1,
        thresholds=colors,
        link=builder.link("link.score", "score"),
    )
    return builder.bar_gauge("score.thin", [instant_query(f"sort(bottomk(12, {seen}))", "{{portal}}")], dress)
