"""Variables, which narrow the selection, and annotations, which mark events on the curves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.dashboard import AnnotationQuery, VariableModel, VariableOption

from monitor.tools.dashboards.datasources import DAILY, PROMETHEUS, RAW, datasource_ref
from monitor.tools.dashboards.mappings import ACCENT, BAD, NEUTRAL, WARN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monitor.tools.dashboards.datasources import DataSource
    from monitor.tools.dashboards.texts import DashboardTexts

MATCH_ALL = ".*"
_SELECTED = 'kind=~"$kind",group=~"$group"'
PORTAL_INFO = "portal_monitor_portal_info"


def datasource_variable(
    name: str, default: DataSource, texts: DashboardTexts, *, name_pattern: str = "", visible: bool = False
) -> VariableModel:
    """Return a variable that selects the data source; ``?var-<name>=<uid>`` in the URL selects another.

    It is hidden unless *visible*; *name_pattern* is a pattern of the names that it offers.
    """
    return VariableModel(
        type_val=model.VariableType.DATASOURCE,
        name=name,
        label=texts(f"variable.{name}"),
        query=default.kind,
        regex=name_pattern or None,
        hide=model.VariableHide.DONT_HIDE if visible else model.VariableHide.HIDE_VARIABLE,
        current=VariableOption(text=default.name, value=default.uid),
        refresh=model.VariableRefresh.ON_DASHBOARD_LOAD,
    )


INTERVALS = ("1h", "6h", "1d", "7d", "30d")


def interval_variable(texts: DashboardTexts, initial: str = "1d") -> VariableModel:
    """Return a variable with the minimum interval of points; a tier with fewer points would be drawn with gaps."""
    return VariableModel(
        type_val=model.VariableType.INTERVAL,
        name="step",
        label=texts("variable.step"),
        query=",".join(INTERVALS),
        auto=False,
        current=VariableOption(text=initial, value=initial),
        refresh=model.VariableRefresh.ON_TIME_RANGE_CHANGED,
        options=[VariableOption(text=one, value=one, selected=one == initial) for one in INTERVALS],
    )


def query_variable(  # noqa: PLR0913 - a variable has that many settings
    name: str, query: str, texts: DashboardTexts, *, kind: str = "prometheus", multi: bool = True, initial: str = ""
) -> VariableModel:
    """Return a variable with values of a query. With *multi* it starts with all, else with *initial*."""
    grafana_query: str | dict[str, object] = query
    if kind == "prometheus":
        grafana_query = {"query": query, "refId": name, "qryType": 1, **_label_values(query)}
    option = VariableOption(text="All", value="$__all") if multi else VariableOption(text=initial, value=initial)
    return VariableModel(
        type_val=model.VariableType.QUERY,
        name=name,
        label=texts(f"variable.{name}"),
        datasource=datasource_ref(kind),
        query=grafana_query,
        regex="",
        multi=multi,
        include_all=multi,
        all_value=MATCH_ALL if multi else None,
        current=option if multi or initial else None,
        refresh=model.VariableRefresh.ON_TIME_RANGE_CHANGED,
        sort=model.VariableSort.ALPHABETICAL_ASC,
    )


def _label_values(query: str) -> dict[str, object]:
    series, _, label = query.removeprefix("label_values(").removesuffix(")").rpartition(",")
    return {"label": label.strip(), "metric": series.partition("{")[0].strip()}


def portal_variables(
    texts: DashboardTexts, *, single_portal: bool = False, with_location: bool = True
) -> list[VariableModel]:
    """Return kind -> group -> portal -> location from Prometheus; *single_portal* allows one portal at a time."""
    locations = 'label_values(portal_monitor_portal_state{portal=~"$portal"}, location)'
    found = [
        datasource_variable("prometheus", PROMETHEUS, texts),
        query_variable("kind", f"label_values({PORTAL_INFO}, kind)", texts),
        query_variable("group", f'label_values({PORTAL_INFO}{{kind=~"$kind"}}, group)', texts),
        query_variable("portal", f"label_values({PORTAL_INFO}{{{_SELECTED}}}, portal)", texts, multi=not single_portal),
    ]
    return [*found, query_variable("location", locations, texts)] if with_location else found


def influx_portal_variables(  # noqa: PLR0913 - a chain has that many settings
    texts: DashboardTexts, measurement: str, tier: DataSource, *,
    tier_pattern: str = "", single_portal: bool = False, with_location: bool = True,
) -> list[VariableModel]:  # fmt: skip
    """Return the same chain from the tags of a measurement in InfluxDB, after the variable of its tier.

    *tier* is the initial one, *tier_pattern* a pattern of the names of the tiers to select from.
    """
    values = f'SHOW TAG VALUES FROM "{measurement}" WITH KEY = '
    kind, group = '"kind" =~ /^$kind$/', '"group" =~ /^$group$/'
    portals = f'{values}"portal" WHERE {kind} AND {group}'
    found = [
        datasource_variable("influxdb", tier, texts, name_pattern=tier_pattern, visible=True),
        datasource_variable("influxdb_raw", RAW, texts),
        datasource_variable("influxdb_daily", DAILY, texts),
        query_variable("kind", f'{values}"kind"', texts, kind="influxdb"),
        query_variable("group", f'{values}"group" WHERE {kind}', texts, kind="influxdb"),
        query_variable("portal", portals, texts, kind="influxdb", multi=not single_portal),
    ]
    if with_location:
        where = f'{kind} AND {group} AND "portal" =~ /^$portal$/'
        found.append(query_variable("location", f'{values}"location" WHERE {where}', texts, kind="influxdb"))
    return found


def status_page_variable(texts: DashboardTexts) -> VariableModel:
    """Return a hidden variable with the URL of the status page, which the daemon of the location exposes."""
    query = 'label_values(portal_monitor_status_page_info{location=~"$location"}, url)'
    found = query_variable("status_page", query, texts, multi=False)
    found.hide = model.VariableHide.HIDE_VARIABLE
    return found


class DashboardAnnotation(AnnotationQuery):
    """An annotation from a query; ``query_options`` are the options of its data source."""

    def __init__(
        self, name: str, variable: str, color: str, query_options: Mapping[str, object], *, enable: bool = True
    ) -> None:
        super().__init__(name=name, datasource=datasource_ref(variable), enable=enable, icon_color=color)
        self.query_options = query_options

    def to_json(self) -> dict[str, object]:
        """Return the annotation in Grafana's form."""
        content = super().to_json()
        content.pop("builtIn", None)
        return content | dict(self.query_options)


def prometheus_annotation(  # noqa: PLR0913 - an annotation has that many settings
    texts: DashboardTexts, name: str, color: str, expr: str, title: str, *, enable: bool = True, **options: object
) -> DashboardAnnotation:
    """Return an annotation from a PromQL query."""
    query_options = {"expr": expr, "step": "60s", "titleFormat": title, "textFormat": "", "tagKeys": "", **options}
    return DashboardAnnotation(texts(f"annotation.{name}"), "prometheus", color, query_options, enable=enable)


def prometheus_annotations(
    texts: DashboardTexts, portal_selector: str = 'portal=~"$portal"', *, outages_enabled: bool = True
) -> list[AnnotationQuery]:
    """Return outages, maintenance, changes of the configuration and of rubrics, from Prometheus."""
    state = f"max by (portal) (portal_monitor_portal_state{{{portal_selector},state="
    rubric = "max by (rubric, version) (portal_monitor_score_criterion_possible_points"
    changes = f"{rubric}) unless {rubric} offset 10m)"
    reload_ms = "portal_monitor_config_last_reload_success_timestamp_seconds * 1000"
    reload_text = texts("annotation.config_is")

    def period(name: str, color: str, state_name: str) -> DashboardAnnotation:
        expr, title = f'{state}"{state_name}"}}) == 1', "{{portal}}: " + texts(f"state.{state_name}")
        return prometheus_annotation(texts, name, color, expr, title, enable=outages_enabled)

    return [
        period("outage", BAD, "down"),
        period("maintenance", ACCENT, "maintenance"),
        prometheus_annotation(texts, "config", NEUTRAL, reload_ms, reload_text, useValueForTime="on"),
        prometheus_annotation(texts, "rubric", WARN, changes, "{{rubric}} {{version}}"),
    ]


def self_check_annotation(texts: DashboardTexts) -> AnnotationQuery:
    """Return the times at which a prober's self-check failed."""
    expr = 'max by (location) (portal_monitor_prober_state{state="unknown",location=~"$location"}) == 1'
    title = "{{location}}: " + texts("prober_status.self_check_failed")
    return prometheus_annotation(texts, "self_check", BAD, expr, title)


def influx_annotations(texts: DashboardTexts) -> list[AnnotationQuery]:
    """Return outages and maintenance, from state changes, and new versions of rubrics, from InfluxDB.

    State changes are kept as long as raw results, daily scores for ever, independently of the tier of the curves.
    """
    where = '"portal" =~ /^$portal$/ AND $timeFilter'
    state = 'SELECT "state", "portal" FROM "state_change" WHERE "state" ='
    total = f'"check" =~ /\\/total\\/quarter$/ AND {where}'
    version = f'SELECT DIFFERENCE(MAX("version")) AS "step" FROM "score" WHERE {total} GROUP BY time(1d), "check"'
    config = f'SELECT DISTINCT("config") AS "config" FROM "mobile" WHERE {where} GROUP BY time(1d)'
    annotations: Sequence[tuple[str, str, str, str, str, str]] = (
        ("outage", BAD, "influxdb_raw", f"{state} 'down' AND {where}", "state", "portal"),
        ("maintenance", ACCENT, "influxdb_raw", f"{state} 'maintenance' AND {where}", "state", "portal"),
        # Renderings are few, so their field `config` is found quickly over a quarter.
        ("config", NEUTRAL, "influxdb_raw", config, "config", ""),
        ("rubric", WARN, "influxdb_daily", f'SELECT "step" FROM ({version}) WHERE "step" <> 0', "step", ""),
    )
    return [
        DashboardAnnotation(
            texts(f"annotation.{name}"), variable, color,
            {"query": query, "fromAnnotations": True, "textEditor": True,
             "textColumn": column, "titleColumn": "", "tagsColumn": tags, "timeEndColumn": ""},
            enable=name != "config",
        )
        for name, color, variable, query, column, tags in annotations
    ]  # fmt: skip
