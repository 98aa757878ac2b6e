"""Performance score over ranges that Prometheus no longer holds: daily for ever, or hourly for the last months."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana_foundation_sdk.models.dashboard import VariableModel, VariableOption, VariableType

from monitor.tools.dashboards.datasources import DAILY, InfluxPanelQuery, influx_queries
from monitor.tools.dashboards.grades import WINDOWS, check_tag_mappings, graded_rubric, rubric_titles
from monitor.tools.dashboards.layout import DashboardSpec, PanelRow
from monitor.tools.dashboards.mappings import BAD, GOOD, WARN, steps
from monitor.tools.dashboards.panels import RATIO_AXIS, PanelBuilder
from monitor.tools.dashboards.score import criteria_table_options, ranking_options, total_options, trend_options
from monitor.tools.dashboards.thresholds import HALF_RATIO
from monitor.tools.dashboards.variables import influx_annotations, influx_portal_variables, interval_variable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grafana_foundation_sdk.models.dashboard import Panel

    from monitor.tools.dashboards.texts import DashboardTexts

_PORTAL = '"portal" =~ /^$portal$/'
_TOTAL = "\"check\" = '$rubric/total/$window'"
_CRITERIA = '"check" =~ /^$rubric\\/.*\\/$window$/ AND "criterion" <> \'total\''
_PER_INTERVAL = "GROUP BY time($__interval) fill(null)"
_INTERVAL = "$step"
_TIER_PATTERN = "/^(?!.*hourly).*$/"
"""Scores are kept by the hour in the raw tier and by the day in the daily one; there is no hourly tier of them."""


def dashboard(texts: DashboardTexts) -> DashboardSpec:
    """Return the dashboard in one language."""
    build = PanelBuilder(texts)
    portals = influx_portal_variables(
        texts, "score", DAILY, tier_pattern=_TIER_PATTERN, single_portal=True, with_location=False
    )
    return DashboardSpec(
        name="score-history",
        variables=[
            *portals,
            _custom_variable("rubric", rubric_titles(texts), texts, graded_rubric().id),
            _custom_variable("window", [(one, texts(f"window.{one}")) for one in WINDOWS], texts, "quarter"),
            interval_variable(texts),
        ],
        annotations=influx_annotations(texts),
        time_from="now-90d",
        refresh="",
        rows=(
            PanelRow(4, [(6, panel) for panel in _totals(build)]),
            PanelRow(11, [(24, _criteria_table(build))]),
            PanelRow(9, [(12, _trend(build)), (12, _rubric_comparison(build))]),
            PanelRow(10, [(24, _criteria_timeline(build))]),
            PanelRow(11, [(24, _ranking(build))]),
        ),
    )


def _custom_variable(
    name: str, values: Sequence[tuple[str, str]], texts: DashboardTexts, initial: str
) -> VariableModel:
    """Return a variable with fixed values: (value, text)."""
    return VariableModel(
        type_val=VariableType.CUSTOM,
        name=name,
        label=texts(f"variable.{name}"),
        query=", ".join(f"{label.replace(',', '')} : {value}" for value, label in values),
        current=VariableOption(text=dict(values)[initial], value=initial),
        options=[VariableOption(text=label, value=value, selected=value == initial) for value, label in values],
    )


def _last_value(field: str, where: str, extra_clause: str = "") -> str:
    return f'SELECT LAST("{field}") FROM "score" WHERE {where} AND $timeFilter {extra_clause}'.rstrip()


def _totals(build: PanelBuilder) -> list[Panel]:
    total = f"{_TOTAL} AND {_PORTAL}"
    queries = {
        "score.points": _last_value("points", total),
        "score.possible": _last_value("possible", total),
        "score.ratio": _last_value("ratio", total),
        "score.grade": _last_value("ratio", f"{total} AND \"rubric\" = '{graded_rubric().id}'"),
    }
    options = total_options(build.texts)
    return [build.stat(key, [InfluxPanelQuery(query)], **options[key]) for key, query in queries.items()]


def _criteria_table(build: PanelBuilder) -> Panel:
    texts = build.texts
    fields = ("value", "limit", "zero", "points", "possible", "ratio", "coverage")
    columns = ", ".join(f'LAST("{field}") AS "last_{field}"' for field in fields)
    query = f'SELECT {columns} FROM "score" WHERE {_CRITERIA} AND {_PORTAL} AND $timeFilter GROUP BY "check"'
    names = {"check": "criterion"} | {f"last_{field}": "share" if field == "ratio" else field for field in fields}
    title = {"mappings": check_tag_mappings(texts), "unit": "string", "custom.minWidth": 220}
    options = criteria_table_options(build, build.columns(names), {texts("column.criterion"): title})
    queries = [InfluxPanelQuery(query, table=True)]
    return build.table("score-history.map", queries, sort_key="column.share", ascending=True, **options)


def _ranking(build: PanelBuilder) -> Panel:
    columns = 'LAST("ratio") AS "last_ratio", LAST("points") AS "last_points"'
    where = f'{_TOTAL} AND "kind" =~ /^$kind$/ AND "group" =~ /^$group$/'
    query = f'SELECT {columns} FROM "score" WHERE {where} AND $timeFilter GROUP BY "portal"'
    options = ranking_options(build, {"portal": "portal", "last_ratio": "ratio", "last_points": "points"})
    queries = [InfluxPanelQuery(query, table=True)]
    return build.table("score-history.ranking", queries, sort_key="column.ratio", **options)


def _ratio_curve(rubric: str, window: str) -> str:
    return _last_value("ratio", f"\"check\" = '{rubric}/total/{window}' AND {_PORTAL}", _PER_INTERVAL)


def _trend(build: PanelBuilder) -> Panel:
    queries = influx_queries((_ratio_curve("$rubric", window), build.texts(f"window.{window}")) for window in WINDOWS)
    return build.time_series("score.trend", queries, **trend_options(), interval=_INTERVAL)


def _rubric_comparison(build: PanelBuilder) -> Panel:
    queries = influx_queries((_ratio_curve(id_, "$window"), title) for id_, title in rubric_titles(build.texts))
    return build.time_series("score.formulas", queries, **RATIO_AXIS, decimals=1, interval=_INTERVAL)


def _criteria_timeline(build: PanelBuilder) -> Panel:
    """Build the timeline of each criterion's share of points, which shows when points were lost."""
    per_check = 'GROUP BY time($__interval), "check" fill(null)'
    query = InfluxPanelQuery(_last_value("ratio", f"{_CRITERIA} AND {_PORTAL}", per_check), "[[tag_check]]")
    return build.state_timeline(
        "score-history.criteria", [query], unit="percentunit", decimals=0, interval=_INTERVAL,
        thresholds=steps(BAD, (HALF_RATIO, WARN), (0.999, GOOD)), overrides=_display_names(build),
    )  # fmt: skip


def _display_names(build: PanelBuilder) -> dict[str, dict[str, object]]:
    mapping = check_tag_mappings(build.texts)[0]
    options = mapping.options if isinstance(mapping.options, dict) else {}
    return {check: {"displayName": result.text or check} for check, result in options.items()}
