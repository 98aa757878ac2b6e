"""The page-complete check: a pure rule over the recorded activity of a page; does not wait itself.

Lighthouse (throttling by DevTools) waits 5.25 s after the load event, the first paint and the last network activity,
and then, because it starts to record long tasks only now, 5.25 s more. Nearly always nothing more happens in that time,
and a shorter wait gives the same result. So :data:`QUIET_SECONDS` without activity end a load, unless the page has
pending work: a timer is due, an animation runs, a request is open. Then the load lasts until that is done, or until the
page has been loaded for :data:`MAX_ACTIVE_SECONDS`. docs/vitals.md describes what this costs and what it misses.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

QUIET_SECONDS = 2.0
"""Seconds without activity after which a load without pending work is complete."""

MAX_ACTIVE_SECONDS = 4.0
"""Longest wait for pending work in seconds, after the page was loaded and had painted."""

POST_TIMER_SECONDS = 0.5
"""Seconds after a timer fires in which its work becomes visible."""

MAX_OPEN_REQUESTS = 2
"""Requests that may stay open: long polls and counters. An open request is pending work, not activity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageActivity:
    """Hold the activity of a load until ``now``. All times are seconds of one clock; None: it has not happened.

    ``last_request``: when a request last started or ended. ``last_long_task``: when the last long task ended.
    ``last_paint``: the last visible change (largest paint, layout shift). ``next_timer``: when the page's next timer
    fires, or ``now`` while an animation runs.
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
    """Return the seconds until the load is complete if nothing more happens: 0 if it is, None while it cannot end.

    A load without a first paint, a load event or DOMContentLoaded cannot end (its deadline ends it), nor one with more
    than two open requests.
    """
    milestones = (activity.fcp, activity.dcl, activity.loaded)
    reached = [at for at in milestones if at is not None]
    if len(reached) < len(milestones) or activity.open_requests > MAX_OPEN_REQUESTS:
        return None
    ready_at = max(reached)
    times = (ready_at, activity.last_request, activity.last_long_task, activity.last_paint)
    end = max(at for at in times if at is not None) + QUIET_SECONDS
    if activity.open_requests:
        end = max(end, ready_at + MAX_ACTIVE_SECONDS)
    elif activity.next_timer is not None and activity.next_timer <= ready_at + MAX_ACTIVE_SECONDS:
        end = max(end, min(activity.next_timer + POST_TIMER_SECONDS, ready_at + MAX_ACTIVE_SECONDS))
    return max(0.0, end - activity.now)


def activity_script() -> str:
    """Return the JavaScript to run before the page's own: it records long tasks, paints and timers."""
    return _read_script("activity.js")


def activity_now_script() -> str:
    """Return a JavaScript expression: ``{"busy", "painted", "due"}``, seconds ago, ago and ahead; null for none."""
    return _read_script("activity_now.js")


def _read_script(name: str) -> str:
    return (Path(__file__).parent / "scripts" / name).read_text(encoding="utf-8")
