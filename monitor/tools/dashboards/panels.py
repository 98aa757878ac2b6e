"""Build panels with the same options: title, description, no-data text, unit, colours, and null as a gap."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

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
from grafana_foundation_sdk.models.common import (
    BarGaugeDisplayMode,
    BarGaugeNamePlacement,
    BarGaugeValueMode,
    BigValueColorMode,
    BigValueGraphMode,
    BigValueTextMode,
    GraphDrawStyle,
    GraphThresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    StackingMode,
    TableCellHeight,
    TooltipDisplayMode,
    VisibilityMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardFieldConfigSourceOverrides,
    DashboardLink,
    DashboardLinkType,
    DataTransformerConfig,
    DynamicConfigValue,
    FieldColor,
    FieldColorModeId,
    FieldConfigSource,
    MatcherConfig,
    ThresholdsConfig,
    ThresholdsMode,
)

from monitor.tools.dashboards.layout import uid
from monitor.tools.dashboards.mappings import NEUTRAL, threshold_steps

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from grafana_foundation_sdk.cog.variants import Dataquery
    from grafana_foundation_sdk.models.dashboard import Panel, Threshold, ValueMapping

    from monitor.tools.dashboards.texts import DashboardTexts

LINK_VARIABLES = "${kind:queryparam}&${group:queryparam}&${location:queryparam}"
LINK_TIME_RANGE = "${__url_time_range}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldOptions:
    """Field options of a panel. ``unit`` is Grafana's name of it; without ``thresholds`` values are not coloured."""

    unit: str = "short"
    decimals: int | None = None
    thresholds: Sequence[Threshold] | None = None
    mappings: Sequence[ValueMapping] = ()
    no_value_color: str = NEUTRAL
    """The colour of a missing number."""
    min_value: float | None = None
    max_value: float | None = None
    link: DashboardLink | None = None
    column: str = ""
    """The column of a table whose text is shown, in place of the number."""
    interval: str | None = None
    overrides: Mapping[str, Mapping[str, object]] | None = None
    """Column or series, or ``/a pattern/`` of them -> property -> value."""
    transformations: Sequence[tuple[str, Mapping[str, object]]] = ()


DEFAULT_OPTIONS = FieldOptions()

_LOWEST_VALUE = -1e12
"""From here on a number is coloured; a missing one stays below."""


class PanelBuilder:
    """Builds panels in one language. ``key`` names the texts of a panel."""

    def __init__(self, texts: DashboardTexts) -> None:
        self.texts = texts

    def stat(
        self,
        key: str,
        targets: Sequence[Dataquery],
        field_options: FieldOptions = DEFAULT_OPTIONS,
        *,
        sparkline: bool = False,
    ) -> Panel:
        """Build a panel of one number, or few, whose colour fills it."""
        colored = bool(field_options.thresholds or field_options.mappings)
        made = stat.Panel().color_mode(BigValueColorMode.BACKGROUND if colored else BigValueColorMode.NONE)
        made.graph_mode(BigValueGraphMode.AREA if sparkline else BigValueGraphMode.NONE)
        made.reduce_options(_last_value(field_options.column)).text_mode(BigValueTextMode.VALUE)
        base = field_options.thresholds[0].color if field_options.thresholds else NEUTRAL
        colors = threshold_steps(
            field_options.no_value_color,
            (_LOWEST_VALUE, base),
            *((one.value or 0.0, one.color) for one in (field_options.thresholds or ())[1:]),
        )
        return self._finish_panel(key, made.build(), targets, replace(field_options, thresholds=colors))

    def stat_tiles(self, key: str, targets: Sequence[Dataquery], field_options: FieldOptions) -> Panel:
        """Build a tile for each series, with its name and its value."""
        made = stat.Panel().color_mode(BigValueColorMode.BACKGROUND_SOLID).graph_mode(BigValueGraphMode.NONE)
        made.reduce_options(_last_value()).text_mode(BigValueTextMode.VALUE_AND_NAME).wide_layout(False)
        made.text(common.VizTextDisplayOptions().title_size(10).value_size(12)).orientation(VizOrientation.AUTO)
        return self._finish_panel(key, made.build(), targets, field_options)

    def time_series(
        self,
        key: str,
        targets: Sequence[Dataquery],
        field_options: FieldOptions = DEFAULT_OPTIONS,
        *,
        show_points: bool = False,
    ) -> Panel:
        """Build curves; thresholds are drawn as lines. A missing value is a gap."""
        made = _time_series_panel(fill_opacity=0).line_width(2)
        if show_points:
            made.show_points(VisibilityMode.ALWAYS).point_size(5)
        if field_options.thresholds:
            made.thresholds_style(common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED))
        return self._finish_panel(key, made.build(), targets, field_options)

    def stacked_series(
        self,
        key: str,
        targets: Sequence[Dataquery],
        field_options: FieldOptions = DEFAULT_OPTIONS,
        *,
        bars: bool = False,
    ) -> Panel:
        """Build stacked areas or bars."""
        made = _time_series_panel(fill_opacity=70 if bars else 45).line_width(0 if bars else 1)
        made.stacking(common.StackingConfig().mode(StackingMode.NORMAL).group("A"))
        if bars:
            made.draw_style(GraphDrawStyle.BARS)
        return self._finish_panel(key, made.build(), targets, field_options)

    def state_timeline(self, key: str, targets: Sequence[Dataquery], field_options: FieldOptions) -> Panel:
        """Build a timeline for each series, coloured and labelled by its value."""
        made = statetimeline.Panel().show_value(VisibilityMode.AUTO).merge_values(True).row_height(0.85)
        made.line_width(0).fill_opacity(85).tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.SINGLE))
        made.legend(_legend(visible=False))
        return self._finish_panel(key, made.build(), targets, field_options)

    def bar_gauge(self, key: str, targets: Sequence[Dataquery], field_options: FieldOptions) -> Panel:
        """Build a horizontal bar with its number for each series, in the order of the query."""
        made = bargauge.Panel().display_mode(BarGaugeDisplayMode.BASIC).orientation(VizOrientation.HORIZONTAL)
        made.value_mode(BarGaugeValueMode.COLOR).name_placement(BarGaugeNamePlacement.LEFT).show_unfilled(True)
        made.reduce_options(_last_value()).min_viz_height(14).max_viz_height(26)
        made.text(common.VizTextDisplayOptions().title_size(12).value_size(13))
        return self._finish_panel(key, made.build(), targets, field_options)

    def histogram(self, key: str, targets: Sequence[Dataquery], field_options: FieldOptions) -> Panel:
        """Build a histogram of the values of all series."""
        made = histogram.Panel().combine(True).fill_opacity(70).legend(_legend(visible=False))
        return self._finish_panel(key, made.build(), targets, field_options)

    def bar_chart(self, key: str, targets: Sequence[Dataquery], field_options: FieldOptions, *, x_column: str) -> Panel:
        """Build stacked horizontal bars of a table; *x_column* names them."""
        made = barchart.Panel().orientation(VizOrientation.HORIZONTAL).stacking(StackingMode.NORMAL).x_field(x_column)
        made.show_value(VisibilityMode.AUTO).legend(_legend()).fill_opacity(85).bar_width(0.8).line_width(0)
        made.x_tick_label_max_length(26)
        return self._finish_panel(key, made.build(), targets, field_options)

    def table(
        self,
        key: str,
        targets: Sequence[Dataquery],
        field_options: FieldOptions,
        *,
        sort_column: str = "",
        ascending: bool = False,
    ) -> Panel:
        """Build a table, sorted by *sort_column*."""
        made = table.Panel().cell_height(TableCellHeight.SM).show_header(True).min_width(64)
        if sort_column:
            made.sort_by([common.TableSortByFieldState().display_name(sort_column).desc(not ascending)])
        # The no-data text of the panel must not stand in an empty cell.
        cells = {name: {"noValue": "-", **found} for name, found in (field_options.overrides or {}).items()}
        field_options = replace(field_options, overrides=cells)
        return self._finish_panel(key, made.build(), targets, field_options)

    def _finish_panel(self, key: str, panel: Panel, targets: Sequence[Dataquery], field_options: FieldOptions) -> Panel:
        panel.title = self.texts(key)
        panel.description = self.texts(f"{key}.why")
        panel.targets = list(targets)
        panel.datasource = getattr(targets[0], "datasource", None)
        panel.interval = field_options.interval
        settings = panel.field_config or FieldConfigSource()
        panel.field_config = settings
        defaults = settings.defaults
        defaults.unit, defaults.decimals = field_options.unit, field_options.decimals
        defaults.min_val, defaults.max_val = field_options.min_value, field_options.max_value
        defaults.no_value = self.texts.no_value(key)
        defaults.mappings = list(field_options.mappings)
        defaults.links = [field_options.link] if field_options.link else None
        defaults.thresholds = ThresholdsConfig(
            mode=ThresholdsMode.ABSOLUTE, steps=list(field_options.thresholds or threshold_steps(NEUTRAL))
        )
        # A timeline coloured by thresholds would merge values of one colour, and then show the thresholds.
        palette = panel.type_val in {"timeseries", "barchart", "histogram"} or (
            panel.type_val == "state-timeline" and bool(field_options.mappings)
        )
        defaults.color = FieldColor(mode=FieldColorModeId.PALETTE_CLASSIC if palette else FieldColorModeId.THRESHOLDS)
        settings.overrides = [_override(name, found) for name, found in (field_options.overrides or {}).items()]
        if field_options.transformations:
            panel.transformations = [DataTransformerConfig(id_val=id_, options=dict(options))
                                     for id_, options in field_options.transformations]  # fmt: skip
        return panel

    def link(self, title: str, name: str, label: str = "portal") -> DashboardLink:
        """Return a link from a value to the dashboard *name* of the portal in its *label*, with range and variables."""
        url = self._portal_url(name, f"${{__field.labels.{label}}}")
        return DashboardLink(title=self.texts(title), type_val=DashboardLinkType.LINK, url=url)

    def row_link(self, title: str, name: str, column: str) -> Mapping[str, object]:
        """Return the same link from a cell of a table to the portal in *column* of its row."""
        url = self._portal_url(name, f"${{__data.fields.{column}}}")
        return {"links": [{"title": self.texts(title), "url": url}]}

    def _portal_url(self, name: str, portal: str) -> str:
        return f"/d/{uid(name, self.texts.language)}?var-portal={portal}&{LINK_VARIABLES}&{LINK_TIME_RANGE}"


def _override(name: str, properties: Mapping[str, object]) -> DashboardFieldConfigSourceOverrides:
    which = "byRegexp" if name.startswith("/") else "byName"
    return DashboardFieldConfigSourceOverrides(
        matcher=MatcherConfig(id_val=which, options=name),
        properties=[DynamicConfigValue(id_val=key, value=value) for key, value in properties.items()],
    )


def _time_series_panel(fill_opacity: int) -> timeseries.Panel:
    made = timeseries.Panel().fill_opacity(fill_opacity).span_nulls(False).show_points(VisibilityMode.AUTO)
    made.tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
    return made.legend(_legend())


def _legend(*, visible: bool = True) -> common.VizLegendOptions:
    made = common.VizLegendOptions().display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM)
    return made.show_legend(visible)


def _last_value(column: str = "") -> common.ReduceDataOptions:
    made = common.ReduceDataOptions().calcs(["lastNotNull"]).values(False)
    return made.fields(f"/^{column}$/") if column else made


def fixed_color(color: str) -> Mapping[str, object]:
    """Return the override that gives a series a fixed colour."""
    return {"color": {"mode": "fixed", "fixedColor": color}}


def join_by_field(by: str, names: Mapping[str, str]) -> list[tuple[str, Mapping[str, object]]]:
    """Join results to one table, a row for each value of *by*; *names*: column as queried -> text, in order."""
    return [
        ("joinByField", {"byField": by, "mode": "outer"}),
        *select_columns(names),
    ]


def select_columns(names: Mapping[str, str]) -> list[tuple[str, Mapping[str, object]]]:
    """Keep the columns in *names* (column as queried -> text), in their order."""
    return [
        ("filterFieldsByName", {"include": {"names": list(names)}}),
        ("organize", {"renameByName": names, "indexByName": {name: at for at, name in enumerate(names)}}),
    ]
