"""Keeps a recorded load small: the events that the metrics read, compressed; reads it back for the tests."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from probes.browser.speed_index import histogram, visual_progress
from probes.browser.trace_events import read_trace

HERE = Path(__file__).parent
LARGEST = 150 * 1024
"""Bytes of a stored load at most."""

FINE = 0.05
"""Steps up to here leave the Speed Index as it was, to a percent or so."""

NAMED = {
    *("TracingStartedInBrowser", "FrameCommittedInBrowser", "navigationStart", "domLoading", "viewport"),
    *(
        "domContentLoadedEventEnd",
        "loadEventEnd",
        "firstContentfulPaint",
        "LayoutShift",
        "LargestImagePaint::Candidate",
    ),
    *("largestContentfulPaint::Candidate", "largestContentfulPaint::Invalidate", "Screenshot"),
}
MESSAGES = ("Network.", "Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
DROPPED = {"headers", "headersText", "securityDetails", "initiator", "requestHeaders", "timing", "stackTrace"}
"""What no metric reads of a DevTools event, and what is most of it."""


@dataclass(frozen=True, kw_only=True)
class Golden:
    """A load of ``page``: trace events, DevTools events, and Lighthouse's values of them (seconds, and the shift).

    ``step`` is by how much of its progress a frame of the filmstrip differs from the next.
    """

    page: str
    url: str
    events: list[dict[str, Any]]
    messages: list[dict[str, Any]]
    lighthouse: dict[str, float]
    step: float = 0.0


def names() -> list[str]:
    return sorted(file.name.removesuffix(".json.gz") for file in HERE.glob("*.json.gz"))


def load(name: str) -> Golden:
    return Golden(**json.loads(gzip.decompress((HERE / f"{name}.json.gz").read_bytes())))


def save(golden: Golden) -> int:
    """Write it and return its size in bytes. Raises ValueError when it is too large to be kept.

    Of the filmstrip stay the frames in which the page's progress differs by a percent from the one before: dropping the
    others changes no Speed Index. Where that is too much to keep, the steps become coarser.
    """
    messages = [slim(message) for message in golden.messages if message["method"].startswith(MESSAGES)]
    data = b""
    for percents in (1, 5, 10, 25):
        kept = golden.__dict__ | {
            "events": slim_events(golden.events, percents / 100),
            "messages": messages,
            "step": percents / 100,
        }
        data = gzip.compress(json.dumps(kept, separators=(",", ":")).encode(), 9, mtime=0)
        if len(data) <= LARGEST:
            (HERE / f"{golden.page}.json.gz").write_bytes(data)
            return len(data)
    raise ValueError(f"{golden.page} takes {len(data)} bytes")


def kept_times(events: list[dict[str, Any]], step: float) -> set[float]:
    """Times (seconds after the navigation's start) of the frames that stay."""
    shots = read_trace(events).screenshots
    kept: set[float] = set()
    before = -1.0
    for at, share in visual_progress([(shot.at_seconds, histogram(shot.jpeg)) for shot in shots]):
        if abs(share - before) >= step - 1e-9:
            kept.add(at)
            before = share
    return kept | {shots[-1].at_seconds}


def slim_events(events: list[dict[str, Any]], step: float) -> list[dict[str, Any]]:
    """The named events, the tasks of the pages' own threads and, so that the end stays the end, the last event."""
    threads = {(event["pid"], event["tid"]) for event in events if event["name"] == "navigationStart"}
    last = max(events, key=lambda event: event["ts"] + event.get("dur", 0))
    page, times = read_trace(events), kept_times(events, step)

    def wanted(event: dict[str, Any]) -> bool:
        if event["name"] == "Screenshot":
            return min((abs(page.seconds_of(event) - at) for at in times), default=1.0) < 1e-6
        task = event["name"] == "RunTask" and (event["pid"], event["tid"]) in threads and event.get("dur")
        return event["name"] in NAMED or bool(task) or event is last

    return [
        {key: event[key] for key in ("name", "ts", "dur", "pid", "tid", "args") if event.get(key)}
        for event in events
        if wanted(event)
    ]


def slim(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        return {key: slim(inner) for key, inner in value.items() if key not in DROPPED}
    return [slim(inner) for inner in value] if isinstance(value, list) else value
