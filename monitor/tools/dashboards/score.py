"""Performance score: is the quarter safe? Value, limit and points of each criterion, and where points are lost."""

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
    """Return the dashboard in one language."""
    builder = PanelBuilder(texts)
    score_labels = f"label_values({_METRIC_PREFIX}_ratio"
    return DashboardSpec(
        name="score",
        variables=[
            *portal_variables(texts, single_portal=True, with_location=False),
            query_variable("rubric", f"{score_labels}, rubric)", texts, multi=False, initial=graded_rubric().id),
            query_variable("window", f"{score_labels}, window)", texts, multi=False, initial="quarter"),
        ],
        annotations=prometheus_annotations(texts, outages_enabled=False),
        time_from="now-30d",
        refresh="5m",
        rows=(
            PanelRow(height=4, panels=[(4, panel) for panel in _totals(builder)]),
            PanelRow(height=11, panels=[(24, _criteria_table(builder))]),
            PanelRow(height=10, panels=[(12, _lost_points(builder)), (12, _trend(builder))]),
            PanelRow(
                height=9,
                panels=[(12, _rubric_comparison(builder)), (6, _grade_counts(builder)), (6, _low_coverage(builder))],
            ),
            PanelRow(height=11, panels=[(24, _ranking(builder))]),
        ),
    )


def _totals(builder: PanelBuilder) -> list[Panel]:
    ratio = f"max({_METRIC_PREFIX}_ratio{{{_PORTAL_SELECTOR}}})"
    coverage = f"min({_METRIC_PREFIX}_criterion_coverage_ratio{{{_PORTAL_SELECTOR}}})"
    grade = f'max({_METRIC_PREFIX}_ratio{{{_PORTAL_SELECTOR},rubric="{graded_rubric().id}"}})'
    return [
        builder.stat(
            "score.points",
            [instant_query(f"max({_METRIC_PREFIX}_points{{{_PORTAL_SELECTOR}}})")],
            FieldOptions(decimals=2),
        ),
        builder.stat(
            "score.possible",
            [instant_query(f"max({_METRIC_PREFIX}_possible_points{{{_PORTAL_SELECTOR}}})")],
            FieldOptions(decimals=2),
        ),
        builder.stat(
            "score.ratio",
            [range_query(ratio, "")],
            FieldOptions(unit="percentunit", decimals=1, thresholds=grade_thresholds()),
            sparkline=True,
        ),
        builder.stat(
            "score.grade",
            [instant_query(grade)],
            FieldOptions(unit="percentunit", decimals=1, mappings=grade_mappings(builder.texts)),
        ),
        builder.stat(
            "score.change",
            [instant_query(f"{ratio} - max({_METRIC_PREFIX}_ratio{{{_PORTAL_SELECTOR}}} offset 7d)")],
            FieldOptions(
                unit="percentunit",
                decimals=2,
                thresholds=threshold_steps(BAD, (-SCORE_CHANGE_RATIO, NEUTRAL), (SCORE_CHANGE_RATIO, GOOD)),
            ),
        ),
        builder.stat(
            "score.coverage",
            [instant_query(coverage)],
            FieldOptions(
                unit="percentunit",
                decimals=1,
                thresholds=threshold_steps(BAD, (MIN_COVERAGE, WARN), (GOOD_COVERAGE, GOOD)),
            ),
        ),
    ]


def criteria_table_options(
    builder: PanelBuilder, names: Mapping[str, str], overrides: Mapping[str, Mapping[str, object]]
) -> FieldOptions:
    """Return options of the table of criteria. *names*: column as queried -> text, in order."""
    texts = builder.texts
    number = {"unit": "none", "decimals": 2, "custom.width": 90}
    gauge = {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}
    ratio = {"unit": "percentunit", "decimals": 0, "min": 0, "max": 1, "custom.width": 130}
    colors = {"mode": "absolute", "steps": threshold_steps(BAD, (HALF_RATIO, WARN), (1.0, GOOD))}
    coverage = {"mode": "absolute", "steps": threshold_steps(BAD, (MIN_COVERAGE, WARN), (GOOD_COVERAGE, GOOD))}
    return FieldOptions(
        unit="none",
        transformations=join_by_field(next(iter(names)), names),
        overrides={
            **{
                texts(f"column.{name}"): number
                for name in ("value", "limit", "zero", "points", "possible", "lost")
            },
            texts("column.share"): {**ratio, "custom.cellOptions": gauge, "thresholds": colors},
            texts("column.coverage"): {**ratio, "custom.cellOptions": {"type": "color-text"}, "thresholds": coverage,
                                     "custom.width": 90},
            **overrides,
        },
    )  # fmt: skip


def _criterion_query(name: str, selector: str = _PORTAL_SELECTOR) -> str:
    return f"max by (criterion) ({_METRIC_PREFIX}_criterion_{name}{{{selector}}})"


def _criteria_table(builder: PanelBuilder) -> Panel:
    texts = builder.texts
    fixed = 'rubric="$rubric"'
    possible = _criterion_query("possible_points", fixed)
    expressions = {
        "value": _criterion_query("value"),
        "limit": _criterion_query("limit", fixed),
        "zero": _criterion_query("zero", fixed),
        "points": _criterion_query("points"),
        "possible": f"{possible} and {_criterion_query('points')}",
        "lost": f"{possible} - {_criterion_query('points')}",
        "share": f"{_criterion_query('points')} / {possible}",
        "coverage": _criterion_query("coverage_ratio"),
    }
    names = {"criterion": texts("column.criterion")}
    names |= {f"Value #{ref}": texts(f"column.{name}") for ref, name in zip("ABCDEFGH", expressions, strict=True)}
    title = {
        texts("column.criterion"): {"mappings": criterion_id_mappings(texts), "unit": "string", "custom.minWidth": 220}
    }
    queries = [
        instant_query(expr, ref_id=ref, table=True) for ref, expr in zip("ABCDEFGH", expressions.values(), strict=True)
    ]
    return builder.table(
        "score.map", queries, criteria_table_options(builder, names, title), sort_column=texts("column.lost")
    )


def _lost_points(builder: PanelBuilder) -> Panel:
    """Build a bar of won and lost points for each criterion."""
    texts = builder.texts
    possible = _criterion_query("possible_points", 'rubric="$rubric"')
    queries = [
        instant_query(_criterion_query("points"), ref_id="A", table=True),
        instant_query(f"{possible} - {_criterion_query('points')}", ref_id="B", table=True),
    ]
    names = {"criterion": texts("column.criterion"), "Value #A": texts("column.won"), "Value #B": texts("column.lost")}
    options = FieldOptions(
        unit="none",
        decimals=2,
        transformations=join_by_field("criterion", names),
        overrides={
            texts("column.criterion"): {"mappings": criterion_id_mappings(texts), "unit": "string"},
            texts("column.won"): fixed_color(GOOD),
            texts("column.lost"): fixed_color(BAD),
        },
    )
    return builder.bar_chart("score.lost", queries, options, x_column=texts("column.criterion"))


def _trend(builder: PanelBuilder) -> Panel:
    queries = [
        range_query(f'max by (window) ({_METRIC_PREFIX}_ratio{{portal=~"$portal",rubric="$rubric"}})', "{{window}}"),
    ]  # fmt: skip
    shown = {window: {"displayName": builder.texts(f"window.{window}")} for window in ("quarter", "30d")}
    options = FieldOptions(unit="percentunit", decimals=1, max_value=1, thresholds=grade_thresholds(), overrides=shown)
    return builder.time_series("score.trend", queries, options)


def _rubric_comparison(builder: PanelBuilder) -> Panel:
    query = range_query(f'max by (rubric) ({_METRIC_PREFIX}_ratio{{portal=~"$portal",{_WINDOW}}})', "{{rubric}}")
    shown = {id_: {"displayName": title} for id_, title in rubric_titles(builder.texts)}
    return builder.time_series(
        "score.formulas",
        [query],
        FieldOptions(unit="percentunit", decimals=1, min_value=0, max_value=1, overrides=shown),
    )


def _ranking(builder: PanelBuilder) -> Panel:
    texts = builder.texts
    queries = [
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
        "portal": texts("column.portal"), "Value #A": texts("column.ratio"), "Value #B": texts("column.points"),
        "Value #C": texts("column.coverage"),
    }  # fmt: skip
    return builder.table("score.ranking", queries, ranking_options(builder, names), sort_column=texts("column.ratio"))


def ranking_options(builder: PanelBuilder, names: Mapping[str, str]) -> FieldOptions:
    """Return options of a table of portals by their share of the points."""
    texts = builder.texts
    grade = {"mode": "absolute", "steps": grade_thresholds()}
    return FieldOptions(
        unit="none",
        decimals=2,
        transformations=join_by_field("portal", names),
        overrides={
            texts("column.portal"): {
                **builder.row_link("link.score", "score", texts("column.portal")),
                "unit": "string",
            },
            texts("column.ratio"): {
                "unit": "percentunit",
                "decimals": 1,
                "min": 0,
                "max": 1,
                "thresholds": grade,
                "custom.cellOptions": {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"},
            },
            texts("column.coverage"): {"unit": "percentunit", "decimals": 0},
        },
    )


def _grade_counts(builder: PanelBuilder) -> Panel:
    ratio = f"(max by (portal) ({_METRIC_PREFIX}_ratio{{{_ALL_SELECTOR}}}) and {_SELECTED_PORTALS})"
    queries = [
        instant_query(
            f"count(({ratio} >= {low}) < {top}) or vector(0)", builder.texts("grade.is").format(grade=grade), ref
        )
        for ref, (grade, low, top) in zip("ABCDEFGH", grade_ranges(), strict=False)
    ]
    return builder.bar_gauge("score.grades", queries, FieldOptions(decimals=0, min_value=0))


def _low_coverage(builder: PanelBuilder) -> Panel:
    coverage = f"min by (portal) ({_METRIC_PREFIX}_criterion_coverage_ratio{{{_ALL_SELECTOR}}}) and {_SELECTED_PORTALS}"
    colors = threshold_steps(BAD, (MIN_COVERAGE, WARN), (GOOD_COVERAGE, GOOD))
    options = FieldOptions(
        unit="percentunit",
        decimals=0,
        min_value=0,
        max_value=1,
        thresholds=colors,
        link=builder.link("link.score", "score"),
    )
    return builder.bar_gauge(
        "score.low_coverage", [instant_query(f"sort(bottomk(12, {coverage}))", "{{portal}}")], options
    )
