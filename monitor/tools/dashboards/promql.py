"""PromQL that dashboards share: the state of a portal as a number, the selectors of the variables, quantiles."""

from __future__ import annotations

from monitor.model.records import State
from monitor.tools.dashboards.mappings import STATE_STYLES

SELECTED = 'portal=~"$portal",location=~"$location"'
"""The portals and locations of the variables."""

HOME_CHECK = f'check="uptime",{SELECTED}'
"""The minute-by-minute probe of their home pages."""

WITH_NAME = "on (portal) group_left (name) topk by (portal) (1, max by (portal, name) (portal_monitor_portal_info))"
"""Right side of a multiplication by 1 that adds the name, also while two daemons expose two names."""


def _state(state: State) -> str:
    return f'portal_monitor_portal_state{{state="{state}",{SELECTED}}}'


def worst_state(by: str = "portal") -> str:
    """Return the worst state over locations as its code; with *by* ``portal, location``, that of each location."""
    parts = " or ".join(f"{_state(state)} * {style.code}" for state, style in STATE_STYLES.items())
    return f"max by ({by}) ({parts})"


def count_in_state(state: State) -> str:
    """Count the chosen portals that are in *state* at some location, 0 included."""
    return f"count(max by (portal) ({_state(state)}) == 1) or vector(0)"


def last_state_change() -> str:
    """Return when each current state began, in unix time; absent where that was more than six hours ago."""
    every = f"portal_monitor_portal_state{{{SELECTED}}}"
    ended = f"max by (portal, location, state) (max_over_time(timestamp({every} == 0)[6h:1m]))"
    return f"{ended} and on (portal, location, state) ({every} == 1)"


def portal_quantile(series: str, quantile: float, selector: str) -> str:
    """Return a quantile over portals, each by its worst check and location."""
    return f"quantile({quantile}, max by (portal) ({series}{{{selector}}}))"


def histogram_quantile(series: str, quantile: float) -> str:
    """Return a quantile of a histogram of the chosen daemons."""
    rate = f'rate({series}_bucket{{instance=~"$instance"}}[$__rate_interval])'
    return f"histogram_quantile({quantile}, sum by (instance, le) ({rate}))"
