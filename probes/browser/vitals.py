"""What a visitor feels of one load, as pure functions of a recorded trace; never meets a browser.

Each value is defined in docs/vitals.md, with its differences from Lighthouse. Durations are seconds; times are seconds
after the navigation's start. What did not occur is None. Two values may be 0 and mean it: a page that painted and never
moved has a layout shift of 0, and one that was never busy for long has a blocking time of 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from probes.browser.network_log import NetworkRequest
from probes.browser.speed_index import speed_index
from probes.browser.trace_events import MainThreadTask, PageTrace, TraceEvent, read_trace

LONG_TASK_SECONDS = 0.050
"""A task blocks from here on: what a finger does is then felt late. The Long Tasks API's limit."""

QUIET_WINDOW_SECONDS = 5.0
"""So long must main thread and network be quiet together for a page to count as ready for use."""

MAX_QUIET_REQUESTS = 2
"""So many requests may be under way in a quiet window: a chat or a counter does not keep a page from being ready."""

MAX_SESSION_GAP_SECONDS, MAX_SESSION_SECONDS = 1.0, 5.0
"""A session of layout shifts ends after a second without one, and is never longer than five seconds."""

MAX_DESCRIPTION_LENGTH = 200
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
class LayoutShift:
    """One layout shift: ``score`` is the part of the screen that moved times how far, both as shares."""

    at_seconds: float
    score: float


def read_vitals(events: Iterable[TraceEvent], requests: Sequence[NetworkRequest] = ()) -> Vitals:
    """Compute all metrics of the last page in a trace.

    ``exchanges`` are the requests of the same load (:func:`probes.browser.network_log.read_exchanges`): they give the time to the
    first byte, and where blocking time ends. Raises :class:`probes.browser.trace_events.NoNavigation`,
    :class:`probes.browser.speed_index.BadPicture`, and ImportError without Pillow.
    """
    page = read_trace(events)
    fcp, dcl = (
        page.first_seconds_of("firstContentfulPaint"),
        page.first_seconds_of("domContentLoadedEventEnd", since_seconds=page.document_started_seconds),
    )
    largest = largest_contentful_paint(page)
    traffic = [each.relative_to(page.origin_seconds) for each in requests]
    return Vitals(
        fcp_seconds=fcp,
        lcp_seconds=page.seconds_of(largest) if largest else None,
        lcp_element=describe_element(page, largest) if largest else None,
        speed_index_seconds=speed_index(page.screenshots),
        tbt_seconds=None
        if fcp is None
        else total_blocking_time(page.tasks, fcp, time_to_interactive(page.tasks, traffic, fcp, dcl, page.end_seconds)),
        longest_task_seconds=max((task.duration_seconds for task in page.tasks), default=None),
        cls=None if fcp is None else cumulative_layout_shift(layout_shifts(page)),
        ttfb_seconds=time_to_first_byte(traffic),
        dcl_seconds=dcl,
        load_seconds=page.first_seconds_of("loadEventEnd", since_seconds=page.document_started_seconds),
        main_thread_seconds=sum(task.duration_seconds for task in page.tasks) if page.tasks else None,
    )


def largest_contentful_paint(page: PageTrace) -> TraceEvent | None:
    """The last candidate for the largest paint of the main frame, unless Chromium took it back afterwards."""
    names = {"largestContentfulPaint::Candidate", "largestContentfulPaint::Invalidate"}
    last = next((event for event in reversed(page.main_frame_events) if event["name"] in names), None)
    return last if last is not None and last["name"].endswith("Candidate") else None


def describe_element(page: PageTrace, candidate: TraceEvent) -> str:
    """The element of a candidate: its name, and the end of its address if it is a picture."""
    data: Mapping[str, Any] = candidate["args"].get("data") or {}
    name = str(data.get("nodeName") or data.get("type") or "element")
    address = ""
    for event in page.main_frame_events:
        if event["name"] == "LargestImagePaint::Candidate":
            picture = event["args"].get("data") or {}
            if picture.get("DOMNodeId") == data.get("nodeId"):
                address = str(picture.get("imageUrl") or "")
    file = "" if address.startswith("data:") else address.partition("?")[0].rstrip("/").rpartition("/")[2]
    return f"{name} {file}".strip()[:MAX_DESCRIPTION_LENGTH]


def time_to_first_byte(requests: Sequence[NetworkRequest]) -> float | None:
    """When the document's answer began; None when no document came."""
    documents = [each for each in requests if each.is_document and each.response_started_at is not None]
    return documents[-1].response_started_at if documents else None


def total_blocking_time(tasks: Iterable[MainThreadTask], start: float, end: float) -> float:
    """Sum of what tasks take beyond 50 ms between ``start`` (FCP) and ``end``; a task counts only inside of these."""
    inside = (min(task.end, end) - max(task.start, start) for task in tasks)
    return sum((seconds - LONG_TASK_SECONDS for seconds in inside if seconds > LONG_TASK_SECONDS), start=0.0)


def time_to_interactive(
    tasks: Sequence[MainThreadTask], requests: Sequence[NetworkRequest], fcp: float, dcl: float | None, end: float
) -> float:
    """When the page was ready for use (Time to Interactive): where blocking time stops counting.

    That is the start of the first stretch of five seconds without a long task, with at most two requests under way in
    it. What follows the trace's ``end`` is taken to be quiet: the rule for the end of a load saw to that.
    """
    busy = [(task.start, task.end) for task in tasks if task.duration_seconds >= LONG_TASK_SECONDS]
    calm = _gaps(busy, end + QUIET_WINDOW_SECONDS)
    slow = _busy_network_spans(requests, end)
    floor = max(fcp, dcl or 0.0)
    for start, stop in calm:
        for quiet_from, quiet_to in _gaps(slow, end + QUIET_WINDOW_SECONDS):
            shared = min(stop, quiet_to) - max(start, quiet_from)
            if shared >= QUIET_WINDOW_SECONDS and min(stop, quiet_to) > fcp + QUIET_WINDOW_SECONDS:
                return max(start, floor)
    return max(busy[-1][1] if busy else 0.0, floor)


def _gaps(spans: Sequence[tuple[float, float]], end: float) -> list[tuple[float, float]]:
    """The stretches between spans that are in order and do not overlap, up to ``end``."""
    edges = [0.0, *(edge for span in spans for edge in span), end]
    return [(start, stop) for start, stop in zip(edges[::2], edges[1::2], strict=True) if stop > start]


def _busy_network_spans(requests: Sequence[NetworkRequest], end: float) -> list[tuple[float, float]]:
    """The stretches with more than two fetches under way. Failed and other requests than GET do not count."""
    steps = sorted(
        step
        for each in requests
        if each.method == "GET" and each.ok and each.ended_at is not None
        for step in ((each.started_at, 1), (each.ended_at, -1))
    )
    spans: list[tuple[float, float]] = []
    under_way, since = 0, 0.0
    for at, step in steps:
        before, under_way = under_way, under_way + step
        if before == MAX_QUIET_REQUESTS and step > 0:
            since = at
        elif before == MAX_QUIET_REQUESTS + 1 and step < 0:
            spans.append((since, min(at, end)))
    return spans


def layout_shifts(page: PageTrace) -> list[LayoutShift]:
    """The shifts of the page and the frames in it, by time.

    Chromium marks some of them as following an input. Nobody touches the page during a load: what it takes for one is
    the emulated screen's first layout, so they count like the others.
    """
    return [
        LayoutShift(at_seconds=page.seconds_of(event), score=float(data["weighted_score_delta"]))
        for event in page.frame_tree_events
        if event["name"] == "LayoutShift" and "weighted_score_delta" in (data := event["args"].get("data") or {})
    ]


def cumulative_layout_shift(shifts: Iterable[LayoutShift]) -> float:
    """Cumulative Layout Shift: the greatest sum of one session of shifts (in order of time); 0 without any."""
    worst = total = 0.0
    first = previous = float("-inf")
    for shift in shifts:
        if shift.at_seconds - previous > MAX_SESSION_GAP_SECONDS or shift.at_seconds - first > MAX_SESSION_SECONDS:
            first, total = shift.at_seconds, 0.0
        previous = shift.at_seconds
        total += shift.score
        worst = max(worst, total)
    return worst
