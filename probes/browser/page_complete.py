"""Decides when a load is over: a pure rule over what was seen so far; waits for nothing itself.

Lighthouse (throttling by DevTools) waits 5.25 s after the load event, the first paint and the last busy moment of the
network, and then, because its eye for long tasks opens only now, 5.25 s more. Nearly always nothing more happens in
that time, and then a shorter wait sees the same. So :data:`CALM` seconds without a sign of life end a load, unless the
page itself says that it has more in store: a timer is due, an animation runs, a request is open. Then the load lasts
until that has happened, or until the page has been loaded for :data:`PATIENCE` seconds. docs/vitals.md tells what this
costs and what it misses.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

QUIET_SECONDS = 2.0
"""Seconds without a sign of life after which a load is over that has nothing more in store."""

MAX_ACTIVE_SECONDS = 4.0
"""Seconds after it was loaded and had painted for which a page is waited for because it has more in store."""

TIMER_SETTLE_SECONDS = 0.5
"""Seconds that a timer's work gets to show itself."""

MAX_OPEN_REQUESTS = 2
"""So many requests may stay open for ever: long polls and counters. Open ones are more in store, not a sign of life."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageActivity:
    """What is known of a load at ``now``. All times are seconds of one clock; None means that it has not happened.

    ``dcl``, ``loaded``, ``fcp``: the page's events. ``network``: when a request last started or ended, ``in_flight``
    how many are open now. ``busy``: when the last long task ended. ``painted``: the last change of the page seen
    (largest paint, layout shift). ``due``: when the page's next timer fires, or ``now`` while an animation runs.
    """

    now: float
    fcp: float | None = None
    dcl: float | None = None
    loaded: float | None = None
    last_request: float | None = None
    open_requests: int = 0
    last_long_task: float | None = None
    last_paint: float | None = None
    next_timer: float | None = None


def seconds_to_complete(activity: PageActivity) -> float | None:
    """Seconds that the load lasts yet if nothing more happens: 0 when it is over, None while it cannot end.

    A load without a first paint, a load event or DOMContentLoaded cannot end (its deadline ends it), nor one with more
    than two requests open.
    """
    if (
        activity.fcp is None
        or activity.dcl is None
        or activity.loaded is None
        or activity.open_requests > MAX_OPEN_REQUESTS
    ):
        return None
    stood = max(activity.fcp, activity.dcl, activity.loaded)
    signs = (stood, activity.last_request, activity.last_long_task, activity.last_paint)
    end = max(sign for sign in signs if sign is not None) + QUIET_SECONDS
    if activity.open_requests:
        end = max(end, stood + MAX_ACTIVE_SECONDS)
    elif activity.next_timer is not None and activity.next_timer <= stood + MAX_ACTIVE_SECONDS:
        end = max(end, min(activity.next_timer + TIMER_SETTLE_SECONDS, stood + MAX_ACTIVE_SECONDS))
    return max(0.0, end - activity.now)


def activity_script() -> str:
    """JavaScript to run before any of the page's: it notes long tasks, paints and when the page's timers are due."""
    return _read_script("signs.js")


def activity_now_script() -> str:
    """JavaScript expression: ``{"busy", "painted", "due"}``, seconds ago, ago and ahead of now; null for none."""
    return _read_script("signs_now.js")


def _read_script(name: str) -> str:
    return (Path(__file__).parent / "scripts" / name).read_text(encoding="utf-8")
