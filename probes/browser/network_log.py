"""Puts the DevTools events of one load together to requests with their ends; weighs nothing.

A recorded event is what DevTools sent: ``{"method": "Network.requestWillBeSent", "params": {...}}``. Times are seconds
of the machine's monotonic clock until :meth:`Exchange.moved` sets them after the navigation's start.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Message = Mapping[str, Any]
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

SORTS = {"Document": "html", "Script": "script", "Stylesheet": "style", "Image": "image", "Font": "font"}
"""What DevTools calls a resource, and under which name its bytes are counted; the rest is ``other``."""

BAD_STATUS = 400
"""From here on the server itself says that it failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and what became of it; each step of a redirect is one.

    ``answered`` is when the head of the answer arrived, ``ended`` when its last byte did or it failed; None when that
    never happened. ``document``: it was for the page itself. ``ok``: it ended without failing and with a status below
    400. ``held``: our own blocking stopped it. ``sent`` bytes travelled, ``decoded`` bytes came out of them.
    """

    id: str
    url: str
    method: str
    sort: str
    document: bool
    started: float
    answered: float | None = None
    ended: float | None = None
    status: int | None = None
    ok: bool = False
    held: bool = False
    sent: int = 0
    decoded: int = 0

    def moved(self, origin: float) -> Exchange:
        """The same with its times counted from ``origin``."""
        return dataclasses.replace(
            self,
            started=self.started - origin,
            answered=None if self.answered is None else self.answered - origin,
            ended=None if self.ended is None else self.ended - origin,
        )


def read_exchanges(messages: Iterable[Message]) -> list[Exchange]:
    """All requests that went over the network, in the order in which they started.

    ``data:``, ``blob:`` and the like move nothing and are left out, and so is what Chromium's memory served again.
    """
    done: list[Exchange] = []
    under_way: dict[str, Exchange] = {}
    frame = ""
    for message in messages:
        method, params = str(message["method"]), message["params"]
        number = str(params.get("requestId", ""))
        if method == "Network.requestWillBeSent":
            frame = frame or str(params.get("frameId", ""))
            if (before := under_way.pop(number, None)) is not None:
                done.append(_redirected(before, params))
            if str(params["request"]["url"]).startswith(("http:", "https:")):
                under_way[number] = _started(number, params, frame)
        elif method == "Network.requestServedFromCache":
            under_way.pop(number, None)
        elif (exchange := under_way.get(number)) is not None:
            under_way[number] = _step(exchange, method, params)
    return sorted([*done, *under_way.values()], key=lambda exchange: exchange.started)


def _started(number: str, params: Mapping[str, Any], frame: str) -> Exchange:
    sort = str(params.get("type", ""))
    # A document's request carries the number of the document itself; only the first frame's is the page.
    document = sort == "Document" and params.get("frameId") == frame and params.get("loaderId") == number
    return Exchange(
        id=number,
        url=str(params["request"]["url"]),
        method=str(params["request"]["method"]),
        sort=SORTS.get(sort, "other"),
        document=document,
        started=float(params["timestamp"]),
    )


def _redirected(exchange: Exchange, params: Mapping[str, Any]) -> Exchange:
    """A request that was answered by sending the browser elsewhere: it ended when the next one began."""
    answer: Mapping[str, Any] = params.get("redirectResponse") or {}
    now = float(params["timestamp"])
    return dataclasses.replace(
        exchange,
        answered=now,
        ended=now,
        status=int(answer.get("status", 0)) or None,
        ok=True,
        sent=int(answer.get("encodedDataLength", 0)),
    )


def _step(exchange: Exchange, method: str, params: Mapping[str, Any]) -> Exchange:
    """What one more event about a request adds to it."""
    if method == "Network.responseReceived":
        answer: Mapping[str, Any] = params["response"]
        return dataclasses.replace(
            exchange,
            answered=float(params["timestamp"]),
            status=int(answer["status"]),
            sort=SORTS.get(str(params.get("type", "")), exchange.sort),
            sent=max(exchange.sent, int(answer.get("encodedDataLength", 0))),
        )
    if method == "Network.dataReceived":
        return dataclasses.replace(
            exchange,
            decoded=exchange.decoded + int(params["dataLength"]),
            sent=exchange.sent + int(params["encodedDataLength"]),
        )
    if method == "Network.loadingFinished":
        return dataclasses.replace(
            exchange,
            ended=float(params["timestamp"]),
            ok=(exchange.status or 0) < BAD_STATUS,
            sent=max(exchange.sent, int(params["encodedDataLength"])),
        )
    if method == "Network.loadingFailed":
        said = str(params.get("errorText", ""))
        ours = "BLOCKED_BY_CLIENT" in said or "NETWORK_ACCESS_DENIED" in said
        held = ours or params.get("blockedReason") == "inspector"
        return dataclasses.replace(exchange, ended=float(params["timestamp"]), held=held)
    return exchange
