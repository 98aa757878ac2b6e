"""Layout of a dashboard: rows of panels on the grid, variables in a chain, links, annotations, one JSON text."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grafana_foundation_sdk.models.dashboard import AnnotationQuery, DashboardLink, Panel, VariableModel

    from monitor.tools.dashboards.texts import DashboardTexts

GRID_COLUMNS = 24
TAG = "portal-monitor"


@dataclass(frozen=True, slots=True)
class PanelRow:
    """Panels side by side, each with its width in columns, all of one ``height``."""

    height: int
    panels: Sequence[tuple[int, Panel]]


def wrap_panels(panels: Sequence[Panel], per_row: int = 4, height: int = 3) -> list[PanelRow]:
    """Wrap stat panels into rows of *per_row*, so that their titles are not cut on a small screen."""
    width = GRID_COLUMNS // per_row
    rows = [panels[first : first + per_row] for first in range(0, len(panels), per_row)]
    return [PanelRow(height, [(width, panel) for panel in row]) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardSpec:
    """One dashboard. ``name`` makes its uid and its file; ``time_from`` begins the initial range."""

    name: str
    rows: Sequence[PanelRow]
    variables: Sequence[VariableModel]
    annotations: Sequence[AnnotationQuery]
    time_from: str = "now-6h"
    refresh: str = "1m"
    links: Sequence[DashboardLink] = field(default_factory=tuple)


def uid(name: str, language: str) -> str:
    """Return the fixed uid of a dashboard; links of alerts rely on it."""
    return f"{TAG}-{name}-{language}"


def layout_panels(rows: Sequence[PanelRow]) -> list[Panel]:
    """Return the panels with grid positions and ids, row below row. Raises ValueError for a row that is too wide."""
    placed: list[Panel] = []
    top = 0
    for row in rows:
        left = 0
        for width, panel in row.panels:
            panel.grid_pos = model.GridPos(h=row.height, w=width, x=left, y=top)
            panel.id_val = len(placed) + 1
            placed.append(panel)
            left += width
        if left > GRID_COLUMNS:
            title = row.panels[0][1].title
            raise ValueError(f"{title!r} begins a row of {left} columns; the maximum is {GRID_COLUMNS}")
        top += row.height
    return placed


def dashboard_json(spec: DashboardSpec, texts: DashboardTexts) -> str:
    """Return the content of a dashboard's JSON file."""
    dashboard = model.Dashboard(
        uid=uid(spec.name, texts.language),
        title=texts(f"{spec.name}.title"),
        description=texts(f"{spec.name}.question"),
        tags=[TAG, texts.language],
        editable=False,
        graph_tooltip=model.DashboardCursorSync.CROSSHAIR,
        time=model.DashboardDashboardTime(from_val=spec.time_from, to="now"),
        refresh=spec.refresh,
        schema_version=39,
        links=[_other_dashboards_link(texts), *spec.links],
        templating=model.DashboardDashboardTemplating(list_val=list(spec.variables)),
        annotations=model.AnnotationContainer(list_val=list(spec.annotations)),
        panels=list(layout_panels(spec.rows)),
    )
    content = json.loads(json.dumps(dashboard, cls=JSONEncoder)) | {"id": None}
    return json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _other_dashboards_link(texts: DashboardTexts) -> DashboardLink:
    return model.DashboardLink(
        title=texts("link.dashboards"), type_val=model.DashboardLinkType.DASHBOARDS, tags=[TAG, texts.language],
        as_dropdown=True, include_vars=True, keep_time=True, icon="dashboard",
    )  # fmt: skip


def external_link(title: str, url: str) -> DashboardLink:
    """Return a link to a page outside Grafana."""
    link = model.DashboardLinkType.LINK
    return model.DashboardLink(title=title, type_val=link, url=url, target_blank=True, icon="external link")
