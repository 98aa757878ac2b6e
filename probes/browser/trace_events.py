"""Read a recorded Chromium trace and extract the events of one load of one page; computes no metric.

Times of a trace are microseconds of the machine's monotonic clock; here they become seconds after the navigation
started. The names of the events and their fields are those of Chromium 156.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

TraceEvent = Mapping[str, Any]
"""One event as DevTools delivers it in ``Tracing.dataCollected``."""

CATEGORIES = (
    "-*",
    "loading",  # paints, largest paints, layout shifts, the viewport
    "blink.user_timing",  # navigation start, DOMContentLoaded, load
    "disabled-by-default-devtools.timeline",  # the tasks of each thread, the frames of the page
    "disabled-by-default-devtools.screenshot",  # the filmstrip for the Speed Index
)
"""All that the metrics need. Each further category costs time inside the page and so changes the measured values."""

DEVTOOLS_CATEGORIES = (
    *CATEGORIES,
    "devtools.timeline",
    "disabled-by-default-devtools.timeline.frame",
    "v8.execute",
    "latencyInfo",
)
"""For a trace to open in DevTools: the same, with the work inside each task."""


class NoNavigation(ValueError):
    """Report that the trace holds no page: no navigation, or only an error page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MainThreadTask:
    """Hold one task of the page's main thread, from ``start`` to ``end`` in seconds after the navigation's start.

    A task that was running at that moment counts only with its rest.
    """

    start: float
    end: float

    @property
    def duration_seconds(self) -> float:
        """Return its duration."""
        return self.end - self.start


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceScreenshot:
    """Hold the screen ``at_seconds`` after the navigation's start, as a JPEG of at most 500 x 500 px."""

    at_seconds: float
    jpeg: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class PageTrace:
    """Hold the events of one load in a trace.

    ``origin_seconds`` is the navigation's start on the monotonic clock, which DevTools' ``timestamp`` uses too.
    ``main_frame_events`` are the named events of the main frame, ``frame_tree_events`` those of the main frame and
    every frame in it, both by time and none before the origin. ``tasks`` do not overlap. ``screenshots`` has no equal
    neighbours. ``end_seconds`` is the end of the trace.
    """

    origin_seconds: float
    main_frame_events: tuple[TraceEvent, ...]
    frame_tree_events: tuple[TraceEvent, ...]
    tasks: tuple[MainThreadTask, ...]
    screenshots: tuple[TraceScreenshot, ...]
    end_seconds: float

    def seconds_of(self, event: TraceEvent) -> float:
        """Return the event's time in seconds after the navigation's start."""
        return float(event["ts"]) / 1e6 - self.origin_seconds

    def first_seconds_of(self, name: str, *, since_seconds: float = 0.0) -> float | None:
        """Return the time of the main frame's first event *name* at or after *since_seconds*; None without one."""
        times = (self.seconds_of(event) for event in self.main_frame_events if event["name"] == name)
        return next((at for at in times if at >= since_seconds), None)

    @property
    def document_started_seconds(self) -> float:
        """Return when parsing of the page's own document began. Earlier events may belong to the empty document."""
        started = (self.seconds_of(event) for event in self.main_frame_events if event["name"] == "domLoading")
        return max(started, default=0.0)


def read_trace(events: Iterable[TraceEvent]) -> PageTrace:
    """Find the page in the events of a trace, given in any order.

    The page is the last document that the main frame navigated to, so a redirect by script restarts the clock, as in
    Lighthouse. Raises :class:`NoNavigation`.
    """
    ordered = sorted((event for event in events if event.get("ts")), key=lambda event: int(event["ts"]))
    frame = _main_frame(ordered)
    start = _navigation(ordered, frame)
    origin = int(start["ts"])
    frames = _frame_tree(ordered, frame)
    named = [(event, _frame_of(event)) for event in ordered if int(event["ts"]) >= origin and event.get("args")]
    return PageTrace(
        origin_seconds=origin / 1e6,
        main_frame_events=tuple(event for event, owner in named if owner == frame),
        frame_tree_events=tuple(event for event, owner in named if owner in frames),
        tasks=tuple(_tasks(ordered, (start["pid"], start["tid"]), origin)),
        screenshots=tuple(_screenshots(ordered, origin)),
        end_seconds=max((int(event["ts"]) + int(event.get("dur", 0)) - origin) / 1e6 for event in ordered),
    )


def _frame_of(event: TraceEvent) -> str | None:
    """Return the frame of an event, which Chromium stores in three places."""
    arguments: Mapping[str, Any] = event["args"]
    data = arguments.get("data")
    inner = data if isinstance(data, Mapping) else {}
    frame = inner.get("frame") or inner.get("frameID") or arguments.get("frame")
    return frame if isinstance(frame, str) else None


def _is_page(event: TraceEvent) -> bool:
    """Return whether the event is a main frame's navigation to a page that is neither empty nor an error page."""
    if event["name"] != "navigationStart":
        return False
    data: Mapping[str, Any] = event.get("args", {}).get("data") or {}
    url = str(data.get("documentLoaderURL") or "about:")
    return bool(data.get("isOutermostMainFrame")) and not url.startswith(("about:", "chrome-error:"))


def _main_frame(events: Sequence[TraceEvent]) -> str:
    """Return the traced tab's main frame: named by the browser when the trace began, else by the last navigation."""
    for event in events:
        if event["name"] == "TracingStartedInBrowser":
            frames: list[Mapping[str, Any]] = event["args"]["data"].get("frames") or []
            for frame in frames:
                if not frame.get("parent"):
                    return str(frame["frame"])
    for event in reversed(events):
        if _is_page(event) and (found := _frame_of(event)):
            return found
    raise NoNavigation("nothing was navigated to while the trace was recorded")


def _navigation(events: Sequence[TraceEvent], frame: str) -> TraceEvent:
    for event in reversed(events):
        if _is_page(event) and _frame_of(event) == frame:
            return event
    raise NoNavigation("the main frame never reached a page")


def _frame_tree(events: Sequence[TraceEvent], frame: str) -> frozenset[str]:
    """Return the main frame and all frames below it; a frame is committed after its parent."""
    found = {frame}
    for event in events:
        if event["name"] in {"FrameCommittedInBrowser", "TracingStartedInBrowser"}:
            data: Mapping[str, Any] = event["args"]["data"]
            for each in data.get("frames") or [data]:
                if each.get("parent") in found:
                    found.add(str(each["frame"]))
    return frozenset(found)


def _tasks(events: Sequence[TraceEvent], thread: tuple[int, int], origin: int) -> Iterator[MainThreadTask]:
    """Yield the top-level tasks of one thread. A task that Chromium reports as overlapping the next ends there."""
    spans = [
        (int(event["ts"]), int(event["ts"]) + int(event["dur"]))
        for event in events
        if event["name"] == "RunTask" and event.get("dur") and (event["pid"], event["tid"]) == thread
    ]
    for index, (start, end) in enumerate(spans):
        limit = spans[index + 1][0] if index + 1 < len(spans) else end
        if end > origin:
            yield MainThreadTask(start=max(start - origin, 0) / 1e6, end=(min(end, limit) - origin) / 1e6)


def _screenshots(events: Sequence[TraceEvent], origin: int) -> Iterator[TraceScreenshot]:
    previous = ""
    for event in events:
        if event["name"] == "Screenshot" and int(event["ts"]) >= origin:
            snapshot = str(event["args"].get("snapshot", ""))
            if snapshot and snapshot != previous:
                previous = snapshot
                try:
                    jpeg = base64.b64decode(snapshot, validate=True)
                except binascii.Error:
                    continue
                yield TraceScreenshot(at_seconds=(int(event["ts"]) - origin) / 1e6, jpeg=jpeg)
