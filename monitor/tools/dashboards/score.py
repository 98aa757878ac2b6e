"""Performance score: is the quarter safe? Value, limit and points of each criterion, and where points are lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from monitor.tools.dashboards import grades
from monitor.tools.dashboards.datasources import instant_queries, instant_query, range_query, table_queries
from monitor.tools.dashboards.layout import DashboardSpec, PanelRow
from monitor.tools.dashboards.mappings import BAD, GOOD, NEUTRAL, WARN, steps
from monitor.tools.dashboards.panels import COUNT_AXIS, RATIO_AXIS, PanelBuilder, fixed_color, join_by_field
from monitor.tools.dashboards.thresholds import GOOD_COVERAGE, HALF_RATIO, MIN_COVERAGE, SCORE_CHANGE_RATIO
from monitor.tools.dashboards.variables import PORTAL_INFO, portal_variables, prometheus_annotations, query_variable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from grafana_foundation_sdk.models.dashboard import Panel, Threshold

    from monitor.tools.dashboards.panels import FieldOptions
    from monitor.tools.dashboards.texts import DashboardTexts

_WINDOW = 'window="$window"'
_RUBRIC = 'rubric="$rubric"'
_ALL = f"{_RUBRIC},{_WINDOW}"
_PORTAL = f'portal=~"$portal",{_ALL}'
_SCORE = "portal_monitor_score"
_SELECTED_PORTALS = f'on (portal) {PORTAL_INFO}{{kind=~"$kind",group=~"$group"}}'
_GAUGE = {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}


def dashboard(texts: DashboardTexts) -> DashboardSpec:
    """Return the dashboard in one language."""
    build = PanelBuilder(texts)
    labels = f"label_values({_SCORE}_ratio"
    return DashboardSpec(
        name="score",
        variables=[
            *portal_variables(texts, single_portal=True, with_location=False),
            query_variable("rubric", f"{labels}, rubric)", texts, multi=False, initial=grades.graded_rubric().id),
            query_variable("window", f"{labels}, window)", texts, multi=False, initial="quarter"),
        ],
        annotations=prometheus_annotations(texts, outages_enabled=False),
        time_from="now-30d",
        refresh="5m",
        rows=(
            PanelRow(4, [(4, panel) for panel in _totals(build)]),
            PanelRow(11, [(24, _criteria_table(build))]),
            PanelRow(10, [(12, _lost_points(build)), (12, _trend(build))]),
            PanelRow(9, [(12, _rubric_comparison(build)), (6, _grade_counts(build)), (6, _low_coverage(build))]),
            PanelRow(11, [(24, _ranking(build))]),
        ),
    )


def _coverage_steps() -> list[Threshold]:
    return steps(BAD, (MIN_COVERAGE, WARN), (GOOD_COVERAGE, GOOD))


def total_options(texts: DashboardTexts) -> dict[str, FieldOptions]:
    """Return the options of the totals that both dashboards of scores show, by key."""
    return {
        "score.points": {"decimals": 2},
        "score.possible": {"decimals": 2},
        "score.ratio": {"unit": "percentunit", "decimals": 1, "thresholds": grades.grade_thresholds()},
        "score.grade": {"unit": "percentunit", "decimals": 1, "mappings": grades.grade_mappings(texts)},
    }


def _totals(build: PanelBuilder) -> list[Panel]:
    ratio = f"max({_SCORE}_ratio{{{_PORTAL}}})"
    coverage = f"min({_SCORE}_criterion_coverage_ratio{{{_PORTAL}}})"
    queries = {
        "score.points": instant_query(f"max({_SCORE}_points{{{_PORTAL}}})"),
        "score.possible": instant_query(f"max({_SCORE}_possible_points{{{_PORTAL}}})"),
        "score.ratio": range_query(ratio),
        "score.grade": instant_query(f'max({_SCORE}_ratio{{{_PORTAL},rubric="{grades.graded_rubric().id}"}})'),
        "score.change": instant_query(f"{ratio} - max({_SCORE}_ratio{{{_PORTAL}}} offset 7d)"),
        "score.coverage": instant_query(coverage),
    }
    change = steps(BAD, (-SCORE_CHANGE_RATIO, NEUTRAL), (SCORE_CHANGE_RATIO, GOOD))
    options: dict[str, FieldOptions] = total_options(build.texts) | {
        "score.change": {"unit": "percentunit", "decimals": 2, "thresholds": change},
        "score.coverage": {"unit": "percentunit", "decimals": 1, "thresholds": _coverage_steps()},
    }
    return [build.stat(key, [query], sparkline=key == "score.ratio", **options[key]) for key, query in queries.items()]


def criteria_table_options(
    build: PanelBuilder, names: Mapping[str, str], overrides: Mapping[str, Mapping[str, object]]
) -> FieldOptions:
    """Return options of the table of criteria. *names*: column as queried -> text, in order."""
    number = {"unit": "none", "decimals": 2, "custom.width": 90}
    ratio = {"unit": "percentunit", "decimals": 0, "min": 0, "max": 1}
    colors = {"mode": "absolute", "steps": steps(BAD, (HALF_RATIO, WARN), (1.0, GOOD))}
    coverage = {"mode": "absolute", "steps": _coverage_steps()}
    columns: dict[str, Mapping[str, object]] = {
        **dict.fromkeys(("value", "limit", "zero", "points", "possible", "lost"), number),
        "share": {**ratio, "custom.width": 130, "custom.cellOptions": _GAUGE, "thresholds": colors},
        "coverage": {
            **ratio, "custom.width": 90, "custom.cellOptions": {"type": "color-text"}, "thresholds": coverage
        },
    }  # fmt: skip
    found = build.overrides("column", columns) | dict(overrides)
    return {"unit": "none", "transformations": join_by_field(next(iter(names)), names), "overrides": found}


def _criterion(name: str, selector: str = _PORTAL) -> str:
    return f"max by (criterion) ({_SCORE}_criterion_{name}{{{selector}}})"


def _criteria_table(build: PanelBuilder) -> Panel:
    texts = build.texts
    points, possible = _criterion("points"), _criterion("possible_points", _RUBRIC)
    expressions = {
        "value": _criterion("value"),
        "limit": _criterion("limit", _RUBRIC),
        "zero": _criterion("zero", _RUBRIC),
        "points": points,
        "possible": f"{possible} and {points}",
        "lost": f"{possible} - {points}",
        "share": f"{points} / {possible}",
        "coverage": _criterion("coverage_ratio"),
    }
    queries = table_queries(expressions.values())
    names = {"criterion": "criterion"}
    names |= {f"Value #{query.ref_id}": name for query, name in zip(queries, expressions, strict=True)}
    title = {"mappings": grades.criterion_id_mappings(texts), "unit": "string", "custom.minWidth": 220}
    options = criteria_table_options(build, build.columns(names), {texts("column.criterion"): title})
    return build.table("score.map", queries, sort_key="column.lost", **options)


def _lost_points(build: PanelBuilder) -> Panel:
    """Build a bar of won and lost points for each criterion."""
    points, possible = _criterion("points"), _criterion("possible_points", _RUBRIC)
    names = build.columns({"criterion": "criterion", "Value #A": "won", "Value #B": "lost"})
    columns = {
        "criterion": {"mappings": grades.criterion_id_mappings(build.texts), "unit": "string"},
        "won": fixed_color(GOOD),
        "lost": fixed_color(BAD),
    }
    return build.bar_chart(
        "score.lost", table_queries((points, f"{possible} - {points}")), x_column=build.texts("column.criterion"),
        unit="none", decimals=2, transformations=join_by_field("criterion", names),
        overrides=build.overrides("column", columns),
    )  # fmt: skip


def _trend(build: PanelBuilder) -> Panel:
    query = range_query(f'max by (window) ({_SCORE}_ratio{{portal=~"$portal",{_RUBRIC}}})', "{{window}}")
    shown = {window: {"displayName": build.texts(f"window.{window}")} for window in grades.WINDOWS}
    return build.time_series("score.trend", [query], **trend_options(), overrides=shown)


def trend_options() -> Mapping[str, Any]:
    """Return the options of the curves of the share of points; they begin at their lowest value."""
    return {"unit": "percentunit", "decimals": 1, "max_value": 1, "thresholds": grades.grade_thresholds()}


def _rubric_comparison(build: PanelBuilder) -> Panel:
    query = range_query(f'max by (rubric) ({_SCORE}_ratio{{portal=~"$portal",{_WINDOW}}})', "{{rubric}}")
    shown = {id_: {"displayName": title} for id_, title in grades.rubric_titles(build.texts)}
    return build.time_series("score.formulas", [query], **RATIO_AXIS, decimals=1, overrides=shown)


def _per_portal(series: str, aggregate: str = "max") -> str:
    return f"{aggregate} by (portal) ({_SCORE}_{series}{{{_ALL}}}) and {_SELECTED_PORTALS}"


def _ranking(build: PanelBuilder) -> Panel:
    expressions = (_per_portal("ratio"), _per_portal("points"), _per_portal("criterion_coverage_ratio", "min"))
    names = {"portal": "portal", "Value #A": "ratio", "Value #B": "points", "Value #C": "coverage"}
    options = ranking_options(build, names)
    return build.table("score.ranking", table_queries(expressions), sort_key="column.ratio", **options)


def ranking_options(build: PanelBuilder, names: Mapping[str, str]) -> FieldOptions:
    """Return options of a table of portals by their share of the points; *names* as of `PanelBuilder.columns`."""
    grade = {"mode": "absolute", "steps": grades.grade_thresholds()}
    ratio = {"unit": "percentunit", "decimals": 1, "min": 0, "max": 1}
    columns = {
        "portal": {**build.row_link("score", "portal"), "unit": "string"},
        "ratio": {**ratio, "thresholds": grade, "custom.cellOptions": _GAUGE},
        "coverage": {"unit": "percentunit", "decimals": 0},
    }
    overrides = build.overrides("column", columns)
    transformations = join_by_field("portal", build.columns(names))
    return {"unit": "none", "decimals": 2, "transformations": transformations, "overrides": overrides}


def _grade_counts(build: PanelBuilder) -> Panel:
    ratio, title = f"({_per_portal('ratio')})", build.texts("grade.is")
    queries = instant_queries(
        (f"count(({ratio} >= {low}) < {top}) or vector(0)", title.format(grade=grade))
        for grade, low, top in grades.grade_ranges()
    )
    return build.bar_gauge("score.grades", queries, **COUNT_AXIS)


def _low_coverage(build: PanelBuilder) -> Panel:
    query = instant_query(f"sort(bottomk(12, {_per_portal('criterion_coverage_ratio', 'min')}))", "{{portal}}")
    colors, link = _coverage_steps(), build.link("score")
    return build.bar_gauge("score.low_coverage", [query], **RATIO_AXIS, decimals=0, thresholds=colors, link=link)
