"""Performance score over ranges that Prometheus no longer holds: days for ever, or each hour of the last months."""

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
    """The dashboard in one language."""
    kit = PanelBuilder(texts)
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
            PanelRow(height=4, panels=[(6, panel) for panel in _totals(kit)]),
            PanelRow(height=11, panels=[(24, _criteria_table(kit))]),
            PanelRow(height=9, panels=[(12, _trend(kit)), (12, _rubric_comparison(kit))]),
            PanelRow(height=10, panels=[(24, _criteria_timeline(kit))]),
            PanelRow(height=11, panels=[(24, _ranking(kit))]),
        ),
    )


def _custom_variable(
    name: str, options: Sequence[tuple[str, str]], texts: DashboardTexts, initial: str
) -> VariableModel:
    """A variable whose values are known beforehand: (value, text)."""
    text = dict(options)[initial]
    return VariableModel(
        type_val=VariableType.CUSTOM,
        name=name,
        label=texts(f"variable.{name}"),
        query=", ".join(f"{told.replace(',', '')} : {value}" for value, told in options),
        current=VariableOption(text=text, value=initial),
        options=[VariableOption(text=told, value=value, selected=value == initial) for value, told in options],
    )


def _last_value_query(field: str, where: str, extra_clause: str = "") -> str:
    return f'SELECT LAST("{field}") FROM "score" WHERE {where} AND $timeFilter {extra_clause}'.rstrip()


def _totals(builder: PanelBuilder) -> list[Panel]:
    mine = f"{_TOTAL} AND {_PORTAL}"
    grade = f"{mine} AND \"rubric\" = '{graded_rubric().id}'"
    return [
        builder.stat("score.points", [InfluxPanelQuery(_last_value_query("points", mine))], FieldOptions(decimals=2)),
        builder.stat("score.possible", [InfluxPanelQuery(_last_value_query("possible", mine))], FieldOptions(decimals=2)),
        builder.stat(
            "score.ratio", [InfluxPanelQuery(_last_value_query("ratio", mine))],
            FieldOptions(unit="percentunit", decimals=1, thresholds=grade_thresholds()),
        ),
        builder.stat(
            "score.grade", [InfluxPanelQuery(_last_value_query("ratio", grade))],
            FieldOptions(unit="percentunit", decimals=1, mappings=grade_mappings(builder.texts)),
        ),
    ]  # fmt: skip


def _criteria_table(builder: PanelBuilder) -> Panel:
    say = builder.texts
    fields = ("value", "limit", "zero", "points", "possible", "ratio", "coverage")
    told = ", ".join(f'LAST("{field}") AS "last_{field}"' for field in fields)
    asked = f'SELECT {told} FROM "score" WHERE {_CRITERIA} AND {_PORTAL} AND $timeFilter GROUP BY "check"'
    names = {"check": say("column.criterion")}
    names |= {f"last_{field}": say(f"column.{'share' if field == 'ratio' else field}") for field in fields}
    title = {say("column.criterion"): {"mappings": check_tag_mappings(say), "unit": "string", "custom.minWidth": 220}}
    dress = criteria_table_options(builder, names, title)
    return builder.table(
        "score-history.map",
        [InfluxPanelQuery(asked, table=True)],
        dress,
        sort_column=say("column.share"),
        ascending=True,
    )


def _ranking(builder: PanelBuilder) -> Panel:
    say = builder.texts
    told = 'LAST("ratio") AS "last_ratio", LAST("points") AS "last_points"'
    where = f'{_TOTAL} AND "kind" =~ /^$kind$/ AND "group" =~ /^$group$/'
    asked = f'SELECT {told} FROM "score" WHERE {where} AND $timeFilter GROUP BY "portal"'
    names = {"portal": say("column.portal"), "last_ratio": say("column.ratio"), "last_points": say("column.points")}
    dress = ranking_options(builder, names)
    return builder.table(
        "score-history.ranking", [InfluxPanelQuery(asked, table=True)], dress, sort_column=say("column.ratio")
    )


def _trend(builder: PanelBuilder) -> Panel:
    asked = [
        InfluxPanelQuery(
            _last_value_query("ratio", f"\"check\" = '$rubric/total/{window}' AND {_PORTAL}", _PER_INTERVAL),
            builder.texts(f"window.{window}"),
            ref,
        )
        for ref, window in zip("AB", WINDOWS, strict=True)
    ]
    dress = FieldOptions(unit="percentunit", decimals=1, max_value=1, thresholds=grade_thresholds(), interval=_INTERVAL)
    return builder.time_series("score.trend", asked, dress)


def _rubric_comparison(builder: PanelBuilder) -> Panel:
    asked = [
        InfluxPanelQuery(
            _last_value_query("ratio", f"\"check\" = '{id_}/total/$window' AND {_PORTAL}", _PER_INTERVAL), title, ref
        )
        for ref, (id_, title) in zip("ABCDEFGH", rubric_titles(builder.texts), strict=False)
    ]
    return builder.time_series(
        "score.formulas",
        asked,
        FieldOptions(unit="percentunit", decimals=1, min_value=0, max_value=1, interval=_INTERVAL),
    )


def _criteria_timeline(builder: PanelBuilder) -> Panel:
    """The share of each criterion's points over time, so that a quarter shows when points were lost."""
    asked = InfluxPanelQuery(
        f'SELECT LAST("ratio") FROM "score" WHERE {_CRITERIA} AND {_PORTAL} AND $timeFilter '
        'GROUP BY time($__interval), "check" fill(null)',
        "[[tag_check]]",
    )
    told = threshold_steps(BAD, (HALF_RATIO, WARN), (0.999, GOOD))
    shown = _display_names(builder)
    dress = FieldOptions(unit="percentunit", decimals=0, thresholds=told, interval=_INTERVAL, overrides=shown)
    return builder.state_timeline("score-history.criteria", [asked], dress)


def _display_names(builder: PanelBuilder) -> dict[str, dict[str, object]]:
    mapping = check_tag_mappings(builder.texts)[0]
    options = mapping.options if isinstance(mapping.options, dict) else {}
    return {check: {"displayName": result.text or check} for check, result in options.items()}
