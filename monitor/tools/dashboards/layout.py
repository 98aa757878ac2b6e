"""A dashboard as a whole: rows of panels on the grid, variables in a chain, links, annotations, one JSON text."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import (
    AnnotationContainer,
    Dashboard,
    DashboardCursorSync,
    DashboardDashboardTemplating,
    DashboardDashboardTime,
    DashboardLink,
    DashboardLinkType,
    GridPos,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grafana_foundation_sdk.models.dashboard import AnnotationQuery, Panel, VariableModel

    from monitor.tools.dashboards.texts import Say

COLUMNS = 24
TAG = "portal-monitor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Panels side by side, each with its width in columns, all of one ``height``."""

    height: int
    panels: Sequence[tuple[int, Panel]]


def in_rows(panels: Sequence[Panel], each: int = 4, height: int = 3) -> list[Row]:
    """Single numbers, ``each`` of them side by side, so that their titles are not cut on a small screen."""
    width = COLUMNS // each
    rows = [panels[first : first + each] for first in range(0, len(panels), each)]
    return [Row(height=height, panels=[(width, panel) for panel in row]) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One dashboard. ``name`` makes its uid and its file, ``since`` the range it opens with."""

    name: str
    rows: Sequence[Row]
    variables: Sequence[VariableModel]
    annotations: Sequence[AnnotationQuery]
    since: str = "now-6h"
    refresh: str = "1m"
    links: Sequence[DashboardLink] = field(default_factory=tuple)


def uid(name: str, language: str) -> str:
    """The fixed uid of a dashboard; alerts and bookmarks rely on it."""
    return f"{TAG}-{name}-{language}"


def place(rows: Sequence[Row]) -> list[Panel]:
    """The panels with their places and ids, row below row. Raises ValueError for a row that is too wide."""
    placed: list[Panel] = []
    top = 0
    for row in rows:
        left = 0
        for width, panel in row.panels:
            panel.grid_pos = GridPos(h=row.height, w=width, x=left, y=top)
            panel.id_val = len(placed) + 1
            placed.append(panel)
            left += width
        if left > COLUMNS:
            raise ValueError(f"{row.panels[0][1].title!r} begins a row of {left} columns, {COLUMNS} are the most")
        top += row.height
    return placed


def text(page: Page, say: Say) -> str:
    """The JSON file of a dashboard."""
    made = Dashboard(
        uid=uid(page.name, say.language),
        title=say(f"{page.name}.title"),
        description=say(f"{page.name}.question"),
        tags=[TAG, say.language],
        editable=False,
        graph_tooltip=DashboardCursorSync.CROSSHAIR,
        time=DashboardDashboardTime(from_val=page.since, to="now"),
        refresh=page.refresh,
        schema_version=39,
        links=[_siblings(say), *page.links],
        templating=DashboardDashboardTemplating(list_val=list(page.variables)),
        annotations=AnnotationContainer(list_val=list(page.annotations)),
        panels=list(place(page.rows)),
    )
    told = json.loads(json.dumps(made, cls=JSONEncoder)) | {"id": None}
    return json.dumps(told, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _siblings(say: Say) -> DashboardLink:
    return DashboardLink(
        title=say("link.dashboards"),
        type_val=DashboardLinkType.DASHBOARDS,
        tags=[TAG, say.language],
        as_dropdown=True,
        include_vars=True,
        keep_time=True,
        icon="dashboard",
    )


def outside(title: str, url: str, *, keep: bool = False) -> DashboardLink:
    """A link to a page beside Grafana; ``keep`` hands over range and variables."""
    return DashboardLink(
        title=title,
        type_val=DashboardLinkType.LINK,
        url=url,
        target_blank=True,
        icon="external link",
        include_vars=keep,
        keep_time=keep,
    )
