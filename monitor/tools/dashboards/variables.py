"""Variables and annotations: what a reader narrows down to, and what happened behind the curves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana_foundation_sdk.models.dashboard import (
    AnnotationQuery,
    VariableHide,
    VariableModel,
    VariableOption,
    VariableRefresh,
    VariableSort,
    VariableType,
)

from monitor.tools.dashboards.datasources import DAILY, PROMETHEUS, RAW, reference
from monitor.tools.dashboards.mappings import BAD, CALM, NEUTRAL, WARN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monitor.tools.dashboards.datasources import Source
    from monitor.tools.dashboards.texts import Say

EVERYTHING = ".*"
_CHOSEN = 'kind=~"$kind",group=~"$group"'
INFO = "portal_monitor_portal_info"


def source(name: str, which: Source, say: Say, *, others: str = "", shown: bool = False) -> VariableModel:
    """Which data source is read, ``which`` at first; ``?var-<name>=<uid>`` in the address chooses another.

    Hidden, unless it is ``shown`` to choose from; ``others`` is a pattern of the names that it offers.
    """
    return VariableModel(
        type_val=VariableType.DATASOURCE,
        name=name,
        label=say(f"variable.{name}"),
        query=which.kind,
        regex=others or None,
        hide=VariableHide.DONT_HIDE if shown else VariableHide.HIDE_VARIABLE,
        current=VariableOption(text=which.name, value=which.uid),
        refresh=VariableRefresh.ON_DASHBOARD_LOAD,
    )


STEPS = ("1h", "6h", "1d", "7d", "30d")


def step(say: Say, first: str = "1d") -> VariableModel:
    """How far the points of a curve lie apart at least. A tier that has fewer would be drawn with gaps."""
    return VariableModel(
        type_val=VariableType.INTERVAL,
        name="step",
        label=say("variable.step"),
        query=",".join(STEPS),
        auto=False,
        current=VariableOption(text=first, value=first),
        refresh=VariableRefresh.ON_TIME_RANGE_CHANGED,
        options=[VariableOption(text=one, value=one, selected=one == first) for one in STEPS],
    )


def ask(  # noqa: PLR0913 - a variable has as many sides
    name: str, query: str, say: Say, *, kind: str = "prometheus", multi: bool = True, regex: str = "", first: str = ""
) -> VariableModel:
    """A variable that a query fills. With ``multi`` it begins with all, otherwise with ``first`` or the first found."""
    asked: str | dict[str, object] = query
    if kind == "prometheus":
        asked = {"query": query, "refId": name, "qryType": 3 if query.startswith("query_result") else 1}
        if not query.startswith("query_result"):
            asked |= _label_values(query)
    option = VariableOption(text="All", value="$__all") if multi else VariableOption(text=first, value=first)
    return VariableModel(
        type_val=VariableType.QUERY,
        name=name,
        label=say(f"variable.{name}"),
        datasource=reference(kind),
        query=asked,
        regex=regex,
        multi=multi,
        include_all=multi,
        all_value=EVERYTHING if multi else None,
        current=option if multi or first else None,
        refresh=VariableRefresh.ON_TIME_RANGE_CHANGED,
        sort=VariableSort.ALPHABETICAL_ASC,
    )


def _label_values(query: str) -> dict[str, object]:
    series, _, label = query.removeprefix("label_values(").removesuffix(")").rpartition(",")
    return {"label": label.strip(), "metric": series.partition("{")[0].strip()}


def chain(say: Say, *, one: bool = False, location: bool = True) -> list[VariableModel]:
    """Kind -> group -> portal -> location out of Prometheus; ``one`` portal at a time, or any number of them."""
    found = [
        source("prometheus", PROMETHEUS, say),
        ask("kind", f"label_values({INFO}, kind)", say),
        ask("group", f'label_values({INFO}{{kind=~"$kind"}}, group)', say),
        ask("portal", f"label_values({INFO}{{{_CHOSEN}}}, portal)", say, multi=not one),
    ]
    if location:
        found.append(ask("location", 'label_values(portal_monitor_portal_state{portal=~"$portal"}, location)', say))
    return found


def influx_chain(  # noqa: PLR0913 - a chain has as many sides
    say: Say, measurement: str, tier: Source, *, tiers: str = "", one: bool = False, location: bool = True
) -> list[VariableModel]:
    """The same chain out of the tags of a measurement in InfluxDB, after the tier that all of it is read from.

    ``tier`` is the one to begin with, ``tiers`` a pattern of the names of those to choose from.
    """
    values = f'SHOW TAG VALUES FROM "{measurement}" WITH KEY = '
    kind, group = '"kind" =~ /^$kind$/', '"group" =~ /^$group$/'
    found = [
        source("influxdb", tier, say, others=tiers, shown=True),
        source("influxdb_raw", RAW, say),
        source("influxdb_daily", DAILY, say),
        ask("kind", f'{values}"kind"', say, kind="influxdb"),
        ask("group", f'{values}"group" WHERE {kind}', say, kind="influxdb"),
        ask("portal", f'{values}"portal" WHERE {kind} AND {group}', say, kind="influxdb", multi=not one),
    ]
    if location:
        where = f'{kind} AND {group} AND "portal" =~ /^$portal$/'
        found.append(ask("location", f'{values}"location" WHERE {where}', say, kind="influxdb"))
    return found


def status_page(say: Say) -> VariableModel:
    """Where the status page of the chosen location is opened, as its daemon says; hidden."""
    told = 'label_values(portal_monitor_status_page_info{location=~"$location"}, url)'
    found = ask("status_page", told, say, multi=False)
    found.hide = VariableHide.HIDE_VARIABLE
    return found


class Mark(AnnotationQuery):
    """An annotation that a query makes; what the data source keeps about it is in ``asked``."""

    def __init__(self, name: str, kind: str, color: str, asked: Mapping[str, object], *, enable: bool = True) -> None:
        super().__init__(name=name, datasource=reference(kind), enable=enable, icon_color=color)
        self.asked = asked

    def to_json(self) -> dict[str, object]:
        """As Grafana keeps it."""
        told = super().to_json()
        told.pop("builtIn", None)
        return told | dict(self.asked)


def _prometheus(  # noqa: PLR0913 - the same
    say: Say, name: str, color: str, expr: str, title: str, *, enable: bool = True, **more: object
) -> Mark:
    asked = {"expr": expr, "step": "60s", "titleFormat": title, "textFormat": "", "tagKeys": "", **more}
    return Mark(say(f"mark.{name}"), "prometheus", color, asked, enable=enable)


def marks(say: Say, portal: str = 'portal=~"$portal"', *, outages: bool = True) -> list[AnnotationQuery]:
    """Outages, maintenance, changes of the configuration and of rubrics, out of Prometheus."""
    state = f"max by (portal) (portal_monitor_portal_state{{{portal},state="
    rubric = "max by (rubric, version) (portal_monitor_score_criterion_possible_points"
    return [
        _prometheus(say, "outage", BAD, f'{state}"down"}}) == 1', "{{portal}}: " + say("state.down"), enable=outages),
        _prometheus(
            say, "maintenance", CALM, f'{state}"maintenance"}}) == 1',
            "{{portal}}: " + say("state.maintenance"), enable=outages,
        ),
        _prometheus(
            say, "config", NEUTRAL, "portal_monitor_config_last_reload_success_timestamp_seconds * 1000",
            say("mark.config_is"), useValueForTime="on",
        ),
        _prometheus(
            say, "rubric", WARN, f"{rubric}) unless {rubric} offset 10m)", "{{rubric}} {{version}}",
        ),
    ]  # fmt: skip


def blindness(say: Say) -> AnnotationQuery:
    """When a prober could not see."""
    expr = 'max by (location) (portal_monitor_prober_state{state="unknown",location=~"$location"}) == 1'
    return _prometheus(say, "blind", BAD, expr, "{{location}}: " + say("light.blind"))


def influx_marks(say: Say) -> list[AnnotationQuery]:
    """Outages and maintenance as changes of state, and new versions of rubrics, out of InfluxDB.

    Changes of state are kept as long as looks, daily scores for ever, whichever tier the curves come from.
    """
    where = '"portal" =~ /^$portal$/ AND $timeFilter'
    state = 'SELECT "state", "portal" FROM "state_change" WHERE "state" ='
    total = f'"check" =~ /\\/total\\/quarter$/ AND {where}'
    version = f'SELECT DIFFERENCE(MAX("version")) AS "step" FROM "score" WHERE {total} GROUP BY time(1d), "check"'
    config = f'SELECT DISTINCT("config") AS "config" FROM "mobile" WHERE {where} GROUP BY time(1d)'
    asked: Sequence[tuple[str, str, str, str, str, str]] = (
        ("outage", BAD, "influxdb_raw", f"{state} 'down' AND {where}", "state", "portal"),
        ("maintenance", CALM, "influxdb_raw", f"{state} 'maintenance' AND {where}", "state", "portal"),
        # Renderings are few, so their word for the configuration is found quickly over a quarter.
        ("config", NEUTRAL, "influxdb_raw", config, "config", ""),
        ("rubric", WARN, "influxdb_daily", f'SELECT "step" FROM ({version}) WHERE "step" <> 0', "step", ""),
    )
    return [
        Mark(
            say(f"mark.{name}"), kept, color,
            {"query": query, "fromAnnotations": True, "textEditor": True,
             "textColumn": column, "titleColumn": "", "tagsColumn": tags, "timeEndColumn": ""},
            enable=name != "config",
        )
        for name, color, kept, query, column, tags in asked
    ]  # fmt: skip
