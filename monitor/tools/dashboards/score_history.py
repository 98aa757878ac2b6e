"""Performance score over ranges that Prometheus no longer holds: daily for ever, or hourly for the last months."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana_foundation_sdk.models.dashboard import VariableModel, VariableOption, VariableType

from monitor.tools.dashboards.datasources import DAILY, InfluxPanelQuery
from monitor.tools.dashboards.grades import (
    WINDOWS,
    check_tag_mappings,
    grade_mappings,
    grade_thresholds,
    graded_rubric,
    rubric_titles,
)
from monitor.tools.dashboards.layout import DashboardSpec, PanelRow
from monitor.tools.dashboards.mappings import BAD, GOOD, WARN, threshold_steps
from monitor.tools.dashboards.panels import FieldOptions, PanelBuilder
from monitor.tools.dashboards.score import criteria_table_options, ranking_options
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
    builder = PanelBuilder(texts)
    return DashboardSpec(
        name="score-history",
        variables=[
            *influx_portal_variables(
                texts, "score", DAILY, tier_pattern=_TIER_PATTERN, single_portal=True, with_location=False
            ),
            _custom_variable("rubric", rubric_titles(texts), texts, graded_rubric().id),
            _custom_variable("window", [(one, texts(f"window.{one}")) for one in WINDOWS], texts, "quarter"),
            interval_variable(texts),
        ],
        annotations=influx_annotations(texts),
        time_from="now-90d",
        refresh="",
        rows=(
            PanelRow(height=4, panels=[(6, panel) for panel in _totals(builder)]),
            PanelRow(height=11, panels=[(24, _criteria_table(builder))]),
            PanelRow(height=9, panels=[(12, _trend(builder)), (12, _rubric_comparison(builder))]),
            PanelRow(height=10, panels=[(24, _criteria_timeline(builder))]),
            PanelRow(height=11, panels=[(24, _ranking(builder))]),
        ),
    )


def _custom_variable(
    name: str, options: Sequence[tuple[str, str]], texts: DashboardTexts, initial: str
) -> VariableModel:
    """Return a variable with fixed values: (value, text)."""
    text = dict(options)[initial]
    return VariableModel(
        type_val=VariableType.CUSTOM,
        name=name,
        label=texts(f"variable.{name}"),
        query=", ".join(f"{label.replace(',', '')} : {value}" for value, label in options),
        current=VariableOption(text=text, value=initial),
        options=[VariableOption(text=label, value=value, selected=value == initial) for value, label in options],
    )


def _last_value_query(field: str, where: str, extra_clause: str = "") -> str:
    return f'SELECT LAST("{field}") FROM "score" WHERE {where} AND $timeFilter {extra_clause}'.rstrip()


def _totals(builder: PanelBuilder) -> list[Panel]:
    total = f"{_TOTAL} AND {_PORTAL}"
    grade = f"{total} AND \"rubric\" = '{graded_rubric().id}'"
    return [
        builder.stat("score.points", [InfluxPanelQuery(_last_value_query("points", total))], FieldOptions(decimals=2)),
        builder.stat(
            "score.possible", [InfluxPanelQuery(_last_value_query("possible", total))], FieldOptions(decimals=2)
        ),
        builder.stat(
            "score.ratio",
            [InfluxPanelQuery(_last_value_query("ratio", total))],
            FieldOptions(unit="percentunit", decimals=1, thresholds=grade_thresholds()),
        ),
        builder.stat(
            "score.grade",
            [InfluxPanelQuery(_last_value_query("ratio", grade))],
            FieldOptions(unit="percentunit", decimals=1, mappings=grade_mappings(builder.texts)),
        ),
    ]


def _criteria_table(builder: PanelBuilder) -> Panel:
    texts = builder.texts
    fields = ("value", "limit", "zero", "points", "possible", "ratio", "coverage")
    columns = ", ".join(f'LAST("{field}") AS "last_{field}"' for field in fields)
    query = f'SELECT {columns} FROM "score" WHERE {_CRITERIA} AND {_PORTAL} AND $timeFilter GROUP BY "check"'
    names = {"check": texts("column.criterion")}
    names |= {f"last_{field}": texts(f"column.{'share' if field == 'ratio' else field}") for field in fields}
    title = {
        texts("column.criterion"): {"mappings": check_tag_mappings(texts), "unit": "string", "custom.minWidth": 220}
    }
    options = criteria_table_options(builder, names, title)
    return builder.table(
        "score-history.map",
        [InfluxPanelQuery(query, table=True)],
        options,
        sort_column=texts("column.share"),
        ascending=True,
    )


def _ranking(builder: PanelBuilder) -> Panel:
    texts = builder.texts
    columns = 'LAST("ratio") AS "last_ratio", LAST("points") AS "last_points"'
    where = f'{_TOTAL} AND "kind" =~ /^$kind$/ AND "group" =~ /^$group$/'
    query = f'SELECT {columns} FROM "score" WHERE {where} AND $timeFilter GROUP BY "portal"'
    names = {
        "portal": texts("column.portal"),
        "last_ratio": texts("column.ratio"),
        "last_points": texts("column.points"),
    }
    options = ranking_options(builder, names)
    return builder.table(
        "score-history.ranking", [InfluxPanelQuery(query, table=True)], options, sort_column=texts("column.ratio")
    )


def _trend(builder: PanelBuilder) -> Panel:
    queries = [
        InfluxPanelQuery(
            _last_value_query("ratio", f"\"check\" = '$rubric/total/{window}' AND {_PORTAL}", _PER_INTERVAL),
            builder.texts(f"window.{window}"),
            ref,
        )
        for ref, window in zip("AB", WINDOWS, strict=True)
    ]
    options = FieldOptions(
        unit="percentunit", decimals=1, max_value=1, thresholds=grade_thresholds(), interval=_INTERVAL
    )
    return builder.time_series("score.trend", queries, options)


def _rubric_comparison(builder: PanelBuilder) -> Panel:
    queries = [
        InfluxPanelQuery(
            _last_value_query("ratio", f"\"check\" = '{id_}/total/$window' AND {_PORTAL}", _PER_INTERVAL), title, ref
        )
        for ref, (id_, title) in zip("ABCDEFGH", rubric_titles(builder.texts), strict=False)
    ]
    return builder.time_series(
        "score.formulas",
        queries,
        FieldOptions(unit="percentunit", decimals=1, min_value=0, max_value=1, interval=_INTERVAL),
    )


def _criteria_timeline(builder: PanelBuilder) -> Panel:
    """Build the timeline of each criterion's share of points, which shows when points were lost."""
    query = InfluxPanelQuery(
        f'SELECT LAST("ratio") FROM "score" WHERE {_CRITERIA} AND {_PORTAL} AND $timeFilter '
        'GROUP BY time($__interval), "check" fill(null)',
        "[[tag_check]]",
    )
    thresholds = threshold_steps(BAD, (HALF_RATIO, WARN), (0.999, GOOD))
    shown = _display_names(builder)
    options = FieldOptions(unit="percentunit", decimals=0, thresholds=thresholds, interval=_INTERVAL, overrides=shown)
    return builder.state_timeline("score-history.criteria", [query], options)


def _display_names(builder: PanelBuilder) -> dict[str, dict[str, object]]:
    mapping = check_tag_mappings(builder.texts)[0]
    options = mapping.options if isinstance(mapping.options, dict) else {}
    return {check: {"displayName": result.text or check} for check, result in options.items()}
