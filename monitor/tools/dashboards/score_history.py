"""Performance score over ranges that Prometheus no longer holds: days for ever, or each hour of the last months."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana_foundation_sdk.models.dashboard import VariableModel, VariableOption, VariableType

from monitor.tools.dashboards.datasources import DAILY, Influx
from monitor.tools.dashboards.grades import (
    WINDOWS,
    criteria_by_check,
    grade_colors,
    graded,
    grades_by_ratio,
    rubrics_by_id,
)
from monitor.tools.dashboards.layout import Page, Row
from monitor.tools.dashboards.mappings import BAD, GOOD, WARN, steps
from monitor.tools.dashboards.panels import Dress, Kit
from monitor.tools.dashboards.score import map_dress, ranking_dress
from monitor.tools.dashboards.thresholds import HALF
from monitor.tools.dashboards.variables import influx_chain, influx_marks, step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grafana_foundation_sdk.models.dashboard import Panel

    from monitor.tools.dashboards.texts import Say

_PORTAL = '"portal" =~ /^$portal$/'
_TOTAL = "\"check\" = '$rubric/total/$window'"
_CRITERIA = '"check" =~ /^$rubric\\/.*\\/$window$/ AND "criterion" <> \'total\''
_EACH = "GROUP BY time($__interval) fill(null)"
_STEP = "$step"
_TIERS = "/^(?!.*hourly).*$/"
"""Scores are kept by the hour in the raw tier and by the day in the daily one; there is no hourly tier of them."""


def page(say: Say) -> Page:
    """The dashboard in one language."""
    kit = Kit(say)
    return Page(
        name="score-history",
        variables=[
            *influx_chain(say, "score", DAILY, tiers=_TIERS, one=True, location=False),
            _choice("rubric", rubrics_by_id(say), say, graded().id),
            _choice("window", [(one, say(f"window.{one}")) for one in WINDOWS], say, "quarter"),
            step(say),
        ],
        annotations=influx_marks(say),
        since="now-90d",
        refresh="",
        rows=(
            Row(height=4, panels=[(6, panel) for panel in _totals(kit)]),
            Row(height=11, panels=[(24, _map(kit))]),
            Row(height=9, panels=[(12, _trend(kit)), (12, _formulas(kit))]),
            Row(height=10, panels=[(24, _criteria(kit))]),
            Row(height=11, panels=[(24, _ranking(kit))]),
        ),
    )


def _choice(name: str, options: Sequence[tuple[str, str]], say: Say, first: str) -> VariableModel:
    """A variable whose values are known beforehand: (value, text)."""
    text = dict(options)[first]
    return VariableModel(
        type_val=VariableType.CUSTOM,
        name=name,
        label=say(f"variable.{name}"),
        query=", ".join(f"{told.replace(',', '')} : {value}" for value, told in options),
        current=VariableOption(text=text, value=first),
        options=[VariableOption(text=told, value=value, selected=value == first) for value, told in options],
    )


def _last(field: str, where: str, more: str = "") -> str:
    return f'SELECT LAST("{field}") FROM "score" WHERE {where} AND $timeFilter {more}'.rstrip()


def _totals(kit: Kit) -> list[Panel]:
    mine = f"{_TOTAL} AND {_PORTAL}"
    grade = f"{mine} AND \"rubric\" = '{graded().id}'"
    return [
        kit.stat("score.points", [Influx(_last("points", mine))], Dress(decimals=2)),
        kit.stat("score.possible", [Influx(_last("possible", mine))], Dress(decimals=2)),
        kit.stat(
            "score.ratio", [Influx(_last("ratio", mine))],
            Dress(unit="percentunit", decimals=1, colors=grade_colors()),
        ),
        kit.stat(
            "score.grade", [Influx(_last("ratio", grade))],
            Dress(unit="percentunit", decimals=1, mappings=grades_by_ratio(kit.say)),
        ),
    ]  # fmt: skip


def _map(kit: Kit) -> Panel:
    say = kit.say
    fields = ("value", "limit", "zero", "points", "possible", "ratio", "coverage")
    told = ", ".join(f'LAST("{field}") AS "last_{field}"' for field in fields)
    asked = f'SELECT {told} FROM "score" WHERE {_CRITERIA} AND {_PORTAL} AND $timeFilter GROUP BY "check"'
    names = {"check": say("column.criterion")}
    names |= {f"last_{field}": say(f"column.{'share' if field == 'ratio' else field}") for field in fields}
    title = {say("column.criterion"): {"mappings": criteria_by_check(say), "unit": "string", "custom.minWidth": 220}}
    dress = map_dress(kit, names, title)
    return kit.table("score-history.map", [Influx(asked, table=True)], dress, sort=say("column.share"), rising=True)


def _ranking(kit: Kit) -> Panel:
    say = kit.say
    told = 'LAST("ratio") AS "last_ratio", LAST("points") AS "last_points"'
    where = f'{_TOTAL} AND "kind" =~ /^$kind$/ AND "group" =~ /^$group$/'
    asked = f'SELECT {told} FROM "score" WHERE {where} AND $timeFilter GROUP BY "portal"'
    names = {"portal": say("column.portal"), "last_ratio": say("column.ratio"), "last_points": say("column.points")}
    dress = ranking_dress(kit, names)
    return kit.table("score-history.ranking", [Influx(asked, table=True)], dress, sort=say("column.ratio"))


def _trend(kit: Kit) -> Panel:
    asked = [
        Influx(
            _last("ratio", f"\"check\" = '$rubric/total/{window}' AND {_PORTAL}", _EACH),
            kit.say(f"window.{window}"),
            ref,
        )
        for ref, window in zip("AB", WINDOWS, strict=True)
    ]
    dress = Dress(unit="percentunit", decimals=1, high=1, colors=grade_colors(), interval=_STEP)
    return kit.lines("score.trend", asked, dress)


def _formulas(kit: Kit) -> Panel:
    asked = [
        Influx(_last("ratio", f"\"check\" = '{id_}/total/$window' AND {_PORTAL}", _EACH), title, ref)
        for ref, (id_, title) in zip("ABCDEFGH", rubrics_by_id(kit.say), strict=False)
    ]
    return kit.lines("score.formulas", asked, Dress(unit="percentunit", decimals=1, low=0, high=1, interval=_STEP))


def _criteria(kit: Kit) -> Panel:
    """The share of each criterion's points over time, so that a quarter shows when points were lost."""
    asked = Influx(
        f'SELECT LAST("ratio") FROM "score" WHERE {_CRITERIA} AND {_PORTAL} AND $timeFilter '
        'GROUP BY time($__interval), "check" fill(null)',
        "[[tag_check]]",
    )
    told = steps(BAD, (HALF, WARN), (0.999, GOOD))
    shown = _display_names(kit)
    dress = Dress(unit="percentunit", decimals=0, colors=told, interval=_STEP, overrides=shown)
    return kit.timeline("score-history.criteria", [asked], dress)


def _display_names(kit: Kit) -> dict[str, dict[str, object]]:
    mapping = criteria_by_check(kit.say)[0]
    options = mapping.options if isinstance(mapping.options, dict) else {}
    return {check: {"displayName": result.text or check} for check, result in options.items()}
