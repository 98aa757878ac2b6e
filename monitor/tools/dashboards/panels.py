"""Build panels with the same options: title, description, no-data text, unit, colours, and null as a gap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from grafana_foundation_sdk.builders import (
    barchart,
    bargauge,
    common,
    histogram,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.models import common as enums
from grafana_foundation_sdk.models import dashboard as model

from monitor.tools.dashboards.datasources import instant_query
from monitor.tools.dashboards.layout import uid
from monitor.tools.dashboards.mappings import NEUTRAL, steps

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from grafana_foundation_sdk.cog.variants import Dataquery
    from grafana_foundation_sdk.models.dashboard import DashboardLink, Panel, Threshold, ValueMapping

    from monitor.tools.dashboards.texts import DashboardTexts

LINK_VARIABLES = "${kind:queryparam}&${group:queryparam}&${location:queryparam}"
LINK_TIME_RANGE = "${__url_time_range}"


class FieldOptions(TypedDict, total=False):
    """Field options of a panel. ``unit`` is Grafana's name of it; without ``thresholds`` values are not coloured."""

    unit: str
    decimals: int
    thresholds: Sequence[Threshold]
    mappings: Sequence[ValueMapping]
    no_value_color: str
    """The colour of a missing number."""
    min_value: float
    max_value: float
    link: DashboardLink
    column: str
    """The column of a table whose text is shown, in place of the number."""
    interval: str
    overrides: Mapping[str, Mapping[str, object]]
    """Column or series, or ``/a pattern/`` of them -> property -> value."""
    transformations: Sequence[tuple[str, Mapping[str, object]]]


RATIO_AXIS: Mapping[str, Any] = {"unit": "percentunit", "min_value": 0, "max_value": 1}
SECONDS_AXIS: Mapping[str, Any] = {"unit": "s", "min_value": 0}
COUNT_AXIS: Mapping[str, Any] = {"decimals": 0, "min_value": 0}
"""Field options that many panels share."""

_LOWEST_VALUE = -1e12
"""From here on a number is coloured; a missing one stays below."""


class PanelBuilder:
    """Builds panels in one language. ``key`` names the texts of a panel."""

    def __init__(self, texts: DashboardTexts) -> None:
        self.texts = texts

    def stat(
        self, key: str, queries: Sequence[Dataquery], *, sparkline: bool = False, **options: Unpack[FieldOptions]
    ) -> Panel:
        """Build a panel of one number, or few, whose colour fills it."""
        thresholds = options.get("thresholds", ())
        colored = bool(thresholds or options.get("mappings"))
        made = stat.Panel().color_mode(enums.BigValueColorMode.BACKGROUND if colored else enums.BigValueColorMode.NONE)
        made.graph_mode(enums.BigValueGraphMode.AREA if sparkline else enums.BigValueGraphMode.NONE)
        made.reduce_options(_last_value(options.get("column", ""))).text_mode(enums.BigValueTextMode.VALUE)
        lowest = (_LOWEST_VALUE, thresholds[0].color if thresholds else NEUTRAL)
        above = ((one.value or 0.0, one.color) for one in thresholds[1:])
        options["thresholds"] = steps(options.get("no_value_color", NEUTRAL), lowest, *above)
        return self._finish(key, made.build(), queries, options)

    def value(self, key: str, expr: str, **options: Unpack[FieldOptions]) -> Panel:
        """Build the same panel of one PromQL query at the end of the range."""
        return self.stat(key, [instant_query(expr)], **options)

    def stat_tiles(self, key: str, queries: Sequence[Dataquery], **options: Unpack[FieldOptions]) -> Panel:
        """Build a tile for each series, with its name and its value."""
        made = stat.Panel().color_mode(enums.BigValueColorMode.BACKGROUND_SOLID)
        made.graph_mode(enums.BigValueGraphMode.NONE).wide_layout(False)
        made.reduce_options(_last_value()).text_mode(enums.BigValueTextMode.VALUE_AND_NAME)
        made.text(common.VizTextDisplayOptions().title_size(10).value_size(12)).orientation(enums.VizOrientation.AUTO)
        return self._finish(key, made.build(), queries, options)

    def time_series(self, key: str, queries: Sequence[Dataquery], **options: Unpack[FieldOptions]) -> Panel:
        """Build curves; thresholds are drawn as lines. A missing value is a gap."""
        made = _time_series_panel(fill_opacity=0).line_width(2)
        if options.get("thresholds"):
            made.thresholds_style(common.GraphThresholdsStyleConfig().mode(enums.GraphThresholdsStyleMode.DASHED))
        return self._finish(key, made.build(), queries, options)

    def stacked_series(
        self, key: str, queries: Sequence[Dataquery], *, bars: bool = False, **options: Unpack[FieldOptions]
    ) -> Panel:
        """Build stacked areas or bars."""
        made = _time_series_panel(fill_opacity=70 if bars else 45).line_width(0 if bars else 1)
        made.stacking(common.StackingConfig().mode(enums.StackingMode.NORMAL).group("A"))
        if bars:
            made.draw_style(enums.GraphDrawStyle.BARS)
        return self._finish(key, made.build(), queries, options)

    def state_timeline(self, key: str, queries: Sequence[Dataquery], **options: Unpack[FieldOptions]) -> Panel:
        """Build a timeline for each series, coloured and labelled by its value."""
        made = statetimeline.Panel().show_value(enums.VisibilityMode.AUTO).merge_values(True).row_height(0.85)
        made.line_width(0).fill_opacity(85).tooltip(common.VizTooltipOptions().mode(enums.TooltipDisplayMode.SINGLE))
        return self._finish(key, made.legend(_legend(visible=False)).build(), queries, options)

    def bar_gauge(self, key: str, queries: Sequence[Dataquery], **options: Unpack[FieldOptions]) -> Panel:
        """Build a horizontal bar with its number for each series, in the order of the query."""
        made = bargauge.Panel().orientation(enums.VizOrientation.HORIZONTAL).show_unfilled(True)
        made.display_mode(enums.BarGaugeDisplayMode.BASIC).value_mode(enums.BarGaugeValueMode.COLOR)
        made.name_placement(enums.BarGaugeNamePlacement.LEFT).min_viz_height(14).max_viz_height(26)
        made.text(common.VizTextDisplayOptions().title_size(12).value_size(13)).reduce_options(_last_value())
        return self._finish(key, made.build(), queries, options)

    def histogram(self, key: str, queries: Sequence[Dataquery], **options: Unpack[FieldOptions]) -> Panel:
        """Build a histogram of the values of all series."""
        made = histogram.Panel().combine(True).fill_opacity(70).legend(_legend(visible=False))
        return self._finish(key, made.build(), queries, options)

    def bar_chart(
        self, key: str, queries: Sequence[Dataquery], *, x_column: str, **options: Unpack[FieldOptions]
    ) -> Panel:
        """Build stacked horizontal bars of a table; *x_column* names them."""
        made = barchart.Panel().orientation(enums.VizOrientation.HORIZONTAL).stacking(enums.StackingMode.NORMAL)
        made.show_value(enums.VisibilityMode.AUTO).legend(_legend()).fill_opacity(85).bar_width(0.8).line_width(0)
        made.x_field(x_column).x_tick_label_max_length(26)
        return self._finish(key, made.build(), queries, options)

    def table(
        self, key: str, queries: Sequence[Dataquery], *, sort_key: str = "", ascending: bool = False,
        **options: Unpack[FieldOptions],
    ) -> Panel:  # fmt: skip
        """Build a table, sorted by the column whose text is *sort_key*."""
        made = table.Panel().cell_height(enums.TableCellHeight.SM).show_header(True).min_width(64)
        if sort_key:
            made.sort_by([common.TableSortByFieldState().display_name(self.texts(sort_key)).desc(not ascending)])
        # The no-data text of the panel must not stand in an empty cell.
        overrides = options.get("overrides", {})
        options["overrides"] = {name: {"noValue": "-", **found} for name, found in overrides.items()}
        return self._finish(key, made.build(), queries, options)

    def _finish(self, key: str, panel: Panel, queries: Sequence[Dataquery], options: FieldOptions) -> Panel:
        panel.title, panel.description = self.texts(key), self.texts(f"{key}.why")
        panel.targets = list(queries)
        panel.datasource = getattr(queries[0], "datasource", None)
        panel.interval = options.get("interval")
        panel.field_config = settings = panel.field_config or model.FieldConfigSource()
        defaults = settings.defaults
        defaults.unit, defaults.decimals = options.get("unit", "short"), options.get("decimals")
        defaults.min_val, defaults.max_val = options.get("min_value"), options.get("max_value")
        defaults.no_value = self.texts.no_value(key)
        defaults.mappings = list(options.get("mappings", ()))
        defaults.links = [options["link"]] if "link" in options else None
        colors = list(options.get("thresholds", ())) or steps(NEUTRAL)
        defaults.thresholds = model.ThresholdsConfig(mode=model.ThresholdsMode.ABSOLUTE, steps=colors)
        # A timeline coloured by thresholds would merge values of one colour, and then show the thresholds.
        palette = panel.type_val in {"timeseries", "barchart", "histogram"} or (
            panel.type_val == "state-timeline" and bool(defaults.mappings)
        )
        modes = model.FieldColorModeId
        defaults.color = model.FieldColor(mode=modes.PALETTE_CLASSIC if palette else modes.THRESHOLDS)
        settings.overrides = [_override(name, found) for name, found in options.get("overrides", {}).items()]
        if transformations := options.get("transformations"):
            panel.transformations = [
                model.DataTransformerConfig(id_val=id_, options=dict(found)) for id_, found in transformations
            ]
        return panel

    def link(self, name: str) -> DashboardLink:
        """Return a link from a value to the dashboard *name* of its portal, with range and variables."""
        url = self._portal_url(name, "${__field.labels.portal}")
        title = self.texts(f"link.{name}")
        return model.DashboardLink(title=title, type_val=model.DashboardLinkType.LINK, url=url)

    def row_link(self, name: str, column: str) -> Mapping[str, object]:
        """Return the same link from a cell of a table to the portal in *column* of its row."""
        url = self._portal_url(name, f"${{__data.fields.{self.texts(f'column.{column}')}}}")
        return {"links": [{"title": self.texts(f"link.{name}"), "url": url}]}

    def _portal_url(self, name: str, portal: str) -> str:
        return f"/d/{uid(name, self.texts.language)}?var-portal={portal}&{LINK_VARIABLES}&{LINK_TIME_RANGE}"

    def columns(self, names: Mapping[str, str]) -> dict[str, str]:
        """Return the texts of columns. *names*: column as queried -> name of its text."""
        return {queried: self.texts(f"column.{name}") for queried, name in names.items()}

    def overrides(self, prefix: str, found: Mapping[str, Mapping[str, object]]) -> dict[str, Mapping[str, object]]:
        """Return overrides of the columns or series whose texts are ``<prefix>.<name>``."""
        return {self.texts(f"{prefix}.{name}"): properties for name, properties in found.items()}


def _override(name: str, properties: Mapping[str, object]) -> model.DashboardFieldConfigSourceOverrides:
    which = "byRegexp" if name.startswith("/") else "byName"
    return model.DashboardFieldConfigSourceOverrides(
        matcher=model.MatcherConfig(id_val=which, options=name),
        properties=[model.DynamicConfigValue(id_val=key, value=value) for key, value in properties.items()],
    )


def _time_series_panel(fill_opacity: int) -> timeseries.Panel:
    made = timeseries.Panel().fill_opacity(fill_opacity).span_nulls(False).show_points(enums.VisibilityMode.AUTO)
    made.tooltip(common.VizTooltipOptions().mode(enums.TooltipDisplayMode.MULTI).sort(enums.SortOrder.DESCENDING))
    return made.legend(_legend())


def _legend(*, visible: bool = True) -> common.VizLegendOptions:
    made = common.VizLegendOptions().display_mode(enums.LegendDisplayMode.LIST).placement(enums.LegendPlacement.BOTTOM)
    return made.show_legend(visible)


def _last_value(column: str = "") -> common.ReduceDataOptions:
    made = common.ReduceDataOptions().calcs(["lastNotNull"]).values(False)
    return made.fields(f"/^{column}$/") if column else made


def fixed_color(color: str) -> Mapping[str, object]:
    """Return the override that gives a series a fixed colour."""
    return {"color": {"mode": "fixed", "fixedColor": color}}


def join_by_field(by: str, names: Mapping[str, str]) -> list[tuple[str, Mapping[str, object]]]:
    """Join results to one table, a row for each value of *by*; *names*: column as queried -> text, in order."""
    return [("joinByField", {"byField": by, "mode": "outer"}), *select_columns(names)]


def select_columns(names: Mapping[str, str]) -> list[tuple[str, Mapping[str, object]]]:
    """Keep the columns in *names* (column as queried -> text), in their order."""
    return [
        ("filterFieldsByName", {"include": {"names": list(names)}}),
        ("organize", {"renameByName": names, "indexByName": {name: at for at, name in enumerate(names)}}),
    ]
