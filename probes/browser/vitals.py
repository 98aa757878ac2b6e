"""What a visitor feels of one load, as pure functions of a recorded trace; never meets a browser.

Each value is defined in docs/vitals.md, with its differences from Lighthouse. Durations are seconds; times are seconds
after the navigation's start. What did not occur is None. Two values may be 0 and mean it: a page that painted and never
moved has a layout shift of 0, and one that was never busy for long has a blocking time of 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from probes.browser.network_log import Exchange
from probes.browser.speed_index import speed_index
from probes.browser.trace_events import Event, PageTrace, Task, read_trace

LONG_TASK = 0.050
"""A task blocks from here on: what a finger does is then felt late. The Long Tasks API's limit."""

QUIET_WINDOW = 5.0
"""So long must main thread and network be quiet together for a page to count as ready for use."""

QUIET_REQUESTS = 2
"""So many requests may be under way in a quiet window: a chat or a counter does not keep a page from being ready."""

SESSION_GAP, SESSION_LENGTH = 1.0, 5.0
"""A session of layout shifts ends after a second without one, and is never longer than five seconds."""

DESCRIBED = 200
"""Characters of a description at most: a page may name its elements at any length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """The metrics of one load. ``lcp_element`` describes the largest element, such as ``IMG hero.jpg`` or ``H1``."""

    fcp_seconds: float | None
    lcp_seconds: float | None
    lcp_element: str | None
    speed_index_seconds: float | None
    tbt_seconds: float | None
    longest_task_seconds: float | None
    cls: float | None
    ttfb_seconds: float | None
    dcl_seconds: float | None
    load_seconds: float | None
    main_thread_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """One layout shift: ``score`` is the part of the screen that moved times how far, both as shares."""

    at: float
    score: float


def read_vitals(events: Iterable[Event], exchanges: Sequence[Exchange] = ()) -> Vitals:
    """Compute all metrics of the last page in a trace.

    ``exchanges`` are the requests of the same load (:func:`probes.browser.network_log.read_exchanges`): they give the time to the
    first byte, and where blocking time ends. Raises :class:`probes.browser.trace_events.NoNavigation`,
    :class:`probes.browser.speed_index.BadPicture`, and ImportError without Pillow.
    """
    page = read_trace(events)
    fcp, dcl = page.first("firstContentfulPaint"), page.first("domContentLoadedEventEnd", since=page.begun)
    largest = largest_paint(page)
    traffic = [each.moved(page.origin) for each in exchanges]
    return Vitals(
        fcp_seconds=fcp,
        lcp_seconds=page.at(largest) if largest else None,
        lcp_element=describe(page, largest) if largest else None,
        speed_index_seconds=speed_index(page.shots),
        tbt_seconds=None
        if fcp is None
        else blocking_time(page.tasks, fcp, ready(page.tasks, traffic, fcp, dcl, page.end)),
        longest_task_seconds=max((task.seconds for task in page.tasks), default=None),
        cls=None if fcp is None else layout_shift(layout_shifts(page)),
        ttfb_seconds=first_byte(traffic),
        dcl_seconds=dcl,
        load_seconds=page.first("loadEventEnd", since=page.begun),
        main_thread_seconds=sum(task.seconds for task in page.tasks) if page.tasks else None,
    )


def largest_paint(page: PageTrace) -> Event | None:
    """The last candidate for the largest paint of the main frame, unless Chromium took it back afterwards."""
    names = {"largestContentfulPaint::Candidate", "largestContentfulPaint::Invalidate"}
    last = next((event for event in reversed(page.events) if event["name"] in names), None)
    return last if last is not None and last["name"].endswith("Candidate") else None


def describe(page: PageTrace, candidate: Event) -> str:
    """The element of a candidate: its name, and the end of its address if it is a picture."""
    data: Mapping[str, Any] = candidate["args"].get("data") or {}
    name = str(data.get("nodeName") or data.get("type") or "element")
    address = ""
    for event in page.events:
        if event["name"] == "LargestImagePaint::Candidate":
            picture = event["args"].get("data") or {}
            if picture.get("DOMNodeId") == data.get("nodeId"):
                address = str(picture.get("imageUrl") or "")
    file = "" if address.startswith("data:") else address.partition("?")[0].rstrip("/").rpartition("/")[2]
    return f"{name} {file}".strip()[:DESCRIBED]


def first_byte(exchanges: Sequence[Exchange]) -> float | None:
    """When the document's answer began; None when no document came."""
    documents = [each for each in exchanges if each.document and each.answered is not None]
    return documents[-1].answered if documents else None


def blocking_time(tasks: Iterable[Task], start: float, end: float) -> float:
    """Sum of what tasks take beyond 50 ms between ``start`` (FCP) and ``end``; a task counts only inside of these."""
    inside = (min(task.end, end) - max(task.start, start) for task in tasks)
    return sum((seconds - LONG_TASK for seconds in inside if seconds > LONG_TASK), start=0.0)


def ready(tasks: Sequence[Task], exchanges: Sequence[Exchange], fcp: float, dcl: float | None, end: float) -> float:
    """When the page was ready for use (Time to Interactive): where blocking time stops counting.

    That is the start of the first stretch of five seconds without a long task, with at most two requests under way in
    it. What follows the trace's ``end`` is taken to be quiet: the rule for the end of a load saw to that.
    """
    busy = [(task.start, task.end) for task in tasks if task.seconds >= LONG_TASK]
    calm = _gaps(busy, end + QUIET_WINDOW)
    slow = _crowded(exchanges, end)
    floor = max(fcp, dcl or 0.0)
    for start, stop in calm:
        for quiet_from, quiet_to in _gaps(slow, end + QUIET_WINDOW):
            shared = min(stop, quiet_to) - max(start, quiet_from)
            if shared >= QUIET_WINDOW and min(stop, quiet_to) > fcp + QUIET_WINDOW:
                return max(start, floor)
    return max(busy[-1][1] if busy else 0.0, floor)


def _gaps(spans: Sequence[tuple[float, float]], end: float) -> list[tuple[float, float]]:
    """The stretches between spans that are in order and do not overlap, up to ``end``."""
    edges = [0.0, *(edge for span in spans for edge in span), end]
    return [(start, stop) for start, stop in zip(edges[::2], edges[1::2], strict=True) if stop > start]


def _crowded(exchanges: Sequence[Exchange], end: float) -> list[tuple[float, float]]:
    """The stretches with more than two fetches under way. Failed and other requests than GET do not count."""
    steps = sorted(
        step
        for each in exchanges
        if each.method == "GET" and each.ok and each.ended is not None
        for step in ((each.started, 1), (each.ended, -1))
    )
    spans: list[tuple[float, float]] = []
    under_way, since = 0, 0.0
    for at, step in steps:
        before, under_way = under_way, under_way + step
        if before == QUIET_REQUESTS and step > 0:
            since = at
        elif before == QUIET_REQUESTS + 1 and step < 0:
            spans.append((since, min(at, end)))
    return spans


def layout_shifts(page: PageTrace) -> list[Shift]:
    """The shifts of the page and the frames in it, by time.

    Chromium marks some of them as following an input. Nobody touches the page during a load: what it takes for one is
    the emulated screen's first layout, so they count like the others.
    """
    return [
        Shift(at=page.at(event), score=float(data["weighted_score_delta"]))
        for event in page.tree
        if event["name"] == "LayoutShift" and "weighted_score_delta" in (data := event["args"].get("data") or {})
    ]


def layout_shift(shifts: Iterable[Shift]) -> float:
    """Cumulative Layout Shift: the greatest sum of one session of shifts (in order of time); 0 without any."""
    worst = total = 0.0
    first = previous = float("-inf")
    for shift in shifts:
        if shift.at - previous > SESSION_GAP or shift.at - first > SESSION_LENGTH:
            first, total = shift.at, 0.0
        previous = shift.at
        total += shift.score
        worst = max(worst, total)
    return worst
