"""The network log of one load: DevTools events combined to requests; computes no weight.

A recorded event is what DevTools sent: ``{"method": "Network.requestWillBeSent", "params": {...}}``. Times are seconds
of the machine's monotonic clock until :meth:`NetworkRequest.relative_to` converts them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

DevToolsEvent = Mapping[str, Any]
"""One recorded DevTools event: ``method`` and ``params``."""

NETWORK_EVENTS = (
    "Network.requestWillBeSent",
    "Network.requestServedFromCache",
    "Network.responseReceived",
    "Network.dataReceived",
    "Network.loadingFinished",
    "Network.loadingFailed",
)
"""The events to record, with ``Network.enable``."""

RESOURCE_TYPES = {"Document": "html", "Script": "script", "Stylesheet": "style", "Image": "image", "Font": "font"}
"""DevTools resource type to the name under which its bytes are counted; the rest is ``other``."""

MIN_ERROR_STATUS = 400
"""Lowest status code of a failed request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkRequest:
    """Hold one request and its result; each step of a redirect is a request.

    ``response_started_at`` is when the response headers arrived, ``ended_at`` when the last byte did or the request
    failed; None if that never happened. ``is_document``: it was for the page itself. ``ok``: it ended without an error
    and with a status below 400. ``blocked_by_prober``: the prober's own blocking stopped it.
    """

    id: str
    url: str
    method: str
    resource_type: str
    is_document: bool
    started_at: float
    response_started_at: float | None = None
    ended_at: float | None = None
    status: int | None = None
    ok: bool = False
    blocked_by_prober: bool = False
    transferred_bytes: int = 0
    decoded_bytes: int = 0

    def relative_to(self, origin: float) -> NetworkRequest:
        """Return a copy with times relative to *origin*."""
        return dataclasses.replace(
            self,
            started_at=self.started_at - origin,
            response_started_at=None if self.response_started_at is None else self.response_started_at - origin,
            ended_at=None if self.ended_at is None else self.ended_at - origin,
        )


def read_network_log(events: Iterable[DevToolsEvent]) -> list[NetworkRequest]:
    """Return all requests that used the network, in the order in which they started.

    ``data:``, ``blob:`` and similar URLs and responses from Chromium's memory cache are excluded.
    """
    done: list[NetworkRequest] = []
    running: dict[str, NetworkRequest] = {}
    frame = ""
    for message in events:
        method, params = str(message["method"]), message["params"]
        request_id = str(params.get("requestId", ""))
        if method == "Network.requestWillBeSent":
            frame = frame or str(params.get("frameId", ""))
            if (redirected := running.pop(request_id, None)) is not None:
                done.append(_request_redirected(redirected, params))
            if str(params["request"]["url"]).startswith(("http:", "https:")):
                running[request_id] = _request_sent(request_id, params, frame)
        elif method == "Network.requestServedFromCache":
            running.pop(request_id, None)
        elif (request := running.get(request_id)) is not None:
            running[request_id] = _apply_event(request, method, params)
    return sorted([*done, *running.values()], key=lambda request: request.started_at)


def _request_sent(request_id: str, params: Mapping[str, Any], main_frame_id: str) -> NetworkRequest:
    resource_type = str(params.get("type", ""))
    # A document's request has the id of the document itself; only that of the first frame is the page.
    is_main = params.get("frameId") == main_frame_id and params.get("loaderId") == request_id
    return NetworkRequest(
        id=request_id,
        url=str(params["request"]["url"]),
        method=str(params["request"]["method"]),
        resource_type=RESOURCE_TYPES.get(resource_type, "other"),
        is_document=resource_type == "Document" and is_main,
        started_at=float(params["timestamp"]),
    )


def _request_redirected(request: NetworkRequest, params: Mapping[str, Any]) -> NetworkRequest:
    """Return *request* as redirected: it ended when the next one started."""
    response: Mapping[str, Any] = params.get("redirectResponse") or {}
    now = float(params["timestamp"])
    return dataclasses.replace(
        request,
        response_started_at=now,
        ended_at=now,
        status=int(response.get("status", 0)) or None,
        ok=True,
        transferred_bytes=int(response.get("encodedDataLength", 0)),
    )


def _apply_event(request: NetworkRequest, method: str, params: Mapping[str, Any]) -> NetworkRequest:
    """Return *request* updated by one more event."""
    if method == "Network.responseReceived":
        response: Mapping[str, Any] = params["response"]
        return dataclasses.replace(
            request,
            response_started_at=float(params["timestamp"]),
            status=int(response["status"]),
            resource_type=RESOURCE_TYPES.get(str(params.get("type", "")), request.resource_type),
            transferred_bytes=max(request.transferred_bytes, int(response.get("encodedDataLength", 0))),
        )
    if method == "Network.dataReceived":
        return dataclasses.replace(
            request,
            decoded_bytes=request.decoded_bytes + int(params["dataLength"]),
            transferred_bytes=request.transferred_bytes + int(params["encodedDataLength"]),
        )
    if method == "Network.loadingFinished":
        return dataclasses.replace(
            request,
            ended_at=float(params["timestamp"]),
            ok=(request.status or 0) < MIN_ERROR_STATUS,
            transferred_bytes=max(request.transferred_bytes, int(params["encodedDataLength"])),
        )
    if method == "Network.loadingFailed":
        error = str(params.get("errorText", ""))
        blocked = "BLOCKED_BY_CLIENT" in error or "NETWORK_ACCESS_DENIED" in error
        blocked = blocked or params.get("blockedReason") == "inspector"
        return dataclasses.replace(request, ended_at=float(params["timestamp"]), blocked_by_prober=blocked)
    return request
