"""Puts the DevTools events of one load together to requests with their ends; weighs nothing.

A recorded event is what DevTools sent: ``{"method": "Network.requestWillBeSent", "params": {...}}``. Times are seconds
of the machine's monotonic clock until :meth:`Exchange.moved` sets them after the navigation's start.
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
"""What DevTools calls a resource, and under which name its bytes are counted; the rest is ``other``."""

MIN_ERROR_STATUS = 400
"""From here on the server itself says that it failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkRequest:
    """One request and what became of it; each step of a redirect is one.

    ``answered`` is when the head of the answer arrived, ``ended`` when its last byte did or it failed; None when that
    never happened. ``document``: it was for the page itself. ``ok``: it ended without failing and with a status below
    400. ``held``: our own blocking stopped it. ``sent`` bytes travelled, ``decoded`` bytes came out of them.
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
        """The same with its times counted from ``origin``."""
        return dataclasses.replace(
            self,
            started_at=self.started_at - origin,
            response_started_at=None if self.response_started_at is None else self.response_started_at - origin,
            ended_at=None if self.ended_at is None else self.ended_at - origin,
        )


def read_network_log(events: Iterable[DevToolsEvent]) -> list[NetworkRequest]:
    """All requests that went over the network, in the order in which they started.

    ``data:``, ``blob:`` and the like move nothing and are left out, and so is what Chromium's memory served again.
    """
    done: list[NetworkRequest] = []
    under_way: dict[str, NetworkRequest] = {}
    frame = ""
    for message in events:
        method, params = str(message["method"]), message["params"]
        number = str(params.get("requestId", ""))
        if method == "Network.requestWillBeSent":
            frame = frame or str(params.get("frameId", ""))
            if (before := under_way.pop(number, None)) is not None:
                done.append(_request_redirected(before, params))
            if str(params["request"]["url"]).startswith(("http:", "https:")):
                under_way[number] = _request_sent(number, params, frame)
        elif method == "Network.requestServedFromCache":
            under_way.pop(number, None)
        elif (exchange := under_way.get(number)) is not None:
            under_way[number] = _apply_event(exchange, method, params)
    return sorted([*done, *under_way.values()], key=lambda exchange: exchange.started_at)


def _request_sent(request_id: str, params: Mapping[str, Any], main_frame_id: str) -> NetworkRequest:
    sort = str(params.get("type", ""))
    # A document's request carries the number of the document itself; only the first frame's is the page.
    document = sort == "Document" and params.get("frameId") == main_frame_id and params.get("loaderId") == request_id
    return NetworkRequest(
        id=request_id,
        url=str(params["request"]["url"]),
        method=str(params["request"]["method"]),
        resource_type=RESOURCE_TYPES.get(sort, "other"),
        is_document=document,
        started_at=float(params["timestamp"]),
    )


def _request_redirected(request: NetworkRequest, params: Mapping[str, Any]) -> NetworkRequest:
    """A request that was answered by sending the browser elsewhere: it ended when the next one began."""
    answer: Mapping[str, Any] = params.get("redirectResponse") or {}
    now = float(params["timestamp"])
    return dataclasses.replace(
        request,
        response_started_at=now,
        ended_at=now,
        status=int(answer.get("status", 0)) or None,
        ok=True,
        transferred_bytes=int(answer.get("encodedDataLength", 0)),
    )


def _apply_event(request: NetworkRequest, method: str, params: Mapping[str, Any]) -> NetworkRequest:
    """What one more event about a request adds to it."""
    if method == "Network.responseReceived":
        answer: Mapping[str, Any] = params["response"]
        return dataclasses.replace(
            request,
            response_started_at=float(params["timestamp"]),
            status=int(answer["status"]),
            resource_type=RESOURCE_TYPES.get(str(params.get("type", "")), request.resource_type),
            transferred_bytes=max(request.transferred_bytes, int(answer.get("encodedDataLength", 0))),
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
        said = str(params.get("errorText", ""))
        ours = "BLOCKED_BY_CLIENT" in said or "NETWORK_ACCESS_DENIED" in said
        held = ours or params.get("blockedReason") == "inspector"
        return dataclasses.replace(request, ended_at=float(params["timestamp"]), blocked_by_prober=held)
    return request
