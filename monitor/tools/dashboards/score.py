"""Performance score: is the quarter safe? The map from metric to limit to points, and where the points go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.tools.dashboards.datasources import now, over_time
from monitor.tools.dashboards.grades import (
    criteria_by_id,
    grade_colors,
    grade_ranges,
    graded,
    grades_by_ratio,
    rubrics_by_id,
)
from monitor.tools.dashboards.layout import Page, Row
from monitor.tools.dashboards.mappings import BAD, GOOD, NEUTRAL, WARN, steps
from monitor.tools.dashboards.panels import Dress, Kit, color, joined
from monitor.tools.dashboards.thresholds import COVERED, HALF, MOVED, WELL_COVERED
from monitor.tools.dashboards.variables import INFO, ask, chain, marks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from grafana_foundation_sdk.models.dashboard import Panel

    from monitor.tools.dashboards.texts import Say

_WINDOW = 'window="$window"'
_MINE = f'portal=~"$portal",rubric="$rubric",{_WINDOW}'
_ALL = f'rubric="$rubric",{_WINDOW}'
_SCORE = "portal_monitor_score"
_KIND = f'on (portal) {INFO}{{kind=~"$kind",group=~"$group"}}'


def page(say: Say) -> Page:
    """The dashboard in one language."""
    kit = Kit(say)
    known = f"label_values({_SCORE}_ratio"
    return Page(
        name="score",
        variables=[
            *chain(say, one=True, location=False),
            ask("rubric", f"{known}, rubric)", say, multi=False, first=graded().id),
            ask("window", f"{known}, window)", say, multi=False, first="quarter"),
        ],
        annotations=marks(say, outages=False),
        since="now-30d",
        refresh="5m",
        rows=(
            Row(height=4, panels=[(4, panel) for panel in _totals(kit)]),
            Row(height=11, panels=[(24, _map(kit))]),
            Row(height=10, panels=[(12, _lost(kit)), (12, _trend(kit))]),
            Row(height=9, panels=[(12, _formulas(kit)), (6, _grades(kit)), (6, _thin(kit))]),
            Row(height=11, panels=[(24, _ranking(kit))]),
        ),
    )


def _totals(kit: Kit) -> list[Panel]:
    ratio = f"max({_SCORE}_ratio{{{_MINE}}})"
    seen = f"min({_SCORE}_criterion_coverage_ratio{{{_MINE}}})"
    grade = f'max({_SCORE}_ratio{{{_MINE},rubric="{graded().id}"}})'
    return [
        kit.stat("score.points", [now(f"max({_SCORE}_points{{{_MINE}}})")], Dress(decimals=2)),
        kit.stat("score.possible", [now(f"max({_SCORE}_possible_points{{{_MINE}}})")], Dress(decimals=2)),
        kit.stat("score.ratio", [over_time(ratio, "")], Dress(unit="percentunit", decimals=1, colors=grade_colors()),
                 curve=True),
        kit.stat("score.grade", [now(grade)], Dress(unit="percentunit", decimals=1, mappings=grades_by_ratio(kit.say))),
        kit.stat(
            "score.change", [now(f"{ratio} - max({_SCORE}_ratio{{{_MINE}}} offset 7d)")],
            Dress(unit="percentunit", decimals=2, colors=steps(BAD, (-MOVED, NEUTRAL), (MOVED, GOOD))),
        ),
        kit.stat(
            "score.coverage", [now(seen)],
            Dress(unit="percentunit", decimals=1, colors=steps(BAD, (COVERED, WARN), (WELL_COVERED, GOOD))),
        ),
    ]  # fmt: skip


def map_dress(kit: Kit, names: Mapping[str, str], overrides: Mapping[str, Mapping[str, object]]) -> Dress:
    """Dress of the map: a row for each criterion. ``names``: column as queried -> text, in order."""
    say = kit.say
    figure = {"unit": "none", "decimals": 2, "custom.width": 90}
    shown = {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}
    part = {"unit": "percentunit", "decimals": 0, "min": 0, "max": 1, "custom.width": 130}
    colors = {"mode": "absolute", "steps": steps(BAD, (HALF, WARN), (1.0, GOOD))}
    seen = {"mode": "absolute", "steps": steps(BAD, (COVERED, WARN), (WELL_COVERED, GOOD))}
    return Dress(
        unit="none",
        transformations=joined(next(iter(names)), names),
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


def _criteria(name: str, who: str = _MINE) -> str:
    return f"max by (criterion) ({_SCORE}_criterion_{name}{{{who}}})"


def _map(kit: Kit) -> Panel:
    say = kit.say
    fixed = 'rubric="$rubric"'
    possible = _criteria("possible_points", fixed)
    asked = {
        "value": _criteria("value"),
        "limit": _criteria("limit", fixed),
        "zero": _criteria("zero", fixed),
        "points": _criteria("points"),
        "possible": f"{possible} and {_criteria('points')}",
        "lost": f"{possible} - {_criteria('points')}",
        "share": f"{_criteria('points')} / {possible}",
        "coverage": _criteria("coverage_ratio"),
    }
    names = {"criterion": say("column.criterion")}
    names |= {f"Value #{ref}": say(f"column.{name}") for ref, name in zip("ABCDEFGH", asked, strict=True)}
    title = {say("column.criterion"): {"mappings": criteria_by_id(say), "unit": "string", "custom.minWidth": 220}}
    queries = [now(expr, ref=ref, table=True) for ref, expr in zip("ABCDEFGH", asked.values(), strict=True)]
    return kit.table("score.map", queries, map_dress(kit, names, title), sort=say("column.lost"))


def _lost(kit: Kit) -> Panel:
    """Won and lost points of each criterion as one bar."""
    say = kit.say
    possible = _criteria("possible_points", 'rubric="$rubric"')
    asked = [
        now(_criteria("points"), ref="A", table=True),
        now(f"{possible} - {_criteria('points')}", ref="B", table=True),
    ]
    names = {"criterion": say("column.criterion"), "Value #A": say("column.won"), "Value #B": say("column.lost")}
    dress = Dress(
        unit="none",
        decimals=2,
        transformations=joined("criterion", names),
        overrides={
            say("column.criterion"): {"mappings": criteria_by_id(say), "unit": "string"},
            say("column.won"): color(GOOD),
            say("column.lost"): color(BAD),
        },
    )
    return kit.columns("score.lost", asked, dress, x=say("column.criterion"))


def _trend(kit: Kit) -> Panel:
    asked = [
        over_time(f'max by (window) ({_SCORE}_ratio{{portal=~"$portal",rubric="$rubric"}})', "{{window}}"),
    ]  # fmt: skip
    shown = {window: {"displayName": kit.say(f"window.{window}")} for window in ("quarter", "30d")}
    dress = Dress(unit="percentunit", decimals=1, high=1, colors=grade_colors(), overrides=shown)
    return kit.lines("score.trend", asked, dress)


def _formulas(kit: Kit) -> Panel:
    asked = over_time(f'max by (rubric) ({_SCORE}_ratio{{portal=~"$portal",{_WINDOW}}})', "{{rubric}}")
    shown = {id_: {"displayName": title} for id_, title in rubrics_by_id(kit.say)}
    return kit.lines("score.formulas", [asked], Dress(unit="percentunit", decimals=1, low=0, high=1, overrides=shown))


def _ranking(kit: Kit) -> Panel:
    say = kit.say
    asked = [
        now(f"max by (portal) ({_SCORE}_ratio{{{_ALL}}}) and {_KIND}", ref="A", table=True),
        now(f"max by (portal) ({_SCORE}_points{{{_ALL}}}) and {_KIND}", ref="B", table=True),
        now(f"min by (portal) ({_SCORE}_criterion_coverage_ratio{{{_ALL}}}) and {_KIND}", ref="C", table=True),
    ]
    names = {
        "portal": say("column.portal"), "Value #A": say("column.ratio"), "Value #B": say("column.points"),
        "Value #C": say("column.coverage"),
    }  # fmt: skip
    return kit.table("score.ranking", asked, ranking_dress(kit, names), sort=say("column.ratio"))


def ranking_dress(kit: Kit, names: Mapping[str, str]) -> Dress:
    """Dress of a table of portals by their share of the points."""
    say = kit.say
    grade = {"mode": "absolute", "steps": grade_colors()}
    return Dress(
        unit="none",
        decimals=2,
        transformations=joined("portal", names),
        overrides={
            say("column.portal"): {**kit.row_link("link.score", "score", say("column.portal")), "unit": "string"},
            say("column.ratio"): {
                "unit": "percentunit", "decimals": 1, "min": 0, "max": 1, "thresholds": grade,
                "custom.cellOptions": {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"},
            },
            say("column.coverage"): {"unit": "percentunit", "decimals": 0},
        },
    )  # fmt: skip


def _grades(kit: Kit) -> Panel:
    ratio = f"(max by (portal) ({_SCORE}_ratio{{{_ALL}}}) and {_KIND})"
    asked = [
        now(f"count(({ratio} >= {low}) < {top}) or vector(0)", kit.say("grade.is").format(grade=grade), ref)
        for ref, (grade, low, top) in zip("ABCDEFGH", grade_ranges(), strict=False)
    ]
    return kit.bars("score.grades", asked, Dress(decimals=0, low=0))


def _thin(kit: Kit) -> Panel:
    seen = f"min by (portal) ({_SCORE}_criterion_coverage_ratio{{{_ALL}}}) and {_KIND}"
    colors = steps(BAD, (COVERED, WARN), (WELL_COVERED, GOOD))
    dress = Dress(unit="percentunit", decimals=0, low=0, high=1, colors=colors, link=kit.link("link.score", "score"))
    return kit.bars("score.thin", [now(f"sort(bottomk(12, {seen}))", "{{portal}}")], dress)
