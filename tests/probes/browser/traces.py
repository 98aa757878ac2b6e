"""Makes traces and DevTools events for the tests, in the shape that Chromium gives them."""

from __future__ import annotations

import base64
import io
from typing import Any

from PIL import Image

FRAME, CHILD = "MAIN", "CHILD"
ORIGIN = 5_000_000
"""When the navigation starts, in microseconds of the machine's clock."""

Made = dict[str, Any]


def event(name: str, at: float, *, frame: str = FRAME, data: Made | None = None, **more: object) -> Made:
    """An event of a frame, ``at`` seconds after the navigation's start."""
    return {
        "name": name,
        "ts": ORIGIN + round(at * 1e6),
        "pid": 7,
        "tid": 1,
        "args": {"frame": frame, "data": data or {}},
    } | more


def navigation(at: float = 0.0, url: str = "https://a.example/", **more: object) -> Made:
    return event("navigationStart", at, data={"documentLoaderURL": url, "isOutermostMainFrame": True}, **more)


def task(start: float, end: float, **more: object) -> Made:
    return event("RunTask", start, dur=round((end - start) * 1e6), args={}, **more)


def shift(at: float, score: float, *, recent: bool = False, frame: str = FRAME) -> Made:
    return event("LayoutShift", at, frame=frame, data={"weighted_score_delta": score, "had_recent_input": recent})


def frames() -> Made:
    """The event by which the browser names the traced frame."""
    data = {"frames": [{"frame": FRAME, "processId": 7}]}
    return {"name": "TracingStartedInBrowser", "ts": 1_000, "pid": 1, "tid": 1, "args": {"data": data}}


def child(at: float = 0.1) -> Made:
    """A frame inside of the main frame, in a process of its own."""
    data = {"frame": CHILD, "parent": FRAME, "processId": 8}
    return event("FrameCommittedInBrowser", at, args={"data": data}, pid=1)


def page(*events: Made) -> list[Made]:
    """A trace of one page with an FCP at 1 s and DOMContentLoaded at 0.5 s."""
    usual = [event("domLoading", 0.1), event("domContentLoadedEventEnd", 0.5), event("firstContentfulPaint", 1.0)]
    return [frames(), navigation(), *usual, *events]


def jpeg(colour: str = "white", filled: float = 0.0, ink: str = "red") -> bytes:
    """An image of 64 x 64 whose lower part, a share of ``filled``, is of ``ink``."""
    image = Image.new("RGB", (64, 64), colour)
    image.paste(Image.new("RGB", (64, round(64 * filled)), ink), (0, 64 - round(64 * filled)))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=95, subsampling=0)
    return out.getvalue()


def screenshot(at: float, jpeg_bytes: bytes) -> Made:
    return {"name": "Screenshot", "ts": ORIGIN + round(at * 1e6), "pid": 1, "tid": 1} | {
        "args": {"snapshot": base64.b64encode(jpeg_bytes).decode()}
    }


def sent(
    number: str, url: str, at: float, *, resource_type: str = "Script", frame: str = FRAME, **more: object
) -> Made:
    params = {
        "requestId": number,
        "loaderId": number if resource_type == "Document" else "1",
        "frameId": frame,
        "type": resource_type,
        "timestamp": at,
        "request": {"url": url, "method": "GET"},
    }
    return {"method": "Network.requestWillBeSent", "params": params | more}


def answered(number: str, at: float, *, status: int = 200, resource_type: str = "Script", head: int = 100) -> Made:
    response = {"status": status, "encodedDataLength": head}
    params = {"requestId": number, "timestamp": at, "type": resource_type, "response": response}
    return {"method": "Network.responseReceived", "params": params}


def data(number: str, decoded: int, encoded: int = 0) -> Made:
    params = {"requestId": number, "dataLength": decoded, "encodedDataLength": encoded}
    return {"method": "Network.dataReceived", "params": params}


def finished(number: str, at: float, total: int) -> Made:
    return {
        "method": "Network.loadingFinished",
        "params": {"requestId": number, "timestamp": at, "encodedDataLength": total},
    }


def failed(number: str, at: float, **more: object) -> Made:
    params = {"requestId": number, "timestamp": at, "errorText": "net::ERR_FAILED"}
    return {"method": "Network.loadingFailed", "params": params | more}


def whole(number: str, url: str, at: float, total: int, *, resource_type: str = "Script") -> list[Made]:
    """All events of a request that went well and took 0.5 s."""
    return [
        sent(number, url, at, resource_type=resource_type),
        answered(number, at + 0.2, resource_type=resource_type),
        data(number, 3 * total),
        finished(number, at + 0.5, total),
    ]
