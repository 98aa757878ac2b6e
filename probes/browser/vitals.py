"""Web Vitals and further metrics of one load, as pure functions of a recorded trace; needs no browser.

Each value is defined in docs/vitals.md, with its differences from Lighthouse. Durations are seconds; times are seconds
after the navigation's start. What did not occur is None. Two values may be a true 0: a page that painted and never
moved has a layout shift of 0, and one without long tasks has a blocking time of 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from probes.browser.network_log import NetworkRequest
from probes.browser.speed_index import speed_index
from probes.browser.trace_events import MainThreadTask, PageTrace, TraceEvent, read_trace

LONG_TASK_SECONDS = 0.050
"""A longer task blocks input noticeably; the limit of the Long Tasks API."""

QUIET_WINDOW_SECONDS = 5.0
"""Time for which main thread and network must be quiet together for a page to be interactive."""

MAX_QUIET_REQUESTS = 2
"""Open requests allowed in a quiet window: a chat or a counter does not delay interactivity."""

MAX_SESSION_GAP_SECONDS, MAX_SESSION_SECONDS = 1.0, 5.0
"""A session of layout shifts ends after a second without one, and is never longer than five seconds."""

MAX_DESCRIPTION_LENGTH = 200
"""Longest description in characters: a page may name its elements at any length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """Hold the metrics of one load. ``lcp_element`` describes the largest element, e.g. ``IMG hero.jpg`` or ``H1``."""

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
    """Hold one layout shift: ``score`` is the share of the screen that moved times the share of the distance."""

    at_seconds: float
    score: float


def read_vitals(events: Iterable[TraceEvent], requests: Sequence[NetworkRequest] = ()) -> Vitals:
    """Compute all metrics of the last page in a trace.

    *requests* are those of the same load (:func:`probes.browser.network_log.read_network_log`): they give the time to
    first byte and the end of the blocking time. Raises :class:`probes.browser.trace_events.NoNavigation`,
    :class:`probes.browser.speed_index.InvalidScreenshot`, and ImportError without Pillow.
    """
    page = read_trace(events)
    fcp = page.first_seconds_of("firstContentfulPaint")
    dcl = page.first_seconds_of("domContentLoadedEventEnd", since_seconds=page.document_started_seconds)
    largest = largest_contentful_paint(page)
    traffic = [each.relative_to(page.origin_seconds) for each in requests]
    tbt = None
    if fcp is not None:
        interactive = time_to_interactive(page.tasks, traffic, fcp, dcl, page.end_seconds)
        tbt = total_blocking_time(page.tasks, fcp, interactive)
    return Vitals(
        fcp_seconds=fcp,
        lcp_seconds=page.seconds_of(largest) if largest else None,
        lcp_element=describe_element(page, largest) if largest else None,
        speed_index_seconds=speed_index(page.screenshots),
        tbt_seconds=tbt,
        longest_task_seconds=max((task.duration_seconds for task in page.tasks), default=None),
        cls=None if fcp is None else cumulative_layout_shift(layout_shifts(page)),
        ttfb_seconds=time_to_first_byte(traffic),
        dcl_seconds=dcl,
        load_seconds=page.first_seconds_of("loadEventEnd", since_seconds=page.document_started_seconds),
        main_thread_seconds=sum(task.duration_seconds for task in page.tasks) if page.tasks else None,
    )


def largest_contentful_paint(page: PageTrace) -> TraceEvent | None:
    """Return the last LCP candidate of the main frame, unless Chromium invalidated it afterwards."""
    names = {"largestContentfulPaint::Candidate", "largestContentfulPaint::Invalidate"}
    last = next((event for event in reversed(page.main_frame_events) if event["name"] in names), None)
    return last if last is not None and last["name"].endswith("Candidate") else None


def describe_element(page: PageTrace, candidate: TraceEvent) -> str:
    """Describe the element of a candidate: its name, and the last part of its URL if it is an image."""
    data: Mapping[str, Any] = candidate["args"].get("data") or {}
    name = str(data.get("nodeName") or data.get("type") or "element")
    url = ""
    for event in page.main_frame_events:
        if event["name"] == "LargestImagePaint::Candidate":
            image = event["args"].get("data") or {}
            if image.get("DOMNodeId") == data.get("nodeId"):
                url = str(image.get("imageUrl") or "")
    file = "" if url.startswith("data:") else url.partition("?")[0].rstrip("/").rpartition("/")[2]
    return f"{name} {file}".strip()[:MAX_DESCRIPTION_LENGTH]


def time_to_first_byte(requests: Sequence[NetworkRequest]) -> float | None:
    """Return when the document's response began; None without a document."""
    documents = [each for each in requests if each.is_document and each.response_started_at is not None]
    return documents[-1].response_started_at if documents else None


def total_blocking_time(tasks: Iterable[MainThreadTask], start: float, end: float) -> float:
    """Sum the time of tasks beyond 50 ms between *start* (FCP) and *end*; only the part inside counts."""
    inside = (min(task.end, end) - max(task.start, start) for task in tasks)
    return sum((seconds - LONG_TASK_SECONDS for seconds in inside if seconds > LONG_TASK_SECONDS), start=0.0)


def time_to_interactive(
    tasks: Sequence[MainThreadTask], requests: Sequence[NetworkRequest], fcp: float, dcl: float | None, end: float
) -> float:
    """Return the Time to Interactive, where blocking time stops counting.

    That is the start of the first five seconds without a long task and with at most two open requests. The time after
    the trace's *end* counts as quiet: the page-complete check made sure of that.
    """
    busy = [(task.start, task.end) for task in tasks if task.duration_seconds >= LONG_TASK_SECONDS]
    busy_network = _busy_network_spans(requests, end)
    earliest = max(fcp, dcl or 0.0)
    for start, stop in _gaps(busy, end + QUIET_WINDOW_SECONDS):
        for quiet_from, quiet_to in _gaps(busy_network, end + QUIET_WINDOW_SECONDS):
            shared = min(stop, quiet_to) - max(start, quiet_from)
            if shared >= QUIET_WINDOW_SECONDS and min(stop, quiet_to) > fcp + QUIET_WINDOW_SECONDS:
                return max(start, earliest)
    return max(busy[-1][1] if busy else 0.0, earliest)


def _gaps(spans: Sequence[tuple[float, float]], end: float) -> list[tuple[float, float]]:
    """Return the gaps between ordered spans that do not overlap, up to *end*."""
    edges = [0.0, *(edge for span in spans for edge in span), end]
    return [(start, stop) for start, stop in zip(edges[::2], edges[1::2], strict=True) if stop > start]


def _busy_network_spans(requests: Sequence[NetworkRequest], end: float) -> list[tuple[float, float]]:
    """Return the spans with more than two open GET requests. Failed requests and other methods do not count."""
    steps = sorted(
        step
        for each in requests
        if each.method == "GET" and each.ok and each.ended_at is not None
        for step in ((each.started_at, 1), (each.ended_at, -1))
    )
    spans: list[tuple[float, float]] = []
    open_requests, since = 0, 0.0
    for at, step in steps:
        before, open_requests = open_requests, open_requests + step
        if before == MAX_QUIET_REQUESTS and step > 0:
            since = at
        elif before == MAX_QUIET_REQUESTS + 1 and step < 0:
            spans.append((since, min(at, end)))
    return spans


def layout_shifts(page: PageTrace) -> list[LayoutShift]:
    """Return the layout shifts of the page and its frames, by time.

    Chromium marks some of them as following an input. A load has no input: Chromium counts the emulated screen's first
    layout as one, so these shifts count like the others.
    """
    return [
        LayoutShift(at_seconds=page.seconds_of(event), score=float(data["weighted_score_delta"]))
        for event in page.frame_tree_events
        if event["name"] == "LayoutShift" and "weighted_score_delta" in (data := event["args"].get("data") or {})
    ]


def cumulative_layout_shift(shifts: Iterable[LayoutShift]) -> float:
    """Return the Cumulative Layout Shift: the greatest sum of one session of shifts (by time); 0 without any."""
    worst = total = 0.0
    first = previous = float("-inf")
    for shift in shifts:
        if shift.at_seconds - previous > MAX_SESSION_GAP_SECONDS or shift.at_seconds - first > MAX_SESSION_SECONDS:
            first, total = shift.at_seconds, 0.0
        previous = shift.at_seconds
        total += shift.score
        worst = max(worst, total)
    return worst
