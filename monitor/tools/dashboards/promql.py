"""PromQL that several dashboards share: the state of a portal as a number, what the variables choose, quantiles."""

from __future__ import annotations

from monitor.model.records import State
from monitor.tools.dashboards.mappings import STATE_STYLES

SELECTED = 'portal=~"$portal",location=~"$location"'
"""The portals and locations of the variables."""

HOME_CHECK = f'check="uptime",{SELECTED}'
"""The minute-by-minute look at their home pages."""

WITH_NAME = "on (portal) group_left (name) topk by (portal) (1, max by (portal, name) (portal_monitor_portal_info))"
"""Right side of a product with 1 that adds the name, also while two daemons tell two names."""


def _state(state: State, extra_selector: str = "") -> str:
    return f'portal_monitor_portal_state{{state="{state}",{SELECTED}{extra_selector}}}'


def worst_state(by: str = "portal") -> str:
    """The worst state over locations as its code; of each location with ``by`` of ``portal, location``."""
    parts = " or ".join(f"{_state(state)} * {look.code}" for state, look in STATE_STYLES.items())
    return f"max by ({by}) ({parts})"


def count_in_state(state: State) -> str:
    """How many of the chosen portals are in a state at some location, 0 included."""
    return f"count(max by (portal) ({_state(state)}) == 1) or vector(0)"


def last_state_change(hours: int = 6) -> str:
    """When each state that holds now began, in unix time; absent where that was more than ``hours`` ago."""
    every = f"portal_monitor_portal_state{{{SELECTED}}}"
    ended = f"max by (portal, location, state) (max_over_time(timestamp({every} == 0)[{hours}h:1m]))"
    return f"{ended} and on (portal, location, state) ({every} == 1)"


def portal_quantile(series: str, quantile: float, selector: str, by: str = "portal") -> str:
    """A quantile over portals, each by its worst check and location."""
    return f"quantile({quantile}, max by ({by}) ({series}{{{selector}}}))"


def histogram_quantile(series: str, quantile: float, selector: str = 'instance=~"$instance"') -> str:
    """A quantile out of a histogram of the daemon."""
    return (
        f"histogram_quantile({quantile}, sum by (instance, le) (rate({series}_bucket{{{selector}}}[$__rate_interval])))"
    )
